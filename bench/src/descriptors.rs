//! The number of descriptors that a process may have open.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Makes sure that this process, and each that it starts, may have so many descriptors open. Says what it changed.
pub(crate) fn raise(wanted: u64) -> Result<String> {
    let before = getrlimit(Resource::Nofile);
    if before.current.is_none_or(|current| current >= wanted) {
        return Ok("lifted: no limit on descriptors".to_owned());
    }
    // Only root may raise the greatest; everybody may use what there is.
    let maximum = before.maximum.map(|maximum| maximum.max(wanted));
    let current = Some(wanted);
    let raised = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    ensure!(
        raised.is_ok(),
        "{wanted} descriptors are needed, {} are allowed: raise the hard limit (ulimit -Hn)",
        before.maximum.unwrap_or(0)
    );
    Ok(format!(
        "lifted: {wanted} descriptors for each process instead of {} (RLIMIT_NOFILE)",
        before.current.unwrap_or(0)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_suffices_stays() {
        let before = getrlimit(Resource::Nofile);
        assert!(raise(1).unwrap().contains("no limit"));
        assert_eq!(getrlimit(Resource::Nofile), before);
    }
}
