//! `ls`, `get`, `put`, `mv`, `rm`, `mkdir`, `stat` on the real program.

mod support;

use landline_client::files::make_directory;
use landline_client::{ClientError, Connection, Hubs};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::error::ErrorCode;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::Attributes;
use landline_model::protocol::files::{PutBlock, PutFinish, PutOpen, PutOpened};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use support::{Hub, Person};

/// Names that have broken programs: each is legal on Linux.
fn nasty_names() -> Vec<OsString> {
    let names: [&[u8]; 14] = [
        b"two words",
        b" ",
        b"line\nbreak",
        b"\x1b[31mred",
        "🚢".as_bytes(),
        b"\xd6\xd0\xce\xc4.txt",
        b"-rf",
        b"--help",
        b"...",
        b":colon",
        b"back\\slash",
        b"~",
        b"%2e%2e%2f",
        b"\xe2\x80\xaegnp.exe",
    ];
    let longest = [vec![b'x'; 255], "é".repeat(127).into_bytes()];
    names
        .into_iter()
        .map(<[u8]>::to_vec)
        .chain(longest)
        .map(OsString::from_vec)
        .collect()
}

/// `:` and `path`, whatever bytes it has.
fn remote(path: impl AsRef<OsStr>) -> OsString {
    let mut argument = OsString::from(":");
    argument.push(path);
    argument
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| u8::try_from((index * 7 + index / 4096) % 251).unwrap_or(0))
        .collect()
}

/// Everything below a directory: files with their bytes, directories without.
fn tree(top: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).expect("a directory that is there") {
            let path = entry.expect("an entry").path();
            let is_directory = path.symlink_metadata().expect("its kind").is_dir();
            let bytes = (!is_directory).then(|| fs::read(&path).expect("its bytes"));
            found.insert(path.strip_prefix(top).expect("below the top").to_owned(), bytes);
            if is_directory {
                waiting.push(path);
            }
        }
    }
    found
}

#[test]
fn a_file_of_any_size_comes_back_as_it_went() {
    let (_hub, alice) = Hub::with_alice();
    for size in [
        0,
        1,
        BLOCK_BYTES - 1,
        BLOCK_BYTES,
        BLOCK_BYTES + 1,
        20 * BLOCK_BYTES + 5,
    ] {
        let bytes = content(size);
        fs::write(alice.work().join("there"), &bytes).unwrap();
        alice.run(["put", "there", ":/shared/file"]).succeeds();
        alice.run(["get", ":/shared/file", "back"]).succeeds();
        assert!(
            fs::read(alice.work().join("back")).unwrap() == bytes,
            "{size} bytes"
        );
        let stat = alice.run(["stat", "--json", ":/shared/file"]).succeeds();
        let stat: Value = serde_json::from_str(&stat).unwrap();
        assert_eq!(stat["size"], size);
        assert_eq!(stat["hash"], Hash::from(blake3::hash(&bytes)).to_string());
    }
}

#[test]
fn any_name_that_linux_has_survives_there_and_back() {
    let (_hub, alice) = Hub::with_alice();
    alice.run(["mkdir", ":names"]).succeeds();
    fs::create_dir(alice.work().join("back")).unwrap();
    for name in nasty_names() {
        fs::write(alice.work().join(&name), name.as_bytes()).unwrap();
        let local = Path::new(".").join(&name);
        alice
            .run([OsStr::new("put"), local.as_os_str(), OsStr::new(":names/")])
            .succeeds();
        let path = remote(Path::new("names").join(&name));
        alice
            .run([OsStr::new("get"), &path, OsStr::new("back/")])
            .succeeds();
        assert_eq!(
            fs::read(alice.work().join("back").join(&name)).unwrap(),
            name.as_bytes()
        );
    }
    let names: BTreeSet<_> = nasty_names().into_iter().collect();
    let listed = alice.run(["ls", "-0", ":names"]).stdout;
    let listed: Vec<_> = listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(
        listed,
        names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>()
    );
    let shown = alice.run(["ls", ":names"]).succeeds();
    assert_eq!(shown.lines().count(), names.len());
    assert!(
        !shown.contains(['\u{1b}', '\u{202e}']) && shown.contains("\\xd6\\xd0"),
        "{shown}"
    );
    for line in alice.run(["ls", "--json", ":names"]).succeeds().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["name"].is_string() != entry["name_b64"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn a_tree_comes_back_as_it_went_without_its_links() {
    let (_hub, alice) = Hub::with_alice();
    let top = alice.work().join("top");
    fs::create_dir_all(top.join("a/b/empty")).unwrap();
    for (place, name) in ["", "a", "a/b"].iter().cycle().zip(nasty_names()) {
        fs::write(top.join(place).join(&name), name.as_bytes()).unwrap();
    }
    let sent = tree(&top);
    symlink("/etc/passwd", top.join("a/link")).unwrap();
    symlink("..", top.join("a/b/loop")).unwrap();
    let output = alice.run(["put", "-r", "top", ":/shared/"]);
    assert!(
        output.stderr.contains("top/a/link is a symbolic link"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("top/a/b/loop is a symbolic link"),
        "{}",
        output.stderr
    );
    output.succeeds();
    alice.run(["get", "-r", ":/shared/top", "back"]).succeeds();
    assert_eq!(tree(&alice.work().join("back")), sent);
    // A second time it goes into the directory that is there now.
    alice.run(["get", "-r", ":/shared/top", "back"]).succeeds();
    assert_eq!(tree(&alice.work().join("back/top")), sent);
    alice.run(["rm", ":/shared/top"]).fails(1);
    alice.run(["rm", "-r", ":/shared/top"]).succeeds();
    assert_eq!(alice.run(["ls", ":/shared"]).succeeds(), "");
}

#[test]
fn a_link_on_this_machine_does_not_lead_a_download_elsewhere() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    fs::create_dir_all(work.join("top/sub")).unwrap();
    fs::write(work.join("top/sub/file"), b"new").unwrap();
    alice.run(["put", "-r", "top", ":~/"]).succeeds();
    fs::create_dir_all(work.join("elsewhere")).unwrap();
    fs::create_dir_all(work.join("back/top")).unwrap();
    symlink("../../elsewhere", work.join("back/top/sub")).unwrap();
    alice.run(["get", "-r", ":top", "back"]).fails(1);
    assert!(tree(&work.join("elsewhere")).is_empty());
}

#[test]
fn putting_replaces_unless_told_not_to_and_moving_refuses_unless_told_to() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for (name, bytes) in [("one", "1"), ("two", "2")] {
        fs::write(work.join(name), bytes).unwrap();
        alice.run(["put", name, ":"]).succeeds();
    }
    let there = |path: &str| {
        alice.run(["get", path, "got"]).succeeds();
        fs::read_to_string(work.join("got")).unwrap()
    };
    alice.run(["put", "--no-clobber", "two", ":one"]).fails(1);
    assert_eq!(there(":one"), "1");
    alice.run(["mv", ":two", ":one"]).fails(1);
    assert_eq!((there(":one"), there(":two")), ("1".to_owned(), "2".to_owned()));
    alice.run(["mv", "-f", ":two", ":one"]).succeeds();
    assert_eq!(there(":one"), "2");
    alice.run(["get", ":two", "got"]).fails(1);
    fs::write(work.join("three"), "3").unwrap();
    alice.run(["put", "three", ":one"]).succeeds();
    assert_eq!(there(":one"), "3");
    alice.run(["mkdir", "-p", ":a/b"]).succeeds();
    alice.run(["mv", ":one", ":a/b"]).succeeds();
    assert_eq!(there(":a/b/one"), "3");
}

#[test]
fn what_is_not_there_is_said_and_changes_nothing() {
    let (_hub, alice) = Hub::with_alice();
    fs::write(alice.work().join("kept"), b"old").unwrap();
    for arguments in [
        &["get", ":missing", "kept"][..],
        &["get", "-r", ":missing", "kept"],
        &["ls", ":missing"],
        &["stat", ":missing"],
        &["rm", ":missing"],
        &["mv", ":missing", ":other"],
        &["put", "missing", ":"],
        &["put", "kept", ":missing/kept"],
        &["mkdir", ":missing/sub"],
        &["ls", ":/rooms/nowhere"],
    ] {
        let said = alice.run(arguments).fails(1);
        assert!(said.starts_with("landline: "), "{arguments:?}: {said}");
    }
    assert_eq!(
        tree(&alice.work()),
        BTreeMap::from([("kept".into(), Some(b"old".to_vec()))])
    );
    assert_eq!(alice.run(["ls"]).succeeds(), "");
}

#[test]
fn one_failure_does_not_keep_the_others_from_being_done() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for name in ["a", "c"] {
        fs::write(work.join(name), name).unwrap();
    }
    let said = alice.run(["put", "a", "b", "c", ":"]).fails(1);
    assert!(said.contains("b: No such file or directory"), "{said}");
    assert_eq!(alice.run(["ls"]).succeeds(), "a\nc\n");
    fs::create_dir(work.join("back")).unwrap();
    alice.run(["get", ":a", ":b", ":c", "back"]).fails(1);
    assert_eq!(tree(&work.join("back")).len(), 2);
    alice.run(["rm", ":a", ":b", ":c"]).fails(1);
    assert_eq!(alice.run(["ls"]).succeeds(), "");
}

#[test]
fn a_guest_reads_shared_files_and_changes_none() {
    let (hub, alice) = Hub::with_alice();
    fs::write(alice.work().join("a"), b"hers").unwrap();
    alice.run(["put", "a", ":/shared/"]).succeeds();
    let guest = alice.invited(&hub, "guest", "gus");
    guest.run(["get", ":/shared/a"]).succeeds();
    assert_eq!(fs::read(guest.work().join("a")).unwrap(), b"hers");
    fs::write(guest.work().join("b"), b"his").unwrap();
    for arguments in [
        &["put", "b", ":/shared/a"][..],
        &["put", "b", ":/shared/"],
        &["rm", ":/shared/a"],
        &["mv", ":/shared/a", ":/shared/b"],
        &["mv", ":/shared/a", ":a"],
        &["mkdir", ":/shared/d"],
    ] {
        guest.run(arguments).fails(1);
    }
    assert_eq!(alice.run(["ls", ":/shared"]).succeeds(), "a\n");
    // A home is one's own.
    guest.run(["put", "b", ":b"]).succeeds();
    assert_eq!(alice.run(["ls"]).succeeds(), "");
}

#[test]
fn files_and_directories_are_not_mistaken_for_each_other() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    fs::write(work.join("file"), b"x").unwrap();
    fs::create_dir(work.join("directory")).unwrap();
    alice.run(["put", "file", ":"]).succeeds();
    alice.run(["mkdir", ":directory", ":remote"]).succeeds();
    for (arguments, hint) in [
        (&["put", "directory", ":new"][..], "-r"),
        (&["get", ":remote"], "-r"),
        (&["get", ":~/"], "-r"),
        (&["get", ":file", "missing/"], ""),
        (&["put", "file", ":file/under"], ""),
        (&["put", "-r", "directory", ":file"], ""),
        (&["put", "file", "file", ":file"], "not a directory"),
        (&["get", ":file", ":file", "file"], "not a directory"),
        (&["mkdir", ":file"], ""),
        (&["mkdir", "-p", ":file/under"], ""),
        (&["ls", ":file/"], ""),
        (&["rm", "-r", ":/shared"], ""),
    ] {
        let said = alice.run(arguments).fails(1);
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
    assert_eq!(alice.run(["ls", ":file"]).succeeds(), "file\n");
    // Into the directory, not over it.
    alice.run(["put", "file", ":directory"]).succeeds();
    assert_eq!(alice.run(["ls", ":directory"]).succeeds(), "file\n");
    // Something that is no file is not replaced here either.
    fs::create_dir_all(work.join("place/file")).unwrap();
    alice.run(["get", ":file", "place"]).fails(1);
    alice.run(["get", ":file", "/dev/null"]).fails(1);
    assert_eq!(tree(&work.join("place")).len(), 1);
}

#[test]
fn a_forgotten_colon_is_wrong_usage_and_the_right_one_is_shown() {
    let nobody = Person::stranger();
    for arguments in [
        &["ls", "a"][..],
        &["get", "a", "b"],
        &["get", "a"],
        &["put", "a"],
        &["put", "a", "b"],
        &["put", ":a", ":b"],
        &["put", ":a"],
        &["rm", "a"],
        &["rm", "\u{1b}[31mred"],
        &["put", ":\u{1b}[31mred", ":"],
        &["mkdir", "a"],
        &["mv", ":a", "b"],
        &["stat", "/etc/passwd"],
        &["get", ":/etc/passwd"],
        &["get", ":a/../../b"],
    ] {
        let said = nobody.run(arguments).fails(2);
        assert!(said.contains(':'), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn what_is_not_what_was_announced_never_appears() {
    let (_hub, alice) = Hub::with_alice();
    let connection = connected(&alice).await;
    let hash: Hash = blake3::hash(b"hello").into();
    for (what, size, blocks, finish) in [
        ("another hash", 5, &[(0, &b"hellO"[..])][..], (5, hash)),
        ("another size at the end", 5, &[(0, b"hello")], (4, hash)),
        ("too short", 9, &[(0, b"hello")], (9, hash)),
        ("too long", 3, &[(0, b"hello")], (5, hash)),
        ("a gap", 5, &[(1, b"ello")], (5, hash)),
        ("a wrong offset", u64::MAX, &[(u64::MAX - 2, b"hello")], (5, hash)),
    ] {
        let refused = send(&connection, size, blocks, finish).await.expect_err(what);
        let code = refused.code();
        assert!(
            matches!(
                code,
                Some(ErrorCode::Mismatch | ErrorCode::BadRequest | ErrorCode::TooLarge)
            ),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(alice.run(["ls"]).succeeds(), "");
    // The connection and the name are still good.
    send(&connection, 5, &[(0, b"hello")], (5, hash))
        .await
        .expect("what is right");
    make_directory(&connection, &RemotePath::parse(b"~/d").unwrap(), false)
        .await
        .expect("a directory");
    assert_eq!(alice.run(["ls"]).succeeds(), "d\nfile\n");
}

/// This person's session, used by something that is not the program.
async fn connected(person: &Person) -> Connection {
    let hubs = Hubs::load_from(&person.configuration()).expect("the hubs that joining wrote");
    let hub = hubs.current(None).expect("the one hub");
    landline_client::connect(hub).await.expect("a connection")
}

async fn send(
    connection: &Connection,
    size: u64,
    blocks: &[(u64, &'static [u8])],
    (finish_size, hash): (u64, Hash),
) -> Result<(), ClientError> {
    let path = RemotePath::parse(b"~/file").expect("a path");
    let PutOpened { upload, .. } = connection
        .call(&PutOpen {
            path,
            size,
            overwrite: false,
            attributes: Attributes::default(),
            source: None,
            resume: None,
        })
        .await?;
    for (offset, bytes) in blocks {
        connection
            .exchange(
                &PutBlock {
                    upload,
                    offset: *offset,
                },
                (*bytes).into(),
            )
            .await?;
    }
    connection
        .call(&PutFinish {
            upload,
            size: finish_size,
            hash,
        })
        .await
        .map(drop)
}
