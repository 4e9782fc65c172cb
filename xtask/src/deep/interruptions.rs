//! Transfers that end in the middle, at many random bytes.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    setup,
    steps::Steps,
};

/// A hundred times what an ordinary test run does.
const ROUNDS: u32 = 5000;

pub(super) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || setup::run(&[setup::Use::Test]))?;
    let test = || {
        let mut command = cargo(["test", "--package", "landline", "--test", "interruptions"]);
        cargo::run(command.env("LANDLINE_INTERRUPTIONS", ROUNDS.to_string()))
    };
    steps.run_noted("interruptions", test, |()| format!("{ROUNDS} rounds"))
}
