//! Uploads that end in the middle and go on: contract F3 for those who send.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use support::cutting::{Fate, Link, Way};
use support::{Hub, Output, Person};

const BLOCK: u64 = 1024 * 1024;

/// What a connection carries beside blocks: handshake, requests, TLS records (22 bytes for 16 KiB).
const OVERHEAD: u64 = 64 * 1024;

/// How often a link is cut; more where somebody has the time.
fn rounds() -> u64 {
    std::env::var("LANDLINE_CUT_ROUNDS").map_or(6, |text| text.parse().expect("a number"))
}

/// The next number of a sequence that looks like chance.
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = std::env::var("LANDLINE_CUT_SEED").map_or_else(
        |_| u64::from(since.unwrap().subsec_nanos()),
        |text| text.parse().expect("a number"),
    );
    eprintln!("LANDLINE_CUT_SEED={seed}");
    seed
}

/// A file in the person's working directory that repeats nothing.
fn file(person: &Person, bytes: u64) -> Vec<u8> {
    let mut state = bytes;
    let content: Vec<u8> = (0..bytes.div_ceil(4))
        .flat_map(|_| u32::try_from(next(&mut state)).unwrap().to_le_bytes())
        .take(usize::try_from(bytes).unwrap())
        .collect();
    fs::write(person.work().join("file"), &content).unwrap();
    content
}

fn at_the_hub(hub: &Hub) -> PathBuf {
    hub.data().join("files/shared/file")
}

#[track_caller]
fn assert_arrived(hub: &Hub, content: &[u8]) {
    assert!(fs::read(at_the_hub(hub)).unwrap() == content, "another content");
    assert_nothing_left(hub);
}

#[track_caller]
fn assert_nothing_left(hub: &Hub) {
    let partial = fs::read_dir(hub.data().join("files/partial")).unwrap();
    assert_eq!(partial.count(), 0, "partial files");
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

fn remembered(person: &Person) -> usize {
    let cache = person
        .work()
        .parent()
        .unwrap()
        .join("home/.cache/landline/blocks");
    fs::read_dir(cache).map_or(0, Iterator::count)
}

fn put(person: &Person) -> Child {
    let mut command = person.command(["put", "file", ":/shared/"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn ended(person: &Person, child: Child) -> Output {
    Output::of(&person.command(["put"]), child.wait_with_output().unwrap())
}

#[test]
fn a_put_goes_on_after_every_cut_and_sends_at_most_one_block_twice() {
    let (hub, alice) = Hub::with_alice();
    let size = 9 * BLOCK + 77;
    let content = file(&alice, size);
    let mut state = seed();
    for round in 0..rounds() {
        let cuts: Vec<u64> = (0..1 + next(&mut state) % 3)
            // All of them together cut off less than the file.
            .map(|_| next(&mut state) % (size / 4))
            .collect();
        println!("round {round}: cut after {cuts:?} bytes");
        let link = Link::between(
            &alice,
            &hub,
            cuts.iter().copied().map(|at| Fate::Cut(Way::ToHub, at)),
        );
        alice.run(["put", "file", ":/shared/"]).succeeds();
        let connections = cuts.len() as u64 + 1;
        assert_eq!(link.connections(), connections);
        let most = size + cuts.len() as u64 * BLOCK + connections * OVERHEAD;
        assert!(link.carried() <= most, "{} of {most} bytes", link.carried());
        assert_arrived(&hub, &content);
        assert_eq!(remembered(&alice), 0);
        fs::remove_file(at_the_hub(&hub)).unwrap();
        link.is_left_by(&alice);
    }
}

#[test]
fn a_put_that_was_killed_goes_on_where_it_was() {
    let (hub, alice) = Hub::with_alice();
    let size = 20 * BLOCK + 5;
    let content = file(&alice, size);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 12 * BLOCK)]);
    let mut child = put(&alice);
    link.is_stalled();
    child.kill().unwrap();
    child.wait().unwrap();
    link.goes_on();
    assert_eq!(remembered(&alice), 1, "what was hashed is not hashed again");
    let before = link.carried();
    let said = alice.run(["put", "file", ":/shared/"]).succeeds();
    assert!(said.contains("put file"), "{said}");
    // What the killed one had in its buffers may have got through when the link went on.
    let again = link.carried() - before;
    assert!(again <= size - 12 * BLOCK + BLOCK + 2 * OVERHEAD, "{again} bytes");
    assert_arrived(&hub, &content);
    assert_eq!(remembered(&alice), 0);
}

#[test]
fn a_put_survives_a_hub_that_is_killed() {
    let (mut hub, alice) = Hub::with_alice();
    let size = 24 * BLOCK;
    let content = file(&alice, size);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 20 * BLOCK)]);
    let child = put(&alice);
    link.is_stalled();
    hub.kill();
    hub.start_again();
    link.goes_on();
    let output = ended(&alice, child);
    let errors = output.stderr.clone();
    output.succeeds();
    assert!(errors.contains("the link is lost"), "{errors}");
    // What had not been read by the hub is lost with it, and no more than is ever unacknowledged.
    assert!(
        link.carried() <= size + 9 * BLOCK + 4 * OVERHEAD,
        "{}",
        link.carried()
    );
    assert_arrived(&hub, &content);
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_refused_and_given_up() {
    let (hub, alice) = Hub::with_alice();
    file(&alice, 20 * BLOCK);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 3 * BLOCK)]);
    let child = put(&alice);
    link.is_stalled();
    let source = fs::OpenOptions::new()
        .write(true)
        .open(alice.work().join("file"))
        .unwrap();
    source.set_len(19 * BLOCK).unwrap();
    link.goes_on();
    let message = ended(&alice, child).fails(1);
    assert!(message.contains("file changed while it was sent"), "{message}");
    assert!(!at_the_hub(&hub).exists());
    assert_nothing_left(&hub);
    assert_eq!(remembered(&alice), 0);
}

#[test]
fn what_changed_between_two_tries_is_sent_anew() {
    let (hub, alice) = Hub::with_alice();
    file(&alice, 20 * BLOCK);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 3 * BLOCK)]);
    let mut child = put(&alice);
    link.is_stalled();
    child.kill().unwrap();
    child.wait().unwrap();
    link.goes_on();
    let mut content = fs::read(alice.work().join("file")).unwrap();
    content[5] ^= 1;
    fs::write(alice.work().join("file"), &content).unwrap();
    alice.run(["put", "file", ":/shared/"]).succeeds();
    assert!(fs::read(at_the_hub(&hub)).unwrap() == content);
}

/// Somebody puts the file's old time back: the name of its version is the same, and only the proof tells.
#[test]
fn a_prefix_that_is_another_is_noticed_and_everything_is_sent_anew() {
    let (hub, alice) = Hub::with_alice();
    let size = 6 * BLOCK;
    let mut content = file(&alice, size);
    let path = alice.work().join("file");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 4 * BLOCK)]);
    let mut child = put(&alice);
    link.is_stalled();
    child.kill().unwrap();
    child.wait().unwrap();
    link.goes_on();
    content[5] ^= 1;
    rewrite(&path, &content, modified);
    let before = link.carried();
    alice.run(["put", "file", ":/shared/"]).succeeds();
    assert!(link.carried() - before >= size);
    assert_arrived(&hub, &content);
}

fn rewrite(path: &Path, content: &[u8], modified: std::time::SystemTime) {
    use std::os::unix::fs::FileExt as _;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn without_resuming_everything_is_sent_again() {
    let (hub, alice) = Hub::with_alice();
    let size = 6 * BLOCK;
    let content = file(&alice, size);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 4 * BLOCK)]);
    let mut child = put(&alice);
    link.is_stalled();
    child.kill().unwrap();
    child.wait().unwrap();
    link.goes_on();
    let before = link.carried();
    alice.run(["put", "--no-resume", "file", ":/shared/"]).succeeds();
    assert!(link.carried() - before >= size);
    assert_arrived(&hub, &content);
}

#[test]
fn a_second_put_of_the_same_file_takes_the_upload_over() {
    let (hub, alice) = Hub::with_alice();
    let size = 20 * BLOCK;
    let content = file(&alice, size);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 3 * BLOCK)]);
    let first = put(&alice);
    link.is_stalled();
    link.is_left_by(&alice);
    alice.run(["put", "file", ":/shared/"]).succeeds();
    assert_arrived(&hub, &content);
    link.goes_on();
    // Its upload is finished by the other one: it hears so, and breaks nothing.
    let message = ended(&alice, first).fails(1);
    assert!(message.contains("upload"), "{message}");
    assert_arrived(&hub, &content);
}

#[test]
fn a_hub_that_stays_away_is_waited_for_so_long_and_no_longer() {
    let (mut hub, alice) = Hub::with_alice();
    file(&alice, 20 * BLOCK);
    let link = Link::between(&alice, &hub, [Fate::Stall(Way::ToHub, 3 * BLOCK)]);
    let mut command = alice.command(["put", "--retry", "1s", "file", ":/shared/"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    link.is_stalled();
    hub.kill();
    link.goes_on();
    ended(&alice, child).fails(1);
}
