//! Many rounds of `kill -9` over chat and files, and many places for a power cut.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    setup,
    steps::Steps,
};

/// Ten times what an ordinary test run does.
const ROUNDS: u32 = 200;

/// Places of a recorded run where the power is cut; fifty times what an ordinary test run does.
const CRASH_POINTS: u32 = 3000;

pub(super) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || setup::run(&[setup::Use::Test]))?;
    let test = || {
        let mut command = cargo(["test", "--package", "landline", "--test", "kill"]);
        cargo::run(command.env("LANDLINE_KILL_ROUNDS", ROUNDS.to_string()))
    };
    steps.run_noted("kill", test, |()| format!("{ROUNDS} rounds"))?;
    let test = || {
        let mut command = cargo(["test", "--package", "landline", "--test", "durability"]);
        cargo::run(command.env("LANDLINE_CRASH_POINTS", CRASH_POINTS.to_string()))
    };
    steps.run_noted("power cut", test, |()| format!("{CRASH_POINTS} places"))
}
