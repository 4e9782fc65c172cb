//! Drop boxes: curl puts files into them.

use super::link::{Page, content, curl, fetch, share, status, url};
use super::support::{Hub, Person};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::process::Stdio;
use std::thread;

fn drop_box(person: &Person, options: &[&str]) -> Value {
    person.run(["mkdir", "-p", ":box"]).succeeds();
    share(person, "box", &[&["--drop"], options].concat())
}

fn send(hub: &Hub, person: &Person, file: &str, to: &str, options: &[&str]) -> Page {
    let file = person.work().join(file);
    let arguments = [&["--upload-file", file.to_str().unwrap(), to], options].concat();
    fetch(hub, &arguments)
}

#[test]
fn what_is_put_into_a_drop_box_arrives_whole_and_takes_no_other_files_place() {
    let (hub, alice) = Hub::with_alice();
    let shared = drop_box(&alice, &[]);
    assert_eq!(shared["kind"], "drop");
    let link = url(&shared);
    let content = content(5 * 1024 * 1024 + 17);
    fs::write(alice.work().join("film.mkv"), &content).unwrap();
    fs::write(alice.work().join("empty"), b"").unwrap();
    // The first one large enough that curl waits to hear that it may go on.
    for (version, name) in [
        ("--http1.1", "film.mkv"),
        ("--http2", "film (2).mkv"),
        ("--http1.1", "film (3).mkv"),
    ] {
        let page = send(&hub, &alice, "film.mkv", link, &[version]);
        assert_eq!((page.status, page.exit), (201, 0), "{}", page.text());
        let hash = blake3::hash(&content);
        assert_eq!(
            page.text(),
            format!("{name}  {} bytes  BLAKE3 {hash}\n", content.len())
        );
        alice.run(["get", &format!(":box/{name}"), "back"]).succeeds();
        assert!(fs::read(alice.work().join("back")).unwrap() == content);
        fs::remove_file(alice.work().join("back")).unwrap();
    }
    assert_eq!(send(&hub, &alice, "empty", link, &[]).status, 201);
    // Of no known size: nothing, a little, whole blocks, and more than is written at once.
    for bytes in [0, 1, 1_048_576, 4 * 1_048_576, 9 * 1_048_576 + 5] {
        let mut sending = curl(&hub)
            .args(["-T", "-", &format!("{link}piped-{bytes}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let piped = super::link::content(bytes);
        sending.stdin.take().unwrap().write_all(&piped).unwrap();
        let said = sending.wait_with_output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let hash = blake3::hash(&piped);
        assert_eq!(said, format!("piped-{bytes}  {bytes} bytes  BLAKE3 {hash}\n"));
    }
    let partial = fs::read_dir(hub.data().join("files/partial")).unwrap();
    assert_eq!(partial.count(), 0);
}

#[test]
fn a_drop_box_shows_nothing_and_takes_one_name_at_a_time() {
    let (hub, alice) = Hub::with_alice();
    let shared = drop_box(&alice, &["--name", "for <you>"]);
    let link = url(&shared);
    fs::write(alice.work().join("secret"), b"content").unwrap();
    alice.run(["put", "secret", ":box/"]).succeeds();
    let page = fetch(&hub, &[link]);
    assert!(page.status == 200 && page.text().contains("for &lt;you&gt;") && !page.text().contains("secret"));
    assert_eq!(status(&hub, &[&format!("{link}secret")]), 404);
    assert_eq!(status(&hub, &["--head", &format!("{link}secret")]), 404);
    for to in ["", "a/b", "..", "%2e%2e%2fx", "a/", "%00"] {
        let to = format!("{link}{to}");
        let page = fetch(&hub, &["--request", "PUT", "--data-binary", "x", &to]);
        assert_eq!(page.status, 400, "{to}");
    }
    let part = ["--header", "Content-Range: bytes 0-6/7"];
    assert_eq!(send(&hub, &alice, "secret", link, &part).status, 400);
    let name = "x".repeat(255);
    for long in ["", "x"] {
        let page = send(&hub, &alice, "secret", &format!("{link}{name}{long}"), &[]);
        assert_eq!(page.status, if long.is_empty() { 201 } else { 400 });
    }
    // What is there has many kinds.
    alice.run(["mkdir", ":box/dir"]).succeeds();
    let page = send(&hub, &alice, "secret", &format!("{link}dir"), &[]);
    assert!(
        page.status == 201 && page.text().starts_with("dir (2)  7 bytes"),
        "{page:?}"
    );
    let error = alice.run(["share", ":box/secret", "--drop"]).fails(1);
    assert!(error.contains("is a file"), "{error}");
}

#[test]
fn of_a_drop_box_for_three_files_three_are_taken_and_one_that_is_cut_does_not_count() {
    let (hub, alice) = Hub::with_alice();
    let shared = drop_box(&alice, &["--count", "3"]);
    let link = url(&shared);
    fs::write(alice.work().join("file"), b"content").unwrap();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let sending: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| send(&hub, &alice, "file", link, &[]).status))
            .collect();
        sending.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        3,
        "{statuses:?}"
    );
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 5);
    assert_eq!(alice.run(["ls", ":box"]).succeeds().lines().count(), 3);
}

#[test]
fn an_upload_that_is_cut_off_leaves_nothing() {
    let (hub, alice) = Hub::with_alice();
    let shared = drop_box(&alice, &["--count", "1"]);
    let partial = hub.data().join("files/partial");
    let events = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&events, &partial, WatchFlags::CREATE | WatchFlags::DELETE).unwrap();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&events, &mut buffer);
    let mut next = || events.next().unwrap().events();
    let mut sending = curl(&hub)
        .args(["-T", "-", &format!("{}late", url(&shared))])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = sending.stdin.take().unwrap();
    input.write_all(&content(6 * 1024 * 1024)).unwrap();
    assert!(next().contains(ReadFlags::CREATE), "it is being written");
    sending.kill().unwrap();
    sending.wait().unwrap();
    // The data, and the block journal beside it where there is one by now.
    let mut left = 1;
    while left > 0 {
        left = if next().contains(ReadFlags::CREATE) {
            left + 1
        } else {
            left - 1
        };
    }
    assert_eq!(fs::read_dir(&partial).unwrap().count(), 0);
    assert_eq!(alice.run(["ls", ":box"]).succeeds(), "");
}

#[test]
fn an_upload_ends_when_its_share_does() {
    let (hub, alice) = Hub::with_alice();
    let shared = drop_box(&alice, &[]);
    let partial = hub.data().join("files/partial");
    let events = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&events, &partial, WatchFlags::CREATE).unwrap();
    let mut sending = curl(&hub)
        .args(["--write-out", "%{http_code}", "--output", "/dev/null"])
        .args(["-T", "-", &format!("{}late", url(&shared))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = sending.stdin.take().unwrap();
    input.write_all(&content(6 * 1024 * 1024)).unwrap();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    Reader::new(&events, &mut buffer).next().unwrap();
    alice
        .run(["share", "rm", shared["id"].as_str().unwrap()])
        .succeeds();
    // curl looks for an answer when it has something to send.
    drop(input);
    let said = sending.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "404");
    assert_eq!(alice.run(["ls", ":box"]).succeeds(), "");
}
