//! What the user sees of transfers: a bar on a terminal, a line per file, and every failure.

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use landline_client::files::{Direction, FilesError, Progress, Skipped, Transfer};
use landline_model::text::{escape, escape_bytes};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// The bar: the file, bytes so far and in all, rate and time left. It has no colours, whatever NO_COLOR says.
const BAR: &str = "{wide_msg} {bytes:>10}/{total_bytes:<10} [{bar:20}] {binary_bytes_per_sec:>12} {eta:>4}";

/// Tells the user how several transfers go, and remembers whether any failed.
pub(super) struct Report {
    /// Standard error where that is a terminal; else it draws nothing.
    bar: ProgressBar,
    quiet: bool,
    failed: AtomicBool,
}

impl Report {
    /// With `quiet`, only failures and what was left out are told.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::no_length()
        };
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: bar.with_style(style),
            quiet,
            failed: AtomicBool::new(false),
        }
    }

    /// Tells of a failure that is none of the file transfers' own.
    pub(super) fn fail(&self, message: &str, hint: Option<&str>) {
        self.failed.store(true, Ordering::Relaxed);
        self.complain(message, hint);
    }

    /// Tells of a failure, and says whether there is a way to go on.
    pub(super) fn survives(&self, error: &FilesError) -> bool {
        self.failed(error);
        error.spares_the_rest()
    }

    /// 0 when everything was done, 1 when something failed.
    pub(super) fn exit_code(&self) -> ExitCode {
        self.bar.finish_and_clear();
        if self.failed.load(Ordering::Relaxed) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
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
}

impl Progress for Report {
    fn begins(&self, transfer: &Transfer<'_>) {
        self.bar.reset();
        self.bar.set_length(transfer.size);
        self.bar.set_message(shown(transfer.local));
    }

    fn resumed(&self, bytes: u64) {
        self.bar.set_position(bytes);
        // What was there already says nothing about the rate.
        self.bar.reset_eta();
    }

    fn moved(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn done(&self, transfer: &Transfer<'_>) {
        if self.quiet {
            return;
        }
        let (local, remote, size) = (shown(transfer.local), transfer.remote, HumanBytes(transfer.size));
        self.bar.suspend(|| {
            let mut output = std::io::stdout().lock();
            // A reader that has gone away does not keep the files from being transferred.
            let _ = match transfer.direction {
                Direction::Get => writeln!(output, "get {remote} -> {local}  {size}"),
                Direction::Put => writeln!(output, "put {local} -> {remote}  {size}"),
            };
        });
    }

    fn skipped(&self, skipped: &Skipped<'_>) {
        let message = match skipped {
            Skipped::Local { path, kind } => format!("{} is {kind}: left out", shown(path)),
            Skipped::Remote(path) => format!("{path} is neither a file nor a directory: left out"),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_one_that_the_library_understands() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
