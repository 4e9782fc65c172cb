//! One core for the server, another for the load: else each slows the other by turns, and by chance.

use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::process::Command;

/// Where server and load run; none of it where the machine has one processor only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores(Option<(usize, usize)>);

impl Cores {
    /// The first two processors that this process may use.
    pub(crate) fn split() -> Result<Self> {
        let status =
            std::fs::read_to_string("/proc/self/status").context("could not read /proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let allowed = parse_list(list.context("no list of processors in /proc/self/status")?.trim());
        Ok(Self(allowed.first().copied().zip(allowed.get(1).copied())))
    }

    /// No division: everybody runs where the system puts them.
    pub(crate) const fn all() -> Self {
        Self(None)
    }

    /// A server's command, which will run on the server's core.
    pub(crate) fn server(self, program: impl AsRef<OsStr>) -> Command {
        let Some((core, _)) = self.0 else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.arg("-c").arg(core.to_string()).arg(program);
        command
    }

    /// Moves this process, all its threads, to the load's core.
    pub(crate) fn pin_load(self) -> Result<()> {
        let Some((_, core)) = self.0 else { return Ok(()) };
        let (core, process) = (core.to_string(), std::process::id().to_string());
        let done = Command::new("taskset")
            .args(["-a", "-p", "-c", &core, &process])
            .output();
        let done = done.context("could not run taskset")?;
        ensure!(
            done.status.success(),
            "taskset: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(())
    }

    pub(crate) fn describe(self) -> String {
        match self.0 {
            Some((server, load)) => format!("server on core {server}, load on core {load}"),
            None => "server and load not divided".to_owned(),
        }
    }
}

/// `0-1,4` as 0, 1, 4.
fn parse_list(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_have_ranges() {
        assert_eq!(parse_list("0-1,4"), [0, 1, 4]);
        assert_eq!(parse_list("7"), [7]);
        assert_eq!(parse_list(""), [0_usize; 0]);
    }
}
