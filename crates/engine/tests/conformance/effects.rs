//! What a service does to its connections, and what it is told of them.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use landline_engine::Kind;

use super::client::{Client, Ending, PATIENCE, Phone};
use super::lab::{Gate, Lab};

/// While one answer is owed nothing more is asked, though it is there to be read.
pub(super) fn requests_are_answered_in_order(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
    let phone = Phone::new();
    let mut client = lab.connect();
    client.send(format!("{order}\n{order}\necho third\n", order = phone.order()));
    let mut first = phone.call();
    assert!(!phone.rings(), "the second waits for the first");
    first.write_all(b"first\n").expect("it listens");
    assert_eq!(client.line(), "first");
    phone.call().write_all(b"second\n").expect("it listens");
    assert_eq!(client.line(), "second");
    assert_eq!(client.line(), "third");
}

pub(super) fn a_reply_that_is_dropped_breaks_the_connection_off(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
    let phone = Phone::new();
    let mut client = lab.connect();
    client.send(format!("{}\n", phone.order()));
    drop(phone.call());
    assert_eq!(client.ends(), Ending::Cut);
}

pub(super) fn connections_reach_one_another(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
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
pub(super) fn everybody_hears_the_same_order(kind: Kind) {
    const SHOUTS: usize = 500;
    let lab = Lab::start(kind, |_| {});
    let mut listeners = lab.connect_to_every_loop();
    let mut speakers = lab.connect_to_every_loop();
    listeners.extend((0..3).map(|_| lab.connect()));
    speakers.push(lab.connect());
    for client in listeners.iter_mut().chain(&mut speakers) {
        client.is_served();
    }
    let total = SHOUTS * speakers.len();
    let heard: Vec<Vec<String>> = thread::scope(|scope| {
        for (number, speaker) in speakers.iter_mut().enumerate() {
            scope.spawn(move || {
                for shout in 0..SHOUTS {
                    speaker.send(format!("shout {number} {shout}\n"));
                    // Hearing oneself paces the shouts, so that nobody falls behind further than the limit.
                    speaker.line();
                }
            });
        }
        let listening = listeners
            .iter_mut()
            .map(|client| scope.spawn(|| lines(client, total)));
        let listening: Vec<_> = listening.collect();
        listening
            .into_iter()
            .map(|thread| thread.join().expect("it hears"))
            .collect()
    });
    for other in &heard[1..] {
        assert_eq!(other, &heard[0]);
    }
}

fn lines(client: &mut Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.line()).collect()
}

/// A protocol that panics costs its own connection, and not its place as well.
pub(super) fn a_panic_costs_its_own_connection(kind: Kind) {
    let lab = Lab::start(kind, |setting| setting.options.admission.connections = 2);
    let mut other = lab.connect();
    let mut broken = lab.connect();
    let id = broken.id();
    broken.send("no such order\n");
    assert_eq!(lab.left(), id);
    other.is_served();
    lab.connect().is_served();
}

pub(super) fn a_connection_is_ended_by_another(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
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

pub(super) fn who_leaves_is_told_of_whatever_the_reason(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
    let mut orderly = lab.connect();
    let id = orderly.id();
    orderly.finish();
    assert_eq!(lab.left(), id);
    let mut broken = lab.connect();
    let id = broken.id();
    broken.reset();
    assert_eq!(lab.left(), id);
    // One that is not read from: the reset comes to light at the latest with the answer.
    let phone = Phone::new();
    let mut owed = lab.connect();
    let id = owed.id();
    owed.send(format!("{}\n", phone.order()));
    let mut call = phone.call();
    owed.reset();
    call.write_all(b"nobody hears this\n").expect("it listens");
    assert_eq!(lab.left(), id);
    let report = lab.end();
    assert_eq!((report.accepted, report.finished, report.broken), (3, 1, 2));
}

pub(super) fn a_command_to_one_who_has_left_is_lost(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
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
pub(super) fn who_does_not_read_what_others_say_is_cut_off(kind: Kind) {
    let lab = Lab::start(kind, |_| {});
    let mut deaf = Client::connect_with_little_room(lab.port());
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
pub(super) fn many_who_speak_at_once_cut_off_nobody_who_reads(kind: Kind) {
    const SPEAKERS: usize = 40;
    let lab = Lab::start(kind, |_| {});
    let (arrived, arrival) = mpsc::channel();
    let (opener, go_on) = mpsc::channel();
    *lab.observed.gate.lock().expect("nobody panicked") = Some(Gate { arrived, go_on });
    let mut listener = lab.connect();
    let id = listener.id();
    let mut speakers: Vec<Client> = (0..SPEAKERS).map(|_| lab.connect()).collect();
    speakers.iter_mut().for_each(Client::is_served);
    let mut holder = lab.connect();
    holder.send("gate\n");
    arrival.recv_timeout(PATIENCE).expect("the loop is held");
    let words = "w".repeat(60_000);
    for speaker in &mut speakers {
        speaker.send(format!("tell {id} {words}\n"));
    }
    opener.send(()).expect("it waits");
    for _ in 0..SPEAKERS {
        assert_eq!(listener.line().len(), words.len());
    }
}

/// One has many messages waiting, more than are read at once. Another's message, which arrives while the first of them
/// is handled, waits for a share of them only.
pub(super) fn a_flood_starves_nobody(kind: Kind) {
    const FLOOD: usize = 150_000;
    let lab = Lab::start(kind, |_| {});
    let (arrived, arrival) = mpsc::channel();
    let (opener, go_on) = mpsc::channel();
    *lab.observed.gate.lock().expect("nobody panicked") = Some(Gate { arrived, go_on });
    let mut flood = lab.connect();
    let mut other = lab.connect();
    let (one, two) = (flood.id() >> 56, other.id() >> 56);
    flood.send(format!("gate\n{}", "\n".repeat(FLOOD)));
    arrival
        .recv_timeout(PATIENCE)
        .expect("the first message is handled");
    other.send("count\n");
    if kind == Kind::Threads || one != two {
        // Not the same thread: it does not even wait for the first.
        assert_eq!(other.line(), "counted");
        opener.send(()).expect("it waits");
    } else {
        opener.send(()).expect("it waits");
        assert_eq!(other.line(), "counted");
        let counted = lab.observed.counted.load(Ordering::SeqCst);
        assert!(counted < FLOOD as u64 / 10, "{counted} came first");
    }
    flood.is_served();
    assert_eq!(lab.observed.handled.load(Ordering::SeqCst), FLOOD as u64);
}
