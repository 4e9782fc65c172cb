//! What can go wrong with a server, apart from its peers.

use std::io;

use crate::kind::Kind;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something. The environment is at fault.
    #[error("could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Connections of this service share something, so they cannot be processes of their own. The caller is at fault.
    #[error("the connections of this service share something; the engine `process` cannot serve it")]
    NotIsolated,
    /// The engine needs something that the options do not have. The caller is at fault.
    #[error("the engine `{kind}` needs {what}")]
    Unconfigured {
        /// The engine.
        kind: Kind,
        /// What it needs.
        what: &'static str,
    },
}

impl Error {
    /// For `map_err`.
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }
}
