//! The configuration as the hub uses it: typed, complete, and checked.

use landline_model::size::Size;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Values;
use super::value::Value;

const SECONDS_PER_HOUR: u64 = 3_600;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;

/// A whole configuration. Every value has passed its setting's range check.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to listen on; at least one. Port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// The data directory, absolute.
    pub data: PathBuf,
    /// The hub's name as people see it.
    pub name: String,
    /// Whether the local network is told that the hub is there.
    pub discovery: bool,
    /// How the log is written.
    pub log: LogSettings,
    /// What peers may use up.
    pub limits: Limits,
    /// How long logins last.
    pub sessions: Sessions,
    /// How long files that nobody finished or wants are kept.
    pub files: Files,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Text or JSON.
    pub format: LogFormat,
    /// The least important records that are still written.
    pub level: LogLevel,
}

/// The form of log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// A line of text.
    Human,
    /// A JSON object a line.
    Json,
}

/// How important a log record is, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Somebody should look.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// Every step of it.
    Trace,
}

/// What peers may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// Connections open at once from one address.
    pub connections_per_address: usize,
    /// TLS handshakes and logins under way at once from one address.
    pub handshakes_per_address: usize,
    /// Bytes of one message's header.
    pub header_bytes: usize,
    /// From accepting a connection until its hello.
    pub handshake: Duration,
    /// Without any traffic from a peer until its connection is closed.
    pub idle: Duration,
    /// What open work is given when the hub stops.
    pub drain: Duration,
    /// Logins that may wait for a password to be hashed.
    pub password_hashes: usize,
}

/// How long logins last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sessions {
    /// Without use.
    pub idle: Duration,
    /// Used or not.
    pub absolute: Duration,
}

/// How long files that nobody finished or wants are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Files {
    /// An unfinished upload without progress.
    pub upload_expiry: Duration,
    /// What was deleted or overwritten.
    pub trash: Duration,
    /// How many bytes a home may hold where nothing else is set for it; none: no limit.
    pub home_quota: Option<u64>,
}

impl Config {
    /// Every setting of the table has a value by now, of its own kind.
    pub(super) fn from_values(values: &Values) -> Self {
        Self {
            listen: values.addresses("listen"),
            data: values.directory(super::DATA_KEY),
            name: values.text("name"),
            discovery: values.text("discovery") == "on",
            log: LogSettings {
                format: LogFormat::of_word(&values.text("log.format")),
                level: LogLevel::of_word(&values.text("log.level")),
            },
            limits: Limits {
                connections: values.count("limits.connections"),
                connections_per_address: values.count("limits.connections_per_address"),
                handshakes_per_address: values.count("limits.handshakes_per_address"),
                header_bytes: values.count("limits.header_bytes"),
                handshake: values.duration("limits.handshake_seconds", 1),
                idle: values.duration("limits.idle_seconds", 1),
                drain: values.duration("limits.drain_seconds", 1),
                password_hashes: values.count("limits.password_hashes"),
            },
            sessions: Sessions {
                idle: values.duration("sessions.idle_days", SECONDS_PER_DAY),
                absolute: values.duration("sessions.absolute_days", SECONDS_PER_DAY),
            },
            files: Files {
                upload_expiry: values.duration("files.upload_expiry_hours", SECONDS_PER_HOUR),
                trash: values.duration("files.trash_days", SECONDS_PER_DAY),
                // What is no size is the word for none.
                home_quota: values
                    .text("files.home_quota")
                    .parse()
                    .ok()
                    .map(|Size(bytes)| bytes),
            },
        }
    }
}

impl LogFormat {
    fn of_word(word: &str) -> Self {
        match word {
            "json" => Self::Json,
            _ => Self::Human,
        }
    }
}

impl LogLevel {
    fn of_word(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => Self::Info,
        }
    }
}

/// Typed reading of the table's values. The keys are literals of this file and a test loads all of them.
impl Values {
    fn addresses(&self, key: &str) -> Vec<SocketAddr> {
        match self.value(key) {
            Value::Addresses(addresses) => addresses.clone(),
            other => wrong_kind(key, other),
        }
    }

    fn directory(&self, key: &str) -> PathBuf {
        match self.value(key) {
            Value::Directory(path) => path.clone(),
            other => wrong_kind(key, other),
        }
    }

    fn text(&self, key: &str) -> String {
        match self.value(key) {
            Value::Text(text) => text.clone(),
            other => wrong_kind(key, other),
        }
    }

    fn integer(&self, key: &str) -> u64 {
        match self.value(key) {
            Value::Integer(number) => *number,
            other => wrong_kind(key, other),
        }
    }

    fn count(&self, key: &str) -> usize {
        usize::try_from(self.integer(key)).expect("the table's maxima fit into 32 bits")
    }

    /// The largest is 3650 days: no product overflows.
    fn duration(&self, key: &str, seconds_per_unit: u64) -> Duration {
        Duration::from_secs(self.integer(key) * seconds_per_unit)
    }
}

fn wrong_kind(key: &str, value: &Value) -> ! {
    unreachable!("the table gives {key} the kind of {value:?}, this file another")
}
