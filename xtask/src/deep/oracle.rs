//! Chat against a model of it, with many seeds, and with very much behind a follower.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    setup,
    steps::Steps,
};

/// A hundred times what an ordinary test run does.
const SEEDS: u32 = 5000;

/// Events that a follower has missed; seven times what an ordinary test run has.
const CATCH_UP_EVENTS: u32 = 1_000_000;

pub(super) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || setup::run(&[setup::Use::Test]))?;
    let test = || {
        let mut command = cargo([
            "test",
            "--package",
            "landline",
            "--test",
            "oracle",
            "--",
            "--nocapture",
        ]);
        cargo::run(command.env("LANDLINE_ORACLE_SEEDS", SEEDS.to_string()))
    };
    steps.run_noted("oracle", test, |()| format!("{SEEDS} seeds"))?;
    let test = || {
        let mut command = cargo([
            "test",
            "--package",
            "landline",
            "--test",
            "chat_bad_input",
            "--",
            "--nocapture",
            "catch_up",
        ]);
        cargo::run(command.env("LANDLINE_CATCH_UP_EVENTS", CATCH_UP_EVENTS.to_string()))
    };
    steps.run_noted("catch up", test, |()| format!("{CATCH_UP_EVENTS} events"))
}
