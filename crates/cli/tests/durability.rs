//! What survives a power cut: contracts C1, F1, F2 and F5 against a disk that keeps only what it was told to keep.
//!
//! `kill -9` proves nothing about syncs, for the kernel keeps what was written. So the real hub is recorded under strace
//! while real clients work against it: every call that changes a file or a name, every sync, and every write to a
//! client. From the recording follow two proofs.
//!
//! * [`order`]: each acknowledgement is written to the client's socket only after the syncs on which it rests. The
//!   checker is itself checked: with any of those syncs taken out of the recording it has to object.
//! * [`disk`]: a model of the disk, played to a line of the recording, tells what a power cut on that line would leave.
//!   That is written out as a data directory, opened with the real stores (some also by the real hub, asked by real
//!   clients), and compared with all that was promised until then.
//!
//! What the model says: content is durable with an fsync or fdatasync of its file that began after the write had
//! returned. A name (made, renamed, unlinked) is durable with an fsync of its directory and with nothing else; of a
//! rename between two directories each half is durable with its own. A syncfs makes all durable that was done before.
//! Without luck, that is all that is left. With luck, a seeded part of the rest is left too: content by sectors of 512
//! bytes, each for itself, in no order; names in the order in which they changed within a directory, a rename with both
//! halves or none. A copy has other inodes than the recorded disk had, so those in the journal are translated.
//!
//! What it does not say: the lengths of files are as durable as content, but modes and times are not looked at; a disk
//! that lies about a sync, or damages what it had, is somebody else's test; SQLite's `-shm` is mapped memory that it
//! makes anew, and is left out; the log files are played like any other, but nobody was promised anything about them.
//! At the end of the recording the model has to be equal to the real directory, byte for byte, so that a call that the
//! recorder does not know fails the test instead of weakening it.
//!
//! `LANDLINE_CRASH_POINTS` is the number of lines beside the acknowledgements, renames and syncs (60 unless set), `LANDLINE_CRASH_SEED`
//! repeats a run's choice of lines and luck; what the hub does is recorded anew each time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

#[path = "durability/disk.rs"]
mod disk;
#[path = "durability/disk_tests.rs"]
mod disk_tests;
#[path = "durability/luck.rs"]
mod luck;
#[path = "durability/order.rs"]
mod order;
#[path = "durability/recording.rs"]
mod recording;
#[path = "durability/recovered.rs"]
mod recovered;
#[path = "durability/running.rs"]
#[allow(dead_code, reason = "the oracle uses the rest")]
mod running;
#[path = "durability/trace.rs"]
mod trace;
#[path = "durability/workload.rs"]
mod workload;

use disk::Disk;
use luck::Luck;
use order::Order;
use recorded::{Done, recording};
use recording::{self as recorded, DATA, Deed, Recording, is_shared_memory};
use recovered::{Promises, translate_inodes};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use trace::Call;

/// How many lines are chosen beside those of the acknowledgements, renames and syncs.
const POINTS: u64 = 60;

#[test]
fn an_acknowledgement_leaves_only_after_what_it_rests_on_is_synced() {
    let recording = recording();
    let order = Order::new(recording, &recording.calls);
    for done in recording.done.iter().filter(|done| done.alone) {
        let verdict = order.check(done);
        assert!(verdict.is_ok(), "{:?}: {}", done.deed, verdict.unwrap_err());
    }
}

#[test]
fn the_order_test_notices_each_sync_that_is_missing() {
    let recording = recording();
    let mut doctored = 0;
    for done in recording.done.iter().filter(|done| done.alone) {
        for path in synced_for(recording, done) {
            let is_of_it = |call: &Call| is_sync(call) && call.descriptor(0).1 == path && during(done, call);
            let calls: Vec<Call> = recording
                .calls
                .iter()
                .filter(|call| !is_of_it(call))
                .cloned()
                .collect();
            let verdict = Order::new(recording, &calls).check(done);
            assert!(
                verdict.is_err(),
                "{:?} goes without any sync of {}",
                done.deed,
                path.display()
            );
            doctored += 1;
        }
    }
    assert!(
        doctored > recording.done.len(),
        "only {doctored} recordings were doctored"
    );
}

#[test]
fn the_order_test_notices_an_acknowledgement_that_leaves_too_early() {
    let recording = recording();
    let order = Order::new(recording, &recording.calls);
    for done in recording.done.iter().filter(|done| done.alone) {
        let last = recording
            .calls
            .iter()
            .filter(|call| is_sync(call) && during(done, call) && matters(recording, done, call));
        let last = last.map(|call| call.exited).max().unwrap();
        let early = Done {
            acknowledged: last,
            ..done.clone()
        };
        assert!(
            order.check(&early).is_err(),
            "{:?} may be acknowledged before its last sync returned",
            done.deed
        );
    }
}

#[test]
fn what_was_acknowledged_survives_a_disk_that_drops_what_was_not_synced() {
    let recording = recording();
    let seed = seed();
    let verdict = survives(recording, &recording.calls, &crash_points(recording, seed), seed);
    assert!(verdict.is_ok(), "seed {seed}, {}", verdict.unwrap_err());
}

#[test]
fn the_power_cut_test_notices_each_sync_that_is_missing() {
    let recording = recording();
    let points: BTreeSet<usize> = recording.done.iter().map(|done| done.acknowledged).collect();
    let data = recording.root.join(DATA);
    // Without those of the journal and of the partial files' names, what is lost was not acknowledged yet, and of what
    // was replaced: the order test looks after them.
    let needed = [
        ("data/db", "lost"),
        ("data/tls", "tls/"),
        ("data/db/people.db-wal", "lost the account"),
        ("data/db/chat.db-wal", "the room is lost"),
        ("data/files", "is None"),
        ("data/files/shared", "is None"),
        ("data/files/shared/directory", "is None"),
        ("data/files/trash", "trash"),
    ];
    for (path, complaint) in needed {
        let path = recording.root.join(path);
        let path = path.components().as_path();
        let calls = without(recording, |synced| synced == path);
        assert_complains(survives(recording, &calls, &points, 0), complaint, path);
    }
    let calls: Vec<Call> = recording
        .calls
        .iter()
        .filter(|call| call.name != "syncfs")
        .cloned()
        .collect();
    assert_complains(survives(recording, &calls, &points, 0), "vanished", &data);
    let partials = data.join("files/partial");
    let calls = without(recording, |synced| synced.parent() == Some(&partials));
    assert_complains(
        survives(recording, &calls, &points, 0),
        "is Some",
        &partials.join("*"),
    );
}

/// The recording without the syncs of some files or directories.
fn without(recording: &Recording, is_one: impl Fn(&Path) -> bool) -> Vec<Call> {
    let kept = |call: &&Call| !(is_sync(call) && is_one(&call.descriptor(0).1));
    recording.calls.iter().filter(kept).cloned().collect()
}

fn assert_complains(verdict: Result<(), String>, complaint: &str, path: &Path) {
    let verdict = verdict.expect_err(&format!("nothing is lost without any sync of {}", path.display()));
    assert!(
        verdict.contains(complaint),
        "without any sync of {}: {verdict}",
        path.display()
    );
}

/// Cuts the power on each of these lines, without luck and with some.
fn survives(
    recording: &Recording,
    calls: &[Call],
    points: &BTreeSet<usize>,
    seed: u64,
) -> Result<(), String> {
    let mut disk = Disk::new(&recording.root);
    let mut calls = calls.iter().peekable();
    for (number, line) in (0_u64..).zip(points) {
        while let Some(call) = calls.next_if(|call| call.effect() < *line) {
            disk.apply(call);
        }
        let promises = Promises::at(recording, &disk, *line);
        for luck in [Luck::None, Luck::seeded(seed ^ number)] {
            let what = if matches!(luck, Luck::None) {
                "only what was synced"
            } else {
                "some of the rest"
            };
            let place = crash(recording, &disk, luck);
            let verdict = promises.check(&place.path().join("root").join(DATA));
            let mut next = || calls.peek().map_or_else(String::new, |call| call.shown());
            verdict.map_err(|why| format!("line {line}, {what}: {why}\nbefore {}", next()))?;
        }
    }
    Ok(())
}

#[test]
fn the_hub_starts_on_what_a_power_cut_left_and_its_people_find_everything() {
    let recording = recording();
    let place = crash_at(recording, recording.ready, Luck::None);
    let hub = recorded::Running::start(place.path(), &recording.address);
    let newcomer = support::Person::stranger();
    newcomer
        .run(["join", &recording.link, "--name", "first"])
        .succeeds();
    hub.stop();
    let seed = seed();
    for snapshot in &recording.snapshots {
        let line = recording.done[snapshot.after].acknowledged;
        for luck in [Luck::None, Luck::seeded(seed)] {
            let place = crash_at(recording, line, luck);
            let hub = recorded::Running::start(place.path(), &recording.address);
            let person = snapshot.person();
            assert_eq!(person.run(["whoami"]).succeeds().lines().count(), 1);
            person.run(["audit"]).succeeds();
            finds_what_was_said(recording, line, &person);
            hub.stop();
        }
    }
}

/// A hub that was killed leaves in the kernel's memory what it had not synced. The next one reads it, and acknowledges
/// what is sent again without writing it again: so by then it has to be durable.
#[test]
fn what_a_killed_hub_had_not_synced_is_synced_before_the_next_one_serves() {
    let recording = recording();
    let said = |done: &&Done| done.alone && matches!(done.deed, Deed::Say { .. });
    let done = recording.done.iter().find(said).unwrap();
    let log = recording.root.join(DATA).join("db/chat.db-wal");
    let is_commit = |call: &&Call| is_sync(call) && during(done, call) && call.descriptor(0).1 == log;
    let line = recording.calls.iter().find(is_commit).unwrap().entered;
    let mut disk = Disk::new(&recording.root);
    recording
        .calls
        .iter()
        .take_while(|call| call.effect() < line)
        .for_each(|call| disk.apply(call));
    let promises = Promises::at(recording, &disk, done.acknowledged);

    let killed = crash(recording, &disk, Luck::all());
    assert_eq!(
        promises.check(&killed.path().join("root").join(DATA)),
        Ok(()),
        "the message can be read"
    );
    let killed = crash(recording, &disk, Luck::all());
    let root = killed.path().join("root");
    let (mut disk, mut without) = (Disk::found(&root), Disk::found(&root));
    let hub = recorded::Running::start(killed.path(), "127.0.0.1:0");
    let calls = trace::parse(&hub.stop(), 1);
    let ready = recorded::ready_line(&calls);
    for call in calls.iter().filter(|call| call.effect() < ready) {
        disk.apply(call);
        if call.name != "syncfs" {
            without.apply(call);
        }
    }
    assert_eq!(
        promises.check(&left(&disk).path().join(DATA)),
        Ok(()),
        "after a power cut"
    );
    assert!(
        promises.check(&left(&without).path().join(DATA)).is_err(),
        "this test notices a start that syncs nothing"
    );
}

/// What was synced, on a disk that was no recording's.
fn left(disk: &Disk) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    disk.crash(place.path(), &mut Luck::None, is_shared_memory);
    place
}

fn finds_what_was_said(recording: &Recording, line: usize, person: &support::Person) {
    let said = recording
        .done
        .iter()
        .filter(|done| done.acknowledged <= line)
        .filter_map(|done| match &done.deed {
            Deed::Say { text, sequence } => Some((*sequence, text.clone())),
            _ => None,
        });
    let said: BTreeSet<(u64, String)> = said.collect();
    if said.is_empty() {
        return;
    }
    let history = person.run(["history", workload::ROOM, "--json"]).succeeds();
    let history = history
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let history = history.map(|event| {
        (
            event["seq"].as_u64().unwrap(),
            event["text"].as_str().unwrap_or_default().to_owned(),
        )
    });
    let history: BTreeSet<(u64, String)> = history.collect();
    assert!(
        history.is_superset(&said),
        "{:?} is lost",
        said.difference(&history).collect::<Vec<_>>()
    );
}

/// The acknowledgements, the first moment at which the hub served, the end, what follows each rename and sync among the
/// files, and some others.
fn crash_points(recording: &Recording, seed: u64) -> BTreeSet<usize> {
    let mut points: BTreeSet<usize> = recording.done.iter().map(|done| done.acknowledged).collect();
    points.extend([recording.ready, recording.calls.last().unwrap().effect() + 1]);
    let files = recording.root.join(DATA).join("files");
    let steps = recording
        .calls
        .iter()
        .filter(|call| is_step(call) && call.descriptor(0).1.starts_with(&files));
    points.extend(steps.map(|call| call.effect() + 1));
    let changing: Vec<usize> = recording
        .calls
        .iter()
        .filter(|call| disk::changes(call))
        .map(|call| call.effect() + 1)
        .collect();
    let mut choice = Luck::seeded(seed);
    for _ in 0..number_from("LANDLINE_CRASH_POINTS").unwrap_or(POINTS) {
        let chosen = choice.next() % changing.len() as u64;
        points.insert(changing[usize::try_from(chosen).unwrap()]);
    }
    points
}

fn crash_at(recording: &Recording, line: usize, luck: Luck) -> tempfile::TempDir {
    let mut disk = Disk::new(&recording.root);
    recording
        .calls
        .iter()
        .take_while(|call| call.effect() < line)
        .for_each(|call| disk.apply(call));
    crash(recording, &disk, luck)
}

/// A directory with what a crash left, under `root`. In memory where there is such a place: what is tested is not this
/// machine's disk.
fn crash(recording: &Recording, disk: &Disk, mut luck: Luck) -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let place = place.unwrap();
    let root = place.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let image = disk.crash(&root, &mut luck, is_shared_memory);
    translate_inodes(recording, disk, &image, &root.join(DATA));
    place
}

/// The files and directories that a deed had synced and that its acknowledgement rests on.
fn synced_for(recording: &Recording, done: &Done) -> BTreeSet<PathBuf> {
    let syncs = recording
        .calls
        .iter()
        .filter(|call| is_sync(call) && during(done, call) && matters(recording, done, call));
    syncs.map(|call| call.descriptor(0).1).collect()
}

fn matters(recording: &Recording, done: &Done, call: &Call) -> bool {
    let (path, data) = (call.descriptor(0).1, recording.root.join(DATA));
    let log = match done.deed {
        Deed::Join { .. } => "people.db-wal",
        Deed::Room | Deed::Say { .. } => "chat.db-wal",
        // All that the journal takes of it is what the file's hash was.
        Deed::Move { replaces: false, .. } => "none",
        _ => "files.db-wal",
    };
    path == data.join("db").join(log) || path.starts_with(data.join("files"))
}

fn is_sync(call: &Call) -> bool {
    ["fsync", "fdatasync"].contains(&call.name.as_str()) && call.result == 0
}

/// A rename, or a sync, of whatever it is: the line after it is one on which something is half done.
fn is_step(call: &Call) -> bool {
    is_sync(call) || (call.name == "renameat2" && call.result == 0)
}

fn during(done: &Done, call: &Call) -> bool {
    call.entered >= done.began && call.exited < done.acknowledged
}

/// The run's seed, shown so that it can be given again.
fn seed() -> u64 {
    let seed = number_from("LANDLINE_CRASH_SEED").unwrap_or_else(recorded::now);
    eprintln!("LANDLINE_CRASH_SEED={seed}");
    seed
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}
