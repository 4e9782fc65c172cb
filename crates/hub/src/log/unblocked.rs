//! Writing to a terminal without waiting for it: somebody who stops its output must not stop the hub.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Records that wait for the terminal at most; more are lost, and counted.
pub const MAX_QUEUED_RECORDS: usize = 1024;

/// How long the end of the process waits for the terminal at most.
pub const MAX_FLUSH: Duration = Duration::from_secs(1);

/// Waits, when it is dropped, until the terminal has what was logged before, for at most [`MAX_FLUSH`].
#[derive(Debug)]
pub struct LogGuard {
    queue: SyncSender<Work>,
}

/// A writer that queues records for a thread, and fails at once where the queue is full.
#[derive(Debug)]
pub(super) struct Unblocked {
    queue: SyncSender<Work>,
}

#[derive(Debug)]
enum Work {
    Record(Vec<u8>),
    /// Everything before it has been written when its other end is dropped.
    Flush(SyncSender<()>),
}

/// Puts a thread between records and a writer that may block.
pub(super) fn unblocked(writer: impl Write + Send + 'static) -> io::Result<(Unblocked, LogGuard)> {
    let (queue, work) = sync_channel(MAX_QUEUED_RECORDS);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_all(&work, writer))?;
    Ok((Unblocked { queue: queue.clone() }, LogGuard { queue }))
}

fn write_all(work: &Receiver<Work>, mut writer: impl Write) {
    for work in work {
        match work {
            // A terminal that is gone takes no complaint either; the files have the record.
            Work::Record(record) => _ = writer.write_all(&record).and_then(|()| writer.flush()),
            Work::Flush(done) => drop(done),
        }
    }
}

impl Write for Unblocked {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        match self.queue.try_send(Work::Record(record.to_vec())) {
            Ok(()) => Ok(record.len()),
            Err(TrySendError::Full(_)) => Err(io::Error::other("the terminal does not keep up")),
            Err(TrySendError::Disconnected(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, finished) = sync_channel(0);
        // A queue that is full belongs to a terminal that is stopped: there is nothing to wait for.
        if self.queue.try_send(Work::Flush(done)).is_ok() {
            let _ = finished.recv_timeout(MAX_FLUSH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::tests::Captured;

    /// A terminal whose output is stopped until its gate is dropped.
    struct Stopped {
        gate: Receiver<()>,
        then: Captured,
    }

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.gate.recv();
            self.then.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stopped_terminal_stops_nobody_and_gets_its_records_later() {
        let then = Captured::default();
        let (open, gate) = sync_channel::<()>(0);
        let (mut terminal, guard) = unblocked(Stopped {
            gate,
            then: then.clone(),
        })
        .unwrap();
        // The thread may have taken one record off the queue before it stopped.
        let taken = (0..MAX_QUEUED_RECORDS + 2)
            .filter(|_| terminal.write(b"x\n").is_ok())
            .count();
        assert!(
            (MAX_QUEUED_RECORDS..=MAX_QUEUED_RECORDS + 1).contains(&taken),
            "{taken}"
        );
        drop(open);
        let queue = guard.queue.clone();
        let (done, finished) = sync_channel(0);
        queue.send(Work::Flush(done)).unwrap();
        assert!(finished.recv().is_err());
        assert_eq!(then.text().lines().count(), taken);
        drop(guard);
    }

    #[test]
    fn the_guard_waits_for_the_last_record() {
        let then = Captured::default();
        let (mut terminal, guard) = unblocked(then.clone()).unwrap();
        terminal.write_all(b"last\n").unwrap();
        drop(guard);
        assert_eq!(then.text(), "last\n");
    }
}
