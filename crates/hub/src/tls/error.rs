//! What can go wrong with keys and certificates.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a key or a certificate cannot be used or made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} is damaged ({reason}); restore it from a backup{advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
        /// What else can be done, or nothing.
        advice: &'static str,
    },
    /// The authority's certificate is there, and its key is not.
    #[error(
        "{} is missing and {} is there: without the key this hub cannot prove to be itself. Restore the key from a \
         backup; or move the certificate away, and the hub starts with a new identity that everybody must join again",
        key.display(), certificate.display()
    )]
    KeyMissing {
        /// The missing key.
        key: PathBuf,
        /// The certificate without it.
        certificate: PathBuf,
    },
    /// The key and the certificate of the authority are not a pair.
    #[error(
        "{} is not the key of {}; restore both from the same backup, or move the certificate away and it is made anew",
        key.display(), certificate.display()
    )]
    NotAPair {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
    },
    /// A clock that no certificate can be dated by.
    #[error("the clock of this machine is out of range; set it, and start again")]
    Clock,
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
    /// A key could not be made.
    #[error("cannot make a key")]
    Key,
    /// The machine's addresses cannot be listed.
    #[error("cannot list the network interfaces: {0}")]
    Interfaces(io::Error),
}
