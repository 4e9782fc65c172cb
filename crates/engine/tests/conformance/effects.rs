//! What a service does to its connections, and what it is told of them.

use std::sync::atomic::Ordering;

use landline_engine::Kind;

use super::client::{Client, Ending};
use super::engine::Engine;
use super::lab::Lab;

/// While one answer is owed nothing more is asked, though it is there to be read.
pub(super) fn requests_are_answered_in_order(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut client = lab.connect();
    client.send(format!("{order}\n{order}\necho third\n", order = phone.order()));
    let mut first = phone.call();
    assert!(!phone.rings(), "the second waits for the first");
    first.say("first");
    assert_eq!(client.line(), "first");
    phone.call().say("second");
    assert_eq!(client.line(), "second");
    assert_eq!(client.line(), "third");
}

pub(super) fn a_last_request_is_answered_before_the_end(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut client = lab.connect();
    client.send(format!("{order}\n{order}\necho third\n", order = phone.order()));
    client.finish();
    for words in ["first", "second"] {
        phone.call().say(words);
        assert_eq!(client.line(), words);
    }
    assert_eq!(client.line(), "third");
    assert_eq!(client.ends(), Ending::Orderly);
    assert_eq!(lab.end().finished, 1);
}

pub(super) fn a_reply_that_is_dropped_breaks_the_connection_off(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut client = lab.connect();
    client.send(format!("{}\n", phone.order()));
    drop(phone.call());
    assert_eq!(client.ends(), Ending::Cut);
}

pub(super) fn connections_reach_one_another(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut clients = lab.connect_to_every_loop();
    clients.extend((0..3).map(|_| lab.connect()));
    let ids: Vec<u64> = clients.iter_mut().map(Client::id).collect();
    for from in 0..clients.len() {
        for to in 0..clients.len() {
            clients[from].send(format!("tell {} from {from} to {to}\n", ids[to]));
            assert_eq!(clients[to].line(), format!("from {from} to {to}"));
        }
    }
}

/// What a service says to everybody, everybody hears in one order, on whichever loop they are.
pub(super) fn everybody_hears_the_same_order(engine: Engine) {
    const BURSTS: usize = 25;
    const BURST: usize = 20;
    let lab = Lab::start(engine, |_| {});
    let mut clients = lab.connect_to_every_loop();
    clients.extend(lab.connect_to_every_loop());
    let speakers = clients.len() + 1;
    clients.extend((0..4).map(|_| lab.connect()));
    clients.iter_mut().for_each(Client::is_served);
    for burst in 0..BURSTS {
        for (number, speaker) in clients[..speakers].iter_mut().enumerate() {
            let shouts = (0..BURST).map(|shout| format!("shout {number} {burst} {shout}\n"));
            speaker.send(shouts.collect::<String>());
        }
        // Hearing it all paces the shouts, so that nobody falls behind further than the limit.
        let mut heard = clients.iter_mut().map(|client| lines(client, speakers * BURST));
        let first = heard.next().expect("somebody listens");
        for other in heard {
            assert_eq!(other, first);
        }
    }
}

fn lines(client: &mut Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.line()).collect()
}

/// A protocol that panics costs its own connection, and not its place as well.
pub(super) fn a_panic_costs_its_own_connection(engine: Engine) {
    let lab = Lab::start(engine, |setting| setting.options.admission.connections = 2);
    let mut other = lab.connect();
    let mut broken = lab.connect();
    let id = broken.id();
    broken.send("no such order\n");
    assert_eq!(lab.left(), id);
    other.is_served();
    lab.connect().is_served();
}

pub(super) fn a_connection_is_ended_by_another(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut clients = lab.connect_to_every_loop();
    let mut last = lab.connect();
    for client in &mut clients {
        let id = client.id();
        // What was told before comes before the end.
        last.send(format!("tell {id} goodbye\nkick {id}\n"));
        assert_eq!(client.line(), "goodbye");
        assert_eq!(client.ends(), Ending::Orderly);
        client.finish();
        assert_eq!(lab.left(), id);
    }
    last.is_served();
}

pub(super) fn who_leaves_is_told_of_whatever_the_reason(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut orderly = lab.connect();
    let id = orderly.id();
    orderly.finish();
    assert_eq!(lab.left(), id);
    let mut broken = lab.connect();
    let id = broken.id();
    broken.reset();
    assert_eq!(lab.left(), id);
    // One that is not read from: the reset comes to light at the latest with the answer.
    let phone = lab.phone();
    let mut owed = lab.connect();
    let id = owed.id();
    owed.send(format!("{}\n", phone.order()));
    let mut call = phone.call();
    owed.reset();
    call.say("nobody hears this");
    assert_eq!(lab.left(), id);
    let report = lab.end();
    assert_eq!((report.accepted, report.finished, report.broken), (3, 1, 2));
}

pub(super) fn a_command_to_one_who_has_left_is_lost(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut gone = lab.connect();
    let id = gone.id();
    gone.finish();
    assert_eq!(lab.left(), id);
    drop(gone);
    let mut next = lab.connect();
    assert_ne!(next.id(), id, "an id is never used again");
    next.send(format!("tell {id} are you there\nkick {id}\n"));
    next.is_served();
}

/// What others say is not asked for, so it cannot be held back by not reading: there is a limit instead.
pub(super) fn who_does_not_read_what_others_say_is_cut_off(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut deaf = lab.connect_with_little_room();
    let id = deaf.id();
    let mut speaker = lab.connect();
    let words = format!("tell {id} {}\n", "w".repeat(60_000));
    // 15 MB: more than the kernel and the limit of 1 MiB hold together.
    for _ in 0..250 {
        speaker.send(&words);
    }
    assert_eq!(lab.left(), id);
    speaker.is_served();
}

/// Far more than the limit of 1 MiB for one listener in one turn of the loop, which was held until all of it was there.
pub(super) fn many_who_speak_at_once_cut_off_nobody_who_reads(engine: Engine) {
    const SPEAKERS: usize = 40;
    let lab = Lab::start(engine, |_| {});
    let mut listener = lab.connect();
    let id = listener.id();
    let mut speakers: Vec<Client> = (0..SPEAKERS).map(|_| lab.connect()).collect();
    speakers.iter_mut().for_each(Client::is_served);
    let mut holder = lab.connect();
    let held = lab.hold(&mut holder, "");
    let words = "w".repeat(60_000);
    for speaker in &mut speakers {
        speaker.send(format!("tell {id} {words}\n"));
    }
    held.release();
    for _ in 0..SPEAKERS {
        assert_eq!(listener.line().len(), words.len());
    }
}

/// One has many messages waiting, more than are read at once. Another's message, which arrives while the first of them
/// is handled, waits for a share of them only.
pub(super) fn a_flood_starves_nobody(engine: Engine) {
    const FLOOD: usize = 150_000;
    let lab = Lab::start(engine, |_| {});
    let mut flood = lab.connect();
    let mut other = lab.connect();
    let (one, two) = (flood.id() >> 56, other.id() >> 56);
    let held = lab.hold(&mut flood, &"\n".repeat(FLOOD));
    other.send("count\n");
    if engine == Kind::Threads || one != two {
        // Not the same thread: it does not even wait for the first.
        assert_eq!(other.line(), "counted");
        held.release();
    } else {
        held.release();
        assert_eq!(other.line(), "counted");
        let counted = lab.observed.counted.load(Ordering::SeqCst);
        assert!(counted < FLOOD as u64 / 10, "{counted} came first");
    }
    flood.is_served();
    assert_eq!(lab.observed.handled.load(Ordering::SeqCst), FLOOD as u64);
}
