//! What the clients do while the hub is recorded.

use crate::recording::{Deed, Recorder, Recording, now};
use crate::support::Person;
use bytes::Bytes;
use landline_client::Hubs;
use landline_client::chat::fresh_client_id;
use landline_model::hash::Hash;
use landline_model::protocol::chat::{Send, Sent};
use std::path::{Path, PathBuf};

/// The one room.
pub(crate) const ROOM: &str = "#lab";

/// How many clients talk at the same time, and how much each says without waiting.
const SPEAKERS: usize = 3;
const MESSAGES_EACH: usize = 6;

/// A block of an upload, and a bit: the shortest file of two blocks.
const TWO_BLOCKS: usize = 1024 * 1024 + 777;

/// So many files in a tree: more than are synced one by one.
const SMALL_FILES: u64 = 8;

/// Everything: a first start, people, talk and files one after another, then at the same time, then a second start.
pub(crate) fn record() -> Recording {
    let mut recorder = Recorder::start();
    let alice = Person::stranger();
    let link = recorder.link().to_owned();
    recorder.alone(|| join(&alice, &link, "alice"));
    recorder.snapshot(&alice);
    recorder.alone(|| {
        alice.run(["room", "create", "lab"]).succeeds();
        Deed::Room
    });
    for number in 0..4 {
        recorder.alone(|| say(&alice, &format!("one after another {number}")));
    }
    files(&mut recorder, &alice);
    let bob = Person::stranger();
    let invitation = alice.run(["invite", "--role", "member", "--json"]).succeeds();
    let invitation: serde_json::Value = serde_json::from_str(&invitation).unwrap();
    recorder.alone(|| join(&bob, invitation["link"].as_str().unwrap(), "bob"));
    at_once(&mut recorder, &alice, &bob);
    tree(&mut recorder, &alice);
    recorder.restart();
    recorder.alone(|| say(&alice, "after the second start"));
    recorder.alone(|| put(&bob, "one", &content(5, 20_000)));
    recorder.snapshot(&alice);
    recorder.finish()
}

fn files(recorder: &mut Recorder, alice: &Person) {
    recorder.alone(|| put(alice, "one", &content(1, 10_000)));
    recorder.alone(|| put(alice, "two", &content(2, TWO_BLOCKS)));
    recorder.alone(|| put(alice, "empty", b""));
    recorder.alone(|| put(alice, "one", &content(3, 12_345)));
    recorder.alone(|| make_directory(alice, "directory"));
    recorder.alone(|| put(alice, "directory/three", &content(4, 4_096)));
    recorder.alone(|| rename(alice, "directory/three", "four", false));
    recorder.alone(|| rename(alice, "four", "one", true));
    recorder.alone(|| put(alice, "directory/five", &content(6, 5_000)));
    recorder.alone(|| {
        alice.run(["rm", ":/shared/empty"]).succeeds();
        Deed::Remove { path: "empty".into() }
    });
    recorder.alone(|| put(alice, "empty", &content(7, 1)));
}

/// Puts a tree of small files, which the hub makes durable together.
fn tree(recorder: &mut Recorder, person: &Person) {
    let local = person.work().join("tree");
    std::fs::create_dir(&local).unwrap();
    let files: Vec<_> = (0..SMALL_FILES)
        .map(|number| (format!("file {number}"), content(20 + number, 1000)))
        .collect();
    for (name, content) in &files {
        std::fs::write(local.join(name), content).unwrap();
    }
    let began = now();
    person.run(["put", "-r", "tree", ":/shared/"]).succeeds();
    let ended = now();
    for (name, content) in &files {
        let deed = Deed::Put {
            path: Path::new("tree").join(name),
            hash: hash(content),
        };
        recorder.together(deed, began, ended);
    }
}

/// Several talk without waiting for an answer, and two put files meanwhile.
fn at_once(recorder: &mut Recorder, alice: &Person, bob: &Person) {
    let began = now();
    let timed = |act: &dyn Fn() -> Deed| (act(), now());
    let deeds: Vec<(Deed, u64)> = std::thread::scope(|scope| {
        let talking: Vec<_> = (0..SPEAKERS)
            .map(|speaker| scope.spawn(move || talk(alice, speaker)))
            .collect();
        let putting = scope.spawn(|| timed(&|| put(bob, "of bob", &content(8, 300_000))));
        let mut deeds = vec![timed(&|| put(alice, "of alice", &content(9, TWO_BLOCKS)))];
        deeds.push(putting.join().unwrap());
        deeds.extend(talking.into_iter().flat_map(|thread| thread.join().unwrap()));
        deeds
    });
    for (deed, ended) in deeds {
        recorder.together(deed, began, ended);
    }
}

/// Says several things on one connection, and waits for the answers only then.
fn talk(person: &Person, speaker: usize) -> Vec<(Deed, u64)> {
    let hubs = Hubs::load_from(&person.configuration()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connection = landline_client::connect(hubs.current(None).unwrap())
            .await
            .unwrap();
        let mut waiting = Vec::new();
        for number in 0..MESSAGES_EACH {
            let text = format!("speaker {speaker} says {number}");
            let call = Send {
                target: ROOM.parse().unwrap(),
                client_id: fresh_client_id(),
                reply_to: None,
            };
            waiting.push((
                connection.start(&call, Bytes::from(text.clone())).await.unwrap(),
                text,
            ));
        }
        let mut deeds = Vec::new();
        for (pending, text) in waiting {
            let sent: Sent = pending.finished().await.unwrap().reply;
            deeds.push((
                Deed::Say {
                    text,
                    sequence: sent.sequence,
                },
                now(),
            ));
        }
        deeds
    })
}

fn join(person: &Person, link: &str, name: &str) -> Deed {
    person.run(["join", link, "--name", name]).succeeds();
    Deed::Join {
        name: name.to_owned(),
    }
}

fn say(person: &Person, text: &str) -> Deed {
    let line = person.run(["send", ROOM, text, "--json"]).succeeds();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    Deed::Say {
        text: text.to_owned(),
        sequence: line["seq"].as_u64().unwrap(),
    }
}

fn put(person: &Person, path: &str, content: &[u8]) -> Deed {
    let local = person.work().join("what is put");
    std::fs::write(&local, content).unwrap();
    person
        .run(["put", "what is put", &format!(":/shared/{path}")])
        .succeeds();
    Deed::Put {
        path: PathBuf::from(path),
        hash: hash(content),
    }
}

fn make_directory(person: &Person, path: &str) -> Deed {
    person.run(["mkdir", &format!(":/shared/{path}")]).succeeds();
    Deed::MakeDirectory { path: path.into() }
}

fn rename(person: &Person, from: &str, to: &str, replaces: bool) -> Deed {
    let remote = |path: &str| format!(":/shared/{path}");
    person
        .run(["mv", "--force", &remote(from), &remote(to)])
        .succeeds();
    Deed::Move {
        from: Path::new(from).to_owned(),
        to: Path::new(to).to_owned(),
        replaces,
    }
}

/// A file's hash.
pub(crate) fn hash(content: &[u8]) -> Hash {
    Hash::from_bytes(*blake3::hash(content).as_bytes())
}

/// Bytes of which no two sectors are the same, so that a torn or mixed file is seen.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let words = (0..).flat_map(|word: u64| {
        (seed << 48 | word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_le_bytes()
    });
    words.take(length).collect()
}
