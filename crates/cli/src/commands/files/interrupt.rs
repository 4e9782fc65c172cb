//! Ctrl-C and SIGTERM during a transfer: it ends orderly, so that no half of a file stays behind.

use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Does `work` until it is done or the user has had enough; then it is dropped, which removes what it had begun.
///
/// # Errors
/// Those of `work`; also where the system does not let signals be caught, or one came.
pub(super) async fn interruptible(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => anyhow::bail!("interrupted: the file under way was not changed"),
        _ = terminate.recv() => anyhow::bail!("told to stop: the file under way was not changed"),
    }
}
