//! `landline serve` on the real program: what it makes, what it prints, what it logs, and how it stops.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use support::following::Following;
use support::peer::{Peer, rest};
use support::{Hub, Person};

/// Everything below a directory.
fn all_below(top: &Path) -> Vec<PathBuf> {
    let mut found = vec![top.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        if path.is_dir() {
            found.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_first_start_tells_how_to_begin_and_later_ones_are_short() {
    let mut hub = Hub::start();
    hub.stop();
    let printed = hub.printed();
    let fingerprint = hub.ready()["fingerprint"].as_str().unwrap().to_owned();
    for part in [
        hub.address(),
        &fingerprint,
        hub.admin_link(),
        "landline join '",
        "█",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    // Nobody became admin: the link may never have been seen, so there is a new one.
    hub.start_again();
    let second = hub.ready()["invite"]
        .as_str()
        .expect("a link while there is no admin")
        .to_owned();
    let _alice = Person::join(&hub, &second, "alice");
    hub.stop();
    hub.start_again();
    assert!(hub.ready().get("invite").is_none(), "{}", hub.ready());
    assert_eq!(hub.ready()["fingerprint"], fingerprint.as_str());
    hub.stop();
    let printed = hub.printed();
    assert!(
        printed.lines().count() == 1 && printed.contains("serves on 127.0.0.1:"),
        "{printed}"
    );
}

#[test]
fn a_hub_is_called_and_logs_as_its_flags_say() {
    let hub = Hub::start_with(&["--name", "Workshop", "--log-level", "error"]);
    assert!(
        hub.printed().contains("Landline hub \"Workshop\" serves on"),
        "{}",
        hub.printed()
    );
    assert_eq!(hub.errors(), "", "nothing went wrong, so nothing is written");
}

#[test]
fn the_ready_file_has_what_is_promised_and_is_for_its_owner_alone() {
    let hub = Hub::start_with(&["--listen", "[::1]:0"]);
    let ready = hub.ready();
    let members: Vec<&String> = ready.as_object().unwrap().keys().collect();
    assert_eq!(members, ["addresses", "fingerprint", "invite"]);
    let file = hub.data().parent().unwrap().join("ready");
    assert_eq!(mode(&file), 0o600);
    let addresses: Vec<&str> = ready["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(addresses.len(), 2);
    assert!(
        addresses[0].starts_with("127.0.0.1:") && addresses[1].starts_with("[::1]:"),
        "{addresses:?}"
    );
    for address in addresses {
        assert!(!address.ends_with(":0"));
        TcpStream::connect(address).unwrap();
    }
}

#[test]
fn everything_a_hub_keeps_is_for_its_owner_alone() {
    let (hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "hello"]).succeeds();
    fs::write(alice.work().join("file"), b"content").unwrap();
    for place in [":~/", ":/shared/", ":/rooms/general/"] {
        alice.run(["mkdir", &format!("{place}directory")]).succeeds();
        for _ in 0..2 {
            alice
                .run(["put", "file", &format!("{place}directory/")])
                .succeeds();
        }
    }
    let paths = all_below(&hub.data());
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn a_second_hub_on_one_data_directory_is_refused_and_the_first_goes_on() {
    let (hub, alice) = Hub::with_alice();
    let data = hub.data();
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let errors = Person::stranger().run(arguments).fails(1);
    assert!(
        errors.contains(&format!("another hub (process {}) uses", hub.pid())),
        "{errors}"
    );
    assert!(errors.contains("--data"), "{errors}");
    alice.run(["whoami"]).succeeds();
}

#[test]
fn an_address_that_is_taken_or_not_this_machines_is_refused_with_advice() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let held_address = held.local_addr().unwrap().to_string();
    let stranger = Person::stranger();
    let errors = stranger.run(["serve", "--listen", &held_address]).fails(1);
    assert!(
        errors.contains(&format!("cannot listen on {held_address}")),
        "{errors}"
    );
    assert!(
        errors.contains("another program has the port (choose another with --listen)"),
        "{errors}"
    );
    let errors = stranger.run(["serve", "--listen", "192.0.2.1:0"]).fails(1);
    assert!(
        errors.contains("this machine does not have the address"),
        "{errors}"
    );
    let errors = stranger.run(["serve", "--listen", "nonsense"]).fails(1);
    assert!(errors.contains("is not an address with a port"), "{errors}");
}

#[test]
fn a_directory_with_other_things_in_it_does_not_become_a_hubs() {
    let stranger = Person::stranger();
    let place = stranger.work();
    fs::write(place.join("thesis.txt"), b"years of work").unwrap();
    let before = mode(&place);
    let errors = stranger
        .run(["serve", "--listen", "127.0.0.1:0", "--data", "."])
        .fails(1);
    assert!(
        errors.contains("thesis.txt") || errors.contains("absolute path"),
        "{errors}"
    );
    let errors = stranger
        .run([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            place.to_str().unwrap(),
        ])
        .fails(1);
    assert!(errors.contains("holds other files (thesis.txt)"), "{errors}");
    assert_eq!(mode(&place), before);
    assert_eq!(all_below(&place).len(), 2);
}

#[test]
fn a_ready_file_that_cannot_be_written_is_a_failure() {
    let stranger = Person::stranger();
    let errors = stranger
        .run([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--ready-file",
            "no/such/directory/ready",
        ])
        .fails(1);
    assert!(
        errors.contains("the ready file no/such/directory/ready cannot be written"),
        "{errors}"
    );
}

#[test]
fn a_signal_lets_go_of_those_inside_and_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut hub, alice) = Hub::with_general();
        alice.run(["send", "#general", "hello"]).succeeds();
        let mut chat = Following::start(&alice, ["chat", "#general", "--follow", "--since", "0"]);
        assert!(chat.line().ends_with("alice: hello"));
        let silent = TcpStream::connect(hub.address()).unwrap();
        let mut peer = Peer::greeted(&hub);
        hub.signal(signal);
        assert_eq!(hub.ended().code(), Some(0));
        peer.is_closed();
        assert!(rest(&silent).is_empty());
        chat.tells("connecting again");
        assert!(hub.errors().contains("the hub has stopped"), "{}", hub.errors());
        assert!(!hub.errors().contains("did not end in time"), "{}", hub.errors());
        hub.start_again();
        alice.run(["send", "#general", "again"]).succeeds();
        assert!(chat.line().ends_with("alice: again"));
    }
}

#[test]
fn what_was_sent_before_a_stop_is_answered_before_the_end() {
    let (mut hub, alice) = Hub::with_general();
    let mut peer = Peer::joined(&hub, &alice.invitation(&[]), "peer");
    for number in 0..200 {
        peer.request(
            "send",
            &json!({ "target": "#general", "client_id": format!("{number:032x}") }),
            b"hello",
        );
    }
    // The first answer: the hub has begun to take them.
    let mut acknowledged = u64::from(peer.receive().unwrap().0["ok"].is_object());
    hub.signal(Signal::TERM);
    while let Some((header, _)) = peer.receive() {
        assert!(header["ok"].is_object(), "{header}");
        acknowledged += 1;
    }
    assert_eq!(hub.ended().code(), Some(0));
    hub.start_again();
    let stored = alice.run(["history", "#general"]).succeeds().lines().count();
    assert!(
        stored as u64 >= acknowledged,
        "{acknowledged} acknowledged, {stored} stored"
    );
}

#[test]
fn a_second_signal_ends_the_hub_at_once() {
    // Only the second signal can end it: the time to drain is an hour, and somebody does not read what is sent.
    let mut hub = Hub::start_in(&[("LANDLINE_LIMITS_DRAIN_SECONDS", "3600")], &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    let bytes = vec![b'x'; 32 * 1024 * 1024];
    fs::write(alice.work().join("file"), bytes).unwrap();
    alice.run(["put", "file", ":/shared/"]).succeeds();
    let mut peer = Peer::joined(&hub, &alice.invitation(&[]), "peer");
    peer.request("get", &json!({ "path": "/shared/file", "offset": 0 }), b"");
    let (first, _) = peer.receive().unwrap();
    assert!(first["part"].is_object(), "{first}");
    hub.signal(Signal::TERM);
    // It has heard the first one when it takes no more connections: this one is never answered.
    let knock = TcpStream::connect(hub.address());
    if let Ok(knock) = knock {
        rest(&knock);
    }
    hub.signal(Signal::TERM);
    assert_eq!(hub.ended().code(), Some(0));
    assert!(
        hub.errors().contains("the hub has stopped at once"),
        "{}",
        hub.errors()
    );
}

#[test]
fn a_leaf_that_was_issued_anew_does_not_break_the_pin() {
    let (mut hub, alice) = Hub::with_alice();
    let leaf = hub.data().join("tls/leaf.crt");
    let before = fs::read(&leaf).unwrap();
    hub.stop();
    fs::remove_file(&leaf).unwrap();
    fs::remove_file(hub.data().join("tls/leaf.key")).unwrap();
    hub.start_again();
    assert_ne!(fs::read(&leaf).unwrap(), before);
    alice.run(["whoami"]).succeeds();
    // Damaged, it is issued anew as well.
    hub.stop();
    fs::write(&leaf, b"not a certificate").unwrap();
    hub.start_again();
    alice.run(["whoami"]).succeeds();
}

#[test]
fn an_authority_that_lost_its_key_does_not_become_another() {
    let mut hub = Hub::start();
    hub.stop();
    fs::remove_file(hub.data().join("tls/ca.key")).unwrap();
    let data = hub.data();
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let errors = Person::stranger().run(arguments).fails(1);
    assert!(errors.contains("ca.key"), "{errors}");
    assert!(!data.join("tls/ca.key").exists());
}
