//! Joining by a short code, and everybody who tries without knowing it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use support::peer::Peer;
use support::{Hub, Person};

/// A code of the hub, from its admin.
fn code_of(admin: &Person) -> String {
    admin.run(["invite", "--code"]).succeeds().trim_end().to_owned()
}

/// The same slot with another secret.
fn mistyped(code: &str) -> String {
    let (rest, last) = code.split_at(code.len() - 1);
    format!("{rest}{}", if last == "0" { '1' } else { '0' })
}

#[track_caller]
fn tries(place: &str, code: &str) -> support::Output {
    Person::stranger().run(["join", place, "--code", code, "--name", "bob"])
}

#[test]
fn a_code_brings_one_person_in_however_it_is_typed() {
    let (hub, alice) = Hub::with_alice();
    let line = alice
        .run(["invite", "--code", "--role", "guest", "--json"])
        .succeeds();
    let made: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&made["role"], &made["uses"]), (&json!("guest"), &json!(1)));
    let code = made["code"].as_str().unwrap();
    let bob = Person::stranger();
    let spoken = format!("{}\n{}\n", hub.address(), code.replace('-', " "));
    bob.run_with(["join", "-", "--code", "-", "--name", "bob"], spoken)
        .succeeds();
    assert_eq!(bob.account()["role"], "guest");
    let error = tries(hub.address(), code).fails(1);
    assert!(error.contains("the code was not taken"), "{error}");
}

#[test]
fn after_three_wrong_codes_the_right_one_is_refused() {
    let (hub, alice) = Hub::with_alice();
    let code = code_of(&alice);
    for _ in 0..3 {
        let error = tries(hub.address(), &mistyped(&code)).fails(1);
        assert!(error.contains("the code was not taken"), "{error}");
    }
    let error = tries(hub.address(), &code).fails(1);
    assert!(error.contains("the code was not taken"), "{error}");
    tries(hub.address(), &code_of(&alice)).succeeds();
}

#[test]
fn only_those_who_may_invite_make_codes() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    assert!(bob.run(["invite", "--code"]).fails(1).contains("no right"));
    let usage = alice.run(["invite", "--code", "--uses", "2"]).fails(2);
    assert!(usage.contains("--uses"), "{usage}");
}

#[test]
fn a_code_of_somebody_who_may_not_invite_any_more_is_no_code() {
    let (hub, alice) = Hub::with_alice();
    let code = code_of(&alice);
    alice.run(["logout"]).succeeds();
    let error = tries(hub.address(), &code).fails(1);
    assert!(error.contains("the code was not taken"), "{error}");
}

#[test]
fn without_a_code_or_with_nonsense_nobody_is_asked() {
    for arguments in [
        &["join", "lab"][..],
        &["join", "lab", "--code", "12"],
        &["join", "lab/x"],
    ] {
        Person::stranger().run(arguments).fails(2);
    }
}

#[test]
fn requests_about_codes_have_their_places() {
    let (hub, alice) = Hub::with_alice();
    let refused = |answer: &Value, code: &str| assert_eq!(answer["error"]["code"], code, "{answer}");
    let begin = json!({ "slot": 1, "message": "41".repeat(33) });
    let finish = json!({ "proof": "00".repeat(32) });
    let mut peer = Peer::greeted(&hub);
    refused(&peer.ask("code_finish", &finish), "bad_request");
    for message in ["", "4", "zz", &"41".repeat(34), &"zz".repeat(33)] {
        let begin = json!({ "slot": 1, "message": message });
        refused(&Peer::greeted(&hub).ask("code_begin", &begin), "bad_request");
    }
    let mut peer = Peer::greeted(&hub);
    refused(&peer.ask("code_begin", &begin), "wrong_credentials");
    refused(&peer.ask("code_begin", &begin), "bad_request");
    refused(&peer.ask("code_finish", &finish), "bad_request");
    refused(&peer.ask("whoami", &json!({})), "unauthenticated");
    let mut member = Peer::joined(&hub, &alice.invitation(&[]), "bob");
    refused(&member.ask("code_begin", &begin), "bad_request");
}

/// What somebody in between does with the hub's last word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Passes it on.
    Honest,
    /// Says yes in its place.
    Lying,
    /// Gives advice instead of passing the hub's greeting on; what it is refused with.
    Advising(&'static str),
}

/// Somebody in between with a certificate authority of their own: passes on what one client and the hub say to each other.
/// The end is the hub's last answer.
fn in_between(hub: &Hub, between: Between) -> (String, JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = Arc::new(own_certificate());
    let mut peer = Peer::connect(hub);
    let passing = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut client = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        loop {
            let request = read_header(&mut client).expect("the client goes before the hub has answered");
            peer.write_header(request.to_string().as_bytes());
            let (mut answer, _) = peer.receive().unwrap();
            let heard = answer.clone();
            let is_last = matches!(between, Between::Advising(_)) || request["do"] == "code_finish";
            if let Between::Advising(code) = between {
                let advice =
                    json!({ "code": code, "message": "fetch evil.example", "hint": "run evil.example" });
                answer = json!({ "id": request["id"], "error": advice });
            }
            if is_last && between == Between::Lying {
                let finished = json!({ "proof": "00".repeat(32), "token": "A".repeat(22) });
                answer = json!({ "id": request["id"], "ok": finished });
            }
            let answer = answer.to_string();
            let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
            client
                .write_all(&[&length[..], answer.as_bytes()].concat())
                .unwrap();
            client.flush().unwrap();
            if is_last {
                // Nothing more may come: not a name, not a password.
                assert_eq!(read_header(&mut client), None);
                return heard;
            }
        }
    });
    (address, passing)
}

fn own_certificate() -> ServerConfig {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap().der().clone();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["hub.local".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf, certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"landline/1".to_vec()];
    config
}

/// The next message's header; none: the client has closed.
fn read_header(client: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<Value> {
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut header = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    client.read_exact(&mut header).unwrap();
    Some(serde_json::from_slice(&header).unwrap())
}

#[test]
fn somebody_in_between_is_refused_by_the_hub_though_the_code_was_right() {
    let (hub, alice) = Hub::with_alice();
    let code = code_of(&alice);
    let (address, passing) = in_between(&hub, Between::Honest);
    let error = tries(&address, &code).fails(1);
    assert!(error.contains("or somebody is in between"), "{error}");
    let heard = passing.join().unwrap();
    assert_eq!(heard["error"]["code"], "wrong_credentials", "{heard}");
    tries(hub.address(), &code).succeeds();
}

#[test]
fn somebody_in_between_who_says_yes_is_refused_by_the_client() {
    let (hub, alice) = Hub::with_alice();
    let (address, passing) = in_between(&hub, Between::Lying);
    let error = tries(&address, &code_of(&alice)).fails(1);
    assert!(error.contains("THE OTHER SIDE DOES NOT KNOW THE CODE"), "{error}");
    let heard = passing.join().unwrap();
    assert_eq!(heard["error"]["code"], "wrong_credentials", "{heard}");
}

#[test]
fn what_a_stranger_says_instead_of_a_greeting_is_not_shown() {
    let (hub, alice) = Hub::with_alice();
    let code = code_of(&alice);
    for (refusal, ours) in [
        ("bad_request", "this hub takes no codes"),
        ("version", "does not speak this program's version"),
    ] {
        let (address, passing) = in_between(&hub, Between::Advising(refusal));
        let error = tries(&address, &code).fails(1);
        assert!(error.contains(ours) && !error.contains("evil"), "{error}");
        passing.join().unwrap();
    }
}
