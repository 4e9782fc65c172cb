//! Cargo subcommands that the long checks use and Rust does not bring along.

use std::process::Stdio;

use anyhow::Result;

use crate::cargo::{self, cargo};

/// Installs the program `cargo-NAME` where `cargo NAME` does not answer.
pub(super) fn ensure_installed(name: &str) -> Result<()> {
    let answers = cargo([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if answers {
        return Ok(());
    }
    cargo::run(&mut cargo(["install", "--locked", &format!("cargo-{name}")]))
}
