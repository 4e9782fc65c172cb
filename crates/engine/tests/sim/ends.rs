//! How connections, and servers, come to their end.

use std::time::Duration;

use landline_engine::protocol::Ended;
use landline_engine::sim::{Seen, SimOptions};

use crate::script::{each_seed, limits, sim};

const GRACE: Duration = Duration::from_secs(5);

#[test]
fn a_reset_ends_the_connection_at_once_and_its_service_is_told_once() {
    each_seed(|options| {
        let mut sim = sim(options);
        let (peer, stalled) = (sim.connect(), sim.connect());
        sim.stall(stalled, true);
        sim.send(stalled, b"many 200\n");
        sim.run();
        let ids = [sim.id(peer).unwrap(), sim.id(stalled).unwrap()];
        for (peer, id) in [peer, stalled].into_iter().zip(ids) {
            sim.reset(peer);
            sim.run();
            assert_eq!(
                sim.ended(peer),
                Some(Ended::Reset),
                "also where nothing is read at the moment"
            );
            assert_eq!(sim.service().left.iter().filter(|left| **left == id).count(), 1);
        }
        assert_eq!(sim.report().broken, 2);
    });
}

#[test]
fn a_peer_that_talks_on_after_our_end_is_listened_to_in_bounds() {
    each_seed(|options| {
        let conn = limits(|limits| limits.linger_bytes = 5000);
        let mut sim = sim(SimOptions { conn, ..options });
        let (silent, talker) = (sim.connect(), sim.connect());
        sim.send(silent, b"bye\n");
        sim.send(talker, b"bye\n");
        sim.run();
        sim.send(talker, &[b'x'; 4000]);
        sim.run();
        assert_eq!(sim.ended(talker), None);
        sim.send(talker, &[b'x'; 4000]);
        sim.run();
        assert_eq!(sim.ended(talker), Some(Ended::Finished));
        assert_eq!(sim.ended(silent), None);
        sim.advance(Duration::from_secs(2));
        assert_eq!(
            sim.ended(silent),
            Some(Ended::Finished),
            "its time to linger is over"
        );
    });
}

#[test]
fn who_talks_on_after_the_lingering_loses_what_it_has_not_read() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peer = sim.connect();
        sim.stall(peer, true);
        sim.send(peer, b"bye\n");
        sim.run();
        sim.advance(Duration::from_secs(2));
        assert_eq!(sim.ended(peer), Some(Ended::Finished));
        sim.send(peer, b"still talking\n");
        sim.run();
        sim.stall(peer, false);
        sim.run();
        assert_eq!(
            (sim.received(peer), sim.seen(peer)),
            (&b""[..], Some(Seen::Reset))
        );
    });
}

#[test]
fn an_abort_throws_away_what_is_queued() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peer = sim.connect();
        sim.stall(peer, true);
        sim.send(peer, b"many 30\nabort\n");
        sim.run();
        sim.stall(peer, false);
        sim.run();
        assert_eq!(sim.ended(peer), Some(Ended::Aborted("told to")));
        assert_eq!(sim.seen(peer), Some(Seen::Reset));
        assert!(sim.received(peer).len() < 30_000);
    });
}

#[test]
fn a_stopping_server_lets_everybody_finish_and_lets_nobody_in() {
    each_seed(|options| {
        let mut sim = sim(options);
        let (peer, slow) = (sim.connect(), sim.connect());
        sim.send(peer, b"hello\n");
        sim.stall(slow, true);
        sim.send(slow, b"many 100\n");
        sim.run();
        sim.stop();
        let late = sim.connect();
        sim.finish(peer);
        sim.run();
        assert_eq!(sim.received(peer), b"hello\ngoodbye\n");
        assert_eq!(sim.ended(peer), Some(Ended::Finished));
        assert_eq!(sim.seen(late), Some(Seen::Reset));
        assert!(!sim.is_stopped(), "one reads still");
        sim.stall(slow, false);
        sim.finish(slow);
        sim.run();
        assert!(sim.is_stopped());
        assert!(sim.received(slow).ends_with(b"x\ngoodbye\n"));
        let report = sim.report();
        assert_eq!(
            (report.accepted, report.refused, report.finished, report.stopped),
            (2, 1, 2, 0)
        );
    });
}

#[test]
fn who_does_not_finish_in_the_grace_is_cut_off() {
    each_seed(|options| {
        let mut sim = sim(SimOptions {
            grace: GRACE,
            ..options
        });
        let (stubborn, stalled) = (sim.connect(), sim.connect());
        sim.send(stubborn, b"stubborn\n");
        sim.stall(stalled, true);
        sim.send(stalled, b"many 100\n");
        sim.run();
        sim.stop();
        sim.run();
        sim.send(stubborn, b"still there?\n");
        sim.run();
        assert_eq!(sim.received(stubborn), b"still there?\n");
        sim.advance(GRACE - sim_latencies(3));
        assert!(!sim.is_stopped());
        sim.advance(sim_latencies(3));
        assert!(sim.is_stopped());
        for peer in [stubborn, stalled] {
            assert_eq!(sim.ended(peer), Some(Ended::Stopped));
        }
        assert_eq!(sim.report().stopped, 2);
        assert_eq!(sim.service().left.len(), 2);
    });
}

/// The longest that so many things on their way, one after the other, take.
fn sim_latencies(count: u32) -> Duration {
    SimOptions::default().latency * count
}
