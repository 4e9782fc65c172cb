//! `cargo xtask ci`: what every change must pass, the quick checks first.

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    edges, steps, test,
};

pub(crate) fn run() -> Result<()> {
    steps::reported(|steps| {
        steps.run("fmt", || {
            cargo::run(&mut cargo(["fmt", "--all", "--", "--check"]))
        })?;
        steps.run("edges", edges::run)?;
        steps.run("clippy", || {
            let arguments = [
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ];
            cargo::run(&mut cargo(arguments))
        })?;
        steps.run("doc", || {
            let arguments = [
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
                "--locked",
            ];
            cargo::run(cargo(arguments).env("RUSTDOCFLAGS", "-D warnings"))
        })?;
        test::run_steps(steps, &[])
    })
}
