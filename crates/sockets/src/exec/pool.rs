//! How many commands run, and who waits.

use std::collections::VecDeque;
use std::fmt;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use landline_services::exec::{Outcome, Run};

use super::{Options, collect};

/// Runs commands, a bounded number at once. Clones share the bounds.
#[derive(Clone, Debug)]
pub struct Commands {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Threads that run commands. At most `running_max`.
    running: usize,
    /// At most `waiting_max`.
    waiting: VecDeque<Job>,
}

struct Job {
    run: Run,
    cancel: Cancel,
    done: Box<dyn FnOnce(Outcome) + Send>,
}

impl Commands {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                state: Mutex::default(),
            }),
        }
    }

    /// Has a command run. Does not block: `done` is called from another thread, or from this one where the command is
    /// refused, exactly once. When it is called nothing of the command is left.
    pub fn start(&self, run: Run, cancel: &Cancel, done: impl FnOnce(Outcome) + Send + 'static) {
        let job = Job {
            run,
            cancel: cancel.clone(),
            done: Box::new(done),
        };
        let Options {
            running_max,
            waiting_max,
            ..
        } = self.shared.options;
        let mut state = self.shared.lock();
        let mut given_up = VecDeque::new();
        if state.running < running_max.max(1) {
            state.running += 1;
            drop(state);
            return self.run_on_a_thread(job);
        }
        if state.waiting.len() >= waiting_max {
            let (cancelled, waiting) = state.waiting.drain(..).partition(|job| job.cancel.is_cancelled());
            given_up = cancelled;
            state.waiting = waiting;
        }
        let refused = if state.waiting.len() < waiting_max {
            state.waiting.push_back(job);
            None
        } else {
            Some(job)
        };
        drop(state);
        for job in given_up {
            job.give_up();
        }
        if let Some(job) = refused {
            (job.done)(Outcome::not_run(
                "too many commands run and wait: try again later",
            ));
        }
    }

    /// Has a command run, and waits for it.
    #[must_use]
    pub fn run(&self, run: Run, cancel: &Cancel) -> Outcome {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.start(run, cancel, move |outcome| {
            // The receiver waits below.
            let _ = sender.send(outcome);
        });
        receiver
            .recv()
            .unwrap_or_else(|_| Outcome::not_run("the command was given up"))
    }

    /// A thread for this command and for those that wait. A place for it was taken.
    fn run_on_a_thread(&self, job: Job) {
        let shared = Arc::clone(&self.shared);
        // A thread that does not start drops its closure, and the job with it, so the job goes another way.
        let hand_over = Arc::new(Mutex::new(Some(job)));
        let taken = Arc::clone(&hand_over);
        let started = thread::Builder::new().name("command".to_owned()).spawn(move || {
            let mut next = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
            while let Some(job) = next {
                job.run(&shared.options);
                next = shared.next();
            }
        });
        let Err(error) = started else {
            return;
        };
        self.shared.lock().running -= 1;
        if let Some(job) = hand_over.lock().unwrap_or_else(PoisonError::into_inner).take() {
            (job.done)(Outcome::not_run(format!("no thread for the command: {error}")));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is; where nobody waits, the caller's place is free again.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        let job = state.waiting.pop_front();
        if job.is_none() {
            state.running -= 1;
        }
        job
    }
}

impl Job {
    fn run(self, options: &Options) {
        if self.cancel.is_cancelled() {
            return self.give_up();
        }
        let outcome = collect::run(&self.run, options, &self.cancel);
        (self.done)(outcome);
    }

    fn give_up(self) {
        (self.done)(Outcome::not_run("the command was cancelled before its turn"));
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Job")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// Ends a command before its time. Clones end the same one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Mutex<CancelState>>);

#[derive(Debug, Default)]
struct CancelState {
    is_cancelled: bool,
    /// The way to the supervisor, while there is one.
    control: Option<Arc<UnixStream>>,
}

impl Cancel {
    /// Ends the command, with all that it started, if it has begun; else it does not begin. Does not wait.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.is_cancelled = true;
        if let Some(control) = state.control.take() {
            // It fails where the supervisor is gone, which is what we want of it.
            let _ = control.shutdown(Shutdown::Write);
        }
    }

    /// Whether somebody cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    /// The command has begun: its supervisor listens to `control`.
    pub(super) fn attach(&self, control: &Arc<UnixStream>) {
        let mut state = self.lock();
        if state.is_cancelled {
            let _ = control.shutdown(Shutdown::Write);
        } else {
            state.control = Some(Arc::clone(control));
        }
    }

    /// The command has ended.
    pub(super) fn detach(&self) {
        self.lock().control = None;
    }

    fn lock(&self) -> MutexGuard<'_, CancelState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
