//! Many rounds of `kill -9` over chat and files.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    setup,
    steps::Steps,
};

/// Ten times what an ordinary test run does.
const ROUNDS: u32 = 200;

pub(super) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || setup::run(&[setup::Use::Test]))?;
    let test = || {
        let mut command = cargo(["test", "--package", "landline", "--test", "kill"]);
        cargo::run(command.env("LANDLINE_KILL_ROUNDS", ROUNDS.to_string()))
    };
    steps.run_noted("kill", test, |()| format!("{ROUNDS} rounds"))
}
