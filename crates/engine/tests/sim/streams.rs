//! Bytes and messages.

use landline_engine::sim::{SimOptions, Split, What};

use crate::script::{SEEDS, each_seed, each_seed_split, limits, sim};

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
