//! What is open to somebody who is put out of a room ends.

use super::talker::{Talker, code};
use crate::support::Hub;
use serde_json::{Value, json};

/// Alice, and Bob, who is a member of her private room `#den`.
fn den() -> (Hub, Talker, Talker) {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "member", "bob");
    alice.ask("room_create", &json!({ "name": "den", "kind": "private" }));
    alice.does("#den", json!({ "act": "invite", "who": "bob" }));
    bob.does("#den", json!({ "act": "join" }));
    (hub, alice, bob)
}

#[test]
fn whoever_is_put_out_hears_so_and_nothing_that_is_said_then() {
    let (_hub, mut alice, mut bob) = den();
    let from = bob.ask("subscribe", &json!({ "target": "#den", "since": 0 }));
    assert_eq!(
        from["ok"]["me"]["standing"],
        json!({ "member": "member" }),
        "{from}"
    );
    let room = from["ok"]["id"].clone();
    // More than all buffers between the two hold: bob does not read.
    let text = "x".repeat(16 * 1024);
    for _ in 0..1200 {
        alice.sends("#den", &text);
    }
    alice.does(
        "#den",
        json!({ "act": "kick", "who": "bob", "reason": "too slow" }),
    );
    let kicked = alice.says("#den", "that he is gone") - 1;
    // That they were invited and came in was said before; how they stand comes in front of what was closed.
    let (mut seen, mut closed, mut standing) = (0, None, None);
    while closed.is_none() {
        let (header, body) = bob.receive();
        match header["event"].as_str() {
            Some("room") => {
                let sequence = header["args"]["sequence"].as_u64().unwrap();
                assert!(sequence == seen + 1 && sequence < kicked, "{header}");
                assert_ne!(body, b"that he is gone");
                seen = sequence;
            }
            Some("signal") if header["args"]["signal"] == "closed" => closed = Some(header),
            Some("signal") if header["args"]["signal"] == "standing" => standing = Some(header),
            other => panic!("{other:?}: {header}"),
        }
    }
    let (closed, standing) = (closed.unwrap(), standing.unwrap());
    assert_eq!(closed["args"]["room"], room);
    let why = closed["args"]["refusal"]["message"].as_str().unwrap();
    assert_eq!(why, "you were put out of the room: too slow");
    assert_eq!(
        (&standing["args"]["id"], &standing["args"]["room"]),
        (&room, &Value::Null)
    );
    assert!(
        seen < kicked - 1,
        "bob was far behind, and yet got all of it: {seen}"
    );
    alice.says("#den", "and that he does not come back");
    let (answer, meanwhile) = bob.ask_collecting("ping", &json!({}));
    assert_eq!(
        (code(&answer), meanwhile.len()),
        ("ok".to_owned(), 0),
        "{meanwhile:?}"
    );
    for request in ["subscribe", "history", "members"] {
        let answer = bob.ask(request, &json!({ "target": "#den", "limit": 10 }));
        assert_eq!(code(&answer), "not_found", "{request}");
    }
}

#[test]
fn whoever_is_put_out_has_no_files_there_any_more_in_the_middle_of_them() {
    let (_hub, mut alice, mut bob) = den();
    let opened = bob.ask("put_open", &json!({ "path": "/rooms/den/x", "size": 3 }));
    let upload = opened["ok"]["upload"].clone();
    assert!(upload.is_string(), "{opened}");
    alice.does("#den", json!({ "act": "ban", "who": "bob" }));
    let block = bob.ask_with("put_block", &json!({ "upload": upload, "offset": 0 }), b"abc");
    assert_eq!(code(&block), "forbidden", "{block}");
    let listed = bob.ask("list", &json!({ "path": "/rooms/den", "limit": 1 }));
    assert_eq!(code(&listed), "not_found");
    let listed = alice.ask("list", &json!({ "path": "/rooms/den", "limit": 1 }));
    assert_eq!(code(&listed), "ok");
}

#[test]
fn whoever_is_put_out_gets_no_further_piece_of_a_file() {
    const BLOCK: usize = 1024 * 1024;
    const BLOCKS: usize = 24;
    let (_hub, mut alice, mut bob) = den();
    let size = BLOCK * BLOCKS;
    let opened = alice.ask("put_open", &json!({ "path": "/rooms/den/large", "size": size }));
    let upload = &opened["ok"]["upload"];
    for block in 0..BLOCKS {
        let call = json!({ "upload": upload, "offset": block * BLOCK });
        let written = alice.ask_with("put_block", &call, &[b'x'; BLOCK]);
        assert_eq!(code(&written), "ok", "{written}");
    }
    let hash = blake3::hash(&vec![b'x'; size]).to_hex();
    let call = json!({ "upload": upload, "size": size, "hash": hash.as_str() });
    assert_eq!(code(&alice.ask("put_finish", &call)), "ok");
    let id = bob
        .peer
        .request("get", &json!({ "path": "/rooms/den/large" }), b"");
    let mut got = 0;
    // What was signalled to Bob before may come first.
    while got == 0 {
        got = bob.receive().1.len();
    }
    alice.does("#den", json!({ "act": "kick", "who": "bob" }));
    let end = loop {
        let (header, body) = bob.receive();
        if header["id"] == id && header["part"].is_null() {
            break header;
        }
        got += body.len();
    };
    assert_eq!(code(&end), "not_found", "{end}");
    assert!(got < size, "it was sent to its end");
}
