//! `cargo xtask edges`: which crate may import which, where dependencies come from, what pure crates promise.

mod imports;
mod origins;
mod purity;
mod workspace;

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use workspace::Workspace;

/// Runs every check over the workspace as cargo sees it, and fails with all findings at once.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::from_metadata(&cargo::metadata()?)?;
    let root = cargo::root();
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("could not read Cargo.lock")?;
    let mut findings = imports::check(&workspace);
    findings.extend(origins::check_manifests(&workspace));
    findings.extend(origins::check_lock(&lock, &workspace));
    findings.extend(purity::check(&workspace, &root)?);
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    println!("{} packages keep the import edges", workspace.packages.len());
    Ok(())
}
