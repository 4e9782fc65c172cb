//! Every fuzz target, a fixed number of executions each.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::tool;
use crate::{
    cargo::{self, cargo},
    steps::Steps,
};

/// Executions of each target.
const EXECUTIONS: u64 = 10_000_000;

/// Longest input, in bytes. Rules about longer ones are about lengths alone, and ordinary tests hold those.
const MAX_INPUT: usize = 4096;

/// Seconds after which one input counts as a hang. A parser takes microseconds.
const HANG: u32 = 10;

/// How libFuzzer's closing statistics name the executions.
const EXECUTED: &str = "stat::number_of_executed_units:";

/// Runs all targets, also after one failed.
pub(super) fn run(steps: &mut Steps) -> Result<()> {
    let targets = targets(&cargo::root().join("fuzz/fuzz_targets"))?;
    steps.run("install cargo-fuzz", || tool::ensure_installed("fuzz"))?;
    let failures: Vec<String> = targets
        .iter()
        .filter_map(|target| {
            let name = format!("fuzz {target}");
            steps
                .run_noted(&name, || fuzz(target), |count| format!("{count} executions"))
                .err()
        })
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("\nerror: "));
    Ok(())
}

fn targets(directory: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("could not list {}", directory.display()))?;
    let mut targets = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    ensure!(
        !targets.is_empty(),
        "there is no fuzz target in {}",
        directory.display()
    );
    targets.sort_unstable();
    Ok(targets)
}

/// Runs one target and returns how many executions it reported.
fn fuzz(target: &str) -> Result<u64> {
    // Coverage needs no nightly compiler, a sanitizer would; the parsers have no unsafe code for one to watch.
    let mut command = cargo(["fuzz", "run", "--sanitizer", "none", target]);
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args(corpora(&cargo::root().join("fuzz"), target)?)
        .arg("--")
        .args([
            format!("-runs={EXECUTIONS}"),
            format!("-max_len={MAX_INPUT}"),
            format!("-timeout={HANG}"),
            "-print_final_stats=1".to_owned(),
        ]);
    let executed = run_counted(&mut command, &mut io::stderr())?
        .context("the target reported no number of executions")?;
    ensure!(
        executed >= EXECUTIONS,
        "only {executed} of {EXECUTIONS} executions ran"
    );
    Ok(executed)
}

/// Where inputs come from: what earlier runs found, which this one adds to, and the seeds that are kept with the
/// target. Without a sanitizer the fuzzer does not see what a comparison of texts looks for; a seed shows it.
fn corpora(fuzz: &Path, target: &str) -> Result<Vec<PathBuf>> {
    let found = fuzz.join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("could not create {}", found.display()))?;
    let seeds = fuzz.join("seeds").join(target);
    let kept = seeds.is_dir().then_some(seeds);
    Ok([found].into_iter().chain(kept).collect())
}

/// Runs the command, passes its standard error on to `log`, and picks the executions out of it.
fn run_counted(command: &mut Command, log: &mut impl Write) -> Result<Option<u64>> {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .context("could not start the fuzzer")?;
    let mut executed = None;
    if let Some(messages) = child.stderr.take() {
        for line in BufReader::new(messages).split(b'\n') {
            let line = line?;
            executed = executions(&String::from_utf8_lossy(&line)).or(executed);
            log.write_all(&[&line[..], b"\n"].concat())?;
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "the fuzzer failed: {status}");
    Ok(executed)
}

fn executions(line: &str) -> Option<u64> {
    line.trim().strip_prefix(EXECUTED)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_closing_statistics() {
        assert_eq!(
            executions("stat::number_of_executed_units: 10000000"),
            Some(10_000_000)
        );
        assert_eq!(executions("stat::average_exec_per_sec:     250000"), None);
        assert_eq!(executions("stat::number_of_executed_units: many"), None);
    }

    #[test]
    fn the_count_is_taken_from_standard_error_and_failure_is_an_error() {
        let mut log = Vec::new();
        let mut run = |script: &str| run_counted(Command::new("sh").args(["-c", script]), &mut log);
        let counts = "echo INITED >&2; echo 'stat::number_of_executed_units: 42' >&2; echo done >&2";
        assert_eq!(run(counts).unwrap(), Some(42));
        assert_eq!(run("echo nothing >&2").unwrap(), None);
        assert!(run("echo 'stat::number_of_executed_units: 42' >&2; exit 77").is_err());
        assert!(log.starts_with(b"INITED\nstat::"));
    }

    #[test]
    fn a_directory_without_targets_is_an_error() {
        let here = cargo::root().join("xtask");
        assert!(targets(&here).is_err());
        assert!(targets(&here.join("no-such-directory")).is_err());
    }
}
