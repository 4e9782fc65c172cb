//! What the program says and which code it exits with where no hub is needed.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program, at home in an empty directory, with nothing to read.
fn landline(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landline"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("USER", "bob")
        .stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = landline(home, arguments).output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Makes one hub known, at an address.
fn know_a_hub(home: &Path, address: &str) {
    let directory = home.join(".config/landline");
    std::fs::create_dir_all(&directory).unwrap();
    let text = format!(
        "current = \"lab\"\n[[hub]]\nname = \"lab\"\naddresses = [\"{address}\"]\npin = \"{key}\"\nhead_key = \"{key}\"\n\
         account = \"bob\"\naccount_id = \"{id}\"\nsession = \"{id}\"\nsecret = \"{secret}\"\n",
        key = "ab".repeat(32),
        id = "cd".repeat(16),
        secret = "A".repeat(43),
    );
    std::fs::write(directory.join("hubs.toml"), text).unwrap();
}

#[test]
fn wrong_usage_is_2_and_says_what_is_wrong() {
    let home = home();
    let lines: [(&[&str], &str); 13] = [
        (&[], "Usage"),
        (&["fly"], "fly"),
        (&["send", "general", "x"], "#room or @person"),
        (&["send", "#general"], "TEXT"),
        (&["send", "#general", "two", "words"], "words"),
        (&["send", "#a b", "x"], "letters, digits"),
        (&["invite", "--expires", "soon"], "7d"),
        (&["invite", "--role", "king"], "admin, member or guest"),
        (&["invite", "--uses", "0"], "0"),
        (&["join", "https://hub/join"], "was it cut?"),
        (&["join", "-"], "was it cut?"),
        (&["--hub", "lab", "serve"], "--hub"),
        (&["login", "192.0.2.1"], "--fingerprint"),
    ];
    for (arguments, part) in lines {
        let (code, output, errors) = run(home.path(), arguments);
        assert_eq!(code, 2, "{arguments:?}: {errors}");
        assert!(
            output.is_empty() && errors.contains(part),
            "{arguments:?}: {errors}"
        );
    }
}

#[test]
fn help_and_version_are_0_on_standard_output() {
    for argument in ["--help", "--version"] {
        let (code, output, errors) = run(home().path(), &[argument]);
        assert!(code == 0 && output.contains("landline") | output.contains("Usage") && errors.is_empty());
    }
}

#[test]
fn without_a_hub_every_command_says_how_to_get_one() {
    let home = home();
    let lines: [&[&str]; 8] = [
        &["whoami"],
        &["send", "#general", "x"],
        &["chat", "#general"],
        &["history", "#general"],
        &["audit"],
        &["room", "ls"],
        &["ls"],
        &["logout"],
    ];
    for arguments in lines {
        let (code, _, errors) = run(home.path(), arguments);
        assert_eq!(code, 1, "{arguments:?}");
        let said: Vec<&str> = errors.lines().collect();
        assert_eq!(said[0], "landline: no hub is known here yet", "{arguments:?}");
        assert!(
            said[1].starts_with("  ") && said[1].contains("landline join LINK"),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_hub_that_is_down_is_1_and_named_with_its_address() {
    let home = home();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    know_a_hub(home.path(), &address);
    let (code, _, errors) = run(home.path(), &["whoami"]);
    assert_eq!(code, 1);
    assert!(
        errors.contains(&address) && errors.contains("landline serve"),
        "{errors}"
    );
}

#[test]
fn a_message_that_is_too_long_is_refused_before_a_hub_is_asked() {
    let text = "x".repeat(16 * 1024 + 1);
    let (code, _, errors) = run(home().path(), &["send", "#general", &text]);
    assert_eq!(code, 1);
    assert!(
        errors.contains("16384 bytes") && errors.contains("landline put"),
        "{errors}"
    );
}

#[test]
fn a_damaged_list_of_hubs_is_told_with_its_line_and_without_its_secrets() {
    let home = home();
    know_a_hub(home.path(), "192.0.2.1:5263");
    let path = home.path().join(".config/landline/hubs.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("secret = \"A", "secret = \"?A");
    std::fs::write(&path, text).unwrap();
    let (code, _, errors) = run(home.path(), &["hubs"]);
    assert_eq!(code, 1);
    assert!(
        errors.contains("hubs.toml") && errors.contains("line 10") && !errors.contains("AAAA"),
        "{errors}"
    );
}

#[test]
fn hubs_are_listed_chosen_and_forgotten() {
    let home = home();
    know_a_hub(home.path(), "192.0.2.1:5263");
    let (code, output, _) = run(home.path(), &["hubs"]);
    assert_eq!((code, output.as_str()), (0, "* lab  bob  192.0.2.1:5263\n"));
    let (_, output, _) = run(home.path(), &["hubs", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        (&line["name"], &line["current"], &line["logged_in"]),
        (&"lab".into(), &true.into(), &true.into())
    );
    assert_eq!(run(home.path(), &["hubs", "use", "ship"]).0, 1);
    assert_eq!(run(home.path(), &["hubs", "forget", "lab"]).0, 0);
    assert_eq!(run(home.path(), &["hubs"]), (0, String::new(), String::new()));
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = landline(home().path(), &["completions", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = landline(home().path(), &["completions", "bash"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("landline: ")
    );
}

#[test]
fn configuration_is_checked_and_shown() {
    let home = home();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let data = data.to_str().unwrap();
    assert_eq!(run(home.path(), &["config", "check", "--data", data]).0, 0);
    let (_, output, _) = run(home.path(), &["config", "show", "--data", data, "--json"]);
    let lines: Vec<serde_json::Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["key"] == "data" && line["source"] == "flag --data"),
        "{output}"
    );
    std::fs::write(home.path().join("data/landline.toml"), "\nlisten = 5\n").unwrap();
    let (code, _, errors) = run(home.path(), &["config", "check", "--data", data]);
    assert_eq!(code, 1);
    assert!(
        errors.starts_with("landline: ") && errors.contains("landline.toml:2: "),
        "{errors}"
    );
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let home = home();
    let (code, page, _) = run(home.path(), &["man"]);
    assert!(code == 0 && page.contains("landline"));
    let directory = home.path().join("man");
    std::fs::create_dir(&directory).unwrap();
    assert_eq!(
        run(home.path(), &["man", "--directory", directory.to_str().unwrap()]).0,
        0
    );
    assert!(directory.join("landline-send.1").exists());
}
