//! Transfers that are cut off, killed and begun again at random bytes: whatever ends in the middle, the next attempt brings
//! the whole file, and nothing else is left anywhere.
//!
//! `LANDLINE_INTERRUPTIONS` is the number of rounds (50 unless set), `LANDLINE_INTERRUPTIONS_SEED` repeats a run's choices.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use support::cutting::{Fate, Link, Way};
use support::{Hub, Output, Person};

const ROUNDS: u64 = 50;

/// The most bytes of a file: a few blocks, and a piece of one.
const SIZE_MAX: u64 = 5 * 1024 * 1024;

/// About what a connection carries in front of a file.
const GREETING: u64 = 4 * 1024;

#[derive(Clone, Copy, Debug)]
enum End {
    /// The link is cut: the same process goes on by itself.
    Link,
    /// The client is killed: somebody starts it again.
    Client,
    /// The hub is killed: it starts again, and the same process goes on.
    Hub,
}

struct Round {
    way: Way,
    end: End,
    size: u64,
    /// How many bytes are carried that way before.
    at: u64,
    seed: u64,
}

impl Round {
    fn choose(state: &mut u64) -> Self {
        let way = [Way::ToHub, Way::FromHub][pick(state, 2)];
        let end = [End::Link, End::Client, End::Hub][pick(state, 3)];
        let size = next(state) % SIZE_MAX;
        Self {
            way,
            end,
            size,
            at: next(state) % (size + GREETING),
            seed: next(state),
        }
    }
}

#[test]
fn whatever_ends_in_the_middle_the_file_arrives_and_nothing_is_left() {
    let rounds = number_from("LANDLINE_INTERRUPTIONS").unwrap_or(ROUNDS);
    let mut state = number_from("LANDLINE_INTERRUPTIONS_SEED").unwrap_or_else(fresh_seed);
    eprintln!("LANDLINE_INTERRUPTIONS={rounds} LANDLINE_INTERRUPTIONS_SEED={state}");
    let (mut hub, alice) = Hub::with_alice();
    for number in 0..rounds {
        let round = Round::choose(&mut state);
        let Round {
            way, end, size, at, ..
        } = &round;
        println!("round {number}: {size} bytes {way:?}, {end:?} ends after {at}");
        play(&round, &mut hub, &alice);
    }
    assert_usage_is_true(&mut hub, &alice);
}

fn play(round: &Round, hub: &mut Hub, alice: &Person) {
    let content = content(round);
    let (here, there) = (alice.work().join("file"), hub.data().join("files/shared/file"));
    // What stands there already stays whole until the other one takes its place.
    let old = b"what was there before".to_vec();
    match round.way {
        Way::ToHub => fs::write(&here, &content).unwrap(),
        Way::FromHub => {
            fs::write(&here, &content).unwrap();
            alice.run(["put", "-q", "file", ":/shared/"]).succeeds();
            fs::write(&here, &old).unwrap();
        }
    }
    let fate = match round.end {
        End::Link => Fate::Cut(round.way, round.at),
        End::Client | End::Hub => Fate::Stall(round.way, round.at),
    };
    let link = Link::between(alice, hub, [fate]);
    let mut child = start(round.way, alice);
    match round.end {
        End::Link => {}
        // A transfer that is over before it stalls has not been interrupted.
        End::Client if link.stalls_before_it_ends() => {
            assert_whole(&here, &there, &content, &old, round.way);
            child.kill().unwrap();
            child.wait().unwrap();
            link.goes_on();
            child = start(round.way, alice);
        }
        End::Hub if link.stalls_before_it_ends() => {
            hub.kill();
            assert_whole(&here, &there, &content, &old, round.way);
            hub.start_again();
            link.goes_on();
        }
        End::Client | End::Hub => {}
    }
    if !child.wait_with_output().unwrap().status.success() {
        // Whoever has not got as far as the file is told so, and starts again.
        child = start(round.way, alice);
        let output = child.wait_with_output().unwrap();
        Output::of(&alice.command(["transfer"]), output).succeeds();
    }
    link.is_left_by(alice);
    assert!(fs::read(&here).unwrap() == content && fs::read(&there).unwrap() == content);
    assert_nothing_left(hub, alice);
    alice.run(["rm", ":/shared/file"]).succeeds();
    fs::remove_file(here).unwrap();
}

fn start(way: Way, alice: &Person) -> Child {
    let mut command = match way {
        Way::ToHub => alice.command(["put", "-q", "file", ":/shared/"]),
        Way::FromHub => alice.command(["get", "-q", ":/shared/file", "file"]),
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// In the middle of it: the name that is to change has its old content, or nothing, or all of the new one.
fn assert_whole(here: &Path, there: &Path, content: &[u8], old: &[u8], way: Way) {
    match way {
        Way::ToHub => assert!(!there.exists() || fs::read(there).unwrap() == content),
        Way::FromHub => {
            let now = fs::read(here).unwrap();
            assert!(now == old || now == content);
        }
    }
}

fn assert_nothing_left(hub: &Hub, alice: &Person) {
    let partial = names(&hub.data().join("files/partial"));
    assert!(partial.is_empty(), "at the hub: {partial:?}");
    assert_eq!(names(&alice.work()), ["file"], "here");
    let cache = alice.work().parent().unwrap().join("home/.cache/landline/blocks");
    assert_eq!(names(&cache), [""; 0], "remembered");
    let journal = rusqlite::Connection::open_with_flags(
        hub.data().join("db/files.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    let uploads: i64 = journal
        .unwrap()
        .query_row("SELECT count(*) FROM uploads", [], |row| row.get(0))
        .unwrap();
    assert_eq!(uploads, 0, "uploads in the journal");
}

/// What the hub reckons that spaces hold is what a walk finds.
fn assert_usage_is_true(hub: &mut Hub, alice: &Person) {
    let reckoned = alice.run(["space", "ls", "--json"]).succeeds();
    for space in ["/shared", "~"] {
        alice.run(["space", "recount", space]).succeeds();
    }
    assert_eq!(alice.run(["space", "ls", "--json"]).succeeds(), reckoned);
    hub.stop();
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Bytes that repeat nothing.
fn content(round: &Round) -> Vec<u8> {
    let mut state = round.seed;
    (0..round.size.div_ceil(4))
        .flat_map(|_| u32::try_from(next(&mut state)).unwrap().to_le_bytes())
        .take(usize::try_from(round.size).unwrap())
        .collect()
}

/// The next number of a sequence that looks like chance.
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn pick(state: &mut u64, count: u64) -> usize {
    usize::try_from(next(state) % count).unwrap()
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(since.unwrap().subsec_nanos())
}
