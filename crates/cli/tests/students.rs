//! The students' programs against each other: what they print is what they print against Landline, so that a failure
//! there is Landline's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use textbook_support::{Program, student};

/// Runs a client against a server; both must print exactly this.
#[track_caller]
fn pair(server: &[&str], client: &[&str], served: &str, seen: &str) {
    let mut serving = Program::student(server[0], &server[1..]);
    let port = serving.line();
    let arguments = [&[port.as_str()], &client[1..]].concat();
    assert_eq!(student(client[0], &arguments), seen, "{client:?}");
    assert_eq!(serving.ends().succeeds(), served, "{server:?}");
}

#[test]
fn greetings_clocks_and_capitals() {
    pair(
        &["hello_server.py"],
        &["hello_client.py", "hey"],
        "b'hey'\n",
        "b'hi'\nb''\n",
    );
    pair(
        &["hello_udp_server.py", "1"],
        &["hello_udp_client.py", ""],
        "b''\n",
        "b'hi'\n",
    );
    pair(
        &["hello_udp_server.py", "1"],
        &["hello_udp_client.py", "x", "65507"],
        "65507 bytes\n",
        "b'hi'\n",
    );
    pair(
        &["clock_tcp_server.py"],
        &["clock_tcp_client.py", "day %%", "x"],
        "b'day %%'\nb'x'\nb'%Y-%m-%d %X'\n",
        "day %\nx\nTrue\n",
    );
    pair(
        &["upper_server.py"],
        &["upper_client.py", "abc", "Straße"],
        "b'abc'\nb'Stra\\xc3\\x9fe'\nthe client is gone\n",
        "ABC\nSTRAßE\n",
    );
}

#[test]
fn talks_sinks_and_the_gate() {
    pair(
        &["talk_server.py", "hello", "never said"],
        &["talk_client.py", "hi", "bye"],
        "b'hi'\nb'bye'\n",
        "hello\nb''\n",
    );
    pair(
        &["talk_server.py", "q"],
        &["talk_client.py", "hi", "never said"],
        "b'hi'\n",
        "q\nb''\n",
    );
    pair(
        &["sink_server.py"],
        &["sink_client.py", "anything"],
        "b'anything'\n",
        "b''\n",
    );
    for digest in ["md5", "sha256"] {
        let length = if digest == "md5" { 16 } else { 32 };
        pair(
            &["gate_server.py", "egg", digest],
            &["gate_client.py", "egg", digest],
            "right\nb'hello'\n",
            &format!("32\n{length}\nb'hi'\nb''\n"),
        );
    }
    pair(
        &["gate_server.py", "egg", "md5"],
        &["gate_at_once_client.py"],
        "right\nb'hello at once'\n",
        "b'hi'\nb''\n",
    );
    pair(
        &["gate_server.py", "egg", "md5"],
        &["gate_wrong_client.py"],
        "wrong\n",
        "b''\n",
    );
}

#[test]
fn three_in_a_relay() {
    let mut server = Program::student("relay_server.py", &[]);
    let port = server.line();
    let mut people: Vec<Program> = Vec::new();
    for name in ["ann", "bob", "cat"] {
        people.push(Program::student("relay_client.py", &[&port]));
        let here = format!("{name} is here");
        people.last_mut().unwrap().says(&here);
        for person in &mut people {
            assert_eq!(person.line(), here);
        }
    }
    for mut person in people {
        person.says("goodbye");
        assert_eq!(person.ends().succeeds(), "closed\n");
    }
    assert_eq!(
        server.ends().succeeds(),
        "b'ann is here'\nb'bob is here'\nb'cat is here'\nb'goodbye'\nb'goodbye'\nb'goodbye'\n"
    );
}

#[test]
fn datagrams_to_and_fro() {
    let mut server = Program::student("chat_udp_server.py", &["got it", ""]);
    let port = server.line();
    let mut client = Program::student("chat_udp_client.py", &[&port, "one", "two"]);
    client.line();
    assert_eq!(client.ends().succeeds(), "got it\n\n");
    assert_eq!(server.ends().succeeds(), "one\ntwo\n");
}

#[test]
fn files() {
    let place = tempfile::tempdir().unwrap();
    let paths =
        ["a.txt", "empty", "图 1.bin"].map(|name| place.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&paths[0], "abc").unwrap();
    std::fs::write(&paths[1], "").unwrap();
    std::fs::write(&paths[2], [7; 3000]).unwrap();
    pair(
        &["receive_server.py"],
        &["receive_put_client.py", &paths[0], &paths[1], &paths[2]],
        "put a.txt 3 900150983cd24fb0d6963f7d28e17f72\nput empty 0 d41d8cd98f00b204e9800998ecf8427e\n\
         put 图 1.bin 3000 c9b1bae2bf93c8b9b87b914640dc969c\n",
        "b''\n",
    );
    pair(
        &["receive_md5_server.py"],
        &["receive_md5_client.py", "/a/b/c.txt=abc", "wrong.txt=abc"],
        "c.txt 3 True False\nwrong.txt 3 False False\n",
        "b''\n",
    );
    pair(
        &["receive_get_server.py", "a.txt", "abc"],
        &["receive_get_client.py", "a.txt"],
        "get a.txt\n",
        "a.txt 3 900150983cd24fb0d6963f7d28e17f72\n",
    );
    pair(
        &["receive_get_server.py"],
        &["receive_get_client.py", "a.txt"],
        "get a.txt\n",
        "error str True\n",
    );
}

#[test]
fn commands() {
    let both = "echo bad >&2; echo good";
    pair(
        &["exec_server.py"],
        &["exec_client.py", "good\n", both, both],
        &format!("{both}\n{both}\n"),
        "b'bad\\ngood\\n'\nb'bad\\ngood\\n'\n",
    );
    pair(
        &["exec_udp_server.py", "2"],
        &["exec_udp_client.py", both, "true"],
        &format!("{both}\ntrue\n"),
        "b'bad\\n' b'good\\n'\nb'' b''\n",
    );
    pair(
        &["exec_sized_server.py"],
        &["exec_sized_client.py", "utf-8", "recv_ready", both, "echo 你好"],
        &format!("{both}\nTrue\necho 你好\nTrue\n"),
        "4 'bad\\n'\n7 '你好\\n'\n",
    );
    pair(
        &["exec_struct_server.py"],
        &["exec_struct_client.py", both, "true"],
        &format!("{both}\ntrue\n"),
        "4 b'bad\\n'\n0 b''\n",
    );
    pair(
        &["exec_header_server.py"],
        &["exec_header_client.py", both, "true"],
        &format!("{both}\ntrue\n"),
        "{'data_size': 4} b'bad\\n'\n{'data_size': 0} b''\n",
    );
    pair(
        &["exec_done_server.py"],
        &[
            "exec_done_client.py",
            both,
            "true",
            "echo; echo",
            "printf 'x\\n\\n'",
        ],
        &format!("{both}\ntrue\necho; echo\nprintf 'x\\n\\n'\n"),
        "b'bad\\ngood'\nb'Done.'\nb'Done.'\nb'x\\n'\n",
    );
    pair(
        &["exec_reverse_server.py", "echo hello", "echo 你好; echo bad >&2"],
        &["exec_reverse_client.py"],
        "6 'hello\\n'\n9 '你好\\nbad\\n'\nb''\n",
        "echo hello\nb'get number'\necho 你好; echo bad >&2\nb'get number'\nq\n",
    );
    pair(
        &["exec_gate_server.py", "egg", "sha256"],
        &["exec_gate_client.py", "egg", "sha256", "true"],
        "true\n",
        "b'Done.'\n",
    );
}

#[test]
fn small_services() {
    pair(
        &["echo_server.py"],
        &["echo_client.py", "one", "你"],
        "b'one'\nb'\\xe4\\xbd\\xa0'\n",
        "one\n你\nb''\n",
    );
    pair(
        &["echo_udp_server.py", "3"],
        &["echo_udp_client.py"],
        "0 b''\n14 b'GET / HT'\n65507 b'xxxxxxxx'\n",
        "0 True True\n14 True True\n65507 True True\n",
    );
    pair(
        &["discard_server.py"],
        &["discard_client.py"],
        "1000000 bytes\n",
        "b''\n",
    );
    let first: String = (b' '..b' ' + 72).map(char::from).collect();
    let second: String = (b'!'..b'!' + 72).map(char::from).collect();
    pair(
        &["chargen_server.py"],
        &["chargen_client.py"],
        "enough\n",
        &format!("72 {first}\n72 {second}\n"),
    );
    // A clock that stands still.
    pair(&["time_server.py"], &["time_client.py"], "", "4\nFalse\n");
}
