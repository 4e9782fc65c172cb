//! Who may do what, by which request.

use super::talker::{Talker, code, lines};
use crate::support::Hub;
use serde_json::{Value, json};

/// Those who look at a room from different places, and the hub's admin, who has nothing to do with it.
struct Cast {
    _hub: Hub,
    admin: Talker,
    owner: Talker,
    others: Vec<(&'static str, Talker)>,
}

impl Cast {
    fn new() -> Self {
        let hub = Hub::start();
        let mut admin = Talker::admin(&hub, "admin");
        let owner = admin.brings(&hub, "member", "owner");
        let names = [
            "stranger",
            "invited",
            "asked",
            "member",
            "moderator",
            "kicked",
            "banned",
        ];
        let others = names.map(|name| (name, admin.brings(&hub, "guest", name))).into();
        admin.brings(&hub, "guest", "victim");
        Self {
            _hub: hub,
            admin,
            owner,
            others,
        }
    }

    /// Makes the room `#KIND` of that kind, in which everybody stands as they are called. The number of a message in it.
    fn room(&mut self, kind: &str) -> u64 {
        let target = format!("#{kind}");
        let made = self
            .owner
            .ask("room_create", &json!({ "name": kind, "kind": kind }));
        assert_eq!(
            made["ok"]["me"]["standing"],
            json!({ "member": "owner" }),
            "{made}"
        );
        for (name, person) in &mut self.others {
            let comes_in = |owner: &mut Talker, person: &mut Talker| {
                if kind != "public" {
                    owner.does(&target, json!({ "act": "invite", "who": *name }));
                }
                person.does(&target, json!({ "act": "join" }));
            };
            match *name {
                "invited" => {
                    self.owner
                        .does(&target, json!({ "act": "invite", "who": "invited" }));
                }
                "asked" if kind == "approval" => person.does(&target, json!({ "act": "ask" })),
                "stranger" | "asked" => {}
                "moderator" => {
                    comes_in(&mut self.owner, person);
                    let grant = json!({ "act": "grant", "who": "moderator", "role": "moderator" });
                    self.owner.does(&target, grant);
                }
                "kicked" | "banned" => {
                    comes_in(&mut self.owner, person);
                    let act = if *name == "kicked" { "kick" } else { "ban" };
                    self.owner.does(&target, json!({ "act": act, "who": *name }));
                }
                _ => comes_in(&mut self.owner, person),
            }
        }
        self.owner
            .does(&target, json!({ "act": "invite", "who": "victim" }));
        self.owner.says(&target, "hello")
    }

    fn everybody(&mut self) -> impl Iterator<Item = (&'static str, &mut Talker)> {
        let others = self.others.iter_mut().map(|(name, person)| (*name, person));
        others.chain([("admin", &mut self.admin), ("owner", &mut self.owner)])
    }
}

/// The requests about a room, in groups that take the same right; each leaves everybody where they are.
const GROUPS: [&str; 5] = ["read", "speak", "queue", "settings", "ownership"];

/// Asks everything of a group; the answer to all must be the same.
fn asks(person: &mut Talker, group: &str, target: &str, hello: u64, number: u64) -> String {
    let name = target.trim_start_matches('#');
    let path = format!("/rooms/{name}");
    let plain = |request: &'static str, arguments: Value| (request, arguments);
    let act = |act: Value| ("do", act);
    let requests: Vec<(&str, Value)> = match group {
        "read" => vec![
            plain("history", json!({ "target": target, "limit": 10 })),
            plain(
                "history",
                json!({ "target": target, "limit": 1, "last": true, "proof": true }),
            ),
            plain("history", json!({ "target": target, "limit": 10, "fold": true })),
            plain("subscribe", json!({ "target": target, "since": 0 })),
            plain("members", json!({ "target": target, "limit": 10 })),
            plain("read", json!({ "target": target, "sequence": 1 })),
            plain("list", json!({ "path": path, "limit": 10 })),
            plain("stat", json!({ "path": path })),
        ],
        "speak" => vec![
            plain("typing", json!({ "target": target })),
            act(json!({ "act": "say" })),
            act(json!({ "act": "react", "message": hello, "reaction": "+1" })),
        ],
        "queue" => vec![plain(
            "members",
            json!({ "target": target, "limit": 10, "others": true }),
        )],
        "settings" => vec![
            act(json!({ "act": "topic" })),
            act(json!({ "act": "slow", "seconds": number })),
            act(json!({ "act": "mute", "who": "victim", "seconds": 1000 + number })),
        ],
        "ownership" => ["moderator", "member"]
            .map(|role| act(json!({ "act": "grant", "who": "member", "role": role })))
            .into(),
        _ => unreachable!("{group}"),
    };
    let codes: Vec<(String, String)> = requests
        .into_iter()
        .map(|(request, arguments)| {
            let text = match arguments["act"].as_str() {
                Some("say" | "topic") => format!("text {number}"),
                _ => String::new(),
            };
            let answer = match request {
                "do" => person.tries_with(target, &arguments, text),
                _ => person.ask(request, &arguments),
            };
            (format!("{request} {arguments}: {answer}"), code(&answer))
        })
        .collect();
    let first = codes[0].1.clone();
    assert!(
        codes.iter().all(|(_, code)| *code == first),
        "{target} {group}: {codes:#?}"
    );
    first
}

/// What comes of each group of [`GROUPS`]: y yes, f forbidden, n there is no such room.
fn expected(kind: &str, who: &str) -> &'static str {
    match (kind, who) {
        (_, "owner") => "yyyyy",
        (_, "moderator") => "yyyyf",
        (_, "member") => "yyfff",
        ("public", "admin") => "yyyyy",
        ("approval", "admin") => "ffyyy",
        ("public", "stranger" | "invited" | "asked") => "yyfff",
        ("private", "invited") => "fffff",
        ("private", _) => "nnnnn",
        _ => "fffff",
    }
}

#[test]
fn every_request_about_a_room_asks_who_one_is_in_it() {
    let mut cast = Cast::new();
    for kind in ["public", "private", "approval"] {
        let (hello, target) = (cast.room(kind), format!("#{kind}"));
        let mut number = 0;
        for (who, person) in cast.everybody() {
            let mut found = String::new();
            for group in GROUPS {
                number += 1;
                let code = asks(person, group, &target, hello, number);
                found.push(match &*code {
                    "ok" => 'y',
                    "forbidden" => 'f',
                    "not_found" => 'n',
                    other => panic!("{kind}, {who}, {group}: {other}"),
                });
            }
            assert_eq!(found, expected(kind, who), "{kind}, {who}");
            let listed = person.ask_for("room_list", &json!({ "limit": 100 }));
            let is_listed = lines(&listed.1).iter().any(|room| room["target"] == target);
            assert_eq!(is_listed, !found.contains('n'), "{kind}, {who}: {}", listed.0);
        }
        // Those who are not asked for the room itself.
        let (_, stranger) = &mut cast.others[0];
        let made = stranger.ask("room_create", &json!({ "name": "mine" }));
        assert_eq!(code(&made), "forbidden", "a guest makes no rooms");
    }
}

/// What is said of a room, with its name replaced.
fn said_of(answer: &Value, name: &str) -> String {
    answer["error"].to_string().replace(name, "ROOM")
}

#[test]
fn a_private_room_is_for_others_as_if_it_were_not_there() {
    let mut cast = Cast::new();
    cast.room("private");
    let id = cast.owner.ask("subscribe", &json!({ "target": "#private" }))["ok"]["id"].clone();
    let client = "11".repeat(16);
    for (who, person) in cast.everybody() {
        if ["owner", "moderator", "member", "invited"].contains(&who) {
            continue;
        }
        for request in [
            json!(["history", { "target": "#T", "limit": 1 }]),
            json!(["history", { "target": "#T", "since": u64::MAX, "limit": 1, "proof": true }]),
            json!(["subscribe", { "target": "#T" }]),
            json!(["subscribe", { "target": "#T", "since": u64::MAX }]),
            json!(["members", { "target": "#T", "limit": 1 }]),
            json!(["members", { "target": "#T", "limit": 1, "others": true }]),
            json!(["read", { "target": "#T", "sequence": u64::MAX }]),
            json!(["typing", { "target": "#T" }]),
            json!(["send", { "target": "#T", "client_id": client }, "x"]),
            json!(["send", { "target": "#T", "client_id": client, "reply_to": 1 }, "x"]),
            json!(["do", { "target": "#T", "client_id": client, "act": "delete", "message": 1 }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "react", "message": 9, "reaction": "x" }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "join" }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "ask" }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "leave" }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "kick", "who": "owner" }]),
            json!(["do", { "target": "#T", "client_id": client, "act": "topic" }, "x"]),
            json!(["list", { "path": "/rooms/T", "limit": 1 }]),
            json!(["stat", { "path": "/rooms/T/x" }]),
            json!(["get", { "path": "/rooms/T/x" }]),
            json!(["put_open", { "path": "/rooms/T/x", "size": 1 }]),
            json!(["make_directory", { "path": "/rooms/T/x" }]),
            json!(["remove", { "path": "/rooms/T/x" }]),
            json!(["rename", { "from": "/rooms/T/x", "to": "/rooms/T/y" }]),
            json!(["rename", { "from": "~/x", "to": "/rooms/T/y" }]),
        ] {
            let mut ask = |name: &str| {
                let arguments = request[1].to_string();
                let arguments = arguments.replace("#T", &format!("#{name}"));
                let arguments = arguments.replace("rooms/T", &format!("rooms/{name}"));
                let arguments = serde_json::from_str(&arguments).unwrap();
                let text = request[2].as_str().unwrap_or_default();
                let answer = person.ask_with(request[0].as_str().unwrap(), &arguments, text.as_bytes());
                assert_eq!(code(&answer), "not_found", "{who} {request}: {answer}");
                said_of(&answer, name)
            };
            assert_eq!(ask("private"), ask("missing"), "{who} {request}");
        }
        // Its id says nothing either.
        let answer = person.ask("unsubscribe", &json!({ "room": id }));
        assert_eq!(code(&answer), "ok");
    }
}
