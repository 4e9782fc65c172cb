//! Bytes in, bytes out, and the ends of both directions.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use landline_engine::protocol::stream::INPUT_MAX;
use landline_engine::{Kind, Server};
use landline_wire::{ByteOrder, Prefix, Width};

use super::client::{Client, Ending, pattern};
use super::engine::Engine;
use super::lab::Lab;

const MIB: usize = 1024 * 1024;

pub(super) fn bytes_may_come_one_at_a_time(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    for byte in b"echo hello\necho again\n" {
        client.send([*byte]);
    }
    assert_eq!(client.line(), "hello");
    assert_eq!(client.line(), "again");
    client.finish();
    assert_eq!(client.ends(), Ending::Orderly);
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn a_big_chunk_comes_back_whole(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    let sent = pattern(4 * MIB);
    client.send("raw\n");
    let (received, ending) = client.rest_while_sending(&sent);
    assert!(
        received == sent,
        "{} of {} bytes, or others",
        received.len(),
        sent.len()
    );
    assert_eq!(ending, Ending::Orderly);
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn a_big_message_comes_back_whole_through_a_framing(kind: Kind) {
    let framing = || Prefix::new(Width::U32, ByteOrder::Big, 4 * MIB);
    let server = Server::new(framing, |message, out| out.write(message)).engine(kind);
    let server = server.start("127.0.0.1:0").expect("it starts");
    let mut client = Client::connect(server.address().port());
    let mut frame = (3 * 1024 * 1024_u32).to_be_bytes().to_vec();
    frame.extend(pattern(3 * MIB));
    client.send(&frame);
    let mut received = vec![0; frame.len()];
    client
        .stream
        .read_exact(&mut received)
        .expect("as much as was sent");
    assert!(received == frame);
    client.finish();
    assert_eq!(client.ends(), Ending::Orderly);
    server.stop();
    assert_eq!(server.join().finished, 1);
}

/// A peer asks for 100 MB and does not read: of that the server makes no more than its own limit and the kernel's
/// buffers hold, while others are served; and once the peer reads, it gets all of it.
pub(super) fn a_stalled_reader_is_not_read_from(engine: Engine) {
    const ONE: usize = 100_000;
    const COUNT: usize = 1000;
    const HELD_MAX: u64 = 10 * MIB as u64;
    let lab = Lab::start(engine, |_| {});
    let mut stalled = lab.connect_with_little_room();
    let mut other = lab.connect();
    stalled.send(format!("big {ONE}\n").repeat(COUNT));
    for _ in 0..50 {
        other.is_served();
    }
    for read in 0..COUNT as u64 {
        let held = lab
            .observed
            .produced
            .load(Ordering::SeqCst)
            .saturating_sub(read * ONE as u64);
        assert!(
            held <= HELD_MAX,
            "{held} bytes are made for who does not read them"
        );
        stalled.take(ONE);
    }
    stalled.is_served();
}

/// A service that takes nothing until its room is full is given just that much, however it arrives; what is behind it
/// waits.
pub(super) fn no_more_is_read_than_there_is_room_for(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    let hoard = "x".repeat(INPUT_MAX);
    for _ in 0..3 {
        client.send(format!("hoard\n{hoard}echo what is behind\n"));
        assert_eq!(client.line(), INPUT_MAX.to_string());
        assert_eq!(client.line(), "what is behind");
    }
}

pub(super) fn who_has_shut_down_its_writing_side_still_gets_everything(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.send("big 3000000\n".repeat(4));
    client.finish();
    client.take(12_000_000);
    assert_eq!(client.ends(), Ending::Orderly);
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn a_line_without_its_end_is_not_a_message(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.send("echo one\necho two");
    client.finish();
    assert_eq!(client.line(), "one");
    assert_eq!(client.ends(), Ending::Orderly);
}

pub(super) fn a_reset_ends_the_connection(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.is_served();
    client.reset();
    let report = if engine == Kind::Process {
        // Its process has read the reset, or is asked to stop: either way it does not come to its end.
        lab.end()
    } else {
        lab.left();
        lab.end()
    };
    assert_eq!(
        (report.accepted, report.finished, report.broken + report.stopped),
        (1, 0, 1)
    );
    if engine != Kind::Process {
        assert_eq!(report.broken, 1, "{report}");
    }
}

pub(super) fn a_write_after_finish_sends_nothing(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    assert_eq!(client.ask("bye"), "bye");
    assert_eq!(client.ends(), Ending::Orderly);
    client.finish();
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn what_a_peer_says_after_our_end_is_thrown_away(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.send("bye\necho never\n");
    assert_eq!(client.line(), "bye");
    assert_eq!(client.ends(), Ending::Orderly);
    client.send("echo nor this\n");
    client.finish();
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn a_peer_that_sends_more_than_fits_is_cut_off(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.send(vec![b'x'; INPUT_MAX]);
    assert_eq!(client.ends(), Ending::Cut);
    let report = lab.end();
    assert_eq!(
        (report.finished, report.broken + report.stopped),
        (0, 1),
        "{report}"
    );
}
