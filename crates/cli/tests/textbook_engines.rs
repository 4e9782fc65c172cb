//! Every engine serves the services that ask most of it as the others do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use std::fs;
use textbook_support::{Program, Textbook, files_below, student};

/// The engines that serve every stream, and what the table calls them where connections share something.
const ENGINES: [(&str, &str); 6] = [
    ("select", "select"),
    ("poll", "poll"),
    ("epoll-edge", "epoll-edge"),
    ("threads", "threads"),
    ("sharded:2", "sharded:2"),
    ("process", "epoll"),
];

/// More than any buffer holds, and not a multiple of a block.
const LENGTH: usize = 3_000_017;

/// What is handed out again, in bytes: the student puts what comes together piece by piece, which takes the square of it.
const HELD: usize = 300_017;

/// The MD5 of that much of the content.
const HELD_MD5: &str = "51c68e33811cf56a306e9762f7f24393";

/// The engine that the table names for a service.
fn engine_in_table(textbook: &mut Textbook) -> String {
    let line = textbook.shows("\n");
    line.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn files_of_megabytes_arrive_and_are_handed_out() {
    let from = tempfile::tempdir().unwrap();
    let path = from.path().join("3 MB.bin");
    let content: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
    fs::write(&path, &content).unwrap();
    for (engine, _) in ENGINES {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("in")).unwrap();
        let mut textbook = Textbook::start_at(place, &[], &["receive", "--dir", "in", "--engine", engine]);
        assert_eq!(engine_in_table(&mut textbook), engine);
        let port = textbook.port("receive").to_owned();
        let said = student("receive_put_client.py", &[&port, path.to_str().unwrap()]);
        assert_eq!(said, "b''\n", "{engine}");
        // It was answered with the end of the connection, which comes after the file has its name.
        assert_eq!(files_below(&textbook.path("in")), ["3 MB.bin"], "{engine}");
        assert!(
            fs::read(textbook.path("in/3 MB.bin")).unwrap() == content,
            "{engine}"
        );
        fs::write(textbook.path("in/held.bin"), &content[..HELD]).unwrap();
        let said = student("receive_get_client.py", &[&port, "held.bin", "missing"]);
        let (file, missing) = said.split_once('\n').unwrap();
        assert_eq!(file, format!("held.bin {HELD} {HELD_MD5}"), "{engine}");
        assert_eq!(missing, "error str True\n", "{engine}");
        assert_eq!(textbook.stop().code(), Some(0), "{engine}");
    }
}

#[test]
fn the_gate_stands_before_every_engine() {
    for (engine, _) in ENGINES {
        let mut textbook = Textbook::start(&["gate", "--engine", engine]);
        assert_eq!(engine_in_table(&mut textbook), engine);
        let port = textbook.port("gate");
        let said = student("gate_client.py", &[port, "egg", "md5"]);
        assert_eq!(said, "32\n16\nb'hi'\nb''\n", "{engine}");
        assert_eq!(student("gate_wrong_client.py", &[port]), "b''\n", "{engine}");
        assert_eq!(
            student("gate_at_once_client.py", &[port]),
            "b'hi'\nb''\n",
            "{engine}"
        );
    }
}

#[test]
fn commands_with_their_size_first_come_out_of_every_engine() {
    for (engine, _) in ENGINES {
        let mut textbook = Textbook::start(&["exec-sized", "--allow-exec", "--engine", engine]);
        assert_eq!(engine_in_table(&mut textbook), engine);
        let port = textbook.port("exec-sized");
        let commands = ["echo bad >&2; echo good", "true", "seq 30000"];
        let arguments = [&[port, "utf-8", "recv_ready"][..], &commands].concat();
        let said = student("exec_sized_client.py", &arguments);
        let lines = "4 'bad\\n'\n0 ''\n168894 168894 b'9\\n30000\\n'\n";
        assert_eq!(said, lines, "{engine}");
        let said = student("exec_sized_silent_client.py", &[port]);
        assert_eq!(said, "4 b'one\\n' True\n6 b'three\\n' True\n", "{engine}");
    }
}

#[test]
fn a_relay_is_one_group_on_every_engine() {
    for (engine, named) in ENGINES {
        let mut textbook = Textbook::start(&["relay", "--engine", engine]);
        assert_eq!(engine_in_table(&mut textbook), named, "{engine}");
        let mut people: Vec<Program> = Vec::new();
        for name in ["ann", "bob", "cat", "dan"] {
            people.push(Program::student("relay_client.py", &[textbook.port("relay")]));
            let here = format!("{name} is here");
            people.last_mut().unwrap().says(&here);
            for person in &mut people {
                assert_eq!(person.line(), here, "{engine}");
            }
        }
        for mut person in people {
            person.says("bye");
            assert_eq!(person.ends().succeeds(), "closed\n", "{engine}");
        }
    }
}
