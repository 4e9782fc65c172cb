//! What the user sees of transfers: a bar on a terminal, lines, or JSON for programs; and every failure.

mod events;

use events::{Event, event};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use landline_client::files::{Deed, Direction, FilesError, Phase, Progress, Skipped, Synced, Transfer};
use landline_model::text::{escape, escape_bytes};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The bar: the file, bytes so far and in all, rate and time left. It has no colours, whatever NO_COLOR says.
const BAR: &str =
    "{prefix}{wide_msg} {bytes:>10}/{total_bytes:<10} [{bar:20}] {binary_bytes_per_sec:>12} {eta:>4}";

/// So many files have a line each; then it is one for so many together.
const LINES_MAX: u64 = 100;
const FILES_A_LINE: u64 = 1000;

/// After so many bytes a program is told how far all is.
const PROGRESS_BYTES: u64 = 8 * 1024 * 1024;

/// Tells the user how several transfers go, and remembers whether any failed.
pub(super) struct Report {
    /// Standard error where that is a terminal; else it draws nothing.
    bar: ProgressBar,
    quiet: bool,
    json: bool,
    begun: Instant,
    sums: Mutex<Sums>,
}

/// Everything so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    files: u64,
    /// Bytes that were moved.
    bytes: u64,
    /// Bytes of the files that are done.
    done_bytes: u64,
    skipped: u64,
    failed: u64,
    /// Files of trees that were alike already.
    found: u64,
}

impl Report {
    /// With `quiet`, only failures and what was left out are told.
    pub(super) fn new(quiet: bool) -> Self {
        Self::of(quiet, false)
    }

    /// The same; with `json`, all of it for a program.
    pub(super) fn of(quiet: bool, json: bool) -> Self {
        let bar = if quiet || json {
            ProgressBar::hidden()
        } else {
            ProgressBar::no_length()
        };
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: bar.with_style(style),
            quiet,
            json,
            begun: Instant::now(),
            sums: Mutex::default(),
        }
    }

    /// Tells of a failure that is none of the file transfers' own.
    pub(super) fn fail(&self, message: &str, hint: Option<&str>) {
        self.sums().failed += 1;
        if self.json {
            event(&Event::Failed { message });
        }
        self.complain(message, hint);
    }

    /// Tells of something that is no failure.
    pub(super) fn note(&self, message: &str) {
        self.complain(message, None);
    }

    /// Tells of a failure, and says whether there is a way to go on.
    pub(super) fn survives(&self, error: &FilesError) -> bool {
        self.failed(error);
        error.spares_the_rest()
    }

    /// Counts files that were there already.
    pub(super) fn found(&self, files: u64) {
        self.sums().found += files;
    }

    /// Tells how all transfers went, where there is more to say than of the one.
    pub(super) fn transferred(&self, verb: &str) {
        let sums = *self.sums();
        if self.json {
            event(&self.summary(&sums, None));
        } else if sums.files > 1 || sums.found > 0 {
            let (files, seconds) = (sums.files, self.begun.elapsed().as_secs_f64());
            let rate = HumanBytes(per_second(sums.done_bytes, seconds));
            let bytes = HumanBytes(sums.done_bytes);
            let more = |count: u64, what: &str| match count {
                0 => String::new(),
                count => format!(", {count} {what}"),
            };
            let (found, failed) = (more(sums.found, "there already"), more(sums.failed, "failed"));
            self.line(&format!(
                "{verb}: {files} files, {bytes} in {seconds:.1} s ({rate}/s){found}{failed}"
            ));
        }
    }

    /// Tells how a sync went.
    pub(super) fn synced(&self, synced: &Synced, dry_run: bool) {
        let sums = *self.sums();
        if self.json {
            event(&self.summary(&sums, Some(synced)));
            return;
        }
        let Synced {
            tally,
            unchanged,
            deleted,
        } = synced;
        let would = if dry_run { " would be" } else { "" };
        let bytes = HumanBytes(sums.done_bytes);
        let (done, skipped, failed) = (tally.done, tally.skipped, sums.failed);
        self.line(&format!(
            "sync: {done}{would} transferred ({bytes}), {unchanged} unchanged, {deleted}{would} deleted, \
             {skipped} left out, {failed} failed"
        ));
    }

    /// 0 when everything was done, 1 when something failed.
    pub(super) fn exit_code(&self) -> ExitCode {
        self.bar.finish_and_clear();
        if self.sums().failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    fn summary(&self, sums: &Sums, synced: Option<&Synced>) -> Event<'static> {
        let found = (sums.found > 0).then_some(sums.found);
        Event::Summary {
            files: synced.map_or(sums.files, |synced| synced.tally.done),
            bytes: sums.done_bytes,
            skipped: sums.skipped,
            failed: sums.failed,
            unchanged: synced.map(|synced| synced.unchanged).or(found),
            deleted: synced.map(|synced| synced.deleted),
            seconds: self.begun.elapsed().as_secs_f64(),
        }
    }

    fn line(&self, line: &str) {
        if self.quiet {
            return;
        }
        self.bar.suspend(|| {
            // A reader that has gone away does not keep the files from being transferred.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
    }

    fn complain(&self, message: &str, hint: Option<&str>) {
        self.bar.suspend(|| {
            let mut errors = std::io::stderr().lock();
            // Where even this cannot be written, nobody is left to tell.
            let _ = writeln!(errors, "landline: {}", escape(message));
            if let Some(hint) = hint {
                let _ = writeln!(errors, "  {}", escape(hint));
            }
        });
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        // Numbers are whole whoever panicked.
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Report {
    fn begins(&self, transfer: &Transfer<'_>) {
        self.bar
            .set_length(self.bar.length().unwrap_or(0).saturating_add(transfer.size));
        self.bar.set_message(shown(transfer.local));
        if self.json {
            event(&Event::Begin(transfer.into()));
        }
    }

    fn resumed(&self, bytes: u64) {
        self.bar.inc(bytes);
        // What was there already says nothing about the rate.
        self.bar.reset_eta();
    }

    fn phase(&self, phase: Phase) {
        self.bar.set_prefix(match phase {
            Phase::Checking => "checking ",
            Phase::Waiting => "waiting for the hub ",
            _ => "",
        });
        if phase == Phase::Waiting && self.bar.is_hidden() && !self.quiet {
            // Somebody may read the log of a script that stands still.
            let _ = writeln!(
                std::io::stderr(),
                "landline: the link is lost; calling the hub again"
            );
        }
    }

    fn moved(&self, bytes: u64) {
        self.bar.inc(bytes);
        let mut sums = self.sums();
        let before = sums.bytes / PROGRESS_BYTES;
        sums.bytes = sums.bytes.saturating_add(bytes);
        if self.json && sums.bytes / PROGRESS_BYTES > before {
            let (files, bytes) = (sums.files, sums.bytes);
            event(&Event::Progress { files, bytes });
        }
    }

    fn done(&self, transfer: &Transfer<'_>) {
        let (files, bytes) = {
            let mut sums = self.sums();
            sums.files += 1;
            sums.done_bytes = sums.done_bytes.saturating_add(transfer.size);
            (sums.files, sums.done_bytes)
        };
        if self.json {
            event(&Event::Done(transfer.into()));
        } else if files <= LINES_MAX {
            let (local, remote, size) = (shown(transfer.local), transfer.remote, HumanBytes(transfer.size));
            self.line(&match transfer.direction {
                Direction::Get => format!("get {remote} -> {local}  {size}"),
                Direction::Put => format!("put {local} -> {remote}  {size}"),
            });
        } else if files % FILES_A_LINE == 0 {
            self.line(&format!("{files} files, {}", HumanBytes(bytes)));
        }
    }

    fn deed(&self, deed: &Deed<'_>) {
        if let Deed::Transfer(transfer) = deed {
            let mut sums = self.sums();
            sums.done_bytes = sums.done_bytes.saturating_add(transfer.size);
        }
        if self.json {
            event(&Event::deed(deed));
            return;
        }
        self.line(&match deed {
            Deed::Transfer(transfer) => {
                let (local, remote) = (shown(transfer.local), transfer.remote);
                match transfer.direction {
                    Direction::Get => format!("get {remote} -> {local}"),
                    Direction::Put => format!("put {local} -> {remote}"),
                }
            }
            Deed::MakeLocal(path) => format!("mkdir {}", shown(path)),
            Deed::MakeRemote(path) => format!("mkdir {path}"),
            Deed::DeleteLocal(path) => format!("delete {}", shown(path)),
            Deed::DeleteRemote(path) => format!("delete {path}"),
        });
    }

    fn skipped(&self, skipped: &Skipped<'_>) {
        self.sums().skipped += 1;
        let message = match skipped {
            Skipped::Local { path, kind } => format!("{} is {kind}: left out", shown(path)),
            Skipped::Remote(path) => format!("{path} is neither a file nor a directory: left out"),
        };
        if self.json {
            event(&Event::Skipped { message: &message });
        }
        self.complain(&message, None);
    }

    fn failed(&self, error: &FilesError) {
        self.fail(&error.to_string(), error.hint().as_deref());
    }
}

/// A local path, safe to show.
pub(super) fn shown(path: &Path) -> String {
    escape_bytes(path.as_os_str().as_bytes())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate for people; a conversion to an integer saturates"
)]
fn per_second(bytes: u64, seconds: f64) -> u64 {
    (bytes as f64 / seconds.max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_one_that_the_library_understands() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
