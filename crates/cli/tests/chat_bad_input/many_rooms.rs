//! A hub with ten thousand rooms.

use crate::stopped::{Stopped, id};
use crate::support::Hub;
use crate::talker::{Talker, code, lines};
use landline_model::event::RoomKind;
use landline_model::id::RoomId;
use landline_store::chat::{NewRoom, ROOMS_PER_CREATOR_MAX};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// Each makes as many rooms as one may; the last one private rooms.
const CREATORS: usize = 10;

/// Messages of which the cost is taken.
const MESSAGES: u64 = 200;
const ROUNDS: u64 = 3;

#[test]
fn ten_thousand_rooms_are_listed_completely_and_cost_a_message_nothing() {
    let mut hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut creators: Vec<Talker> = (1..CREATORS)
        .map(|number| alice.brings(&hub, "member", &format!("maker-{number}")))
        .collect();
    let bob = alice.brings(&hub, "guest", "bob");
    alice.ask("room_create", &json!({ "name": "room-0-0" }));
    let alone = cost(&hub, &mut alice);

    hub.stop();
    creators.insert(0, alice);
    fill(&hub, &creators);
    hub.start_again();
    let mut alice = creators[0].elsewhere(&hub);
    let mut bob = bob.elsewhere(&hub);
    // One was left to be made, and no more.
    let made = alice.ask("room_create", &json!({ "name": "the-last" }));
    assert_eq!(code(&made), "ok", "{made}");
    let refused = alice.ask("room_create", &json!({ "name": "one-more" }));
    assert_eq!(code(&refused), "too_large", "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("1000 rooms that one account made"), "{message}");

    let among_many = cost(&hub, &mut alice);
    eprintln!("{MESSAGES} messages: {alone} ns in one room, {among_many} ns among ten thousand");
    assert!(
        among_many < 3 * alone,
        "{alone} ns alone, {among_many} ns among many"
    );
    alice.says("#the-last", "is there");

    let public = CREATORS * ROOMS_PER_CREATOR_MAX - ROOMS_PER_CREATOR_MAX;
    let listed = all_rooms(&mut bob, 999);
    assert_eq!(listed.len(), public);
    assert_eq!(all_rooms(&mut bob, u32::MAX), listed);
    let mut owner = creators[CREATORS - 1].elsewhere(&hub);
    assert_eq!(
        all_rooms(&mut owner, 1_000).len(),
        CREATORS * ROOMS_PER_CREATOR_MAX
    );
    hub.kill();
    hub.start_again();
    let mut bob = bob.elsewhere(&hub);
    assert_eq!(all_rooms(&mut bob, 1_000), listed);
    assert_eq!(bob.says("#the-last", "still"), 2);
    assert_eq!(
        code(&bob.ask("history", &json!({ "target": "#room-9-0", "limit": 1 }))),
        "not_found"
    );
}

/// All but one of the rooms that there may be.
fn fill(hub: &Hub, creators: &[Talker]) {
    let rooms = creators.iter().enumerate().flat_map(|(maker, creator)| {
        let creator = id(&json!(creator.account));
        // One was made before, and one is made later.
        let numbers = if maker == 0 {
            1..ROOMS_PER_CREATOR_MAX - 1
        } else {
            0..ROOMS_PER_CREATOR_MAX
        };
        let kind = if maker + 1 == CREATORS {
            RoomKind::Private
        } else {
            RoomKind::Public
        };
        numbers.map(move |number| {
            let unlike = blake3::hash(format!("{maker}-{number}").as_bytes());
            NewRoom {
                id: RoomId::from_bytes(unlike.as_bytes()[..16].try_into().unwrap()),
                name: format!("room-{maker}-{number}").parse().unwrap(),
                creator,
                kind,
            }
        })
    });
    Stopped::open(hub).makes(rooms);
}

/// The names of all rooms that somebody sees, page by page; each is there once.
fn all_rooms(person: &mut Talker, limit: u32) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut after = Value::Null;
    loop {
        let mut call = json!({ "limit": limit });
        if !after.is_null() {
            call["after"] = after;
        }
        let (answer, body) = person.ask_for("room_list", &call);
        assert_eq!(code(&answer), "ok", "{answer}");
        for room in lines(&body) {
            let name = room["target"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "{room}");
        }
        after = answer["ok"]["next"].clone();
        if after.is_null() {
            return names;
        }
    }
}

/// The processor time, in nanoseconds, that the hub takes for messages one after the other; what it does beside them is
/// in some rounds and not in others.
fn cost(hub: &Hub, speaker: &mut Talker) -> u64 {
    let rounds = (0..ROUNDS).map(|_| {
        let before = processor_time(hub);
        for _ in 0..MESSAGES {
            speaker.says("#room-0-0", "hello");
        }
        processor_time(hub) - before
    });
    rounds.min().unwrap()
}

/// Of all threads that there are; proc(5), `schedstat`.
fn processor_time(hub: &Hub) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", hub.pid())).unwrap();
    // One that has ended meanwhile counts nothing.
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.unwrap().path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    times.sum()
}
