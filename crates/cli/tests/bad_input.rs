//! What goes wrong between a client and a hub, or what it takes for one: a clear message, the right code, nothing sent
//! to the wrong one and nothing lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use landline_model::protocol::ALPN;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use support::{Hub, Output, Person};

/// Every way to ask a hub something, with what it needs.
const COMMANDS: [&[&str]; 11] = [
    &["whoami"],
    &["invite"],
    &["room", "ls"],
    &["room", "create", "#x"],
    &["send", "#general", "hello"],
    &["chat", "#general"],
    &["history", "#general"],
    &["audit"],
    &["ls", ":/shared/"],
    &["put", "file", ":/shared/"],
    &["get", ":/shared/file", "back"],
];

/// Runs every command, which must fail with all of these words.
#[track_caller]
fn all_fail(person: &Person, words: &[&str]) {
    fs::write(person.work().join("file"), b"content").unwrap();
    for command in COMMANDS {
        let output = person.run(command);
        assert!(
            output.stdout.is_empty(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        let errors = output.fails(1);
        for word in words {
            assert!(errors.contains(word), "{command:?}: {errors}");
        }
    }
    assert!(!person.work().join("back").exists());
}

/// In the place of a hub: plays a part on each of so many connections, and gives back what it heard.
fn in_place_of(
    hub: &Hub,
    connections: usize,
    part: impl Fn(TcpStream) -> Vec<u8> + Send + 'static,
) -> JoinHandle<Vec<u8>> {
    let listener = TcpListener::bind(hub.address()).unwrap();
    std::thread::spawn(move || {
        (0..connections)
            .flat_map(|_| part(listener.accept().unwrap().0))
            .collect()
    })
}

/// What a hub would serve: its own key and certificates.
fn tls_of(hub: &Hub, alpn: &[u8]) -> Arc<ServerConfig> {
    let file = |name: &str| hub.data().join("tls").join(name);
    let certificate = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
    let chain = vec![certificate(&file("leaf.crt")), certificate(&file("ca.crt"))];
    let key = PrivateKeyDer::from_pem_file(file("leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config)
}

#[test]
fn a_hub_that_is_down_is_named_with_its_address_by_every_command() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    all_fail(&alice, &["no hub answers at", hub.address(), "landline serve"]);
    let errors = alice.run(["logout"]).fails(1);
    assert!(errors.contains("no hub answers at"), "{errors}");
    // Nothing was forgotten for it.
    hub.start_again();
    alice.run(["whoami"]).succeeds();
}

#[test]
fn another_hub_at_the_address_is_a_loud_refusal_and_hears_nothing() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let listen = ["--listen", hub.address()];
    let mut other = Hub::start_in(&[("LANDLINE_LOG_LEVEL", "debug")], &listen);
    let fingerprints = [&hub, &other].map(|hub| hub.ready()["fingerprint"].as_str().unwrap().to_owned());
    let words = [
        "THE HUB AT",
        "IS NOT THE ONE YOU JOINED",
        "Nothing was sent",
        "landline join LINK",
    ];
    all_fail(
        &alice,
        &[&words[..], &fingerprints.each_ref().map(String::as_str)].concat(),
    );
    let join = hub.admin_link();
    let errors = Person::stranger().run(["join", join, "--name", "bob"]).fails(1);
    assert!(errors.contains("IS NOT THE ONE YOU JOINED"), "{errors}");
    other.stop();
    let log = other.errors();
    assert!(
        log.contains("a TLS handshake failed") && !log.contains("said hello"),
        "{log}"
    );
    // The pin stays as it was: the right hub is still the right one.
    hub.start_again();
    alice.run(["whoami"]).succeeds();
}

#[test]
fn a_reinstalled_hub_is_joined_anew_beside_the_old_one() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let other = Hub::start_with(&["--listen", hub.address()]);
    alice
        .run(["join", other.admin_link(), "--name", "alice"])
        .succeeds();
    alice.run(["whoami"]).succeeds();
    assert_eq!(alice.run(["hubs"]).succeeds().lines().count(), 2);
}

#[test]
fn what_does_not_speak_landline_is_told_apart_from_a_hub() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let hears = |mut stream: TcpStream, answer: &[u8]| {
        let mut heard = vec![0; 1];
        stream.read_exact(&mut heard).unwrap();
        stream.write_all(answer).unwrap();
        // The client may have seen enough and be gone.
        let _ = stream.shutdown(Shutdown::Write);
        // To its end: what was not read would make a reset of the goodbye.
        let _ = stream.read_to_end(&mut heard);
        heard
    };
    let connections = COMMANDS.len();
    let ssh = in_place_of(&hub, connections, move |stream| {
        hears(stream, b"SSH-2.0-OpenSSH_9.9\r\n")
    });
    all_fail(
        &alice,
        &[
            "answers, but it is not a Landline hub: it does not speak TLS",
            "check host and port",
        ],
    );
    ssh.join().unwrap();
    let silent = in_place_of(&hub, connections, move |stream| hears(stream, b""));
    all_fail(
        &alice,
        &[
            "closed the connection before the greeting",
            "try again shortly, or check host and port",
        ],
    );
    silent.join().unwrap();
}

#[test]
fn a_server_without_our_protocol_is_another_version() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let config = tls_of(&hub, b"landline/9");
    let server = in_place_of(&hub, COMMANDS.len(), move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        assert!(connection.complete_io(&mut stream).is_err());
        let mut heard = Vec::new();
        let _ = connection.reader().read_to_end(&mut heard);
        heard
    });
    let words = [
        "does not speak this program's version of the protocol",
        "landline --version",
    ];
    all_fail(&alice, &words);
    assert!(server.join().unwrap().is_empty());
}

#[test]
fn a_hub_that_refuses_our_version_is_another_version_and_hears_no_secret() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let config = tls_of(&hub, ALPN);
    let server = in_place_of(&hub, COMMANDS.len(), move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut hello = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut hello).unwrap();
        let id = serde_json::from_slice::<Value>(&hello).unwrap()["id"].clone();
        let error = json!({ "code": "version", "message": "this hub speaks version 9\u{1b}[2J" });
        let answer = json!({ "id": id, "error": error }).to_string();
        stream
            .write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes())
            .unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        stream.flush().unwrap();
        let _ = stream.read_to_end(&mut hello);
        hello
    });
    let words = [
        "does not speak this program's version",
        "this hub speaks version 9\\u{1b}[2J",
        "landline --version",
    ];
    all_fail(&alice, &words);
    let heard = String::from_utf8(server.join().unwrap()).unwrap();
    assert!(
        heard.contains("hello") && !heard.contains(&alice.session_secret()),
        "{heard}"
    );
}

#[test]
fn a_hub_that_breaks_the_protocol_or_goes_away_in_the_middle_is_said_to() {
    let (mut hub, alice) = Hub::with_alice();
    hub.stop();
    let answers: [(&[u8], &str); 4] = [
        (b"\xff\xff\xff\xff", "broke the protocol"),
        (b"\0\0\0\x05hello", "broke the protocol"),
        (b"\0\0\0\x20{\"id\":1,\"ok\"", "was lost"),
        (b"", "was lost"),
    ];
    for (answer, words) in answers {
        let config = tls_of(&hub, ALPN);
        let server = in_place_of(&hub, 1, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut heard = vec![0; 4];
            stream.read_exact(&mut heard).unwrap();
            stream.write_all(answer).unwrap();
            stream.conn.send_close_notify();
            // The client may have seen enough and be gone.
            let _ = stream.flush();
            let _ = stream.sock.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut heard);
            heard
        });
        let errors = alice.run(["whoami"]).fails(1);
        assert!(errors.contains(words), "{answer:?}: {errors}");
        server.join().unwrap();
    }
}

#[test]
fn paths_that_are_not_there_or_not_allowed_say_so_and_touch_nothing() {
    let (hub, alice) = Hub::with_alice();
    let guest = alice.invited(&hub, "guest", "guest");
    fs::write(guest.work().join("file"), b"content").unwrap();
    fs::write(alice.work().join("file"), b"old").unwrap();
    alice.run(["put", "file", ":/shared/file"]).succeeds();
    for command in [
        &["put", "file", ":/shared/file"][..],
        &["rm", ":/shared/file"],
        &["mkdir", ":/shared/x"],
    ] {
        let errors = guest.run(command).fails(1);
        assert!(errors.contains("no right: a guest may not do this"), "{errors}");
    }
    let errors = guest.run(["mv", ":/shared/file", ":~/file"]).fails(1);
    assert!(errors.contains("no right"), "{errors}");
    let errors = guest.run(["mv", ":~/file", ":/shared/file"]).fails(1);
    assert!(
        errors.contains("no right") || errors.contains("does not exist"),
        "{errors}"
    );
    guest.run(["get", ":/shared/file", "back"]).succeeds();
    assert_eq!(fs::read(guest.work().join("back")).unwrap(), b"old");
    for path in [":/shared/nope", ":/shared/file/nope", ":~/nope", ":/rooms/nope/x"] {
        let errors = alice.run(["get", path, "never"]).fails(1);
        assert!(
            errors.contains("nope") || errors.contains("not a directory"),
            "{path}: {errors}"
        );
        alice.run(["stat", path]).fails(1);
        alice.run(["rm", path]).fails(1);
    }
    for path in [":/nope/x", ":/shared/../x", ":/shared/./x", ":/rooms/a b/x"] {
        alice.run(["get", path, "never"]).fails(2);
    }
    assert!(!alice.work().join("never").exists());
    // A home is its owner's; nobody else's path leads there.
    alice.run(["put", "file", ":~/mine"]).succeeds();
    guest.run(["get", ":~/mine", "theirs"]).fails(1);
}

#[test]
fn a_session_that_somebody_made_up_is_none() {
    let (_hub, alice) = Hub::with_alice();
    let file = alice.configuration().join("hubs.toml");
    let text = fs::read_to_string(&file).unwrap();
    let made_up = text.replace(&alice.session_secret(), &"A".repeat(43));
    fs::write(&file, made_up).unwrap();
    all_fail(&alice, &["the session has ended", "landline login"]);
}

#[test]
fn a_hubs_file_that_is_damaged_is_named_and_kept() {
    let (_hub, alice) = Hub::with_alice();
    let file = alice.configuration().join("hubs.toml");
    for damaged in [
        &b"hub = 5\n"[..],
        b"[[hub]\n",
        b"\xff\n",
        b"[[hub]]\nname = \"x\"\n",
    ] {
        fs::write(&file, damaged).unwrap();
        let errors = alice.run(["whoami"]).fails(1);
        assert!(errors.contains("hubs.toml"), "{errors}");
        assert_eq!(fs::read(&file).unwrap(), damaged);
    }
}

#[test]
fn a_secret_never_stands_among_the_arguments() {
    let (_hub, alice) = Hub::with_alice();
    for arguments in [
        &["login", "--password", "x"][..],
        &["join", "-", "--password", "x"],
        &["password", "x"],
    ] {
        alice.run(arguments).fails(2);
    }
    // The environment is a place for it.
    let mut command = alice.command(["password"]);
    command.env("LANDLINE_PASSWORD", "correct horse");
    let output = command.output().unwrap();
    let errors = Output::of(&command, output).fails(2);
    assert!(errors.contains("--password-stdin"), "{errors}");
}
