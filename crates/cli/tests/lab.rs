//! `landline lab`: every step shows what it says, and every engine is measured.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

use serde_json::Value;
use std::process::{Command, Output};

const LANDLINE: &str = env!("CARGO_BIN_EXE_landline");

/// What is sent in most steps, as it is written.
const HELLO: &str = r#"b"hello""#;
const WORLD: &str = r#"b"world""#;
const BOTH: &str = r#"b"helloworld""#;

fn lab(arguments: &[&str]) -> Output {
    Command::new(LANDLINE)
        .arg("lab")
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn succeeds(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn lines(output: Output) -> Vec<Value> {
    let text = succeeds(output);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The steps of `lab sticky`.
struct Steps(Vec<Value>);

impl Steps {
    #[track_caller]
    fn named(&self, name: &str) -> &Value {
        let found = self.0.iter().find(|step| step["step"] == name);
        found.unwrap_or_else(|| panic!("no step {name}"))
    }

    /// The data of every event of a kind.
    #[track_caller]
    fn data(&self, name: &str, event: &str) -> Vec<&str> {
        self.events(name, event)
            .iter()
            .map(|event| event["data"].as_str().unwrap())
            .collect()
    }

    /// The sizes in every event of a kind, in bytes.
    #[track_caller]
    fn bytes(&self, name: &str, event: &str) -> Vec<u64> {
        self.events(name, event)
            .iter()
            .map(|event| event["bytes"].as_u64().unwrap())
            .collect()
    }

    #[track_caller]
    fn events(&self, name: &str, event: &str) -> Vec<&Value> {
        let events = self.named(name)["events"].as_array().unwrap();
        events.iter().filter(|found| found["event"] == event).collect()
    }
}

#[test]
fn every_step_of_sticky_shows_what_it_says() {
    let steps = Steps(lines(lab(&["sticky", "--json"])));
    assert!(steps.0.iter().all(|step| step["shown"] == true), "{:#?}", steps.0);
    for name in ["late", "corked"] {
        assert_eq!(steps.data(name, "send"), [HELLO, WORLD]);
        assert_eq!(steps.data(name, "recv"), [BOTH]);
    }
    assert_eq!(steps.bytes("large", "send"), [1_000_000]);
    let reads = steps.bytes("large", "recv");
    assert!(
        reads.len() >= 16 && reads.iter().sum::<u64>() == 1_000_000,
        "{reads:?}"
    );
    let taken = steps.bytes("short", "send");
    assert!(taken.len() == 1 && taken[0] < 1_000_000, "{taken:?}");
    assert_eq!(steps.data("split", "recv"), [r#"b"he""#, r#"b"lloworld""#]);
    assert_eq!(steps.data("udp-two", "send"), [HELLO, WORLD]);
    assert_eq!(steps.data("udp-two", "recv").len(), 2);
    assert_eq!(steps.bytes("udp-whole", "recv"), [65_507]);
    assert_eq!(steps.data("udp-cut", "recv"), [r#"b"he""#, WORLD]);
    let (sent, arrived) = (steps.bytes("udp-lost", "send"), steps.bytes("udp-lost", "recv"));
    assert!(arrived.len() < sent.len(), "{arrived:?}");
}

#[test]
fn every_framing_makes_two_messages_of_a_burst_and_of_pieces() {
    let steps = Steps(lines(lab(&["sticky", "--json"])));
    for framing in ["sized", "struct", "header", "lines", "cobs", "slip"] {
        let [burst, pieces] = ["burst", "pieces"].map(|way| format!("{framing}-{way}"));
        for name in [&burst, &pieces] {
            assert_eq!(steps.data(name, "message"), [HELLO, WORLD], "{name}");
        }
        assert!(steps.data(&pieces, "recv").len() > 2, "{pieces}");
        if framing != "sized" {
            assert_eq!(steps.data(&burst, "recv").len(), 1, "{burst}");
        }
    }
    assert_eq!(
        steps.data("struct-burst", "recv"),
        [r#"b"\x05\x00\x00\x00hello\x05\x00\x00\x00world""#]
    );
    assert_eq!(
        steps.data("sized-burst", "recv"),
        [r#"b"5""#, r#"b"hello5""#, WORLD]
    );
    assert_eq!(steps.data("sized-burst", "answer"), [r#"b"recv_ready""#; 2]);
}

#[test]
fn sticky_for_people_says_what_each_call_did() {
    let text = succeeds(lab(&["sticky"]));
    for line in [
        "1. Two sends, one read: the reader is late\n     send 5 bytes b\"hello\"\n",
        "     recv(1024) returned 10 bytes b\"helloworld\"\n",
        "     recv(2) returned 2 bytes b\"he\"\n     recv(10) returned 8 bytes b\"lloworld\"\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn every_engine_is_measured_against_every_crowd() {
    let points = lines(lab(&[
        "multiplex",
        "--connections",
        "50,10",
        "--seconds",
        "0.05",
        "--json",
    ]));
    let found: Vec<_> = points
        .iter()
        .map(|point| (point["engine"].as_str().unwrap(), point["idle"].as_u64().unwrap()))
        .collect();
    let engines = ["select", "poll", "epoll", "epoll-edge"];
    let wanted: Vec<_> = engines
        .into_iter()
        .flat_map(|engine| [(engine, 10), (engine, 50)])
        .collect();
    assert_eq!(found, wanted);
    for point in &points {
        // Every connection asks once at least; nobody answers without CPU time.
        assert!(point["requests"].as_u64().unwrap() >= 8, "{point}");
        assert!(point["seconds"].as_f64().unwrap() >= 0.05, "{point}");
        assert!(point["per_second"].as_f64().unwrap() > 0.0, "{point}");
        assert!(point["cpu_us"].as_f64().unwrap() > 0.0, "{point}");
    }
}

#[test]
fn the_table_and_the_plot_fit_a_terminal() {
    let text = succeeds(lab(&["multiplex", "--connections", "10,50", "--seconds", "0.02"]));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(
        text.contains("\nRequests per second with 10 idle connections, compared with 50:\nselect "),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn what_the_limit_of_open_files_does_not_allow_is_left_out_and_said() {
    let script =
        "ulimit -Sn 70; ulimit -Hn 100; exec \"$0\" lab multiplex --connections 10,50 --seconds 0.02 --json";
    let output = Command::new("sh")
        .args(["-c", script, LANDLINE])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        errors.contains("raised the limit of open files from 70 to 100"),
        "{errors}"
    );
    assert!(errors.contains("left out 50 idle connections"), "{errors}");
    assert!(lines(output).iter().all(|point| point["idle"] == 10));
}

#[test]
fn wrong_numbers_are_wrong_usage() {
    for arguments in [
        &["multiplex", "--connections", "0"][..],
        &["multiplex", "--connections", "10,,20"],
        &["multiplex", "--seconds", "0"],
        &["multiplex", "--seconds", "nan"],
        &["nothing"],
        &[],
    ] {
        assert_eq!(lab(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
