//! `invite`, `join`, `login`, `logout`, `password`, `whoami` on the real program: who gets in, and who does not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use support::following::Following;
use support::{Hub, Person};

#[test]
fn a_link_makes_one_person_of_the_role_that_it_was_made_for() {
    let (_hub, alice) = Hub::with_alice();
    assert_eq!(alice.account()["role"], "admin");
    for role in ["admin", "member", "guest"] {
        let link = alice.invitation(&["--role", role]);
        let person = Person::stranger();
        person.run(["join", &link, "--name", role]).succeeds();
        let account = person.account();
        assert_eq!((&account["name"], &account["role"]), (&role.into(), &role.into()));
    }
}

#[test]
fn a_link_that_is_wrong_damaged_or_used_up_says_so_and_leaves_nothing_behind() {
    let (hub, alice) = Hub::with_alice();
    let link = alice.invitation(&[]);
    let stranger = Person::stranger();

    let (before, token) = link.split_once('#').unwrap();
    let wrong = format!("{before}#{}{}", "A".repeat(22), &token[22..]);
    let errors = stranger.run(["join", &wrong, "--name", "bob"]).fails(1);
    assert!(errors.contains("the invitation does not exist"), "{errors}");
    assert!(errors.contains("ask for a new one"), "{errors}");

    for damaged in [
        &link[..link.len() - 1],
        &link.replace('#', "#!"),
        "https://hub/join",
    ] {
        let errors = stranger.run(["join", damaged, "--name", "bob"]).fails(2);
        assert!(
            errors.contains("damaged") || errors.contains("was it cut?"),
            "{errors}"
        );
        assert!(
            errors.contains("landline join 'https://HOST:5263/join#TOKEN.PIN'"),
            "{errors}"
        );
    }

    let used = hub.admin_link();
    let errors = stranger.run(["join", used, "--name", "bob"]).fails(1);
    assert!(errors.contains("the invitation was used already"), "{errors}");
    assert_eq!(stranger.run(["hubs"]).succeeds(), "");
    stranger.run(["join", &link, "--name", "bob"]).succeeds();
}

#[test]
fn a_link_for_two_brings_in_two_even_when_three_come_at_once() {
    let (_hub, alice) = Hub::with_alice();
    let link = alice.invitation(&["--uses", "2"]);
    let codes = std::thread::scope(|scope| {
        let joining = ["ann", "ben", "cid"].map(|name| {
            let link = &link;
            scope.spawn(move || Person::stranger().run(["join", link, "--name", name]))
        });
        joining.map(|one| one.join().unwrap())
    });
    assert_eq!(codes.iter().filter(|output| output.code == 0).count(), 2);
    for output in codes.into_iter().filter(|output| output.code != 0) {
        let errors = output.fails(1);
        assert!(errors.contains("the invitation was used already"), "{errors}");
    }
}

#[test]
fn a_name_that_is_taken_or_none_costs_no_invitation() {
    let (_hub, alice) = Hub::with_alice();
    let link = alice.invitation(&[]);
    let bob = Person::stranger();
    for taken in ["alice", "ALICE", "ａlice"] {
        let errors = bob.run(["join", &link, "--name", taken]).fails(1);
        assert!(errors.contains("the name is taken"), "{errors}");
        assert!(errors.contains("choose another name"), "{errors}");
    }
    let longest = "x".repeat(65);
    for none in ["", "-rf", "a b", "../x", "a\u{1b}[31m", "\u{202e}bob", &longest] {
        let errors = bob.run(["join", &link, &format!("--name={none}")]).fails(2);
        assert!(errors.contains("name"), "{errors}");
    }
    bob.run(["join", &link, "--name", "bob"]).succeeds();
}

#[test]
fn a_link_and_a_password_are_read_from_standard_input() {
    let (hub, alice) = Hub::with_alice();
    let link = alice.invitation(&[]);
    let bob = Person::stranger();
    let arguments = ["join", "-", "--name", "bob", "--password-stdin"];
    bob.run_with(arguments, format!("{link}\ncorrect horse\n"))
        .succeeds();
    let elsewhere = Person::stranger();
    elsewhere.logs_in(&hub, "bob", "correct horse").succeeds();
    assert_eq!(elsewhere.account()["name"], "bob");

    let nobody = Person::stranger();
    let errors = nobody.run_with(["join", "-", "--name", "eve"], "").fails(2);
    assert!(errors.contains("was it cut?"), "{errors}");
    let errors = nobody.run_with(arguments, format!("{link}\n\n")).fails(2);
    assert!(
        errors.contains("there is no password on standard input"),
        "{errors}"
    );
}

#[test]
fn a_wrong_password_and_an_unknown_name_cannot_be_told_apart() {
    let (hub, alice) = Hub::with_alice();
    alice.takes_password("correct horse");
    let elsewhere = Person::stranger();
    let attempt = |name, password| elsewhere.logs_in(&hub, name, password);
    let wrong = attempt("alice", "wrong horse").fails(1);
    assert_eq!(wrong, attempt("nobody", "wrong horse").fails(1));
    assert!(wrong.contains("the name or the password is wrong"), "{wrong}");
    // Somebody without a password is no exception.
    let _bob = alice.invited(&hub, "member", "bob");
    assert_eq!(wrong, attempt("bob", "wrong horse").fails(1));
    assert_eq!(elsewhere.run(["hubs"]).succeeds(), "");
    attempt("alice", "correct horse").succeeds();
}

#[test]
fn a_login_needs_the_hubs_fingerprint_and_refuses_another() {
    let (mut hub, alice) = Hub::with_alice();
    alice.takes_password("correct horse");
    let elsewhere = Person::stranger();
    let login = ["login", hub.address(), "--name", "alice", "--password-stdin"];
    let errors = elsewhere.run_with(login, "correct horse\n").fails(2);
    assert!(errors.contains("--fingerprint"), "{errors}");
    let other = "00:".repeat(31) + "00";
    let login = [&login[..], &["--fingerprint", &other]].concat();
    let errors = elsewhere.run_with(login, "correct horse\n").fails(1);
    assert!(
        errors.contains("IS NOT THE ONE YOU JOINED") && errors.contains(&other),
        "{errors}"
    );
    assert!(errors.contains("Nothing was sent"), "{errors}");
    // Not even the name reached the hub.
    hub.stop();
    assert!(!hub.errors().contains("login"), "{}", hub.errors());
}

#[test]
fn a_logout_ends_open_connections_at_once() {
    let (hub, alice) = Hub::with_alice();
    alice.run(["room", "create", "#general"]).succeeds();
    alice.run(["send", "#general", "hello"]).succeeds();
    let mut chat = Following::start(&alice, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: hello"));
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["logout"]).succeeds();
    let errors = chat.ends().fails(1);
    assert!(errors.contains("the session has ended"), "{errors}");
    assert!(errors.contains("landline login"), "{errors}");
    let errors = alice.run(["whoami"]).fails(1);
    assert!(errors.contains("nobody is logged in to the hub"), "{errors}");
    bob.run(["whoami"]).succeeds();
}

#[test]
fn a_new_password_ends_the_other_sessions_and_keeps_its_own() {
    let (hub, alice) = Hub::with_alice();
    alice.takes_password("correct horse");
    alice.run(["room", "create", "#general"]).succeeds();
    alice.run(["send", "#general", "hello"]).succeeds();
    let elsewhere = Person::stranger();
    elsewhere.logs_in(&hub, "alice", "correct horse").succeeds();
    let mut chat = Following::start(&elsewhere, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: hello"));

    let change =
        |old: &str, new: &str| alice.run_with(["password", "--password-stdin"], format!("{old}\n{new}\n"));
    let errors = change("wrong horse", "stolen").fails(1);
    assert!(errors.contains("the old password is wrong"), "{errors}");
    let errors = change("", "stolen").fails(1);
    assert!(errors.contains("the old password is missing"), "{errors}");
    let errors = change("correct horse", "").fails(2);
    assert!(errors.contains("nothing was changed"), "{errors}");
    change("correct horse", "battery staple").succeeds();

    let errors = chat.ends().fails(1);
    assert!(errors.contains("the session has ended"), "{errors}");
    elsewhere.run(["whoami"]).fails(1);
    alice.run(["whoami"]).succeeds();
    elsewhere.logs_in(&hub, "alice", "correct horse").fails(1);
    elsewhere.logs_in(&hub, "alice", "battery staple").succeeds();
}

#[test]
fn only_an_admin_invites() {
    let (hub, alice) = Hub::with_alice();
    for role in ["member", "guest"] {
        let person = alice.invited(&hub, role, role);
        for wanted in ["admin", "member", "guest"] {
            let errors = person.run(["invite", "--role", wanted]).fails(1);
            assert!(
                errors.contains(&format!("no right: a {role} may not do this")),
                "{errors}"
            );
        }
    }
    let errors = alice.run(["invite", "--uses", "10001"]).fails(1);
    assert!(errors.contains("1 to 10000 uses"), "{errors}");
    let errors = alice.run(["invite", "--expires", "366d"]).fails(1);
    assert!(errors.contains("1 second to 365 days"), "{errors}");
}

#[test]
fn what_a_client_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_hub, alice) = Hub::with_alice();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&alice.configuration()), 0o700);
    assert_eq!(mode(&alice.configuration().join("hubs.toml")), 0o600);
}
