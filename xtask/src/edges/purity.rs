//! What the pure crates promise: no unsafe code, and clippy told to refuse clocks, randomness and I/O.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::workspace::Workspace;

const PURE: [&str; 5] = [
    "landline-wire",
    "landline-protocol",
    "landline-services",
    "landline-tftp",
    "landline-model",
];

/// The attribute, alone on a line of `src/lib.rs`.
const FORBIDS_UNSAFE: &str = "#![forbid(unsafe_code)]";

/// Settings that a pure crate's clippy.toml has and the root's has not.
const REFUSALS: [&str; 2] = ["disallowed-methods", "disallowed-types"];

/// One line for every promise that a pure crate does not keep.
pub(super) fn check(workspace: &Workspace, root: &Path) -> Result<Vec<String>> {
    let common = read(&root.join("clippy.toml"))?;
    let mut findings = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| PURE.contains(&package.name.as_str()))
    {
        let library = read(&package.directory.join("src/lib.rs"))?;
        let settings = read(&package.directory.join("clippy.toml"))?;
        findings.extend(
            broken(&library, &settings, &common)
                .iter()
                .map(|promise| format!("{}: {promise}", package.name)),
        );
    }
    Ok(findings)
}

/// A file that is not there keeps no promise, like an empty one.
fn read(path: &PathBuf) -> Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        result => result.with_context(|| format!("could not read {}", path.display())),
    }
}

fn broken(library: &str, settings: &str, common: &str) -> Vec<String> {
    let allows_unsafe = !library.lines().any(|line| line.trim() == FORBIDS_UNSAFE);
    let unsafe_code = allows_unsafe.then(|| format!("src/lib.rs lacks {FORBIDS_UNSAFE}"));
    let refusals = REFUSALS
        .into_iter()
        .filter(|key| !settings.lines().any(|line| line.starts_with(key)))
        .map(|key| format!("clippy.toml lacks {key}"));
    // Clippy reads one clippy.toml, the nearest, so what the root says must be said again.
    let repeated = common
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#'))
        .filter(|line| !settings.lines().any(|setting| setting == *line))
        .map(|line| format!("clippy.toml does not repeat the root's '{line}'"));
    unsafe_code.into_iter().chain(refusals).chain(repeated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = "# thresholds = shared\ntoo-many-lines-threshold = 60\n";
    const SETTINGS: &str = "too-many-lines-threshold = 60\ndisallowed-methods = []\ndisallowed-types = []\n";
    const LIBRARY: &str = "//! Pure.\n\n#![forbid(unsafe_code)]\n";

    fn found(library: &str, settings: &str) -> Vec<String> {
        broken(library, settings, COMMON)
    }

    #[test]
    fn a_crate_that_keeps_its_promises_passes() {
        assert!(found(LIBRARY, SETTINGS).is_empty());
    }

    #[test]
    fn unsafe_code_must_be_forbidden_and_not_only_in_a_comment() {
        for library in ["", "#![deny(unsafe_code)]", "// #![forbid(unsafe_code)]"] {
            assert_eq!(
                found(library, SETTINGS),
                ["src/lib.rs lacks #![forbid(unsafe_code)]"]
            );
        }
    }

    #[test]
    fn a_crate_without_its_own_settings_lacks_every_one() {
        assert_eq!(
            found(LIBRARY, ""),
            [
                "clippy.toml lacks disallowed-methods",
                "clippy.toml lacks disallowed-types",
                "clippy.toml does not repeat the root's 'too-many-lines-threshold = 60'"
            ]
        );
    }
}
