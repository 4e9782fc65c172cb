//! Peers that do not keep to the protocol, at the hub's port.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use support::following::Following;
use support::peer::{Peer, rest};
use support::{Hub, Person};

/// A hub with the room `#general`, and somebody who is logged in as a peer that need not behave.
fn general(environment: &[(&str, &str)]) -> (Hub, Person, Peer) {
    let hub = Hub::start_in(environment, &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    alice.run(["room", "create", "#general"]).succeeds();
    let peer = Peer::joined(&hub, &alice.invitation(&[]), "peer");
    (hub, alice, peer)
}

/// The arguments of a message to `#general`.
fn message(client: u8) -> Value {
    json!({ "target": "#general", "client_id": format!("{client:032x}") })
}

/// What was said in `#general`.
fn said(person: &Person) -> Vec<String> {
    let lines = person.run(["history", "#general", "--json"]).succeeds();
    let events = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Stops a hub, and looks for words in what it has logged until then.
#[track_caller]
fn has_logged(mut hub: Hub, words: &[&str]) {
    hub.stop();
    let log = hub.errors();
    assert!(words.iter().all(|words| log.contains(words)), "{log}");
}

/// Waits for the refusal of a broken message, and the end that follows it.
#[track_caller]
fn is_refused_and_closed(peer: &mut Peer, words: &[&str]) {
    let (header, _) = peer.receive().expect("a refusal before the end");
    let error = &header["error"];
    assert_eq!(
        (&header["id"], &error["code"]),
        (&json!(0), &json!("bad_request")),
        "{header}"
    );
    let message = error["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{message}");
    }
    peer.is_closed();
}

#[test]
fn a_header_of_70_kib_is_refused_before_it_is_read() {
    let (hub, alice, mut peer) = general(&[]);
    peer.write(&(70 * 1024_u32).to_be_bytes());
    is_refused_and_closed(&mut peer, &["71680 bytes", "at most 65536"]);
    let mut stranger = Peer::connect(&hub);
    stranger.write(&u32::MAX.to_be_bytes());
    is_refused_and_closed(&mut stranger, &["4294967295 bytes"]);
    alice.run(["whoami"]).succeeds();
}

#[test]
fn a_header_that_is_no_json_object_is_refused() {
    let hub = Hub::start();
    let headers: [&[u8]; 6] = [
        b"[1,2]",
        b"GET / HTTP/1.1",
        b"{\"id\":1",
        b"{}}",
        b"{\"x\":\"\xff\"}",
        b"{\"body\":-1}",
    ];
    for header in headers {
        let mut peer = Peer::greeted(&hub);
        peer.write_header(header);
        is_refused_and_closed(&mut peer, &["not a JSON object"]);
    }
    let mut peer = Peer::greeted(&hub);
    peer.write_header(b"");
    is_refused_and_closed(&mut peer, &["too short"]);
}

#[test]
fn a_header_that_is_no_request_is_refused_and_the_connection_goes_on() {
    let hub = Hub::start();
    let mut peer = Peer::greeted(&hub);
    for header in [
        &b"{}"[..],
        b"{\"id\":-1,\"do\":\"ping\"}",
        b"{\"id\":1}",
        b"{\"id\":1,\"do\":5}",
    ] {
        peer.write_header(header);
        let (header, _) = peer.receive().unwrap();
        assert_eq!(header["error"]["code"], "bad_request", "{header}");
    }
    assert_eq!(
        peer.ask("hello", &json!({ "protocol": 1 }))["error"]["code"],
        "bad_request"
    );
}

#[test]
fn a_body_of_more_than_a_mib_is_refused_before_it_is_read() {
    let (hub, alice, mut peer) = general(&[]);
    peer.write_header(br#"{"id":1,"do":"send","args":{},"body":1048577}"#);
    is_refused_and_closed(&mut peer, &["1048577 bytes", "at most 1048576"]);
    // Nobody has a body before the login.
    let mut stranger = Peer::greeted(&hub);
    stranger.write_header(br#"{"id":1,"do":"login","args":{},"body":1}"#);
    is_refused_and_closed(&mut stranger, &["at most 0"]);
    assert!(said(&alice).is_empty());
}

#[test]
fn a_body_longer_than_it_said_ends_at_what_it_said() {
    let (_hub, alice, mut peer) = general(&[]);
    let header = json!({ "id": 1, "do": "send", "args": message(1), "body": 5 });
    peer.write_header(header.to_string().as_bytes());
    peer.write(b"hello, and more than was said");
    while peer.receive().is_some() {}
    alice.run(["send", "#general", "after"]).succeeds();
    assert_eq!(said(&alice), ["hello", "after"]);
}

#[test]
fn a_body_shorter_than_it_said_is_nothing() {
    let (_hub, alice, mut peer) = general(&[]);
    let header = json!({ "id": 1, "do": "send", "args": message(1), "body": 10 });
    peer.write_header(header.to_string().as_bytes());
    peer.write(b"hello");
    peer.finish();
    is_refused_and_closed(&mut peer, &["ended in the middle of a message"]);
    alice.run(["send", "#general", "after"]).succeeds();
    assert_eq!(said(&alice), ["after"]);
}

#[test]
fn requests_out_of_their_place_are_refused_and_change_nothing() {
    let hub = Hub::start();
    let mut peer = Peer::connect(&hub);
    let code = |answer: Value| answer["error"]["code"].as_str().unwrap_or("none").to_owned();
    for request in ["login", "send", "whoami", "nonsense"] {
        assert_eq!(code(peer.ask(request, &json!({}))), "bad_request", "{request}");
    }
    let other = peer.ask("hello", &json!({ "protocol": 2, "client": "test" }));
    assert_eq!(other["error"]["code"], "version", "{other}");
    let message = other["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("this hub speaks version 1") && message.contains("the client version 2"),
        "{message}"
    );
    assert!(peer.ask("hello", &json!({ "protocol": 1 }))["ok"].is_object());
    assert_eq!(code(peer.ask("hello", &json!({ "protocol": 1 }))), "bad_request");
    let requests = [
        "whoami",
        "invite",
        "set_password",
        "logout",
        "room_create",
        "room_list",
        "send",
        "subscribe",
        "unsubscribe",
        "history",
        "ping",
        "list",
        "stat",
        "get",
        "put_open",
        "put_block",
        "put_finish",
        "put_abort",
        "make_directory",
        "remove",
        "rename",
        "nonsense",
    ];
    for request in requests {
        assert_eq!(
            code(peer.ask(request, &json!({}))),
            "unauthenticated",
            "{request}"
        );
    }
}

#[test]
fn an_unknown_request_is_refused_and_the_connection_goes_on() {
    let (_hub, _alice, mut peer) = general(&[]);
    let answer = peer.ask_with("fly\u{1b}[2J", &json!({ "x": 1 }), b"body");
    assert_eq!(answer["error"]["code"], "bad_request");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("knows no request 'fly\\u{1b}[2J'"), "{message}");
    assert!(peer.ask("ping", &json!({}))["ok"].is_object());
}

#[test]
fn arguments_beyond_every_range_are_answered_and_harm_nothing() {
    let (_hub, alice, mut peer) = general(&[]);
    alice.run(["send", "#general", "one"]).succeeds();
    let max = u64::MAX;
    for since in [1, 2, 1 << 53, (1 << 63) - 1, 1 << 63, max] {
        for last in [false, true] {
            let call = json!({ "target": "#general", "since": since, "limit": u32::MAX, "last": last });
            let page = peer.ask("history", &call);
            assert_eq!(page["ok"]["more"], false, "{since}: {page}");
            assert!(page["body"].is_null(), "{since}: {page}");
        }
        let following = peer.ask("subscribe", &json!({ "target": "#general", "since": since }));
        if since == 1 {
            assert_eq!(following["ok"]["target"], "#general", "{following}");
        } else {
            assert_eq!(following["error"]["code"], "conflict", "{since}: {following}");
        }
    }
    let page = peer.ask("history", &json!({ "target": "#general", "limit": 0 }));
    assert!(page["ok"].is_object(), "{page}");
    let wrong = [
        (
            "history",
            json!({ "target": "#general", "since": -1, "limit": 1 }),
        ),
        (
            "history",
            json!({ "target": "#general", "since": 1.5, "limit": 1 }),
        ),
        (
            "history",
            json!({ "target": "#general", "limit": 4_294_967_296_u64 }),
        ),
        ("history", json!({ "target": "general", "limit": 1 })),
        ("history", json!({ "target": "#\u{1b}[2J", "limit": 1 })),
        ("history", json!([])),
        ("send", json!({ "target": "#general", "client_id": "zz" })),
        (
            "send",
            json!({ "target": "#general", "client_id": "é".repeat(16) }),
        ),
        ("room_create", json!({ "name": "x".repeat(65) })),
        ("room_list", json!({ "after": "00", "limit": 1 })),
    ];
    for (request, arguments) in wrong {
        let answer = peer.ask(request, &arguments);
        assert_eq!(
            answer["error"]["code"], "bad_request",
            "{request} {arguments}: {answer}"
        );
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(message, landline_model::text::escape(message));
    }
    assert!(peer.ask("ping", &json!({}))["ok"].is_object());
}

#[test]
fn the_end_of_time_is_no_offset_for_an_invitation() {
    let hub = Hub::start();
    let mut admin = Peer::joined(&hub, hub.admin_link(), "alice");
    for expires in [0, u64::MAX / 1000, u64::MAX] {
        let answer = admin.ask(
            "invite",
            &json!({ "role": "guest", "uses": 1, "expires": expires }),
        );
        assert_eq!(answer["error"]["code"], "bad_request", "{expires}: {answer}");
    }
    for uses in [0, u32::MAX] {
        let answer = admin.ask("invite", &json!({ "role": "guest", "uses": uses, "expires": 60 }));
        assert_eq!(answer["error"]["code"], "bad_request", "{uses}: {answer}");
    }
}

#[test]
fn what_is_neither_tls_nor_http_is_closed_at_once() {
    let hub = Hub::start();
    for garbage in [&b"\0\0\0\x02{}"[..], b"\xff\xff\xff\xff", b"SSH"] {
        let mut stream = TcpStream::connect(hub.address()).unwrap();
        stream.write_all(garbage).unwrap();
        // As HTTP, "SSH" is the beginning of a request. The others may be gone already.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = rest(&stream);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
            "{answer:?}"
        );
    }
    let mut stream = TcpStream::connect(hub.address()).unwrap();
    stream
        .write_all(b"\x16\x03\x01\x02\x00garbage behind the first record's header, as long as it takes")
        .unwrap();
    // The hub may have seen enough and be gone.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // At most an alert comes back.
    assert!(rest(&stream).len() <= 7);
}

#[test]
fn silence_before_the_login_is_closed_at_the_deadline() {
    let hub = Hub::start_in(
        &[
            ("LANDLINE_LIMITS_HANDSHAKE_SECONDS", "1"),
            ("LANDLINE_LOG_LEVEL", "debug"),
        ],
        &[],
    );
    let silent = TcpStream::connect(hub.address()).unwrap();
    let mut half = TcpStream::connect(hub.address()).unwrap();
    half.write_all(b"\x16\x03").unwrap();
    let mut http = TcpStream::connect(hub.address()).unwrap();
    http.write_all(b"GET / HT").unwrap();
    let (mut connected, mut greeted) = (Peer::connect(&hub), Peer::greeted(&hub));
    let mut slow = Peer::greeted(&hub);
    slow.write(&[0, 0]);
    for stream in [&silent, &half, &http] {
        assert!(rest(stream).is_empty());
    }
    for peer in [&mut connected, &mut greeted, &mut slow] {
        peer.is_closed();
    }
    has_logged(hub, &["nobody logged in in time"]);
}

#[test]
fn who_is_silent_or_in_the_middle_of_a_message_too_long_is_closed_at_the_deadline() {
    let (hub, alice, mut slow) = general(&[("LANDLINE_LIMITS_IDLE_SECONDS", "5")]);
    let mut silent = Peer::joined(&hub, &alice.invitation(&[]), "silent");
    let header = json!({ "id": 1, "do": "send", "args": message(1), "body": 1024 * 1024 });
    slow.write_header(header.to_string().as_bytes());
    slow.write(b"h");
    slow.is_closed();
    silent.is_closed();
    assert!(said(&alice).is_empty());
    has_logged(
        hub,
        &["a message was not whole in time", "the peer was silent too long"],
    );
}

#[test]
fn too_many_handshakes_of_one_address_leave_those_inside_alone() {
    let limits = [
        ("LANDLINE_LIMITS_HANDSHAKES_PER_ADDRESS", "2"),
        ("LANDLINE_LIMITS_HANDSHAKE_SECONDS", "2"),
    ];
    let (hub, alice, mut peer) = general(&limits);
    let silent = [
        TcpStream::connect(hub.address()).unwrap(),
        TcpStream::connect(hub.address()).unwrap(),
    ];
    let third = TcpStream::connect(hub.address()).unwrap();
    assert!(rest(&third).is_empty());
    let errors = alice.run(["whoami"]).fails(1);
    assert!(
        errors.contains("closed the connection before the greeting"),
        "{errors}"
    );
    assert!(errors.contains("as many connections as it takes"), "{errors}");
    assert!(peer.ask("ping", &json!({}))["ok"].is_object());
    // They give their places back at the deadline.
    for stream in &silent {
        assert!(rest(stream).is_empty());
    }
    alice.run(["whoami"]).succeeds();
    has_logged(hub, &["limits.handshakes_per_address is reached"]);
}

#[test]
fn a_full_hub_serves_those_it_has() {
    let hub = Hub::start_in(
        &[
            ("LANDLINE_LIMITS_CONNECTIONS", "2"),
            ("LANDLINE_LIMITS_HANDSHAKE_SECONDS", "2"),
        ],
        &[],
    );
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    alice.run(["room", "create", "#general"]).succeeds();
    alice.run(["send", "#general", "one"]).succeeds();
    let mut chat = Following::start(&alice, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: one"));
    let silent = TcpStream::connect(hub.address()).unwrap();
    let errors = alice.run(["whoami"]).fails(1);
    assert!(
        errors.contains("closed the connection before the greeting"),
        "{errors}"
    );
    chat.say("two");
    assert!(chat.line().ends_with("alice: two"));
    assert!(rest(&silent).is_empty());
    alice.run(["whoami"]).succeeds();
    has_logged(hub, &["limits.connections is reached"]);
}

#[test]
fn at_the_limit_of_descriptors_those_inside_are_served_and_others_later() {
    let (hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let mut chat = Following::start(&alice, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: one"));
    let before = limit_descriptors(&hub, next_descriptor(&hub) + 3);
    let silent: Vec<TcpStream> = (0..16)
        .map(|_| TcpStream::connect(hub.address()).unwrap())
        .collect();
    // There is no room for all of them: the last one is told to go instead of being left hanging.
    assert!(rest(&silent[15]).is_empty());
    chat.say("two");
    assert!(chat.line().ends_with("alice: two"));
    limit_descriptors(&hub, before);
    drop(silent);
    alice.run(["send", "#general", "three"]).succeeds();
    assert!(chat.line().ends_with("alice: three"));
    has_logged(
        hub,
        &[
            "no connection can be accepted; those that are open go on",
            "connections are accepted again",
        ],
    );
}

/// The number that the hub's next descriptor will have.
fn next_descriptor(hub: &Hub) -> u64 {
    let descriptors = PathBuf::from(format!("/proc/{}/fd", hub.pid()));
    (0..)
        .find(|number: &u64| !descriptors.join(number.to_string()).is_symlink())
        .unwrap()
}

/// Lets the hub have no descriptor beyond `limit`; says what the limit was.
fn limit_descriptors(hub: &Hub, limit: u64) -> u64 {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = Pid::from_raw(i32::try_from(hub.pid()).unwrap());
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let new = Rlimit {
        current: Some(limit),
        maximum: most,
    };
    prlimit(pid, Resource::Nofile, new).unwrap().current.unwrap()
}
