//! Licences, bans and sources of every dependency, as deny.toml allows them.

use anyhow::Result;

use super::tool;
use crate::{
    cargo::{self, cargo},
    steps::Steps,
};

pub(super) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("install cargo-deny", || tool::ensure_installed("deny"))?;
    steps.run("deny", || {
        cargo::run(&mut cargo(["deny", "check", "bans", "licenses", "sources"]))
    })
}
