//! How many descriptors this process may have open. A connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit of open descriptors, before and after it was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// So many were allowed; `None`: any number.
    pub before: Option<u64>,
    /// So many are allowed now, here and in every process that is started from here; `None`: any number.
    pub after: Option<u64>,
}

impl Descriptors {
    /// Raises the soft limit to the hard one, as everybody may. Where the system refuses, it stays as it is.
    #[must_use]
    pub fn raise() -> Self {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: before.maximum,
            maximum: before.maximum,
        };
        let after = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => raised.current,
            Err(_) => before.current,
        };
        Self {
            before: before.current,
            after,
        }
    }

    /// Whether one process may have so many open.
    #[must_use]
    pub fn allow(self, count: usize) -> bool {
        self.after.is_none_or(|limit| count as u64 <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_allows_what_is_within_it() {
        let limited = |after| Descriptors {
            before: Some(1),
            after,
        };
        assert!(limited(Some(64)).allow(64));
        assert!(!limited(Some(64)).allow(65));
        assert!(limited(None).allow(usize::MAX));
    }
}
