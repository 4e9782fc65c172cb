//! Work that steps back behind what people wait for in common: a search that takes a moment longer is noticed by one, a
//! message that comes late by a whole room.

use landline_model::error::{ErrorCode, Refusal};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// How many threads there are.
const THREADS: usize = 4;

/// How far they step back (`nice(2)`): beside others they get about a tenth of a processor, alone all of it.
const NICE: i32 = 10;

/// How much work may wait for them.
const WAITING_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// A few threads of a lower priority. Clones are the same ones; they end with the last of them.
#[derive(Clone)]
pub(crate) struct Background(SyncSender<Job>);

impl Background {
    /// Starts them.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, jobs) = sync_channel(WAITING_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..THREADS {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new()
                .name("background".to_owned())
                .spawn(move || serve(&jobs))?;
        }
        Ok(Self(sender))
    }

    /// Does something that may block.
    ///
    /// # Errors
    /// Those of `work`; `busy` where too much waits already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (done, outcome) = oneshot::channel();
        // Nobody waits any more: then it was for nothing.
        let job = Box::new(move || drop(done.send(work())));
        match self.0.try_send(job) {
            Ok(()) => outcome
                .await
                .unwrap_or_else(|_| Err(crate::services::went_wrong())),
            Err(TrySendError::Full(_)) => Err(Refusal::new(
                ErrorCode::Busy,
                "too many others are searching; try it again in a moment",
            )),
            Err(TrySendError::Disconnected(_)) => Err(crate::services::went_wrong()),
        }
    }
}

fn serve(jobs: &Mutex<Receiver<Job>>) {
    // Where the system does not let it, it works beside the others.
    let _ = rustix::process::setpriority_process(None, NICE);
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Whoever waits for it hears that it has no outcome; the thread is for the others, too.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("work in the background did not end");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn it_is_done_with_a_lower_priority() {
        let background = Background::start().unwrap();
        let here = rustix::process::getpriority_process(None).unwrap();
        let there = || Ok(rustix::process::getpriority_process(None).unwrap());
        assert_eq!(background.run(there).await, Ok(here.max(NICE)));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_and_the_threads_stay() {
        let background = Background::start().unwrap();
        for _ in 0..2 * THREADS {
            let wrong = background.run(|| -> Result<(), Refusal> { panic!("as the test wants") });
            assert_eq!(wrong.await.unwrap_err().code, ErrorCode::Internal);
        }
        assert_eq!(background.run(|| Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn more_than_may_wait_is_refused() {
        let background = Background::start().unwrap();
        let (begun, begins) = channel();
        let (releases, holds): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel::<()>()).unzip();
        let held = holds.into_iter().map(|hold| {
            let (background, begun) = (background.clone(), begun.clone());
            tokio::spawn(async move {
                let hold = move || {
                    begun.send(()).unwrap();
                    Ok(hold.recv().is_err())
                };
                background.run(hold).await
            })
        });
        let held: Vec<_> = held.collect();
        tokio::task::spawn_blocking(move || (0..THREADS).for_each(|_| begins.recv().unwrap()))
            .await
            .unwrap();
        let mut waiting: Vec<_> = (0..WAITING_MAX)
            .map(|_| Box::pin(background.run(|| Ok(false))))
            .collect();
        for one in &mut waiting {
            // Polled once, and so queued.
            assert!(timeout(Duration::ZERO, one).await.is_err());
        }
        assert_eq!(background.run(|| Ok(())).await.unwrap_err().code, ErrorCode::Busy);
        drop(releases);
        for one in held {
            assert_eq!(one.await.unwrap(), Ok(true));
        }
        for one in waiting {
            assert_eq!(one.await, Ok(false));
        }
    }
}
