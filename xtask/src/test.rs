//! `cargo xtask test`: the packages, the program, every test.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    setup,
    steps::{self, Steps},
};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    steps::reported(|steps| run_steps(steps, arguments))
}

/// The steps of `test`, for a table that others add to.
pub(crate) fn run_steps(steps: &mut Steps, arguments: &[String]) -> Result<()> {
    steps.run("setup", || setup::run(&[setup::Use::Test]))?;
    let test = |options: &[&str]| {
        cargo::run(
            cargo(["test"])
                .args(scope(arguments))
                .args(options)
                .args(arguments),
        )
    };
    // The program and all tests, before the first test runs. A `cargo build` of the program alone would unite
    // features differently, and much of the tree would be compiled twice.
    steps.run("build", || test(&["--no-run"]))?;
    steps.run("test", || test(&[]))
}

/// Cargo passes over `--package` where it also reads `--workspace`, so a chosen package replaces the workspace.
fn scope(arguments: &[String]) -> Option<&'static str> {
    let chosen = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| {
            argument == "--package"
                || argument.starts_with("--package=")
                || (argument.starts_with("-p") && !argument.starts_with("--"))
        });
    (!chosen).then_some("--workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope_of(line: &str) -> Option<&'static str> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        scope(&arguments)
    }

    #[test]
    fn every_package_is_tested_unless_some_are_chosen() {
        assert_eq!(scope_of(""), Some("--workspace"));
        assert_eq!(scope_of("--release some_test"), Some("--workspace"));
        assert_eq!(scope_of("-- -p"), Some("--workspace"));
        for line in [
            "-p landline",
            "-plandline",
            "--package landline",
            "--package=landline",
            "--lib -p xtask",
        ] {
            assert_eq!(scope_of(line), None, "{line}");
        }
    }
}
