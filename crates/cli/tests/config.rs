//! `landline.toml`, variables and flags on the real program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::Value;
use std::fs;
use std::net::TcpStream;
use support::peer::rest;
use support::{Hub, Output, Person};

/// Somebody with this configuration file, and where that is.
fn with_file(text: &str) -> (Person, String) {
    let person = Person::stranger();
    let file = person.work().join("landline.toml");
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (person, file)
}

/// Value and source of a setting, as `config show` says it.
fn shown(person: &Person, file: &str, environment: &[(&str, &str)], key: &str) -> (String, String) {
    let mut command = person.command([
        "config",
        "show",
        "--json",
        "--config",
        file,
        "--data",
        "/srv/data",
    ]);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    let output = Output::of(&command, output).succeeds();
    let mut lines = output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines.find(|line| line["key"] == key).unwrap();
    (
        line["value"].as_str().unwrap().to_owned(),
        line["source"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place_and_what_was_meant() {
    let wrong = [
        ("\nlisten_on = [\"127.0.0.1:0\"]\n", 2, "listen"),
        (
            "[limits]\nconections = 5\n",
            2,
            "did you mean limits.connections?",
        ),
        ("[limit]\nconnections = 5\n", 1, "did you mean limits?"),
        (
            "\n\n[limits]\nconnections = \"many\"\n",
            4,
            "it takes a whole number from 1 to 1000000",
        ),
        (
            "[limits]\nconnections = 0\n",
            2,
            "it takes a whole number from 1 to 1000000",
        ),
        ("[log]\nformat = \"jsno\"\n", 2, "did you mean json?"),
        ("listen = [\"127.0.0.1\"]\n", 1, "127.0.0.1:5263"),
        ("name = \"a\\u001b[2J\"\n", 1, "none of them a control character"),
        ("listen = [\n", 1, "not TOML"),
    ];
    for (text, line, words) in wrong {
        let (person, file) = with_file(text);
        for command in [&["config", "check"][..], &["config", "show"], &["serve"]] {
            let arguments = [command, &["--config", &file, "--data", "/srv/data"]].concat();
            let errors = person.run(arguments).fails(1);
            assert!(
                errors.starts_with(&format!("landline: {file}:{line}: ")),
                "{text:?}: {errors}"
            );
            assert!(errors.contains(words), "{text:?}: {errors}");
        }
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let (person, file) = with_file("nmae = \"x\"\n[limits]\nconnections = -1\nidle_seconds = 1.5\n");
    let mut command = person.command(["config", "check", "--config", &file, "--data", "/srv/data"]);
    command
        .env("LANDLINE_LOG_LEVEL", "loud")
        .env("LANDLINE_LIMITS_CONECTIONS", "5");
    let output = command.output().unwrap();
    let errors = Output::of(&command, output).fails(1);
    for words in [
        ":1: ",
        ":3: ",
        ":4: ",
        "LANDLINE_LOG_LEVEL",
        "did you mean LANDLINE_LIMITS_CONNECTIONS?",
    ] {
        assert!(errors.contains(words), "{words}: {errors}");
    }
    assert_eq!(errors.lines().count(), 5, "{errors}");
}

#[test]
fn a_file_that_is_not_there_or_no_file_is_named() {
    let person = Person::stranger();
    let errors = person
        .run(["config", "check", "--config", "/no/such/file"])
        .fails(1);
    assert!(errors.contains("/no/such/file: cannot be read"), "{errors}");
    let errors = person.run(["config", "check", "--config", "/"]).fails(1);
    assert!(errors.contains("landline: /: "), "{errors}");
    let (person, file) = with_file("");
    fs::write(&file, b"name = \"\xff\"").unwrap();
    let errors = person.run(["config", "check", "--config", &file]).fails(1);
    assert!(
        errors.contains("not UTF-8 text; save the file as UTF-8"),
        "{errors}"
    );
    assert!(
        person
            .run(["config", "check"])
            .succeeds()
            .contains("is not there; the defaults are right")
    );
}

#[test]
fn a_flag_goes_before_a_variable_before_a_file_before_the_default() {
    let (person, file) = with_file("name = \"of the file\"\n[limits]\nidle_seconds = 60\n");
    let of_file = |line: usize| format!("{file}:{line}");
    assert_eq!(
        shown(&person, &file, &[], "name"),
        ("\"of the file\"".to_owned(), of_file(1))
    );
    assert_eq!(
        shown(&person, &file, &[], "limits.idle_seconds"),
        ("60".to_owned(), of_file(3))
    );
    let variables = [
        ("LANDLINE_NAME", "of the variable"),
        ("LANDLINE_DATA", "/srv/elsewhere"),
    ];
    let (value, source) = shown(&person, &file, &variables, "name");
    assert_eq!(value, "\"of the variable\"");
    assert!(source.contains("LANDLINE_NAME"), "{source}");
    let (value, source) = shown(&person, &file, &variables, "data");
    assert_eq!(
        (value.as_str(), source.as_str()),
        ("\"/srv/data\"", "flag --data")
    );
    let (value, source) = shown(&person, &file, &variables, "limits.connections");
    assert_eq!((value.as_str(), source.as_str()), ("10000", "default"));
}

#[test]
fn a_hub_runs_with_what_its_file_says() {
    let mut hub = Hub::start();
    hub.stop();
    fs::write(
        hub.data().join("landline.toml"),
        "name = \"Workshop\"\n[limits]\nhandshake_seconds = 1\n",
    )
    .unwrap();
    hub.start_again();
    let silent = TcpStream::connect(hub.address()).unwrap();
    assert!(rest(&silent).is_empty());
    hub.stop();
    assert!(hub.printed().contains("\"Workshop\""), "{}", hub.printed());
    // A file that was spoilt stops the next start, and nothing else.
    fs::write(hub.data().join("landline.toml"), "nmae = \"Workshop\"\n").unwrap();
    let data = hub.data();
    let errors = Person::stranger()
        .run(["serve", "--data", data.to_str().unwrap()])
        .fails(1);
    assert!(
        errors.contains("landline.toml:1: there is no setting \"nmae\"; did you mean name?"),
        "{errors}"
    );
}
