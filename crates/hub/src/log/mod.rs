//! The hub's log: to the terminal's standard error, and to rotating files.
//!
//! Every record passes [`RecordWriter`], which leaves no control character in it: no call site can forget to.

mod record;
mod rotating;
mod unblocked;

use std::io;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::config::{LogFormat, LogLevel, LogSettings};

pub use record::{Output, RecordWriter};
pub use rotating::{FILE_NAME, KEPT_FILES, MAX_FILE_BYTES, RotatingFile};
pub use unblocked::{LogGuard, MAX_FLUSH, MAX_QUEUED_RECORDS};

/// The start of the targets of all of Landline's own crates.
const OWN_TARGETS: &str = "landline";

/// Why the log cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log file cannot be opened.
    #[error("cannot open the log in {directory}: {source}")]
    File {
        /// The log directory, free of control characters.
        directory: String,
        /// Why not.
        source: io::Error,
    },
    /// The thread that writes to the terminal cannot be started.
    #[error("cannot start the log's thread: {0}")]
    Thread(io::Error),
    /// This process has a log already.
    #[error("the log was started before")]
    Started(#[from] SetGlobalDefaultError),
}

/// Starts this process's log, to standard error and, where a directory is given, to files in it. Keep the guard until
/// the process ends, and drop it before: it waits for the last records to reach the terminal.
///
/// # Errors
/// The file cannot be opened, the terminal's thread cannot be started, or a log runs already.
pub fn start(settings: LogSettings, directory: Option<&Path>) -> Result<LogGuard, LogError> {
    let (terminal, guard) = unblocked::unblocked(io::stderr()).map_err(LogError::Thread)?;
    let dispatch = dispatch(settings, Output::new(terminal), directory)?;
    tracing::dispatcher::set_global_default(dispatch)?;
    Ok(guard)
}

/// The log as [`start`] makes it, with another place for what the terminal would show.
///
/// # Errors
/// The file cannot be opened.
pub fn dispatch(
    settings: LogSettings,
    terminal: Output,
    directory: Option<&Path>,
) -> Result<Dispatch, LogError> {
    let file = match directory {
        None => None,
        Some(directory) => Some(Output::new(
            RotatingFile::open(directory, MAX_FILE_BYTES).map_err(|source| {
                let directory = landline_model::text::escape(&directory.to_string_lossy()).into_owned();
                LogError::File { directory, source }
            })?,
        )),
    };
    let outputs: Vec<_> = [Some(terminal), file].into_iter().flatten().collect();
    let layers: Vec<_> = outputs
        .into_iter()
        .map(|output| layer(settings, Arc::new(RecordWriter::new(settings.format, output))))
        .collect();
    Ok(Dispatch::new(Registry::default().with(layers)))
}

fn layer<S>(settings: LogSettings, writer: Arc<RecordWriter>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // No colours: the record writer would escape them. Its errors cannot be reported anywhere better.
    let plain = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_ansi_sanitization(false)
        .log_internal_errors(false)
        .with_writer(Shared(writer));
    match settings.format {
        LogFormat::Json => plain.json().with_filter(filter(settings.level)).boxed(),
        LogFormat::Human => plain.with_filter(filter(settings.level)).boxed(),
    }
}

/// Libraries say nothing below a warning: what TLS and HTTP trace may hold secrets.
fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(OWN_TARGETS, level)
}

/// One writer for all threads.
struct Shared(Arc<RecordWriter>);

impl<'a> MakeWriter<'a> for Shared {
    type Writer = &'a RecordWriter;

    fn make_writer(&'a self) -> Self::Writer {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::log::record::tests::Captured;

    const HOSTILE: &str = "a\u{1b}[2J\r\nINFO forged\u{9b}31m\u{7f}\u{202e}\u{2066}z";

    fn logged(format: LogFormat, level: LogLevel, body: impl FnOnce()) -> (String, String) {
        let directory = tempfile::tempdir().unwrap();
        let terminal = Captured::default();
        let settings = LogSettings { format, level };
        let dispatch = dispatch(settings, Output::new(terminal.clone()), Some(directory.path())).unwrap();
        tracing::dispatcher::with_default(&dispatch, body);
        (
            terminal.text(),
            fs::read_to_string(directory.path().join(FILE_NAME)).unwrap(),
        )
    }

    fn hostile_records() {
        let span = tracing::info_span!("connection", peer = %HOSTILE);
        let _entered = span.enter();
        tracing::info!(name = %HOSTILE, debug = ?HOSTILE, "{HOSTILE}");
    }

    #[test]
    fn a_hostile_value_stays_on_one_line_without_control_characters() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let (terminal, file) = logged(format, LogLevel::Info, hostile_records);
            for text in [terminal, file] {
                let line = text.strip_suffix('\n').unwrap();
                assert_eq!(landline_model::text::escape(line), line);
                assert!(line.contains("forged"), "{line}");
            }
        }
    }

    #[test]
    fn json_keeps_the_value_as_it_was() {
        let (terminal, _) = logged(LogFormat::Json, LogLevel::Info, hostile_records);
        let record: serde_json::Value = serde_json::from_str(&terminal).unwrap();
        assert_eq!(record["fields"]["message"], HOSTILE);
        assert_eq!(record["fields"]["name"], HOSTILE);
    }

    #[test]
    fn libraries_stay_quiet_below_a_warning() {
        let (terminal, _) = logged(LogFormat::Human, LogLevel::Trace, || {
            tracing::trace!(target: "rustls::client", "secret");
            tracing::warn!(target: "rustls::client", "loud");
            tracing::trace!("own");
        });
        assert!(!terminal.contains("secret"), "{terminal}");
        assert!(
            terminal.contains("loud") && terminal.contains("own"),
            "{terminal}"
        );
        let (terminal, _) = logged(LogFormat::Human, LogLevel::Error, || {
            tracing::warn!(target: "rustls::client", "loud");
            tracing::warn!("own");
        });
        assert_eq!(terminal, "");
    }
}
