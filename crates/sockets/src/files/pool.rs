//! A few threads that do what many connections ask: each connection's in order, one thing at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use landline_engine::protocol::ConnId;
use landline_services::receive::{FileAnswer, FileFailure, FileWork};

use super::directory::Directory;
use super::failure::failure;
use super::partial::Partial;

/// How many threads wait for the disk. More would not make it faster; one would let a slow sync hold up everybody.
const THREADS: usize = 4;

/// Where an answer goes.
pub(super) type Answer = Box<dyn FnOnce(FileAnswer) + Send>;

/// The threads.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(directory: Directory) -> io::Result<Self> {
        let shared = Shared {
            directory: Arc::new(directory),
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        // The threads that did start are ended by the drop.
        let mut pool = Self {
            shared: Arc::new(shared),
            threads: Vec::with_capacity(THREADS),
        };
        for number in 0..THREADS {
            let shared = Arc::clone(&pool.shared);
            let thread = Builder::new()
                .name(format!("files-{number}"))
                .spawn(move || shared.work())?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    pub(super) fn submit(&self, connection: ConnId, work: FileWork, answer: Answer) {
        self.shared.lock().push(connection, work, answer);
        self.shared.changed.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
        // What is not whole goes now, even if somebody else still holds the rest.
        let rest = std::mem::take(&mut *self.shared.lock());
        drop(rest);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("directory", &self.shared.directory)
            .finish_non_exhaustive()
    }
}

/// What the threads share.
struct Shared {
    directory: Arc<Directory>,
    /// Never held while the disk is waited for.
    queue: Mutex<Queue>,
    /// Told when a connection becomes ready, and at the end.
    changed: Condvar,
}

impl Shared {
    fn work(&self) {
        while let Some(job) = self.next() {
            let Job {
                connection,
                partial,
                work,
                answer,
            } = job;
            let (partial, result) = perform(&self.directory, partial, work);
            self.lock().done(connection, partial);
            self.changed.notify_one();
            answer(result);
        }
    }

    /// Waits for something to do; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.is_closing {
                return None;
            }
            if let Some(job) = queue.pop() {
                return Some(job);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does one thing. What it returns of the file that was begun is what is left of it.
fn perform(
    directory: &Arc<Directory>,
    partial: Option<Partial>,
    work: FileWork,
) -> (Option<Partial>, FileAnswer) {
    let result = match (work, partial) {
        (FileWork::Open { name, .. }, None) => Partial::create(directory, name).map(Some),
        (FileWork::Block(block), Some(mut partial)) => partial.write(&block).map(|()| Some(partial)),
        (FileWork::Finish, Some(partial)) => partial.publish().map(|()| None),
        (FileWork::Abandon, partial) => {
            drop(partial);
            Ok(None)
        }
        (FileWork::Find(name), partial) => {
            let answer = match directory.find(name.as_str()) {
                Ok((file, length)) => FileAnswer::Found {
                    file: Arc::new(file.into()),
                    length,
                },
                Err(error) => FileAnswer::Failed(failure(error)),
            };
            return (partial, answer);
        }
        (FileWork::Open { .. }, Some(_)) | (FileWork::Block(_) | FileWork::Finish, None) => {
            Err(FileFailure::OutOfOrder)
        }
    };
    match result {
        Ok(partial) => (partial, FileAnswer::Done),
        Err(failure) => (None, FileAnswer::Failed(failure)),
    }
}

/// One thing, taken out of the queue.
struct Job {
    connection: ConnId,
    partial: Option<Partial>,
    work: FileWork,
    answer: Answer,
}

#[derive(Default)]
struct Queue {
    /// Connections with something to do that no thread is doing; each stands here once.
    ready: VecDeque<ConnId>,
    /// Connections with something to do or a file that was begun.
    slots: BTreeMap<ConnId, Slot>,
    is_closing: bool,
}

/// One connection. It asks one thing at a time, and once more when it leaves, so few wait here.
#[derive(Default)]
struct Slot {
    waiting: VecDeque<(FileWork, Answer)>,
    /// Whether a thread does something for it.
    is_busy: bool,
    /// The file that was begun, while no thread has it.
    partial: Option<Partial>,
}

impl Queue {
    fn push(&mut self, connection: ConnId, work: FileWork, answer: Answer) {
        let slot = self.slots.entry(connection).or_default();
        if slot.waiting.is_empty() && !slot.is_busy {
            self.ready.push_back(connection);
        }
        slot.waiting.push_back((work, answer));
    }

    fn pop(&mut self) -> Option<Job> {
        let connection = self.ready.pop_front()?;
        let slot = self.slots.get_mut(&connection)?;
        let (work, answer) = slot.waiting.pop_front()?;
        slot.is_busy = true;
        Some(Job {
            connection,
            partial: slot.partial.take(),
            work,
            answer,
        })
    }

    fn done(&mut self, connection: ConnId, partial: Option<Partial>) {
        let Some(slot) = self.slots.get_mut(&connection) else {
            return;
        };
        slot.is_busy = false;
        slot.partial = partial;
        if !slot.waiting.is_empty() {
            self.ready.push_back(connection);
        } else if slot.partial.is_none() {
            self.slots.remove(&connection);
        }
    }
}
