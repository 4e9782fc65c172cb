//! The textbook's two sides, where something comes late, in halves, or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{ErrorKind, Read as _, Write as _, pipe};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::ready::Watch;
use textbook_support::{Program, call, textbook_ends, texts};

/// A call of ours, and its connection.
fn called(name: &str, options: &[&str]) -> (Program, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let program = Program::call(&[&[name, &address], options].concat());
    (program, listener.accept().unwrap().0)
}

#[test]
fn exec_reverse_waits_for_a_server_whose_person_thinks() {
    let (ours, mut server) = called("exec-reverse", &["--allow-exec", "--timeout", "1"]);
    // Longer than it waits for answers of others.
    server
        .set_read_timeout(Some(Duration::from_millis(1500)))
        .unwrap();
    let gave_up = server.read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(gave_up, Err(ErrorKind::WouldBlock));
    server.write_all(b"q").unwrap();
    ours.ends().succeeds();
}

#[test]
fn a_character_may_be_cut_between_two_reads_of_a_conversation() {
    for name in ["relay", "talk"] {
        let (mut ours, mut server) = called(name, &[]);
        server.write_all(b"first\xe4\xbd").unwrap();
        ours.shows("first\n");
        server.write_all(b"\xa0").unwrap();
        ours.shows("\u{4f60}\n");
        drop(server);
        ours.ends().succeeds();
    }
}

#[test]
fn a_command_that_no_datagram_carries_is_refused() {
    let errors = call(&["exec-udp", "127.0.0.1:9", &"x".repeat(65_508)]).fails(1);
    assert!(errors.contains("65508 bytes are too many"), "{errors}");
}

#[test]
fn a_command_without_any_time_is_wrong_usage() {
    textbook_ends(&["exec", "--exec-seconds", "0"]).fails(2);
}

#[test]
fn names_behind_two_dashes_are_served_by_processes_too() {
    let place = tempfile::tempdir().unwrap();
    let watch = Watch::new(place.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_landline"))
        .args(["textbook", "--port", "all=0", "--engine", "process"])
        .args(["--ready-file", "ready", "--", "hello"])
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(watch.appears(OsStr::new("ready"), &child));
    let ready = std::fs::read(place.path().join("ready")).unwrap();
    let ready: serde_json::Value = serde_json::from_slice(&ready).unwrap();
    let answer = call(&["hello", ready["services"]["hello"].as_str().unwrap()]).succeeds();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    assert_eq!(answer, texts(&["hi"]));
}

#[test]
fn who_is_told_that_it_serves_may_stop_it_in_order() {
    let place = tempfile::tempdir().unwrap();
    let watch = Watch::new(place.path());
    let (mut reader, mut writer) = pipe().unwrap();
    // A full pipe holds the table of services back, which is printed once everybody has been told.
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b' '; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_landline"))
        .args(["textbook", "hello", "--port", "all=0", "--ready-file", "ready"])
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(writer)
        .spawn()
        .unwrap();
    assert!(watch.appears(OsStr::new("ready"), &child));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
}
