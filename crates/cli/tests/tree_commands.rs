//! `ls --tree`, `du`, `find`, `stat --hash`, `cp`, `mv`, `rm` over whole trees, on the real program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use support::peer::Peer;
use support::{Hub, Person};

/// Names that have broken programs, in the order of their bytes.
fn nasty_names() -> Vec<OsString> {
    let mut names: Vec<Vec<u8>> = [
        &b"two words"[..],
        b"line\nbreak",
        b"\x1b[31mred",
        "🚢".as_bytes(),
        b"\xd6\xd0\xce\xc4",
        b"-rf",
        b"*",
        b"[a]",
        b"back\\slash",
        b"...",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    names.push(vec![b'x'; 255]);
    names.sort();
    names.into_iter().map(OsString::from_vec).collect()
}

fn objects(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A tree of files whose contents are their paths.
fn plant(top: &Path, paths: &[&str]) {
    for path in paths {
        let path = top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.strip_prefix(top).unwrap().as_os_str().as_bytes()).unwrap();
    }
}

/// Alice's hub with a tree at `:t`.
fn planted(paths: &[&str]) -> (Hub, Person) {
    let (hub, alice) = Hub::with_alice();
    plant(&alice.work().join("t"), paths);
    alice.run(["put", "-r", "t", ":"]).succeeds();
    (hub, alice)
}

#[test]
fn a_tree_is_listed_in_order_in_every_form() {
    let (_hub, alice) = planted(&["b/2", "b/1", "a", "b.x", "c/d/e"]);
    assert_eq!(
        alice.run(["ls", "--tree", ":t"]).succeeds(),
        "a\nb/\n  1\n  2\nb.x\nc/\n  d/\n    e\n"
    );
    let lines = objects(&alice.run(["ls", "--tree", "--json", ":t"]).succeeds());
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "~/t/a",
            "~/t/b",
            "~/t/b/1",
            "~/t/b/2",
            "~/t/b.x",
            "~/t/c",
            "~/t/c/d",
            "~/t/c/d/e"
        ]
    );
    let hash = blake3::hash(b"a").to_string();
    assert_eq!((&lines[0]["hash"], &lines[0]["size"]), (&json!(hash), &json!(1)));
    let raw = alice.run(["ls", "--tree", "-0", ":t"]).stdout;
    assert!(raw.starts_with(b":~/t/a\0:~/t/b\0:~/t/b/1\0"));
    let long = alice.run(["ls", "-l", "--tree", ":t/b"]).succeeds();
    assert!(long.lines().all(|line| line.starts_with("-rw")), "{long}");
    // Several, each with its name.
    assert_eq!(
        alice.run(["ls", ":t/b", ":t/a"]).succeeds(),
        ":~/t/b:\n1\n2\n:~/t/a\n"
    );
}

#[test]
fn names_of_any_bytes_are_listed_safely_and_found() {
    let (_hub, alice) = Hub::with_alice();
    let tree = alice.work().join("t");
    for name in nasty_names() {
        fs::create_dir_all(tree.join(&name)).unwrap();
        fs::write(tree.join(&name).join("in"), b"1").unwrap();
    }
    alice.run(["put", "-r", "t", ":"]).succeeds();
    for arguments in [
        &["ls", "--tree", ":t"][..],
        &["find", ":t"],
        &["du", ":t"],
        &["ls", "-l", ":t"],
    ] {
        let shown = alice.run(arguments).succeeds();
        assert!(
            !shown.contains('\u{1b}') && shown.contains("\\xd6\\xd0"),
            "{shown}"
        );
    }
    let lines = objects(&alice.run(["find", "--json", "--type", "d", ":t"]).succeeds());
    let names: Vec<OsString> = lines
        .iter()
        .map(|line| match (line["name"].as_str(), line["name_b64"].as_str()) {
            (Some(name), None) => name.into(),
            (None, Some("1tDOxA==")) => OsString::from_vec(b"\xd6\xd0\xce\xc4".to_vec()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, nasty_names());
    // Raw paths are what other commands take.
    let raw = alice.run(["find", "-0", "--type", "d", ":t"]).stdout;
    let paths: Vec<&OsStr> = raw
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(OsStr::from_bytes)
        .collect();
    assert_eq!(paths.len(), nasty_names().len());
    let arguments = [OsStr::new("rm"), OsStr::new("-r")].into_iter().chain(paths);
    alice.run(arguments).succeeds();
    assert_eq!(alice.run(["ls", ":t"]).succeeds(), "");
}

#[test]
fn du_adds_up_what_is_below() {
    let (_hub, alice) = planted(&["a", "b/22", "b/c/333"]);
    // The contents are the paths: 1, 4 and 7 bytes.
    assert_eq!(
        alice.run(["du", ":t"]).succeeds(),
        "7\t:~/t/b/c\n11\t:~/t/b\n12\t:~/t\n"
    );
    assert_eq!(
        alice.run(["du", "-s", ":t", ":t/b"]).succeeds(),
        "12\t:~/t\n11\t:~/t/b\n"
    );
    assert_eq!(
        alice.run(["du", "--depth", "1", ":t"]).succeeds(),
        "11\t:~/t/b\n12\t:~/t\n"
    );
    assert_eq!(alice.run(["du", "-sh", ":t"]).succeeds(), "12 B\t:~/t\n");
    assert_eq!(alice.run(["du", ":t/a"]).succeeds(), "1\t:~/t/a\n");
    let line: Value = serde_json::from_str(&alice.run(["du", "-s", "--json", ":t"]).succeeds()).unwrap();
    assert_eq!(
        line,
        json!({ "path": "~/t", "bytes": 12, "files": 3, "directories": 2 })
    );
    alice.run(["du", ":missing"]).fails(1);
}

#[test]
fn find_chooses_by_name_kind_size_and_age() {
    let (_hub, alice) = planted(&["a.iso", "b/c.iso", "b/d", ".hidden.iso"]);
    let old = alice.work().join("t/old.iso");
    fs::write(&old, vec![7; 5000]).unwrap();
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    alice.run(["put", "t/old.iso", ":t/"]).succeeds();
    let find = |arguments: &[&str]| {
        let all = [&["find", ":t"], arguments].concat();
        alice.run(all).succeeds().replace(":~/t/", "").replace('\n', " ")
    };
    assert_eq!(find(&["--name", "*.iso"]), ".hidden.iso a.iso b/c.iso old.iso ");
    assert_eq!(find(&["--name", "[a-b]*", "--type", "f"]), "a.iso ");
    assert_eq!(find(&["--type", "d"]), "b ");
    assert_eq!(find(&["--size", "+4K"]), "old.iso ");
    assert_eq!(find(&["--size", "5000"]), "old.iso ");
    assert_eq!(find(&["--size", "-4", "--name", "*d"]), "b/d ");
    assert_eq!(
        find(&["--newer", "7d", "--name", "*.iso"]),
        ".hidden.iso a.iso b/c.iso "
    );
    for wrong in [&["--size", "1.5M"][..], &["--type", "x"], &["--newer", "soon"]] {
        alice.run([&["find", ":t"], wrong].concat()).fails(2);
    }
}

#[test]
fn stat_says_what_others_would_compute() {
    let (hub, alice) = planted(&["abc"]);
    let sum = |program: &str| {
        let mut command = support::bare(program);
        let output = command.arg(alice.work().join("t/abc")).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    for (algorithm, expected) in [
        ("md5", sum("md5sum")),
        ("sha256", sum("sha256sum")),
        ("blake3", blake3::hash(b"abc").to_string()),
    ] {
        let line = alice
            .run(["stat", "--json", "--hash", algorithm, ":t/abc"])
            .succeeds();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line[algorithm], expected);
        let shown = alice.run(["stat", "--hash", algorithm, ":t/abc"]).succeeds();
        assert!(shown.contains(&expected), "{shown}");
    }
    alice.run(["stat", "--hash", "md5", ":t"]).fails(1);
    alice.run(["stat", "--hash", "crc32", ":t/abc"]).fails(2);
    // A stranger to a room is told nothing of what is in it.
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["room", "create", "#closed", "--private"]).succeeds();
    alice.run(["put", "t/abc", ":/rooms/closed/abc"]).succeeds();
    bob.run(["stat", "--hash", "md5", ":/rooms/closed/abc"]).fails(1);
    bob.run(["ls", "--tree", ":/rooms/closed"]).fails(1);
    bob.run(["cp", "-r", ":/rooms/closed", ":stolen"]).fails(1);
    assert_eq!(bob.run(["ls"]).succeeds(), "");
}

#[test]
fn a_tree_is_copied_at_the_hub_with_times_and_permissions() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    plant(&work.join("t"), &["a", "b/c"]);
    let large: Vec<u8> = (0..3_000_000_u32).map(|index| index.to_le_bytes()[1]).collect();
    fs::write(work.join("t/large"), &large).unwrap();
    fs::set_permissions(work.join("t/a"), fs::Permissions::from_mode(0o751)).unwrap();
    for path in ["t/a", "t/large"] {
        let file = fs::File::options().append(true).open(work.join(path)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789))
            .unwrap();
    }
    alice.run(["put", "-r", "t", ":"]).succeeds();
    alice.run(["cp", ":t", ":u"]).fails(1);
    alice.run(["cp", "-r", ":t", ":u"]).succeeds();
    alice.run(["get", "-r", ":u", "."]).succeeds();
    for path in ["a", "b/c", "large"] {
        let (one, other) = (work.join("t").join(path), work.join("u").join(path));
        assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap(), "{path}");
        let (one, other) = (one.metadata().unwrap(), other.metadata().unwrap());
        assert_eq!(one.modified().unwrap(), other.modified().unwrap(), "{path}");
        assert_eq!(one.permissions(), other.permissions(), "{path}");
    }
    // Into a directory that is there; nothing is replaced unless that is asked for.
    alice.run(["mkdir", ":into"]).succeeds();
    alice.run(["cp", "-r", ":t", ":u", ":into"]).succeeds();
    assert_eq!(alice.run(["ls", ":into"]).succeeds(), "t\nu\n");
    let said = alice.run(["cp", ":t/a", ":u/a"]).fails(1);
    assert!(said.contains("already there"), "{said}");
    alice.run(["cp", "-f", ":t/a", ":u/large"]).succeeds();
    assert_eq!(
        objects(&alice.run(["stat", "--json", ":u/large"]).succeeds())[0]["size"],
        1
    );
    let said = alice.run(["cp", "-r", ":t", ":u"]).succeeds();
    assert_eq!(said, "", "into the directory u: u/t");
    let said = alice.run(["cp", "-r", ":t", ":u"]).fails(1);
    assert_eq!(said.matches("already there").count(), 3, "{said}");
}

#[test]
fn nothing_is_copied_into_itself() {
    let (_hub, alice) = planted(&["a", "b/c"]);
    for target in [":t", ":t/b", ":t/new", ":t/b/new"] {
        // In a directory that is there, it would get its own name.
        let said = alice.run(["cp", "-r", ":t", target]).fails(1);
        assert!(said.contains("onto or into itself"), "{target}: {said}");
    }
    let said = alice.run(["cp", ":t/a", ":t/a"]).fails(1);
    assert!(said.contains("onto or into itself"), "{said}");
    assert_eq!(alice.run(["find", ":t"]).succeeds(), ":~/t/a\n:~/t/b\n:~/t/b/c\n");
}

#[test]
fn links_on_the_server_are_listed_and_lead_nowhere() {
    let (hub, alice) = Hub::with_alice();
    fs::write(alice.work().join("own"), b"own").unwrap();
    alice.run(["put", "own", ":/shared/"]).succeeds();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), b"secret").unwrap();
    let shared = hub.data().join("files/shared");
    symlink(outside.path(), shared.join("directory")).unwrap();
    symlink(outside.path().join("secret"), shared.join("file")).unwrap();
    let kinds: Vec<_> = objects(&alice.run(["ls", "--tree", "--json", ":/shared"]).succeeds())
        .into_iter()
        .map(|line| line["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["other", "other", "file"]);
    for arguments in [
        &["get", ":/shared/file", "got"][..],
        &["get", ":/shared/directory/secret", "got"],
        &["cp", ":/shared/file", ":got"],
        &["cp", "-r", ":/shared/directory", ":got"],
        &["cp", ":/shared/directory/secret", ":got"],
        &["stat", "--hash", "md5", ":/shared/file"],
        &["ls", "--tree", ":/shared/directory/"],
        &["find", ":/shared/directory"],
    ] {
        let said = alice.run(arguments).fails(1);
        assert!(!said.contains("secret\n"), "{arguments:?}: {said}");
    }
    let copied = alice.run(["cp", "-r", ":/shared", ":all"]);
    assert!(copied.stderr.contains("left out: 2"), "{}", copied.stderr);
    assert_eq!(alice.run(["ls", ":all"]).succeeds(), "own\n");
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[test]
fn several_are_moved_into_a_directory_and_into_nothing_else() {
    let (_hub, alice) = planted(&["a", "b", "c/d"]);
    alice.run(["mv", ":t/a", ":t/b", ":t/c"]).succeeds();
    assert_eq!(alice.run(["ls", ":t/c"]).succeeds(), "a\nb\nd\n");
    let said = alice.run(["mv", ":t/c/a", ":t/c/b", ":t/c/d"]).fails(1);
    assert!(said.contains("not a directory"), "{said}");
    let said = alice.run(["mv", ":t/c/a", ":t/missing", ":t"]).fails(1);
    assert!(said.contains("missing"), "{said}");
    assert_eq!(alice.run(["ls", ":t"]).succeeds(), "a\nc\n");
    alice.run(["mv", ":t"]).fails(2);
    alice.run(["rm", ":missing"]).fails(1);
    alice.run(["rm", "-f", ":missing", ":t/a"]).succeeds();
    alice.run(["rm", "-f", ":t"]).fails(1);
    assert_eq!(alice.run(["ls", ":t"]).succeeds(), "c\n");
}

#[test]
fn requests_that_make_no_sense_are_refused_one_by_one() {
    let hub = Hub::start();
    let mut alice = Peer::joined(&hub, hub.admin_link(), "alice");
    for (request, arguments, code) in [
        ("list_tree", json!({ "path": "~/../x" }), "bad_request"),
        ("list_tree", json!({ "path": "~/", "depth": -1 }), "bad_request"),
        (
            "list_tree",
            json!({ "path": "~/", "depth": 4_294_967_296_u64 }),
            "bad_request",
        ),
        ("list_tree", json!({ "path": "~/missing" }), "not_found"),
        ("list_tree", json!({}), "bad_request"),
        ("copy", json!({ "from": "~/a", "to": "~/a" }), "wrong_kind"),
        ("copy", json!({ "from": "~/missing", "to": "~/b" }), "not_found"),
        (
            "copy",
            json!({ "from": "~/", "to": "~/b", "recursive": true }),
            "wrong_kind",
        ),
        (
            "copy",
            json!({ "from": "~/missing", "to": "/rooms/none/b" }),
            "not_found",
        ),
        (
            "hash_file",
            json!({ "path": "~/missing", "algorithm": "md5" }),
            "not_found",
        ),
        (
            "hash_file",
            json!({ "path": "~/missing", "algorithm": "crc" }),
            "bad_request",
        ),
        (
            "hash_file",
            json!({ "path": "~/", "algorithm": "md5" }),
            "wrong_kind",
        ),
    ] {
        let answer = alice.ask(request, &arguments);
        assert_eq!(answer["error"]["code"], code, "{request} {arguments}: {answer}");
    }
    let all = alice.ask("list_tree", &json!({ "path": "~/", "depth": 4_294_967_295_u64 }));
    assert_eq!(all["ok"], json!({ "entries": 0, "errors": 0 }), "{all}");
}

/// What answers a request next, beside what the hub says unasked.
fn answer_to(peer: &mut Peer, id: u64) -> (Value, Vec<u8>) {
    loop {
        let (header, body) = peer.receive().unwrap();
        if header["id"] == id {
            return (header, body);
        }
    }
}

/// How many files make a directory large.
const MANY: usize = 200_000;

#[test]
fn a_directory_of_200_000_files_is_listed_by_one_look_and_a_lost_right_ends_it() {
    let hub = Hub::start();
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    let bob = alice.invitation(&["--role", "member"]);
    let mut bob = Peer::joined(&hub, &bob, "bob");
    alice.run(["room", "create", "#many"]).succeeds();
    alice.run(["mkdir", ":/rooms/many/d"]).succeeds();
    let rooms: Vec<_> = fs::read_dir(hub.data().join("files/rooms")).unwrap().collect();
    let directory = rooms[0].as_ref().unwrap().path().join("d");
    for number in 0..MANY {
        fs::File::create(directory.join(format!("{number:06}"))).unwrap();
    }
    // Pages are of the moment of the first one, without what has gone since.
    let path = json!("/rooms/many/d");
    let first = bob.ask("list", &json!({ "path": path, "limit": 1 }));
    assert_eq!(first["ok"]["more"], true);
    fs::File::create(directory.join("000000a")).unwrap();
    fs::remove_file(directory.join("000001")).unwrap();
    let (mut after, mut count) = ("000000".to_owned(), 1);
    loop {
        let id = bob.request(
            "list",
            &json!({ "path": path, "after": { "name": after }, "limit": 1000 }),
            b"",
        );
        let (answer, body) = answer_to(&mut bob, id);
        let entries = objects(std::str::from_utf8(&body).unwrap());
        count += entries.len();
        if let Some(last) = entries.last() {
            after = last["name"].as_str().unwrap().to_owned();
        }
        if answer["ok"]["more"] != true {
            break;
        }
    }
    assert_eq!((count, &*after), (MANY - 1, "199999"));
    // Whoever is put out while a tree is told hears no more of it.
    let id = bob.request("list_tree", &json!({ "path": path }), b"");
    let (part, _) = answer_to(&mut bob, id);
    let mut told = part["part"]["entries"].as_u64().unwrap();
    alice.run(["room", "kick", "many", "bob"]).succeeds();
    let end = loop {
        let (answer, _) = answer_to(&mut bob, id);
        match answer["part"]["entries"].as_u64() {
            Some(entries) => told += entries,
            None => break answer,
        }
    };
    assert!(end["error"].is_object(), "{end}");
    assert!(told < MANY as u64, "{told}");
}
