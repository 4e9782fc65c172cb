//! Bytes and messages.

use landline_engine::protocol::{AdmissionLimits, Ended};
use landline_engine::sim::{Seen, Sim, SimOptions, Split, What};

use crate::script::{Files, SEEDS, Script, each_seed, each_seed_split, limits, sim, slice};

fn echoes(options: SimOptions, said: &[u8]) {
    let mut sim = sim(options);
    let peer = sim.connect();
    sim.send(peer, said);
    sim.run();
    assert_eq!(sim.received(peer), said);
    assert_eq!(sim.ended(peer), None);
}

#[test]
fn a_byte_at_a_time_makes_the_same_messages() {
    each_seed_split(Split::Bytes, |options| {
        echoes(options, b"one\ntwo\n\nthree four\n")
    });
}

#[test]
fn one_big_chunk_makes_the_same_messages() {
    let said = b"a line of some length\n".repeat(2000);
    each_seed_split(Split::Whole, |options| echoes(options, &said));
}

#[test]
fn any_cut_makes_the_same_messages() {
    let said = b"a\nbb\n\nccc ccc\n".repeat(20);
    each_seed(|options| echoes(options, &said));
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_another() {
    let trace = |seed| {
        let mut sim = sim(SimOptions {
            seed,
            ..SimOptions::default()
        })
        .on_work(|_, line| Ok(line));
        let peers = [sim.connect(), sim.connect(), sim.connect()];
        for peer in peers {
            sim.send(peer, b"one\nask two\nemit all\nthree\n");
            sim.finish(peer);
        }
        sim.run();
        sim.trace().to_vec()
    };
    for seed in 0..SEEDS {
        assert_eq!(trace(seed), trace(seed));
        assert_ne!(trace(seed), trace(seed + 1));
    }
}

#[test]
fn a_stalled_reader_is_not_read_from_and_loses_nothing() {
    let said = [b'x'; 99]
        .into_iter()
        .chain([b'\n'])
        .collect::<Vec<_>>()
        .repeat(300);
    each_seed(|options| {
        let (high, buffer) = (4096, 1000);
        let conn = limits(|limits| limits.output_high = high);
        let mut sim = sim(SimOptions {
            conn,
            send_buffer: buffer,
            ..options
        });
        let peer = sim.connect();
        sim.stall(peer, true);
        sim.send(peer, &said);
        sim.run();
        assert_eq!(sim.received(peer), b"");
        let read = said.len() - sim.unread(peer);
        // What is unconsumed: at most one read, which has at most the room of a longest line.
        assert!(
            read <= high + 100 + buffer + 4099,
            "{read} bytes were read for somebody who reads nothing"
        );
        assert!(
            read >= high,
            "{read}: backpressure before there is anything to press back"
        );
        sim.stall(peer, false);
        sim.run();
        assert_eq!(sim.received(peer), said);
    });
}

#[test]
fn one_stalled_reader_does_not_hold_up_another() {
    each_seed(|options| {
        let mut sim = sim(options);
        let (stalled, other) = (sim.connect(), sim.connect());
        sim.stall(stalled, true);
        sim.send(stalled, b"many 100\n");
        sim.run();
        sim.send(other, b"hello\n");
        sim.run();
        assert_eq!(sim.received(other), b"hello\n");
    });
}

#[test]
fn what_a_connection_asks_is_answered_in_order_and_one_at_a_time() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peer = sim.connect();
        sim.send(peer, b"ask a\nask b\nsaid between\nask c\n");
        sim.finish(peer);
        let mut answered = Vec::new();
        sim.run();
        while let Some((id, line)) = sim.work() {
            assert_eq!(sim.work(), None, "no more than one is asked at once");
            assert_eq!(Some(id), sim.id(peer));
            answered.push(line.clone());
            sim.answer(id, line);
            sim.run();
        }
        assert_eq!(answered, [b"a", b"b", b"c"]);
        assert_eq!(sim.received(peer), b"a\nb\nsaid between\nc\n");
        assert_eq!(sim.ended(peer), Some(Ended::Finished));
    });
}

#[test]
fn as_many_as_may_be_are_asked_at_once() {
    each_seed(|options| {
        let conn = limits(|limits| limits.unanswered_max = 3);
        let mut sim = sim(SimOptions { conn, ..options });
        let peer = sim.connect();
        sim.send(peer, &b"ask it\n".repeat(10));
        sim.run();
        let asked: Vec<_> = std::iter::from_fn(|| sim.work()).collect();
        assert_eq!(asked.len(), 3);
        for (id, line) in asked {
            sim.answer(id, line);
        }
        sim.run();
        assert_eq!(std::iter::from_fn(|| sim.work()).count(), 3);
    });
}

#[test]
fn while_an_answer_is_waited_for_nothing_more_is_read() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peer = sim.connect();
        sim.send(peer, b"ask it\n");
        sim.run();
        sim.send(peer, &b"more\n".repeat(100));
        sim.run();
        assert_eq!(sim.unread(peer), 500);
        let (id, line) = sim.work().unwrap();
        sim.answer(id, line);
        sim.run();
        assert_eq!(sim.unread(peer), 0);
    });
}

#[test]
fn work_that_comes_to_nothing_breaks_its_connection_off() {
    each_seed(|options| {
        let mut sim = sim(options);
        let (peer, other) = (sim.connect(), sim.connect());
        sim.send(peer, b"ask it\n");
        sim.run();
        let (id, _) = sim.work().unwrap();
        sim.give_up(id);
        sim.run();
        assert_eq!(
            sim.ended(peer),
            Some(Ended::Aborted("what it asked was not answered"))
        );
        assert_eq!(sim.seen(peer), Some(Seen::Reset));
        sim.answer(id, b"too late".to_vec());
        sim.run();
        assert_eq!(sim.ended(other), None);
        assert_eq!(sim.received(other), b"");
    });
}

#[test]
fn a_busy_connection_has_its_share_of_a_turn_and_no_more() {
    each_seed_split(Split::Whole, |options| {
        let conn = limits(|limits| limits.messages_a_turn = 2);
        let mut sim = sim(SimOptions {
            conn,
            latency: std::time::Duration::ZERO,
            ..options
        });
        let (busy, other) = (sim.connect(), sim.connect());
        sim.send(busy, &b"12345\n".repeat(100));
        sim.send(other, b"12345\n");
        sim.run();
        assert_eq!(sim.received(busy), b"12345\n".repeat(100));
        let wrote = |step: &&landline_engine::sim::Step| matches!(step.what, What::Wrote(_));
        let steps: Vec<_> = sim.trace().iter().filter(wrote).collect();
        assert!(
            steps.iter().all(|step| matches!(step.what, What::Wrote(0..=12))),
            "two messages a turn"
        );
        let place = steps.iter().position(|step| step.peer == other).unwrap();
        assert!(place < 4, "the other one waited for {place} turns");
    });
}

#[test]
fn what_is_said_to_all_reaches_all_who_are_there() {
    each_seed(|options| {
        let mut sim = sim(options);
        let peers: Vec<_> = (0..5).map(|_| sim.connect()).collect();
        sim.run();
        sim.reset(peers[4]);
        sim.run();
        sim.send(peers[0], b"emit all\n");
        sim.run();
        assert!(peers[..4].iter().all(|peer| sim.received(*peer) == b"to all\n"));
        assert_eq!(sim.received(peers[4]), b"");
    });
}

#[test]
fn the_limits_on_connections_hold_and_a_place_is_free_again() {
    each_seed(|options| {
        let admission = AdmissionLimits {
            connections: 2,
            per_address: 2,
        };
        let mut sim = sim(SimOptions { admission, ..options });
        let peers = [sim.connect(), sim.connect(), sim.connect()];
        sim.run();
        assert_eq!(sim.id(peers[2]), None);
        assert_eq!(sim.seen(peers[2]), Some(Seen::End));
        sim.finish(peers[0]);
        sim.run();
        let late = sim.connect();
        sim.run();
        assert!(sim.id(late).is_some());
        let report = sim.report();
        assert_eq!((report.accepted, report.refused, report.finished), (3, 1, 1));
    });
}

#[test]
fn who_is_refused_is_told_why() {
    for words in [&b""[..], b"not today\n"] {
        let script = Script {
            refuses: Some(words.to_vec()),
            ..Script::default()
        };
        let mut sim = Sim::new(script, SimOptions::default());
        let peer = sim.connect();
        sim.run();
        assert_eq!(sim.received(peer), words);
        assert_eq!(sim.seen(peer), Some(Seen::End));
        assert_eq!(sim.report().refused, 1);
    }
}

#[test]
fn a_file_goes_between_the_bytes_around_it() {
    let content: Vec<u8> = (0..=255).cycle().take(50_000).collect();
    for seed in 0..SEEDS {
        let files = Files(slice(&content, 1000, 40_000));
        let mut sim = Sim::new(
            files,
            SimOptions {
                seed,
                ..SimOptions::default()
            },
        );
        let peer = sim.connect();
        sim.finish(peer);
        sim.run();
        let received = sim.received(peer);
        assert_eq!((received.first(), received.last()), (Some(&b'<'), Some(&b'>')));
        assert_eq!(received[1..received.len() - 1], content[1000..41_000]);
        assert_eq!(sim.ended(peer), Some(Ended::Finished));
    }
}

#[test]
fn a_file_that_is_shorter_than_promised_breaks_the_connection_off() {
    for seed in 0..SEEDS {
        let mut sim = Sim::new(
            Files(slice(b"short", 0, 6)),
            SimOptions {
                seed,
                ..SimOptions::default()
            },
        );
        let peer = sim.connect();
        sim.run();
        assert_eq!(sim.ended(peer), Some(Ended::Reset));
        assert_eq!(sim.seen(peer), Some(Seen::Reset));
    }
}
