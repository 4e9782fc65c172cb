//! Keeping order in a room.

use super::talker::{Talker, code};
use crate::support::Hub;
use serde_json::json;

#[test]
fn messages_are_changed_by_who_said_them_and_nobody_acts_on_who_has_the_rank() {
    let hub = Hub::start();
    let mut admin = Talker::admin(&hub, "admin");
    let [mut owner, mut moderator, mut member] =
        ["owner", "moderator", "member"].map(|name| admin.brings(&hub, "member", name));
    owner.ask("room_create", &json!({ "name": "lab" }));
    for person in [&mut moderator, &mut member] {
        person.does("#lab", json!({ "act": "join" }));
    }
    owner.does(
        "#lab",
        json!({ "act": "grant", "who": "moderator", "role": "moderator" }),
    );
    let by_owner = owner.says("#lab", "by the owner");
    let by_member = member.says("#lab", "by the member");
    for person in [&mut moderator, &mut owner, &mut admin] {
        let edit = json!({ "act": "edit", "message": by_member });
        let answer = person.tries_with("#lab", &edit, "forged");
        assert_eq!(code(&answer), "forbidden", "{answer}");
    }
    for (act, expected) in [
        (json!({ "act": "delete", "message": by_owner }), "forbidden"),
        (json!({ "act": "kick", "who": "owner" }), "forbidden"),
        (json!({ "act": "ban", "who": "owner" }), "forbidden"),
        (
            json!({ "act": "mute", "who": "owner", "seconds": 60 }),
            "forbidden",
        ),
        (json!({ "act": "kick", "who": "moderator" }), "forbidden"),
        (
            json!({ "act": "grant", "who": "moderator", "role": "owner" }),
            "forbidden",
        ),
        (
            json!({ "act": "grant", "who": "owner", "role": "member" }),
            "forbidden",
        ),
        (json!({ "act": "kick", "who": "nobody" }), "not_found"),
        (json!({ "act": "delete", "message": by_member }), "ok"),
        (json!({ "act": "delete", "message": by_member }), "not_found"),
        (json!({ "act": "edit", "message": by_member }), "not_found"),
    ] {
        let text = if act["act"] == "edit" { "x" } else { "" };
        let answer = moderator.tries_with("#lab", &act, text);
        assert_eq!(code(&answer), expected, "{act}: {answer}");
    }
}

#[test]
fn who_is_muted_or_too_quick_is_told_how_long_and_the_last_owner_stays() {
    let hub = Hub::start();
    let mut owner = Talker::admin(&hub, "owner");
    let [mut member, mut other] = ["member", "other"].map(|name| owner.brings(&hub, "member", name));
    owner.ask("room_create", &json!({ "name": "lab" }));
    for person in [&mut member, &mut other] {
        person.does("#lab", json!({ "act": "join" }));
    }
    owner.does("#lab", json!({ "act": "mute", "who": "member", "seconds": 60 }));
    let answer = member.tries_with("#lab", &json!({ "act": "say" }), "muffled");
    assert_eq!(code(&answer), "forbidden");
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("muted for another"),
        "{answer}"
    );
    let answer = owner.tries_with("#lab", &json!({ "act": "leave" }), "");
    assert_eq!(code(&answer), "conflict", "the last owner stays: {answer}");
    owner.does("#lab", json!({ "act": "slow", "seconds": 3600 }));
    other.says("#lab", "one");
    let answer = other.tries_with("#lab", &json!({ "act": "say" }), "two");
    assert_eq!(code(&answer), "too_soon", "{answer}");
    let typing = other.ask("typing", &json!({ "target": "#lab" }));
    assert_eq!(code(&typing), "ok", "who waits may write");
}
