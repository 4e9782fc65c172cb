//! Following everything while the hub comes and goes.

use crate::support::Hub;
use crate::{Robot, heard, is_all, rooms};
use rustix::process::Signal;

#[test]
fn nothing_is_lost_or_doubled_when_the_hub_is_killed_and_what_came_meanwhile_is_begun() {
    let (mut hub, alice) = Hub::with_general();
    let robot = Robot::new(&alice);
    alice.run(["room", "create", "other"]).succeeds();
    alice.run(["room", "create", "later"]).succeeds();
    alice.run(["send", "#later", "before"]).succeeds();
    for room in ["general", "other"] {
        robot.does(&["room", "join", room]);
    }
    let mut everything = robot.follows(&["--json"], "2");
    alice.run(["send", "#general", "one"]).succeeds();
    assert_eq!(heard(&mut everything, 1), rooms([("#general", &[(2, "one")])]));

    hub.kill();
    everything.tells("connecting again");
    hub.start_again();
    // Whether it is back by then or not.
    alice.run(["send", "#general", "two"]).succeeds();
    alice.run(["send", "@robot", "hello"]).succeeds();
    robot.does(&["room", "join", "later"]);
    everything.tells("connected again");
    alice.run(["send", "#general", "three"]).succeeds();
    let first = rooms([
        ("#general", &[(3, "two"), (4, "three")]),
        ("#later", &[(1, "before"), (2, "join")]),
        ("@alice", &[(1, "hello")]),
    ]);
    assert_eq!(heard(&mut everything, 5), first);

    // What one is put out of while nobody is there to tell is over too.
    hub.kill();
    everything.tells("connecting again");
    hub.start_again();
    alice.run(["room", "kick", "other", "robot"]).succeeds();
    everything.tells("connected again");
    for target in ["#other", "#general", "#later", "@robot"] {
        alice.run(["send", target, "last"]).succeeds();
    }
    let last = rooms([
        ("#general", &[(5, "last")]),
        ("#later", &[(3, "last")]),
        ("@alice", &[(2, "last")]),
    ]);
    assert_eq!(heard(&mut everything, 3), last);
    is_all(everything, Signal::TERM);
}

#[test]
fn a_hub_that_was_restored_from_an_older_copy_is_noticed() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let (database, copy) = (hub.data().join("db/chat.db"), alice.work().join("copy"));
    hub.stop();
    // An orderly stop leaves nothing beside the database.
    assert!(!hub.data().join("db/chat.db-wal").exists());
    std::fs::copy(&database, &copy).unwrap();
    hub.start_again();
    let robot = Robot::with(&crate::token(&alice, &["alice"]));
    let mut everything = robot.follows(&["--json"], "1");
    alice.run(["send", "#general", "two"]).succeeds();
    assert_eq!(heard(&mut everything, 1), rooms([("#general", &[(2, "two")])]));
    hub.stop();
    std::fs::copy(&copy, &database).unwrap();
    hub.start_again();
    let errors = everything.ends().fails(1);
    assert!(
        errors.contains("#general ends with event 1; there is no event 2"),
        "{errors}"
    );
}
