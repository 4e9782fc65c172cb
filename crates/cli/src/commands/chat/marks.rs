//! Tells the hub how far one has read, and that one is writing. Neither holds the chat up.

use landline_client::Connection;
use landline_model::protocol::chat::{Read, Typing};
use landline_model::target::Target;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The least time between two tellings that one is writing.
const WRITING_EVERY: Duration = Duration::from_secs(3);

/// How long the end of the chat waits for the last mark.
const LAST_MARK: Duration = Duration::from_secs(2);

/// Marks the room as read, as far as was shown. Of several marks that wait, the last one counts.
pub(super) struct Marks {
    shown: watch::Sender<u64>,
    task: JoinHandle<()>,
    connection: watch::Receiver<Connection>,
    target: Target,
    written: Option<Instant>,
}

impl Marks {
    /// The hub knows that everything up to `read` was read.
    pub(super) fn start(connection: watch::Receiver<Connection>, target: Target, read: u64) -> Self {
        let (shown, mut marks) = watch::channel(read);
        let (on, room) = (connection.clone(), target.clone());
        let task = tokio::spawn(async move {
            while marks.changed().await.is_ok() {
                let sequence = *marks.borrow_and_update();
                let read = Read {
                    target: room.clone(),
                    sequence,
                };
                let connection = on.borrow().clone();
                // A mark that is lost with the connection is made good by the next one.
                let _ = connection.call(&read).await;
            }
        });
        Self {
            shown,
            task,
            connection,
            target,
            written: None,
        }
    }

    /// This event was shown.
    pub(super) fn shown(&self, sequence: u64) {
        self.shown.send_if_modified(|mark| {
            let is_new = sequence > *mark;
            *mark = sequence.max(*mark);
            is_new
        });
    }

    /// Something is being written at `now`.
    pub(super) fn writing(&mut self, now: Instant) {
        if self
            .written
            .is_some_and(|written| now.duration_since(written) < WRITING_EVERY)
        {
            return;
        }
        self.written = Some(now);
        let connection = self.connection.borrow().clone();
        let typing = Typing {
            target: self.target.clone(),
        };
        // Whether anybody hears of it is not worth a word.
        tokio::spawn(async move { connection.call(&typing).await.is_ok() });
    }

    /// What was written is said: the next writing is told at once.
    pub(super) fn said(&mut self) {
        self.written = None;
    }

    /// Waits, not for long, until the last mark is made.
    pub(super) async fn finish(self) {
        drop(self.shown);
        let _ = tokio::time::timeout(LAST_MARK, self.task).await;
    }
}
