//! A thread that writes: group commit without a timer.
//!
//! The writer waits for a job, takes what queued meanwhile (during the last sync, that is), applies each job inside a
//! savepoint of one transaction, commits and syncs, and then completes the jobs in their order. A job that is refused
//! harms no other. A commit that fails (a full disk) undoes them all, tells each of them, and the writer goes on.

use crate::error::StoreError;
use rusqlite::Connection;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The most jobs that wait for a writer. Who brings one more waits.
pub const QUEUE_MAX: usize = 1024;

/// The most jobs in one commit.
pub const GROUP_MAX: usize = 1024;

/// How many jobs of a commit are completed before [`State::completed`] is called, so that those of a large one do not wait
/// for all.
const COMPLETED_TOGETHER: usize = 128;

/// Called once, on the writer's thread, when a job is committed and synced, or has failed. It must not block.
pub type Done<T, E = StoreError> = Box<dyn FnOnce(Result<T, E>) + Send>;

/// What a writer keeps in memory beside its database.
pub trait State: Send + 'static {
    /// All jobs of a group are applied: the last chance to write.
    ///
    /// # Errors
    /// Whatever it is, it fails the whole group.
    fn before_commit(&mut self, _transaction: &Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// The group is on the disk: what it changed counts from now on. The jobs are completed next.
    fn committed(&mut self) {}

    /// The jobs of a group, or a good part of a large one, were completed.
    fn completed(&mut self) {}

    /// The group has failed: what it changed never was. The jobs are told next.
    fn rolled_back(&mut self) {}
}

impl State for () {}

/// One thing to write.
pub trait Job<S>: Send {
    /// Does it, inside a savepoint that is undone where it fails (but see [`is_one_step`](Self::is_one_step)). It changes `state` last, after everything that can
    /// fail.
    ///
    /// # Errors
    /// Its own refuse this job alone; those of the disk fail the whole group.
    fn apply(&mut self, transaction: &Connection, state: &mut S) -> Result<(), StoreError>;

    /// It is committed and synced, or was refused, or the group failed (then it may never have been applied).
    fn complete(self: Box<Self>, result: Result<(), StoreError>, state: &mut S);

    /// Whether it changes the database with its last step, or not at all: then there is nothing to undo where it fails,
    /// and no savepoint is made for it.
    fn is_one_step(&self) -> bool {
        false
    }

    /// Whether the group ends with this job: when it is completed, nothing that was queued behind it is committed yet.
    fn ends_group(&self) -> bool {
        false
    }

    /// Instead of the two, where the writer has ended before it could be queued.
    fn stopped(self: Box<Self>) {}
}

/// An error that a job of [`Writer::run`] may end with.
pub trait JobError: From<StoreError> + Send + 'static {
    /// The store's error in it, where it has one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl JobError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// A way to a writer's queue. When the last clone is dropped, the writer finishes what is queued and ends; the drop
/// waits for that.
pub struct Writer<S>(Arc<Handle<S>>);

struct Handle<S> {
    /// `None` only while it is dropped.
    queue: Option<mpsc::Sender<Box<dyn Job<S>>>>,
    /// `None` only while it is dropped.
    thread: Option<JoinHandle<()>>,
}

impl<S: State> Writer<S> {
    /// Starts a writer on a connection of [`crate::database::open`].
    ///
    /// # Errors
    /// [`StoreError::Io`] where the system has no thread left.
    pub fn start(name: &str, connection: Connection, state: S) -> Result<Self, StoreError> {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let directory = connection
            .path()
            .map(PathBuf::from)
            .and_then(|path| path.parent().map(Into::into));
        let writing = Writing {
            connection,
            state,
            directory: directory.unwrap_or_default(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("writer-{name}"))
            .spawn(move || writing.serve(queue))
            .map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(Self(Arc::new(Handle {
            queue: Some(sender),
            thread: Some(thread),
        })))
    }

    /// Queues a job; waits while the queue is full. Jobs of one task are taken in the order in which it brings them.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] where the writer has ended; the job has been told.
    pub async fn submit(&self, job: Box<dyn Job<S>>) -> Result<(), StoreError> {
        let refused = match &self.0.queue {
            Some(queue) => queue.send(job).await.err().map(|refused| refused.0),
            None => Some(job),
        };
        match refused {
            None => Ok(()),
            Some(job) => {
                job.stopped();
                Err(StoreError::Stopped)
            }
        }
    }

    /// As [`submit`](Self::submit), several at once, so that they come into one commit where they can; `jobs` is empty
    /// afterwards.
    ///
    /// # Errors
    /// The same; all jobs have been told.
    pub async fn submit_all(&self, jobs: &mut Vec<Box<dyn Job<S>>>) -> Result<(), StoreError> {
        let mut jobs = std::mem::take(jobs).into_iter();
        while jobs.len() > 0 {
            let places = match &self.0.queue {
                Some(queue) => queue.reserve_many(jobs.len().min(QUEUE_MAX)).await.ok(),
                None => None,
            };
            let Some(places) = places else {
                jobs.for_each(|job| job.stopped());
                return Err(StoreError::Stopped);
            };
            places.zip(&mut jobs).for_each(|(place, job)| place.send(job));
        }
        Ok(())
    }

    /// Does `work` inside a job of its own; returns when it is committed and synced. `work` changes the state last,
    /// after everything that can fail. Once queued it is done even where nobody waits for it any more.
    ///
    /// # Errors
    /// Those of `work`, those of the disk, and [`StoreError::Stopped`].
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&Connection, &mut S) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: JobError,
    {
        let (done, outcome) = completion();
        self.submit(Box::new(Work {
            work: Some(work),
            result: None,
            done,
        }))
        .await?;
        outcome.await
    }
}

impl<S> Clone for Writer<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> std::fmt::Debug for Writer<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Writer(..)")
    }
}

impl<S> Drop for Handle<S> {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        // The last handle may have lived in a callback of the writer itself, which cannot wait for its own end.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a writer thread panicked");
        }
    }
}

/// A callback, and what waits for it.
#[must_use]
pub fn completion<T: Send + 'static, E: From<StoreError> + Send + 'static>() -> (Done<T, E>, Outcome<T, E>) {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits any more: the job was done all the same.
    let done = Box::new(move |result| drop(sender.send(result)));
    (done, Outcome(receiver))
}

/// The result of a job, as a future. A writer that ended without a word gives [`StoreError::Stopped`].
#[derive(Debug)]
pub struct Outcome<T, E = StoreError>(oneshot::Receiver<Result<T, E>>);

impl<T, E: From<StoreError>> Future for Outcome<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|result| result.unwrap_or_else(|_| Err(StoreError::Stopped.into())))
    }
}

struct Work<W, T, E> {
    work: Option<W>,
    result: Option<Result<T, E>>,
    done: Done<T, E>,
}

impl<S, W, T, E> Job<S> for Work<W, T, E>
where
    W: FnOnce(&Connection, &mut S) -> Result<T, E> + Send,
    T: Send,
    E: JobError,
{
    fn apply(&mut self, transaction: &Connection, state: &mut S) -> Result<(), StoreError> {
        let result = self.work.take().map(|work| work(transaction, state));
        let verdict = match &result {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.store_error().cloned().unwrap_or(StoreError::Refused)),
            None => Err(StoreError::Internal("a job was applied twice".to_owned())),
        };
        self.result = result;
        verdict
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, _state: &mut S) {
        let result = match (result, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Internal("a job was not applied".to_owned()).into()),
            (Err(StoreError::Refused), Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
        };
        (self.done)(result);
    }

    fn stopped(self: Box<Self>) {
        (self.done)(Err(StoreError::Stopped.into()));
    }
}

/// The writer's side of the queue.
struct Writing<S> {
    connection: Connection,
    state: S,
    /// Where the database lies: its file system is asked whether it is full.
    directory: PathBuf,
}

impl<S: State> Writing<S> {
    fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job<S>>>) {
        let mut group = Vec::new();
        while let Some(first) = queue.blocking_recv() {
            let mut whole = first.ends_group();
            group.push(first);
            while !whole
                && group.len() < GROUP_MAX
                && let Ok(next) = queue.try_recv()
            {
                whole = next.ends_group();
                group.push(next);
            }
            self.commit(&mut group);
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Job<S>>>) {
        match self.apply(group) {
            Ok(results) => {
                self.state.committed();
                for (number, (job, result)) in (1_usize..).zip(group.drain(..).zip(results)) {
                    job.complete(result, &mut self.state);
                    if number.is_multiple_of(COMPLETED_TOGETHER) {
                        self.state.completed();
                    }
                }
            }
            Err(error) => {
                let error = error.or_storage_full(&self.directory);
                tracing::warn!(jobs = group.len(), %error, "a commit failed; nothing of it was kept");
                self.roll_back();
                for job in group.drain(..) {
                    job.complete(Err(error.clone()), &mut self.state);
                }
            }
        }
        self.state.completed();
    }

    fn roll_back(&mut self) {
        // SQLite has rolled back by itself after some errors.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        self.state.rolled_back();
    }

    /// The result of each job; or the error that fails them all.
    fn apply(&mut self, group: &mut [Box<dyn Job<S>>]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.execute("BEGIN IMMEDIATE")?;
        let mut results = Vec::with_capacity(group.len());
        for job in group {
            let undoes = !job.is_one_step();
            if undoes {
                self.execute("SAVEPOINT job")?;
            }
            let result = job.apply(&self.connection, &mut self.state);
            if let Err(error) = &result {
                if error.is_of_the_disk() || self.connection.is_autocommit() {
                    return Err(error.clone());
                }
                if undoes {
                    self.execute("ROLLBACK TO job")?;
                }
            }
            if undoes {
                self.execute("RELEASE job")?;
            }
            results.push(result);
        }
        self.state.before_commit(&self.connection)?;
        self.execute("COMMIT")?;
        Ok(results)
    }

    fn execute(&self, statement: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc as channel;

    /// How many of its jobs count.
    #[derive(Default)]
    struct Count {
        pending: u64,
        committed: u64,
    }

    impl State for Count {
        fn before_commit(&mut self, transaction: &Connection) -> Result<(), StoreError> {
            transaction.execute(
                "UPDATE count SET n = n + ?1",
                [i64::try_from(self.pending).unwrap()],
            )?;
            Ok(())
        }

        fn committed(&mut self) {
            self.committed += std::mem::take(&mut self.pending);
        }

        fn rolled_back(&mut self) {
            self.pending = 0;
        }
    }

    fn writer() -> Writer<Count> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (x UNIQUE); CREATE TABLE count (n); INSERT INTO count VALUES (0)")
            .unwrap();
        Writer::start("test", connection, Count::default()).unwrap()
    }

    fn insert(transaction: &Connection, state: &mut Count, x: u64) -> Result<u64, StoreError> {
        transaction.execute("INSERT INTO t VALUES (?1)", [i64::try_from(x).unwrap()])?;
        state.pending += 1;
        Ok(state.committed)
    }

    async fn stored(writer: &Writer<Count>) -> (u64, u64, u64) {
        let read = |transaction: &Connection, state: &mut Count| {
            let rows: u32 = transaction.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
            let counted: u32 = transaction.query_row("SELECT n FROM count", [], |row| row.get(0))?;
            Ok::<_, StoreError>((rows.into(), counted.into(), state.committed))
        };
        writer.run(read).await.unwrap()
    }

    /// Keeps the writer busy until what it returns is dropped, so that what comes meanwhile is one group.
    async fn hold(writer: &Writer<Count>) -> channel::Sender<()> {
        let (release, held) = channel::channel();
        let (begun, begins) = oneshot::channel();
        let holding = writer.clone();
        tokio::spawn(async move {
            let work = move |_: &Connection, _: &mut Count| {
                begun.send(()).unwrap();
                let _ = held.recv();
                Ok::<_, StoreError>(())
            };
            holding.run(work).await.unwrap();
        });
        begins.await.unwrap();
        release
    }

    #[tokio::test]
    async fn a_refused_job_harms_no_other_of_its_group() {
        let writer = writer();
        let release = hold(&writer).await;
        let one = |x| writer.run(move |transaction, state| insert(transaction, state, x));
        let refused = writer.run(|transaction, _| {
            transaction.execute("DELETE FROM t", [])?;
            Err::<(), _>(StoreError::NameTaken)
        });
        // Queued in the order in which they stand here.
        let (first, again, refused, last, ()) =
            tokio::join!(one(1), one(1), refused, one(2), async { drop(release) });
        assert_eq!((first, refused, last), (Ok(0), Err(StoreError::NameTaken), Ok(0)));
        assert!(matches!(again, Err(StoreError::Internal(_))), "{again:?}");
        assert_eq!(stored(&writer).await, (2, 2, 2));
    }

    #[tokio::test]
    async fn an_error_of_the_disk_fails_the_group_and_the_writer_goes_on() {
        let writer = writer();
        let release = hold(&writer).await;
        let before = writer.run(|transaction, state| insert(transaction, state, 1));
        let full = writer.run(|_, _| Err::<(), _>(StoreError::StorageFull));
        let after = writer.run(|transaction, state| insert(transaction, state, 2));
        let (before, full, after, ()) = tokio::join!(before, full, after, async { drop(release) });
        assert_eq!(full, Err(StoreError::StorageFull));
        assert_eq!(
            (before, after),
            (Err(StoreError::StorageFull), Err(StoreError::StorageFull))
        );
        assert_eq!(stored(&writer).await, (0, 0, 0));
        writer
            .run(|transaction, state| insert(transaction, state, 1))
            .await
            .unwrap();
        assert_eq!(stored(&writer).await, (1, 1, 1));
    }

    #[tokio::test]
    async fn a_writer_that_panicked_says_that_it_has_stopped() {
        let writer = writer();
        let panicked = writer
            .run(|_, _| -> Result<(), StoreError> { panic!("as the test wants") })
            .await;
        assert_eq!(panicked, Err(StoreError::Stopped));
        // The queue is closed by now or soon; either way nobody waits for ever.
        assert_eq!(
            writer.run(|_, _| Ok::<_, StoreError>(())).await,
            Err(StoreError::Stopped)
        );
    }

    /// A job that says how it was told of its end.
    struct Told {
        number: usize,
        to: channel::Sender<(usize, &'static str)>,
    }

    impl Job<Count> for Told {
        fn apply(&mut self, transaction: &Connection, state: &mut Count) -> Result<(), StoreError> {
            insert(transaction, state, self.number as u64).map(drop)
        }

        fn complete(self: Box<Self>, result: Result<(), StoreError>, _: &mut Count) {
            let how = if result.is_ok() { "done" } else { "failed" };
            let _ = self.to.send((self.number, how));
        }

        fn stopped(self: Box<Self>) {
            let _ = self.to.send((self.number, "stopped"));
        }
    }

    type Jobs = Vec<Box<dyn Job<Count>>>;

    /// So many jobs, and what they say.
    fn jobs(count: usize) -> (Jobs, channel::Receiver<(usize, &'static str)>) {
        let (to, told) = channel::channel();
        let job = |number| {
            let to = to.clone();
            Box::new(Told { number, to }) as Box<dyn Job<Count>>
        };
        ((0..count).map(job).collect(), told)
    }

    #[tokio::test]
    async fn more_jobs_than_the_queue_holds_are_all_done_in_their_order() {
        const JOBS: usize = 2 * QUEUE_MAX + 3;
        let writer = writer();
        let (mut jobs, told) = jobs(JOBS);
        writer.submit_all(&mut jobs).await.unwrap();
        assert!(jobs.is_empty());
        let expected = (0..JOBS).map(|number| (number, "done"));
        assert!(told.iter().eq(expected));
        let all = JOBS as u64;
        assert_eq!(stored(&writer).await, (all, all, all));
    }

    #[tokio::test]
    async fn a_writer_that_has_stopped_refuses_each_job_once() {
        let writer = writer();
        let panicked = writer
            .run(|_, _| -> Result<(), StoreError> { panic!("as the test wants") })
            .await;
        assert_eq!(panicked, Err(StoreError::Stopped));
        // The answer of the panicked job is dropped before the queue is: wait for the queue's end.
        if let Some(queue) = &writer.0.queue {
            queue.closed().await;
        }
        let (mut jobs, told) = jobs(QUEUE_MAX + 3);
        assert_eq!(writer.submit_all(&mut jobs).await, Err(StoreError::Stopped));
        assert!(jobs.is_empty());
        let expected = (0..QUEUE_MAX + 3).map(|number| (number, "stopped"));
        assert!(told.iter().eq(expected));
    }
}
