//! `sync` on the real program: one tree like another, one way.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use support::{Hub, Person};

/// More than travels whole, in bytes.
const LARGE: usize = 2_500_000;

/// Names that have broken programs.
fn nasty_names() -> Vec<OsString> {
    let names: [&[u8]; 9] = [
        b"two words",
        b"line\nbreak",
        b"\x1b[31mred",
        "🚢".as_bytes(),
        b"\xd6\xd0\xce\xc4",
        b"-rf",
        b"*",
        b"a:b\\c",
        &[b'x'; 255],
    ];
    names.map(|name| OsString::from_vec(name.to_vec())).to_vec()
}

/// Everything below a directory: files with their bytes, directories and links without.
fn tree(top: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let is_directory = kind.is_dir();
            let bytes = kind.is_file().then(|| fs::read(&path).unwrap());
            found.insert(path.strip_prefix(top).unwrap().to_owned(), bytes);
            if is_directory {
                waiting.push(path);
            }
        }
    }
    found
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A tree with some of everything at `t`.
fn planted() -> (Hub, Person) {
    let (hub, alice) = Hub::with_alice();
    let top = alice.work().join("t");
    for name in nasty_names() {
        write(&top.join("names").join(&name), "1");
    }
    for number in 0..300 {
        write(&top.join(format!("d{}/{number}", number % 3)), number.to_string());
    }
    write(&top.join("large"), vec![7; LARGE]);
    write(&top.join("empty"), "");
    fs::create_dir_all(top.join("nothing/in/it")).unwrap();
    (hub, alice)
}

/// The closing line of a sync.
#[track_caller]
fn summary(alice: &Person, arguments: &[&str]) -> String {
    let said = alice.run([&["sync"], arguments].concat()).succeeds();
    said.lines().last().unwrap().to_owned()
}

#[test]
fn a_tree_goes_there_and_back_and_then_there_is_nothing_to_do() {
    let (_hub, alice) = planted();
    let work = alice.work();
    let told = summary(&alice, &["t", ":t"]);
    assert!(told.starts_with("sync: 311 transferred"), "{told}");
    let told = summary(&alice, &[":t", "back"]);
    assert!(told.starts_with("sync: 311 transferred"), "{told}");
    assert!(tree(&work.join("t")) == tree(&work.join("back")));
    for (from, to) in [("t", ":t"), (":t", "back"), (":t", "t"), ("back", ":t")] {
        let said = alice.run(["sync", "--delete", from, to]).succeeds();
        assert_eq!(
            said,
            "sync: 0 transferred (0 B), 311 unchanged, 0 deleted, 0 left out, 0 failed\n"
        );
    }
}

#[test]
fn what_differs_is_transferred_and_what_is_too_much_goes_only_if_asked() {
    let (hub, alice) = planted();
    let work = alice.work();
    summary(&alice, &["t", ":t"]);
    write(&work.join("t/d0/0"), "other content");
    write(&work.join("t/large"), vec![8; LARGE]);
    write(&work.join("t/new/file"), "new");
    fs::remove_file(work.join("t/d1/1")).unwrap();
    fs::remove_dir_all(work.join("t/d2")).unwrap();
    let dry = alice.run(["sync", "--dry-run", "--delete", "t", ":t"]).succeeds();
    for line in [
        "put t/d0/0 -> :~/t/d0/0",
        "put t/large -> :~/t/large",
        "mkdir :~/t/new",
        "put t/new/file -> :~/t/new/file",
        "delete :~/t/d1/1",
        "delete :~/t/d2",
    ] {
        assert!(dry.lines().any(|told| told == line), "{line} is not in {dry}");
    }
    assert!(
        dry.contains("3 would be transferred (2.38 MiB)") && dry.contains("2 would be deleted"),
        "{dry}"
    );
    // Nothing of it was done.
    assert_eq!(alice.run(["get", ":t/d0/0", "-"]).stdout, b"0");
    assert!(summary(&alice, &["t", ":t"]).starts_with("sync: 3 transferred"));
    alice.run(["stat", ":t/d1/1", ":t/d2"]).succeeds();
    let told = summary(&alice, &["--delete", "t", ":t"]);
    assert!(
        told.starts_with("sync: 0 transferred") && told.contains("2 deleted"),
        "{told}"
    );
    summary(&alice, &[":t", "back"]);
    assert!(tree(&work.join("t")) == tree(&work.join("back")));
    // What was deleted at the hub lies in the trash.
    let trash = tree(&hub.data().join("files/trash"));
    assert!(trash.values().flatten().any(|bytes| bytes == b"1"));
    assert_eq!(
        trash
            .values()
            .flatten()
            .filter(|bytes| bytes.len() == LARGE)
            .count(),
        1
    );
}

#[test]
fn what_is_only_here_is_deleted_here_and_links_are_not_followed() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    write(&work.join("outside/kept"), "kept");
    write(&work.join("t/a"), "a");
    summary(&alice, &["t", ":t"]);
    write(&work.join("t/only/here"), "x");
    write(&work.join("t/also"), "x");
    symlink(work.join("outside"), work.join("t/link")).unwrap();
    symlink(work.join("outside"), work.join("t/only/link")).unwrap();
    symlink(work.join("outside/kept"), work.join("t/file-link")).unwrap();
    assert!(summary(&alice, &[":t", "t"]).contains("0 deleted"));
    assert_eq!(tree(&work.join("t")).len(), 7);
    let told = summary(&alice, &["--delete", ":t", "t"]);
    assert!(told.contains("4 deleted"), "{told}");
    assert_eq!(
        tree(&work.join("t")),
        BTreeMap::from([("a".into(), Some(b"a".to_vec()))])
    );
    assert_eq!(fs::read(work.join("outside/kept")).unwrap(), b"kept");
    // A link in the place of a file or a directory of the hub leads nowhere either.
    summary(&alice, &["outside", ":t/d"]);
    symlink(work.join("outside"), work.join("t/d")).unwrap();
    fs::remove_file(work.join("t/a")).unwrap();
    symlink(work.join("outside/kept"), work.join("t/a")).unwrap();
    let said = alice.run(["sync", ":t", "t"]).fails(1);
    assert!(
        said.contains("is a directory at the hub, and a symbolic link here"),
        "{said}"
    );
    assert_eq!(fs::read(work.join("t/a")).unwrap(), b"a");
    assert!(!work.join("t/a").symlink_metadata().unwrap().is_symlink());
    summary(&alice, &["--delete", ":t", "t"]);
    assert!(work.join("t/d").symlink_metadata().unwrap().is_dir());
    assert_eq!(fs::read(work.join("outside/kept")).unwrap(), b"kept");
}

#[test]
fn what_is_left_out_is_left_alone_on_both_sides() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for path in [
        "t/a",
        "t/b.o",
        "t/sub/c.o",
        "t/sub/d",
        "t/build/x",
        "t/sub/build",
        "t/gone/e.o",
        "t/gone/f",
    ] {
        write(&work.join(path), path);
    }
    summary(&alice, &["t", ":all"]);
    let excludes = ["--exclude", "*.o", "--exclude", "build/"];
    summary(&alice, &[&excludes[..], &["t", ":some"]].concat());
    let found = alice
        .run(["find", "--type", "f", ":some"])
        .succeeds()
        .replace(":~/some/", "");
    assert_eq!(found, "a\ngone/f\nsub/build\nsub/d\n");
    // With another source, what is left out is not deleted, and neither are the directories above it.
    write(&work.join("u/a"), "other");
    for target in [":all", "t"] {
        let from = if target == "t" { ":u" } else { "u" };
        if target == "t" {
            summary(&alice, &["u", ":u"]);
        }
        summary(&alice, &[&excludes[..], &["--delete", from, target]].concat());
    }
    let expected = "a\nb.o\nbuild/x\ngone/e.o\nsub/c.o\n";
    assert_eq!(
        alice
            .run(["find", "--type", "f", ":all"])
            .succeeds()
            .replace(":~/all/", ""),
        expected
    );
    let here: Vec<_> = tree(&work.join("t"))
        .into_iter()
        .filter(|(_, bytes)| bytes.is_some())
        .collect();
    let here: String = here
        .iter()
        .map(|(path, _)| format!("{}\n", path.display()))
        .collect();
    assert_eq!(here, expected);
}

#[test]
fn contents_are_compared_by_their_hashes_if_asked() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for name in ["same", "other"] {
        write(&work.join("t").join(name), "12345");
    }
    summary(&alice, &["t", ":t"]);
    // The same size and time, and other content; and the other way round.
    let time = work.join("t/other").metadata().unwrap().modified().unwrap();
    write(&work.join("t/other"), "54321");
    let set = |name: &str, time| {
        let file = File::options()
            .write(true)
            .open(work.join("t").join(name))
            .unwrap();
        file.set_modified(time).unwrap();
    };
    set("other", time);
    set("same", UNIX_EPOCH + Duration::new(1_000_000_000, 5));
    assert!(summary(&alice, &["--dry-run", "t", ":t"]).starts_with("sync: 1 would be"));
    let told = summary(&alice, &["--checksum", "t", ":t"]);
    assert!(
        told.starts_with("sync: 1 transferred") && told.contains("1 unchanged"),
        "{told}"
    );
    assert_eq!(alice.run(["get", ":t/other", "-"]).stdout, b"54321");
    for _ in 0..2 {
        let told = summary(&alice, &["--checksum", ":t", "t"]);
        assert!(
            told.starts_with("sync: 0 transferred") && told.contains("2 unchanged"),
            "{told}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_in_its_place_is_deleted() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for path in ["t/a", "t/d/b", "t/z"] {
        write(&work.join(path), path);
    }
    symlink("a", work.join("t/link")).unwrap();
    let said = alice.run(["sync", "t", ":t"]);
    assert!(
        said.stderr.contains("t/link is a symbolic link: left out"),
        "{}",
        said.stderr
    );
    assert_eq!(said.code, 0);
    // A directory in the place of a file is nobody's to replace.
    fs::remove_file(work.join("t/a")).unwrap();
    write(&work.join("t/a/in"), "x");
    let said = alice.run(["sync", "t", ":t"]).fails(1);
    assert!(
        said.contains(":~/t/a is a regular file at the hub, and a directory here"),
        "{said}"
    );
    assert_eq!(alice.run(["ls", "--tree", ":t"]).succeeds(), "a\nd/\n  b\nz\n");
    summary(&alice, &["--delete", "t", ":t"]);
    assert_eq!(
        alice.run(["ls", "--tree", ":t"]).succeeds(),
        "a/\n  in\nd/\n  b\nz\n"
    );
    // Whoever may read everything reads this too, and there is nothing to see.
    if rustix::process::geteuid().is_root() {
        return;
    }
    fs::set_permissions(work.join("t/d"), fs::Permissions::from_mode(0o000)).unwrap();
    let said = alice.run(["sync", "--delete", "t", ":t"]);
    fs::set_permissions(work.join("t/d"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(said.fails(1).contains("t/d: Permission denied"));
    alice.run(["stat", ":t/d/b"]).succeeds();
}

#[test]
fn a_program_is_told_in_json_and_wrong_usage_is_said() {
    let (hub, alice) = Hub::with_alice();
    write(
        &alice
            .work()
            .join("t/d")
            .join(OsString::from_vec(b"\xd6".to_vec())),
        "12",
    );
    let told = alice.run(["sync", "--json", "t", ":t"]).succeeds();
    let events: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["make_directory", "begin", "done", "summary"]);
    assert_eq!(events[0]["remote"], "~/t/d");
    assert_eq!(events[1]["local"]["b64"], "dC9kL9Y=");
    assert_eq!(events[2]["remote"]["b64"], "fi90L2Qv1g==");
    assert_eq!((&events[3]["files"], &events[3]["bytes"]), (&1.into(), &2.into()));
    for wrong in [&["t", "u"][..], &[":t", ":u"], &[":t"], &["t"]] {
        alice.run([&["sync"], wrong].concat()).fails(2);
    }
    for failing in [
        &["missing", ":t"][..],
        &[":missing", "u"],
        &["t", ":missing/below"],
        &["t", ":/rooms/none"],
    ] {
        alice.run([&["sync"], failing].concat()).fails(1);
    }
    let gus = alice.invited(&hub, "guest", "gus");
    write(&gus.work().join("t/a"), "a");
    gus.run(["sync", "t", ":/shared/t"]).fails(1);
    gus.run(["sync", "--delete", "t", ":/shared"]).fails(1);
}
