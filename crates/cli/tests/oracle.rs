//! Chat against a model of it: everything that people do in rooms, at random, on the real hub, by real connections.
//!
//! A seed is a hub, five or six people (who looks after the hub, the rooms' owner, a moderator, members, a visitor), one
//! to four rooms (public, private, with a queue, a conversation of two) and 40 to 120 deeds beside those that set the
//! rooms up: messages, replies, edits, deletions, reactions, comings and goings, moderation. They are done in bursts:
//! several people at the same time, nobody waits for an answer, some send twice or hang up, while others follow the
//! rooms on streams that are cut and taken up again. One to three times, while much is said, the hub is killed when some
//! number of acknowledgements has been seen; in a third of the seeds once so that only what was synced is left of what it wrote
//! (and some of the rest: see `durability`). Then everybody connects again and repeats what was not answered.
//!
//! [`model`] is what a room is by the design. It takes the log in the order of its sequence. Then:
//!
//! * what was acknowledged is in the log, once, at its number, with its text, and the model allows it there; what was
//!   not is there at most once; a number that anybody was told of never stands for anything else;
//! * a refusal is right where the log had a beginning at which the model gives that reason: see [`deed`] for what is
//!   known of the order;
//! * who follows a room sees each event once and in order from where they asked, nothing that was said after they left
//!   or were put out, and no text that had been taken back before they asked: see [`verdict`];
//! * after each death and at the end, members, standings, mutes, topics, slow mode, and everybody's history, plain and
//!   folded, are the model's; who may not read is refused, and does not learn of private rooms;
//! * at the end everything acknowledged is sent again and gives its first result, and the audits of the clients (with
//!   the heads that they were told of) and of the store find nothing.
//!
//! `LANDLINE_ORACLE_SEEDS` is the number of seeds (50 unless set); `LANDLINE_ORACLE_SEED` repeats one: who does what
//! kind of thing where and when the hub dies is the seed's; who is faster is not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by panicking"
)]

mod support;

#[path = "kill/choice.rs"]
mod choice;
#[path = "oracle/deed.rs"]
mod deed;
#[path = "durability/disk.rs"]
#[allow(dead_code, unused_imports, reason = "the durability test uses the rest")]
mod disk;
#[path = "oracle/follower.rs"]
mod follower;
#[path = "oracle/house.rs"]
mod house;
#[path = "oracle/log.rs"]
mod log;
#[path = "oracle/look.rs"]
mod look;
#[path = "durability/luck.rs"]
#[allow(dead_code, reason = "the durability test uses the rest")]
mod luck;
#[path = "oracle/model.rs"]
mod model;
#[path = "oracle/people.rs"]
mod people;
#[path = "oracle/play.rs"]
mod play;
#[path = "oracle/resolve.rs"]
mod resolve;
#[path = "durability/running.rs"]
#[allow(dead_code, reason = "the durability test uses the rest")]
mod running;
#[path = "oracle/script.rs"]
mod script;
#[path = "oracle/shared.rs"]
mod shared;
#[path = "oracle/speaking.rs"]
mod speaking;
#[path = "oracle/stream.rs"]
mod stream;
#[path = "durability/trace.rs"]
#[allow(dead_code, reason = "the durability test uses the rest")]
mod trace;
#[path = "oracle/verdict.rs"]
mod verdict;

use play::{Transcript, play};
use std::sync::PoisonError;
use std::time::SystemTime;

/// How many seeds, unless said otherwise.
const SEEDS: u64 = 50;

/// How many are under way at a time: a part of each is waiting for the hub to start.
const AT_A_TIME: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_is_there_once_in_order_for_everybody_who_may_read_it() {
    let seeds: Vec<u64> = match number_from("LANDLINE_ORACLE_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = fresh_seed();
            (0..number_from("LANDLINE_ORACLE_SEEDS").unwrap_or(SEEDS))
                .map(|more| first + more)
                .collect()
        }
    };
    let mut left = seeds.into_iter();
    let (mut playing, mut failed) = (tokio::task::JoinSet::new(), Vec::new());
    loop {
        while playing.len() < AT_A_TIME
            && failed.is_empty()
            && let Some(seed) = left.next()
        {
            playing.spawn(told(seed));
        }
        match playing.join_next().await {
            Some(done) => failed.extend(done.unwrap().err()),
            None => break,
        }
    }
    assert!(failed.is_empty(), "see above: LANDLINE_ORACLE_SEED={failed:?}");
}

/// Plays a seed; should it fail, shows how to repeat it, and what happened, and gives it back.
async fn told(seed: u64) -> Result<(), u64> {
    let transcript = Transcript::default();
    let started = SystemTime::now();
    let played = tokio::spawn(play(seed, transcript.clone())).await;
    if played.is_err() {
        eprintln!(
            "{}",
            transcript
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .join("\n")
        );
    }
    let took = started.elapsed().unwrap_or_default();
    let summary = played.as_deref().unwrap_or("FAILED");
    eprintln!("LANDLINE_ORACLE_SEED={seed}: {summary}, {took:.1?}");
    played.map(drop).map_err(|_| seed)
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() << 20)
}
