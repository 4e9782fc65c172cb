//! Another clock for a program: libfaketime in front of the system's.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The time at which a program is to live.
pub(crate) struct Shifted<'a> {
    library: &'static str,
    offset: &'a str,
}

impl<'a> Shifted<'a> {
    /// From now: `-1h`, `+2d`.
    pub(crate) fn by(offset: &'a str) -> Self {
        Self {
            library: library(),
            offset,
        }
    }

    /// The program's environment. Its timers run as ever.
    pub(crate) fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME", self.offset),
            // Its name before libfaketime 0.9.8, and since.
            ("DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

/// A clock that can be set while a program runs by it.
pub(crate) struct Settable {
    library: &'static str,
    place: TempDir,
    file: String,
}

impl Settable {
    /// The right time.
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("offset").to_str().unwrap().to_owned();
        let clock = Self {
            library: library(),
            place,
            file,
        };
        clock.set("+0");
        clock
    }

    /// Sets it, from the right time: `-1h`, `+2d`. Whoever looks at it sees that at once.
    pub(crate) fn set(&self, offset: &str) {
        let next: PathBuf = self.place.path().join("next");
        fs::write(&next, offset).unwrap();
        fs::rename(next, &self.file).unwrap();
    }

    /// The program's environment. Its timers run as ever.
    pub(crate) fn variables(&self) -> [(&str, &str); 5] {
        [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_NO_CACHE", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

/// Where the library is, is the faketime program's own knowledge. It is asked once: several of it at a time get into each
/// other's way.
fn library() -> &'static str {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    LIBRARY.get_or_init(ask_for_library)
}

fn ask_for_library() -> String {
    let output = Command::new("faketime")
        .args(["-f", "+0", "sh", "-c", "printf %s \"$LD_PRELOAD\""])
        .env_remove("LD_PRELOAD")
        .output()
        .expect("faketime is one of the packages of `cargo xtask setup`");
    let library = String::from_utf8(output.stdout).unwrap();
    assert!(library.contains("libfaketime"), "{library:?}");
    library
}
