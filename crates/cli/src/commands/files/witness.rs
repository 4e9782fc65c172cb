//! The receipts of what was sent.

use super::report::Report;
use anyhow::{Context as _, Result};
use landline_client::Connection;
use landline_client::files::{Deed, FilesError, Phase, Progress, Skipped, Transfer};
use landline_client::receipt::receipt;
use landline_model::path::RemotePath;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A report that remembers what was sent, where receipts are wanted.
pub(super) struct Witness<'a> {
    report: &'a Report,
    /// The file that keeps the receipts.
    file: Option<File>,
    sent: Mutex<Vec<(RemotePath, u64)>>,
}

impl<'a> Witness<'a> {
    /// With a path receipts are kept in a new file there.
    ///
    /// # Errors
    /// The file cannot be made, or is there already: nothing has been sent then.
    pub(super) fn new(report: &'a Report, path: Option<&Path>) -> Result<Self> {
        let make = |path: &Path| {
            let made = OpenOptions::new().write(true).create_new(true).open(path);
            made.with_context(|| format!("the receipts cannot be kept in {}", path.display()))
        };
        Ok(Self {
            report,
            file: path.map(make).transpose()?,
            sent: Mutex::default(),
        })
    }

    /// Whether receipts are wanted.
    pub(super) fn is_wanted(&self) -> bool {
        self.file.is_some()
    }

    /// Asks for the receipts of all that was sent, and writes them down.
    ///
    /// # Errors
    /// Those of the hub and of the disk. What was sent is there all the same.
    pub(super) async fn keep_receipts(&self, connection: &Connection) -> Result<(), FilesError> {
        let Some(mut file) = self.file.as_ref() else {
            return Ok(());
        };
        let sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        for (path, size) in sent {
            match receipt(connection, &path, size)
                .await
                .map(|receipt| receipt.line())
            {
                Ok(Ok(line)) => {
                    if let Err(error) = writeln!(file, "{line}") {
                        let message = format!("the receipt of {path} cannot be written: {error}");
                        self.report.fail(&message, None);
                    }
                }
                Ok(Err(error)) => self.report.fail(&format!("the receipt of {path}: {error}"), None),
                Err(error) => {
                    if !self.report.survives(&error.into()) {
                        break;
                    }
                }
            }
        }
        if let Err(error) = file.sync_all() {
            let message = format!("the receipts cannot be kept: {error}");
            self.report.fail(&message, None);
        }
        Ok(())
    }
}

impl Progress for Witness<'_> {
    fn begins(&self, transfer: &Transfer<'_>) {
        self.report.begins(transfer);
    }

    fn phase(&self, phase: Phase) {
        self.report.phase(phase);
    }

    fn deed(&self, deed: &Deed<'_>) {
        self.report.deed(deed);
    }

    fn resumed(&self, bytes: u64) {
        self.report.resumed(bytes);
    }

    fn moved(&self, bytes: u64) {
        self.report.moved(bytes);
    }

    fn done(&self, transfer: &Transfer<'_>) {
        if self.file.is_some() {
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push((transfer.remote.clone(), transfer.size));
        }
        self.report.done(transfer);
    }

    fn skipped(&self, skipped: &Skipped<'_>) {
        self.report.skipped(skipped);
    }

    fn failed(&self, error: &FilesError) {
        self.report.failed(error);
    }
}
