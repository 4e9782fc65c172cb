//! Everything said twice, with a hub between that was killed.

use crate::support::Hub;
use crate::talker::{Talker, code, lines};
use serde_json::{Value, json};

/// Something that was done: by whom, what, and the number of its event.
struct Deed {
    who: usize,
    request: &'static str,
    call: Value,
    text: &'static str,
    sequence: u64,
}

/// Alice, Bob and Carol; each act is noted.
struct Scene {
    hub: Hub,
    people: Vec<Talker>,
    deeds: Vec<Deed>,
}

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// All kinds of acts, each as often as it needs others to make sense.
const ACTS: [(usize, &str, &str, &str); 24] = [
    (ALICE, "#lab", r#"{"act":"slow","seconds":60}"#, ""),
    (ALICE, "#lab", r#"{"act":"slow","seconds":0}"#, ""),
    (ALICE, "#lab", r#"{"act":"topic"}"#, "a topic"),
    (BOB, "#lab", r#"{"act":"join"}"#, ""),
    (BOB, "#lab", r#"{"act":"say"}"#, "number five"),
    (BOB, "#lab", r#"{"act":"edit","message":5}"#, "number 5"),
    (
        ALICE,
        "#lab",
        r#"{"act":"react","message":5,"reaction":"+1"}"#,
        "",
    ),
    (
        ALICE,
        "#lab",
        r#"{"act":"unreact","message":5,"reaction":"+1"}"#,
        "",
    ),
    (CAROL, "#lab", r#"{"act":"say","reply_to":5}"#, "an answer to it"),
    (BOB, "#lab", r#"{"act":"delete","message":5}"#, ""),
    (
        ALICE,
        "#lab",
        r#"{"act":"grant","who":"bob","role":"moderator"}"#,
        "",
    ),
    (BOB, "#lab", r#"{"act":"mute","who":"carol","seconds":600}"#, ""),
    (BOB, "#lab", r#"{"act":"unmute","who":"carol"}"#, ""),
    (BOB, "#lab", r#"{"act":"ban","who":"carol"}"#, ""),
    (BOB, "#lab", r#"{"act":"unban","who":"carol"}"#, ""),
    (ALICE, "#lab", r#"{"act":"kick","who":"bob"}"#, ""),
    (BOB, "#lab", r#"{"act":"join"}"#, ""),
    (BOB, "#lab", r#"{"act":"leave"}"#, ""),
    (CAROL, "#queue", r#"{"act":"ask"}"#, ""),
    (ALICE, "#queue", r#"{"act":"approve","who":"carol"}"#, ""),
    (BOB, "#queue", r#"{"act":"ask"}"#, ""),
    (ALICE, "#queue", r#"{"act":"decline","who":"bob"}"#, ""),
    (ALICE, "#queue", r#"{"act":"invite","who":"bob"}"#, ""),
    (BOB, "@alice", r#"{"act":"say"}"#, "between us"),
];

#[test]
fn every_act_that_is_repeated_after_a_crash_is_the_one_that_it_was() {
    let mut scene = Scene::new();
    for (number, (who, target, act, text)) in ACTS.into_iter().enumerate() {
        let mut call: Value = serde_json::from_str(act).unwrap();
        call["target"] = json!(target);
        call["client_id"] = json!(format!("{:032x}", 0xaa00 + number));
        scene.does(who, "do", call, text);
    }
    let send = json!({ "target": "#lab", "client_id": "bb".repeat(16) });
    scene.does(CAROL, "send", send, "the short way");
    let before = scene.looks();

    for _ in 0..2 {
        scene.hub.kill();
        scene.hub.start_again();
        scene.people = scene
            .people
            .iter()
            .map(|person| person.elsewhere(&scene.hub))
            .collect();
        scene.repeats_everything();
        assert_eq!(scene.looks(), before);
    }
    // What somebody else calls the same is not the same.
    let call = json!({ "target": "#lab", "client_id": "bb".repeat(16) });
    let other = scene.people[BOB].ask_with("send", &call, b"of somebody else");
    assert_eq!(other["ok"]["duplicate"].as_bool(), None, "{other}");
    assert!(other["ok"]["sequence"].is_u64(), "{other}");
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::start();
        let mut alice = Talker::admin(&hub, "alice");
        let [bob, carol] = ["bob", "carol"].map(|name| alice.brings(&hub, "member", name));
        alice.ask("room_create", &json!({ "name": "lab" }));
        alice.ask("room_create", &json!({ "name": "queue", "kind": "approval" }));
        Self {
            hub,
            people: vec![alice, bob, carol],
            deeds: Vec::new(),
        }
    }

    fn does(&mut self, who: usize, request: &'static str, call: Value, text: &'static str) {
        let answer = self.people[who].ask_with(request, &call, text.as_bytes());
        assert_eq!(code(&answer), "ok", "{call}: {answer}");
        assert_eq!(answer["ok"]["duplicate"].as_bool(), None, "{call}: {answer}");
        let sequence = answer["ok"]["sequence"].as_u64().unwrap();
        self.deeds.push(Deed {
            who,
            request,
            call,
            text,
            sequence,
        });
    }

    /// The last first, and each twice in one flight.
    fn repeats_everything(&mut self) {
        for deed in self.deeds.iter().rev() {
            let person = &mut self.people[deed.who];
            let body = deed.text.as_bytes();
            let ids = [(); 2].map(|()| person.peer.request(deed.request, &deed.call, body));
            for id in ids {
                let answer = loop {
                    let (header, _) = person.receive();
                    if header["id"] == id {
                        break header;
                    }
                };
                let found = (&answer["ok"]["duplicate"], &answer["ok"]["sequence"]);
                let expected = (&json!(true), &json!(deed.sequence));
                assert_eq!(found, expected, "{}: {answer}", deed.call);
            }
        }
    }

    /// All that there is to see: events, members and those who are none.
    fn looks(&mut self) -> Vec<Value> {
        let mut seen = Vec::new();
        for target in ["#lab", "#queue", "@bob"] {
            let alice = &mut self.people[ALICE];
            let call = json!({ "target": target, "limit": 100, "proof": true });
            let (page, body) = alice.ask_for("history", &call);
            assert_eq!(code(&page), "ok", "{page}");
            seen.extend(lines(&body));
            for others in [false, true] {
                let call = json!({ "target": target, "limit": 100, "others": others });
                let (_, body) = alice.ask_for("members", &call);
                // Who is there just now is another question.
                let people = lines(&body).into_iter().map(|mut person| {
                    person["online"].take();
                    person
                });
                seen.extend(people);
            }
        }
        for (who, person) in self.people.iter_mut().enumerate() {
            for target in ["#lab", "#queue"] {
                let (_, body) = person.ask_for("room_list", &json!({ "limit": 100 }));
                let rooms = lines(&body);
                let room = rooms.iter().find(|room| room["target"] == target).unwrap();
                seen.push(json!([who, room["me"], room["topic"], room["slow_seconds"]]));
            }
        }
        seen
    }
}
