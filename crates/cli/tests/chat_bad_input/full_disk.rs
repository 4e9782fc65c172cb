//! A disk that is full in the middle of a group of acts of all kinds.

use crate::support::small_disk::SmallDisk;
use crate::support::{Hub, Person};
use crate::talker::{Talker, code, lines};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::Path;

/// More than ever fit.
const ATTEMPTS_MAX: usize = 2000;

/// Alice owns `#lab`, where Bob, a moderator, and Carol are members; Dave follows it.
struct Scene {
    hub: Hub,
    alice: Talker,
    bob: Talker,
    carol: Talker,
    dave: Talker,
    /// A message of Carol's.
    message: u64,
    acts: u32,
    // Behind the hub: it is dropped after it.
    disk: SmallDisk,
}

/// Something that is asked by one of them, in a flight of many.
struct Asked {
    call: Value,
    text: String,
}

#[test]
fn a_group_that_finds_the_disk_full_changes_nothing_and_nobody_is_told_otherwise() {
    let mut scene = Scene::new();
    scene.disk.fill();
    scene.until_full();
    let before = scene.looks();
    let flights = scene.flights();
    for _ in 0..2 {
        for answer in scene.fly(&flights) {
            assert_eq!(code(&answer), "storage_full", "{answer}");
        }
        assert_eq!(scene.looks(), before);
    }
    // Nobody was let out, nobody was silenced, and nothing of it went to who listens.
    let (_, heard) = scene.dave.ask_collecting("ping", &json!({}));
    assert!(heard.iter().all(|event| event["event"] != "room"), "{heard:?}");
    let (_, heard) = scene.carol.ask_collecting("ping", &json!({}));
    assert!(
        heard.iter().all(|event| event["args"]["signal"] != "closed"),
        "{heard:?}"
    );
    scene.is_intact();

    scene.disk.free();
    let head = before[0]["sequence"].as_u64().unwrap();
    let said = scene.carol.says("#lab", "I am still here");
    assert_eq!(said, head + 1);
    let (header, body) = scene.dave.event();
    assert_eq!(
        (&header["args"]["sequence"], &*body),
        (&json!(said), &b"I am still here"[..])
    );
    scene.goes_on(&flights, said);
    let after = scene.looks();
    scene.hub.kill();
    scene.hub.start_again();
    scene.alice = scene.alice.elsewhere(&scene.hub);
    assert_eq!(scene.looks(), after);
    scene.is_intact();
}

impl Scene {
    fn new() -> Self {
        let disk = SmallDisk::mounted();
        let hub = Hub::start_at(disk.place(), &[], &[]);
        let mut alice = Talker::admin(&hub, "alice");
        let [mut bob, mut carol, mut dave] =
            ["bob", "carol", "dave"].map(|name| alice.brings(&hub, "member", name));
        alice.ask("room_create", &json!({ "name": "lab" }));
        alice.does_with("#lab", &json!({ "act": "topic" }), "before");
        for person in [&mut bob, &mut carol] {
            person.does("#lab", json!({ "act": "join" }));
            person.ask("subscribe", &json!({ "target": "#lab" }));
        }
        alice.does(
            "#lab",
            json!({ "act": "grant", "who": "bob", "role": "moderator" }),
        );
        let message = carol.says("#lab", "to be taken back");
        dave.ask("subscribe", &json!({ "target": "#lab" }));
        Self {
            hub,
            alice,
            bob,
            carol,
            dave,
            message,
            acts: 0,
            disk,
        }
    }

    /// Says less and less until there is no space for anything, and none for the smallest of other acts.
    fn until_full(&mut self) {
        for size in [15_000, 2_000, 100, 1] {
            let text = "m".repeat(size);
            self.until_refused(&[json!({ "act": "say" })], &text);
        }
        self.disk.fill_the_rest();
        let grants =
            ["moderator", "member"].map(|role| json!({ "act": "grant", "who": "carol", "role": role }));
        self.until_refused(&grants, "");
        let reactions =
            ["react", "unreact"].map(|act| json!({ "act": act, "message": self.message, "reaction": "+" }));
        self.until_refused(&reactions, "");
        self.until_refused(&[json!({ "act": "say" })], "m");
        // What was done went to those who listen.
        for person in [&mut self.bob, &mut self.carol, &mut self.dave] {
            person.ask_collecting("ping", &json!({}));
        }
    }

    /// Does these in turn until one is refused.
    fn until_refused(&mut self, acts: &[Value], text: &str) {
        let mut answers = acts.iter().cycle().take(ATTEMPTS_MAX).map(|act| {
            let answer = self.alice.tries_with("#lab", act, text);
            code(&answer)
        });
        let refused = answers.find(|code| code != "ok");
        assert_eq!(refused.as_deref(), Some("storage_full"));
    }

    /// What each of three people asks at once: Alice, Bob, Carol.
    fn flights(&mut self) -> [Vec<Asked>; 3] {
        let long = "x".repeat(16 * 1024);
        let message = self.message;
        [
            vec![
                (json!({ "act": "say" }), "said in the middle"),
                (json!({ "act": "topic" }), "after"),
                (json!({ "act": "say" }), &*long),
                (json!({ "act": "grant", "who": "bob", "role": "member" }), ""),
                (json!({ "act": "slow", "seconds": 60 }), ""),
                (json!({ "act": "invite", "who": "dave" }), ""),
            ],
            vec![
                (json!({ "act": "delete", "message": message }), ""),
                (json!({ "act": "say" }), &*long),
                (json!({ "act": "mute", "who": "carol", "seconds": 600 }), ""),
                (json!({ "act": "kick", "who": "carol" }), ""),
                (json!({ "act": "leave" }), ""),
            ],
            vec![
                (json!({ "act": "edit", "message": message }), "changed"),
                (
                    json!({ "act": "react", "message": message, "reaction": "+1" }),
                    "",
                ),
                (json!({ "act": "say" }), &*long),
            ],
        ]
        .map(|flight| {
            let flight = flight.into_iter().map(|(mut call, text)| {
                self.acts += 1;
                call["target"] = json!("#lab");
                call["client_id"] = json!(format!("{:032x}", 0xff00 + self.acts));
                Asked {
                    call,
                    text: text.to_owned(),
                }
            });
            flight.collect()
        })
    }

    /// Has everybody ask everything while the hub is held, so that it finds all of it at once; what they hear.
    fn fly(&mut self, flights: &[Vec<Asked>; 3]) -> Vec<Value> {
        self.hub.signal(Signal::STOP);
        let mut people = [&mut self.alice, &mut self.bob, &mut self.carol];
        let mut ids = Vec::new();
        for (person, flight) in people.iter_mut().zip(flights) {
            let asked = flight.iter();
            ids.push(
                asked
                    .map(|asked| person.peer.request("do", &asked.call, asked.text.as_bytes()))
                    .collect::<Vec<_>>(),
            );
        }
        self.hub.signal(Signal::CONT);
        let mut answers = Vec::new();
        for (person, ids) in people.into_iter().zip(ids) {
            answers.extend(ids.into_iter().map(|id| person.answer(id).0));
        }
        answers
    }

    /// The same acts, by the same names, are new ones; in an order in which each is allowed.
    fn goes_on(&mut self, flights: &[Vec<Asked>; 3], last: u64) {
        let [alice, bob, carol] = flights;
        let people = [
            (&mut self.carol, carol),
            (&mut self.bob, bob),
            (&mut self.alice, alice),
        ];
        let mut sequence = last;
        for (person, flight) in people {
            for Asked { call, text } in flight {
                // Bob has left by then.
                if call["act"] == "grant" {
                    continue;
                }
                let answer = person.ask_with("do", call, text.as_bytes());
                sequence += 1;
                assert_eq!(
                    (&answer["ok"]["sequence"], answer["ok"]["duplicate"].as_bool()),
                    (&json!(sequence), None),
                    "{call}: {answer}"
                );
                let (header, _) = self.dave.event();
                assert_eq!(header["args"]["sequence"], sequence, "{header}");
            }
        }
        let closed = self.carol.signal("closed");
        assert!(closed["refusal"]["message"].is_string(), "{closed}");
    }

    /// The room's head; the room, its events and members.
    fn looks(&mut self) -> Vec<Value> {
        let mut seen = Vec::new();
        let mut since = 0;
        loop {
            let call = json!({ "target": "#lab", "since": since, "limit": 1000, "fold": true });
            let (page, body) = self.alice.ask_for("history", &call);
            assert_eq!(code(&page), "ok", "{page}");
            if seen.is_empty() {
                let room = page["ok"]["room"].clone();
                seen.extend([room["head"].clone(), room]);
            }
            let events = lines(&body);
            let Some(last) = events.last() else { break };
            since = last["sequence"].as_u64().unwrap();
            seen.extend(events);
        }
        for others in [false, true] {
            let call = json!({ "target": "#lab", "limit": 100, "others": others });
            let (_, body) = self.alice.ask_for("members", &call);
            let people = lines(&body).into_iter().map(|mut person| {
                // Who is there just now is another question.
                person["online"].take();
                person
            });
            seen.extend(people);
        }
        seen
    }

    fn is_intact(&self) {
        let arguments = [Path::new("audit"), Path::new("--data"), &self.hub.data()];
        Person::stranger().run(arguments).succeeds();
    }
}
