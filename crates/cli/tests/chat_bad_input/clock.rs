//! Waits and times in a room while the hub's clock jumps.

use crate::support::Hub;
use crate::support::clock::{Settable, Shifted};
use crate::talker::{Talker, code, lines};
use serde_json::{Value, json};

const MINUTE: u64 = 60;

/// A hub by a clock that can be set; Alice's room, in which Bob and Carol speak.
struct Scene {
    clock: Settable,
    hub: Hub,
    alice: Talker,
    bob: Talker,
    carol: Talker,
}

impl Scene {
    fn new() -> Self {
        let clock = Settable::new();
        let hub = Hub::start_in(&clock.variables(), &[]);
        let mut alice = Talker::admin(&hub, "alice");
        let [bob, carol] = ["bob", "carol"].map(|name| alice.brings(&hub, "member", name));
        alice.ask("room_create", &json!({ "name": "lab" }));
        Self {
            clock,
            hub,
            alice,
            bob,
            carol,
        }
    }

    fn mutes_carol(&mut self, seconds: u64) {
        self.alice.does(
            "#lab",
            json!({ "act": "mute", "who": "carol", "seconds": seconds }),
        );
    }

    /// The times of all events, in milliseconds, which never run backwards.
    #[track_caller]
    fn times(&mut self) -> Vec<u64> {
        let call = json!({ "target": "#lab", "limit": 1000 });
        let (_, body) = self.alice.ask_for("history", &call);
        let times: Vec<u64> = lines(&body)
            .iter()
            .map(|event| event["time"].as_u64().unwrap())
            .collect();
        assert!(times.is_sorted(), "{times:?}");
        times
    }
}

/// Tries to speak; must wait, and is told for how long, in seconds.
#[track_caller]
fn waits(person: &mut Talker, expected: &str) -> u64 {
    let answer = person.tries_with("#lab", &json!({ "act": "say" }), "too early");
    assert_eq!(code(&answer), expected, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    let seconds = message.rsplit("another ").next().unwrap().trim_end_matches(" s");
    seconds.parse().unwrap_or_else(|_| panic!("{message}"))
}

#[test]
fn a_clock_that_jumps_frees_nobody_early_and_holds_nobody_for_ever() {
    let mut scene = Scene::new();
    scene
        .alice
        .does("#lab", json!({ "act": "slow", "seconds": 10 * MINUTE }));
    scene.mutes_carol(30 * MINUTE);
    scene.bob.says("#lab", "now");
    let left = waits(&mut scene.carol, "forbidden");
    assert!((29 * MINUTE..=30 * MINUTE).contains(&left), "{left}");
    let left = waits(&mut scene.bob, "too_soon");
    assert!((9 * MINUTE..=10 * MINUTE).contains(&left), "{left}");

    // Forward: what was to end has ended.
    scene.clock.set("+50m");
    scene.bob.says("#lab", "fifty minutes later");
    scene.carol.says("#lab", "I may again");

    // Back: what was to last for ten minutes does not end before, nor last for an hour.
    scene.mutes_carol(10 * MINUTE);
    scene.clock.set("+0");
    let left = waits(&mut scene.carol, "forbidden");
    assert!((9 * MINUTE..=10 * MINUTE).contains(&left), "{left}");
    let left = waits(&mut scene.bob, "too_soon");
    assert!((9 * MINUTE..=10 * MINUTE).contains(&left), "{left}");
    let topic = scene
        .alice
        .tries_with("#lab", &json!({ "act": "topic" }), "from the past");
    assert_eq!(code(&topic), "ok");
    scene.clock.set("+5m");
    waits(&mut scene.carol, "forbidden");
    scene.clock.set("+30m");
    scene.carol.says("#lab", "half an hour of the hub's is enough");
    scene.bob.says("#lab", "for me too");
    let times = scene.times();
    let span = times.last().unwrap() - times[0];
    // Fifty minutes ahead, and then half of thirty.
    assert!((65 * MINUTE..70 * MINUTE).contains(&(span / 1000)), "{times:?}");
}

#[test]
fn a_leap_of_years_frees_nobody_and_is_in_no_event() {
    let mut scene = Scene::new();
    scene
        .alice
        .does("#lab", json!({ "act": "slow", "seconds": 6 * 60 * MINUTE }));
    scene.mutes_carol(24 * 60 * MINUTE);
    scene.bob.says("#lab", "now");
    for leap in ["+800d", "-800d", "+9000d", "+0"] {
        scene.clock.set(leap);
        waits(&mut scene.carol, "forbidden");
        waits(&mut scene.bob, "too_soon");
        let act = json!({ "act": "topic" });
        let topic = scene.alice.tries_with("#lab", &act, leap);
        assert_eq!(code(&topic), "ok", "{leap}: {topic}");
    }
    let times = scene.times();
    let span = times.last().unwrap() - times[0];
    assert!(span / 1000 < 10 * MINUTE, "{times:?}");
}

#[test]
fn a_hub_that_starts_again_in_its_own_past_keeps_everybody_waiting_and_goes_on() {
    let mut scene = Scene::new();
    scene
        .alice
        .does("#lab", json!({ "act": "slow", "seconds": 60 * MINUTE }));
    scene.mutes_carol(60 * MINUTE);
    scene.bob.says("#lab", "now");
    let times = scene.times();
    scene.hub.kill();
    scene.hub.start_again_in(&Shifted::by("-40m").variables(), &[]);
    for person in [&mut scene.alice, &mut scene.bob, &mut scene.carol] {
        *person = person.elsewhere(&scene.hub);
    }
    let left = waits(&mut scene.carol, "forbidden");
    assert!((55 * MINUTE..=60 * MINUTE).contains(&left), "{left}");
    let left = waits(&mut scene.bob, "too_soon");
    assert!((55 * MINUTE..=60 * MINUTE).contains(&left), "{left}");
    scene
        .alice
        .does("#lab", json!({ "act": "unmute", "who": "carol" }));
    scene.carol.says("#lab", "from the past");
    let later = scene.times();
    assert_eq!(later[..times.len()], times);
    let audited: Value = scene
        .alice
        .ask("history", &json!({ "target": "#lab", "limit": 1 }));
    assert_eq!(
        audited["ok"]["room"]["head"]["sequence"].as_u64(),
        Some(later.len() as u64)
    );
}
