//! Clocks that are wrong: a hub's or a client's set back or forward, by libfaketime.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::Value;
use std::fs;
use support::clock::{Settable, Shifted};
use support::{Hub, Output, Person};

/// Starts the hub again at another time.
fn at(hub: &mut Hub, offset: &str) {
    hub.stop();
    hub.start_again_in(&Shifted::by(offset).variables(), &[]);
}

/// Numbers and times of what was said.
fn times(person: &Person) -> Vec<(u64, String)> {
    let lines = person.run(["history", "#general", "--json"]).succeeds();
    let events = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .map(|event| {
            (
                event["seq"].as_u64().unwrap(),
                event["time"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_hub_whose_clock_was_set_back_goes_on_and_times_do_not_go_back() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let open = alice.invitation(&["--expires", "10m"]);
    at(&mut hub, "-1h");
    alice.run(["send", "#general", "two"]).succeeds();
    fs::write(alice.work().join("file"), b"content").unwrap();
    alice.run(["put", "file", ":/shared/"]).succeeds();
    alice.run(["get", ":/shared/file", "back"]).succeeds();
    let bob = Person::join(&hub, &open, "bob");
    bob.run(["send", "#general", "three"]).succeeds();
    let times = times(&alice);
    assert_eq!(
        times.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(times.is_sorted_by_key(|(_, time)| time), "{times:?}");
    alice.run(["audit"]).succeeds();
    // Back in the present, what was made in the past is still good.
    at(&mut hub, "+0");
    bob.run(["send", "#general", "four"]).succeeds();
    alice.run(["audit"]).succeeds();
}

#[test]
fn a_session_that_has_ended_does_not_come_back_when_the_clock_goes_back() {
    let (mut hub, alice) = Hub::with_general();
    let short = alice.invitation(&["--expires", "1h"]);
    at(&mut hub, "+91d");
    let errors = alice.run(["whoami"]).fails(1);
    assert!(errors.contains("the session"), "{errors}");
    assert!(errors.contains("landline login"), "{errors}");
    let errors = Person::stranger().run(["join", &short, "--name", "bob"]).fails(1);
    assert!(errors.contains("the invitation"), "{errors}");
    at(&mut hub, "+0");
    alice.run(["whoami"]).fails(1);
    Person::stranger().run(["join", &short, "--name", "bob"]).fails(1);
}

#[test]
fn an_invitation_that_has_expired_says_so() {
    let (mut hub, alice) = Hub::with_general();
    let short = alice.invitation(&["--expires", "1h"]);
    let long = alice.invitation(&["--expires", "3h"]);
    at(&mut hub, "+2h");
    let bob = Person::stranger();
    let errors = bob.run(["join", &short, "--name", "bob"]).fails(1);
    assert!(
        errors.contains("the invitation has expired") && errors.contains("ask for a new link"),
        "{errors}"
    );
    bob.run(["join", &long, "--name", "bob"]).succeeds();
}

#[test]
fn a_session_that_is_used_lives_and_one_that_is_not_ends() {
    let (mut hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    at(&mut hub, "+20d");
    alice.run(["whoami"]).succeeds();
    at(&mut hub, "+40d");
    alice.run(["whoami"]).succeeds();
    let errors = bob.run(["whoami"]).fails(1);
    assert!(errors.contains("the session"), "{errors}");
}

#[test]
fn a_client_whose_clock_was_set_back_still_gets_in() {
    let (_hub, alice) = Hub::with_general();
    for offset in ["-1h", "-20y"] {
        let mut command = alice.command(["send", "#general", offset]);
        command.envs(Shifted::by(offset).variables());
        let output = command.output().unwrap();
        Output::of(&command, output).succeeds();
    }
    assert_eq!(times(&alice).len(), 2);
}

#[test]
fn a_client_whose_clock_runs_far_ahead_is_told_to_look_at_it() {
    let (_hub, alice) = Hub::with_general();
    let mut command = alice.command(["whoami"]);
    command.envs(Shifted::by("+2y").variables());
    let output = command.output().unwrap();
    let errors = Output::of(&command, output).fails(1);
    assert!(
        errors.contains("it has expired, by this machine's clock"),
        "{errors}"
    );
    assert!(errors.contains("compare the clocks of both machines"), "{errors}");
}

#[test]
fn a_hub_whose_certificate_has_grown_old_makes_another_at_its_start() {
    let (mut hub, alice) = Hub::with_general();
    let leaf = hub.data().join("tls/leaf.crt");
    let before = fs::read(&leaf).unwrap();
    at(&mut hub, "+25d");
    let after = fs::read(&leaf).unwrap();
    assert_ne!(after, before);
    // By this client's clock the certificate begins in the future.
    alice.run(["whoami"]).succeeds();
    // By the hub's own, once it is put right, as well: that one goes.
    at(&mut hub, "+0");
    assert_ne!(fs::read(&leaf).unwrap(), after);
    alice.run(["whoami"]).succeeds();
}

#[test]
fn a_running_hub_through_a_leap_of_its_clock_loses_nobody_and_dates_nothing_ahead() {
    let clock = Settable::new();
    let hub = Hub::start_in(&clock.variables(), &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    alice.run(["room", "create", "#general"]).succeeds();
    alice.run(["send", "#general", "before"]).succeeds();
    let open = alice.invitation(&["--expires", "1h"]);

    clock.set("+800d");
    // By that clock her session has ended, and so has the invitation.
    alice.run(["whoami"]).succeeds();
    let bob = Person::join(&hub, &open, "bob");
    bob.run(["send", "#general", "meanwhile"]).succeeds();
    fs::write(bob.work().join("file"), b"content").unwrap();
    bob.run(["put", "file", ":/shared/"]).succeeds();
    let leaps = |words: &str| hub.errors().matches(words).count();
    assert_eq!(
        leaps("the clock of this machine leapt ahead"),
        1,
        "{}",
        hub.errors()
    );

    clock.set("+0");
    bob.run(["send", "#general", "after"]).succeeds();
    alice.run(["whoami"]).succeeds();
    bob.run(["get", ":/shared/file", "back"]).succeeds();
    assert_eq!(leaps("has come back from its leap"), 1, "{}", hub.errors());
    alice.run(["audit"]).succeeds();
    // Had the leap been believed, no later event could be older than it.
    let times = times(&alice);
    let year = |number: usize| times[number].1[..4].parse::<u32>().unwrap();
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted_by_key(|(_, time)| time), "{times:?}");
    assert!(year(2) <= year(0) + 1, "{times:?}");
}

#[test]
fn a_running_hub_whose_clock_is_put_right_by_less_than_an_hour_goes_by_it_at_once() {
    let clock = Settable::new();
    let hub = Hub::start_in(&clock.variables(), &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    let short = alice.invitation(&["--expires", "50m"]);
    clock.set("+55m");
    let errors = Person::stranger().run(["join", &short, "--name", "bob"]).fails(1);
    assert!(errors.contains("the invitation has expired"), "{errors}");
}
