//! Messages of others, where there is no moderator.

use crate::support::Hub;
use crate::talker::{Talker, code, lines};
use serde_json::json;

#[test]
fn nobody_touches_what_another_one_said_in_a_conversation() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "member", "bob");
    let mut carol = alice.brings(&hub, "member", "carol");
    let said = bob.says("@alice", "by bob");
    for act in [
        json!({ "act": "edit", "message": said }),
        json!({ "act": "delete", "message": said }),
    ] {
        let text = if act["act"] == "edit" { "forged" } else { "" };
        let answer = alice.tries_with("@bob", &act, text);
        assert_eq!(code(&answer), "forbidden", "an admin neither: {answer}");
        // The same number in a conversation of their own is no message.
        let answer = carol.tries_with("@bob", &act, text);
        assert_eq!(code(&answer), "not_found", "{answer}");
    }
    for act in ["kick", "ban", "mute", "invite", "grant"] {
        let call = json!({ "act": act, "who": "bob", "seconds": 60, "role": "member" });
        let answer = alice.tries_with("@bob", &call, "");
        assert_ne!(code(&answer), "ok", "{act}: {answer}");
    }
    let call = json!({ "target": "@bob", "limit": 10, "fold": true });
    let (_, body) = alice.ask_for("history", &call);
    let events = lines(&body);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["text"], "by bob");
    bob.does_with(
        "@alice",
        &json!({ "act": "edit", "message": said }),
        "by bob himself",
    );
}
