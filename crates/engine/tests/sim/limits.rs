//! Timeouts and bounds.

use std::time::Duration;

use landline_engine::protocol::{Ended, Pace};
use landline_engine::sim::{Seen, Sim, SimOptions};

use crate::script::{Script, each_seed, limits, sim};

const IDLE: Duration = Duration::from_secs(10);

fn with_idle(mut options: SimOptions) -> SimOptions {
    options.conn.idle = Some(IDLE);
    options
}

#[test]
fn a_silent_connection_ends_after_the_idle_time_and_not_before() {
    each_seed(|options| {
        let mut sim = sim(with_idle(options));
        let peer = sim.connect();
        sim.send(peer, b"hello\n");
        sim.run();
        sim.advance(IDLE - Duration::from_millis(200));
        assert_eq!(sim.ended(peer), None);
        sim.advance(Duration::from_millis(200));
        assert_eq!(sim.ended(peer), Some(Ended::Idle));
        assert_eq!(sim.received(peer), b"hello\n");
    });
}

#[test]
fn a_slow_reader_is_not_idle_and_one_that_stops_reading_is() {
    each_seed(|options| {
        let mut sim = sim(SimOptions {
            send_buffer: 1000,
            ..with_idle(options)
        });
        let peer = sim.connect();
        sim.stall(peer, true);
        sim.send(peer, b"many 50\n");
        sim.run();
        for _ in 0..10 {
            sim.allow(peer, 500);
            sim.advance(IDLE * 6 / 10);
            assert_eq!(sim.ended(peer), None);
        }
        assert_eq!(sim.received(peer).len(), 5000);
        sim.advance(IDLE);
        assert_eq!(sim.ended(peer), Some(Ended::Idle));
        assert_eq!(sim.seen(peer), Some(Seen::Reset));
    });
}

#[test]
fn who_is_told_more_than_it_reads_is_cut_off() {
    each_seed(|options| {
        let conn = limits(|limits| limits.output_max = 3000);
        let mut sim = sim(SimOptions {
            conn,
            send_buffer: 1000,
            ..options
        });
        let peer = sim.connect();
        sim.stall(peer, true);
        sim.run();
        let mut told = 0;
        while sim.ended(peer).is_none() {
            sim.command(peer, vec![b'x'; 499]);
            sim.run();
            told += 500;
            assert!(told <= 3000 + 1000 + 1000, "{told} bytes were queued");
        }
        assert_eq!(sim.ended(peer), Some(Ended::Overrun));
        assert!(told > 4000, "{told} bytes may well wait");
    });
}

#[test]
fn a_pace_is_kept_and_what_is_beyond_it_waits_with_the_peer() {
    each_seed(|options| {
        let every = Duration::from_secs(1);
        let pace = Pace {
            burst: 3,
            every,
            bytes: None,
            lifetime: None,
        };
        let mut sim = Sim::new(Script::paced(pace), options);
        let peer = sim.connect();
        sim.send(peer, &b"x\n".repeat(5));
        sim.send(peer, b"last");
        sim.finish(peer);
        sim.run();
        assert_eq!(sim.received(peer), b"x\n".repeat(3));
        sim.advance(every + Duration::from_millis(100));
        assert_eq!(sim.received(peer), b"x\n".repeat(4));
        sim.advance(every);
        assert_eq!(sim.received(peer), b"x\n".repeat(5));
        assert_eq!(sim.seen(peer), None);
        sim.advance(every * 2);
        assert_eq!(sim.received(peer), b"x\nx\nx\nx\nx\nlast\n");
        assert_eq!(sim.seen(peer), Some(Seen::End));
    });
}

#[test]
fn a_held_peer_is_only_late() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peer = sim.connect();
        sim.send(peer, b"one\n");
        sim.hold(peer, true);
        sim.run();
        sim.advance(Duration::from_secs(60));
        assert_eq!(sim.received(peer), b"");
        sim.hold(peer, false);
        sim.run();
        assert_eq!(sim.received(peer), b"one\n");
    });
}
