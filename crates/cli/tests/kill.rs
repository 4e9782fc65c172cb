//! `kill -9` over chat and files together: contracts C1, C2, C3, C5, F1, F2, F3 and F5 on the real hub.
//!
//! Each round several people talk, put, overwrite, make, move and remove at the same time, until as many
//! acknowledgements have been seen as the seed says; the one who sees the last of them kills the hub before anything
//! else is done. The hub starts again on what is left, and all that was ever promised is looked for. The data directory
//! stays the same from the first round to the last, so that later ones build on what earlier ones left.
//!
//! `LANDLINE_KILL_ROUNDS` is the number of rounds (20 unless set), `LANDLINE_KILL_SEED` repeats a run's choices; how
//! far the hub is when it is killed differs all the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by panicking"
)]

mod support;

#[path = "kill/again.rs"]
mod again;
#[path = "kill/choice.rs"]
mod choice;
#[path = "kill/content.rs"]
mod content;
#[path = "kill/journal.rs"]
mod journal;
#[path = "kill/once.rs"]
mod once;
#[path = "kill/storm.rs"]
mod storm;
#[path = "kill/talk.rs"]
mod talk;
#[path = "kill/tree.rs"]
mod tree;
#[path = "kill/upload.rs"]
mod upload;

use again::Again;
use choice::Choice;
use journal::Trash;
use landline_client::Hubs;
use once::Once;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use storm::{Storm, Trigger};
use support::{Hub, Person};
use talk::Talk;
use tree::Tree;

/// How many rounds, unless said otherwise.
const ROUNDS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_nothing_comes_twice_or_mixed() {
    let rounds = number_from("LANDLINE_KILL_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_from("LANDLINE_KILL_SEED").unwrap_or_else(fresh_seed);
    eprintln!("LANDLINE_KILL_SEED={seed} LANDLINE_KILL_ROUNDS={rounds}");
    let mut house = House::new(Choice::seeded(seed)).await;
    for round in 1..=rounds {
        let trigger = house.storm().await;
        house.hub.start_again();
        house.check().await;
        eprintln!("round {round}: killed after {trigger}; {}", house.summary());
    }
    house.finish().await;
}

/// The hub, its people, and all that they were promised.
struct House {
    hub: Hub,
    people: [Person; 2],
    choice: Choice,
    talk: Talk,
    once: Once,
    again: Again,
    tree: Tree,
    trash: Trash,
}

impl House {
    async fn new(choice: Choice) -> Self {
        let (hub, alice) = Hub::with_alice();
        let bob = alice.invited(&hub, "member", "bob");
        for room in ["lab", "hall"] {
            alice.run(["room", "create", room]).succeeds();
        }
        for directory in ["once", "tree"] {
            alice.run(["mkdir", &format!(":/shared/{directory}")]).succeeds();
        }
        let people = [alice, bob];
        let hubs = known(&people);
        let (talk, again) = (Talk::begin(&hubs).await, Again::begin(&hubs[0]).await);
        Self {
            hub,
            people,
            choice,
            talk,
            once: Once::default(),
            again,
            tree: Tree::default(),
            trash: Trash::default(),
        }
    }

    /// Everybody works until the hub is dead.
    async fn storm(&mut self) -> Trigger {
        let trigger = Trigger::chosen(&mut self.choice);
        let hubs = known(&self.people);
        let storm = Storm::new(trigger, self.hub.pid());
        let talking = self.talk.storm(&storm, &hubs, &mut self.choice).await;
        let putting = self.once.storm(&storm, &hubs).await;
        let overwriting = self.again.storm(&storm, &hubs).await;
        let arranging = self.tree.storm(&storm, &hubs[0], &mut self.choice).await;
        storm.begin();
        self.talk.done(talking).await;
        self.once.done(putting).await;
        self.again.done(overwriting).await;
        self.tree.done(arranging).await;
        self.hub.kill();
        trigger
    }

    /// All that was promised is there, and nothing is half done.
    async fn check(&mut self) {
        let data = self.hub.data();
        let hubs = known(&self.people);
        journal::assert_settled(&data);
        self.trash.look(&data);
        let connection = landline_client::connect(&hubs[0]).await.unwrap();
        self.tree.check(&connection, &self.trash).await;
        self.again.check(&hubs, &self.trash).await;
        self.once.check(&connection, &mut self.choice).await;
        let left = self.once.go_on(&hubs, &mut self.choice).await;
        self.again.go_on(&hubs).await;
        journal::give_up_all_but(&data, &hubs, &left).await;
        self.talk.check(&hubs).await;
        self.talk.remember_heads(&self.configurations(), &hubs);
        for person in &self.people {
            is_intact(&person.run(["audit"]).succeeds());
        }
    }

    /// Once more, everything from the beginning; then the hub stops in order.
    async fn finish(mut self) {
        let data = self.hub.data();
        let hubs = known(&self.people);
        let connection = landline_client::connect(&hubs[0]).await.unwrap();
        self.once.finish(&connection, &hubs).await;
        self.talk.check_from_the_beginning(&hubs).await;
        drop(connection);
        assert!(self.hub.stop().success());
        journal::assert_settled(&data);
        assert_eq!(journal::uploads(&data).len(), 0);
        let audit = self.people[0].run([Path::new("audit"), Path::new("--data"), &data]);
        is_intact(&audit.succeeds());
    }

    fn configurations(&self) -> Vec<PathBuf> {
        self.people.iter().map(Person::configuration).collect()
    }

    fn summary(&self) -> String {
        format!(
            "{} messages, {} files, {} versions of one, {} deeds in the tree",
            self.talk.count(),
            self.once.count(),
            self.again.count(),
            self.tree.count()
        )
    }
}

/// How each of them gets into the hub.
fn known(people: &[Person]) -> Vec<landline_client::Hub> {
    let of = |person: &Person| {
        let hubs = Hubs::load_from(&person.configuration()).unwrap();
        hubs.current(None).unwrap().clone()
    };
    people.iter().map(of).collect()
}

fn is_intact(audit: &str) {
    assert!(audit.lines().count() > 0, "an audit of nothing");
    for line in audit.lines() {
        assert!(line.contains("intact, ") && !line.contains("NOT"), "{line}");
    }
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) ^ now.as_secs() << 20
}
