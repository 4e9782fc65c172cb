//! What `landline room export` says is written, is on the disk.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use support::{Hub, Output};

#[test]
fn an_exported_file_is_synced_and_then_its_name_is() {
    let (_hub, alice) = Hub::with_general();
    let work = alice.work().canonicalize().unwrap();
    let trace = work.join("trace");
    let export = alice.command(["room", "export", "general", "general.jsonl"]);
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-y", "-e", "trace=/rename,fsync", "-o"])
        .arg(&trace)
        .arg(export.get_program())
        .args(export.get_args())
        .env_clear()
        .envs(export.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(&work)
        .stdin(Stdio::null());
    let output = traced.output().expect("strace; `cargo xtask setup` installs it");
    Output::of(&traced, output).succeeds();

    let calls = fs::read_to_string(&trace).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let renamed = calls
        .iter()
        .position(|call| call.contains("rename") && call.contains("general.jsonl\""));
    let (before, after) = calls.split_at(renamed.expect("it appears by a rename"));
    let synced = |calls: &[&str], what: &str| {
        calls
            .iter()
            .any(|call| call.contains("fsync(") && call.contains(what))
    };
    let place = work.display();
    assert!(synced(before, &format!("<{place}/")), "the file: {calls:?}");
    assert!(synced(after, &format!("<{place}>")), "its directory: {calls:?}");
}
