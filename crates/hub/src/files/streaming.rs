//! Answers that come in parts from a thread that works on them. A part is made when there is room for it; when nobody
//! takes the parts any more, the work ends at its next step.

use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use tokio::sync::{Semaphore, mpsc};

/// How many parts wait to be sent: one is made while another is sent.
const PARTS: usize = 2;

/// How many trees are listed or copied at a time; whoever asks for one more waits. Each holds a thread for as long as its
/// client takes, and of those there are not many.
const TREES_AT_ONCE: usize = 64;

/// The turns of whoever lists or copies a tree.
pub(super) static TREES: Semaphore = Semaphore::const_new(TREES_AT_ONCE);

/// What comes of the work.
pub(crate) enum Streamed<P, R> {
    /// A part with its body.
    Part(P, Bytes),
    /// The end.
    End(Result<R, Refusal>),
}

/// Work that is under way.
pub(crate) struct Streaming<P, R> {
    parts: mpsc::Receiver<Streamed<P, R>>,
}

/// Where the work puts its parts.
pub(super) struct Parts<P, R> {
    sender: mpsc::Sender<Streamed<P, R>>,
}

impl<P: Send + 'static, R: Send + 'static> Streaming<P, R> {
    /// Begins to work on a thread that may block, when there is a turn for it.
    pub(super) async fn begin(
        turns: &'static Semaphore,
        work: impl FnOnce(&Parts<P, R>) -> Result<R, Refusal> + Send + 'static,
    ) -> Self {
        let (sender, parts) = mpsc::channel(PARTS);
        let turn = turns.acquire().await;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let parts = Parts { sender };
            let end = work(&parts);
            // Where nobody takes it, nobody waits for it.
            let _ = parts.sender.blocking_send(Streamed::End(end));
        });
        Self { parts }
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Streamed<P, R> {
        let lost = || Streamed::End(Err(crate::services::went_wrong()));
        self.parts.recv().await.unwrap_or_else(lost)
    }
}

impl<P, R> Parts<P, R> {
    /// Hands a part on; waits for room.
    pub(super) fn send(&self, part: P, body: impl Into<Bytes>) -> Result<(), Refusal> {
        self.sender
            .blocking_send(Streamed::Part(part, body.into()))
            .map_err(|_| nobody_waits())
    }

    /// That somebody still takes them.
    pub(super) fn wanted(&self) -> Result<(), Refusal> {
        if self.sender.is_closed() {
            return Err(nobody_waits());
        }
        Ok(())
    }
}

/// What nobody hears.
fn nobody_waits() -> Refusal {
    Refusal::new(ErrorCode::Conflict, "the connection is gone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_whose_parts_nobody_takes_ends_and_gives_its_turn_back() {
        static TURNS: Semaphore = Semaphore::const_new(1);
        let (ended, end) = mpsc::channel();
        let mut streaming = Streaming::<u32, ()>::begin(&TURNS, move |parts| {
            let stopped = (0..).find_map(|number| parts.send(number, Vec::new()).err());
            ended.send(stopped.is_some() && parts.wanted().is_err()).unwrap();
            Ok(())
        })
        .await;
        assert!(matches!(streaming.next().await, Streamed::Part(0, _)));
        assert_eq!(TURNS.available_permits(), 0);
        drop(streaming);
        let told = tokio::task::spawn_blocking(move || end.recv().unwrap());
        assert!(told.await.unwrap());
        // Behind the work before it.
        let mut next = Streaming::<u32, u8>::begin(&TURNS, |_| Ok(7)).await;
        assert!(matches!(next.next().await, Streamed::End(Ok(7))));
    }
}
