//! A follower who has missed nearly everything.

use crate::stopped::{Stopped, id, text};
use crate::support::Hub;
use crate::talker::{Talker, code};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How many events lie before the follower; `LANDLINE_CATCH_UP_EVENTS` asks for another number, such as a million.
const EVENTS: u64 = 150_000;

/// How much memory the hub may take for it, in KiB. The events themselves, encoded, would be some 400 bytes each.
const MEMORY_KIBIBYTES: u64 = 24 * 1024;

/// The memory is looked at whenever so many events have come.
const LOOK: u64 = 5_000;

#[test]
fn a_follower_from_the_very_beginning_gets_everything_once_while_others_talk_on() {
    let events = events();
    let mut hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let bob = alice.brings(&hub, "guest", "bob");
    let room = alice.ask("room_create", &json!({ "name": "lab" }));
    hub.stop();
    Stopped::open(&hub).says(id(&room["ok"]["id"]), id(&json!(alice.account)), 1..=events);
    hub.start_again();
    let (mut alice, mut bob) = (alice.elsewhere(&hub), bob.elsewhere(&hub));
    alice.says("#lab", "the hub is back");

    let before = memory(&hub);
    let follows = bob.ask("subscribe", &json!({ "target": "#lab", "since": 0 }));
    assert_eq!(code(&follows), "ok", "{follows}");
    let caught_up = AtomicBool::new(false);
    let mut most = before;
    let said = thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let mut last = 0;
            while !caught_up.load(Ordering::Relaxed) {
                last = alice.says("#lab", "meanwhile");
            }
            last
        });
        for sequence in 1..=events {
            let (header, body) = bob.event();
            assert_eq!(header["args"]["sequence"], sequence, "{header}");
            assert_eq!(body, text(sequence).as_bytes(), "{sequence}");
            if sequence % LOOK == 0 {
                most = most.max(memory(&hub));
            }
        }
        caught_up.store(true, Ordering::Relaxed);
        talking.join().unwrap()
    });
    let last = alice.says("#lab", "that is all");
    assert_eq!(last, said + 1);
    for sequence in events + 1..=last {
        let (header, body) = bob.event();
        assert_eq!(header["args"]["sequence"], sequence, "{header}");
        let expected: &[u8] = match sequence {
            _ if sequence == events + 1 => b"the hub is back",
            _ if sequence == last => b"that is all",
            _ => b"meanwhile",
        };
        assert_eq!(body, expected, "{sequence}");
    }
    assert!(last > events + 2, "nobody talked meanwhile");
    let (_, more) = bob.ask_collecting("ping", &json!({}));
    assert!(more.iter().all(|event| event["event"] != "room"), "{more:?}");
    most = most.max(memory(&hub));
    eprintln!(
        "{events} events and {} more: {before} KiB, at most {most}",
        last - events
    );
    assert!(
        most < before + MEMORY_KIBIBYTES,
        "{before} KiB before, {most} KiB then"
    );
}

fn events() -> u64 {
    let asked = std::env::var("LANDLINE_CATCH_UP_EVENTS").ok();
    asked.map_or(EVENTS, |number| number.parse().expect("a number of events"))
}

/// What the hub has in memory that is no file's, in KiB; proc(5).
fn memory(hub: &Hub) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", hub.pid())).unwrap();
    let anonymous = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let number = anonymous.unwrap().trim().strip_suffix(" kB").unwrap();
    number.parse().unwrap()
}
