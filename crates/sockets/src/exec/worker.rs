//! Commands as the slow work of a service.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landline_engine::protocol::ConnId;
use landline_engine::{Reply, Worker};
use landline_services::exec::{Outcome, Run, UdpOutcome, UdpRun, Work, transcoded};
use landline_wire::{Decoder, Encoding};

use super::pool::{Cancel, Commands};

/// Runs the commands of one service. Every service has a worker of its own, because it knows its connections by their
/// ids; the workers made of clones of one [`Commands`] share its bounds.
pub struct CommandWorker {
    commands: Commands,
    encoding: Encoding,
    running: Arc<Mutex<BTreeMap<ConnId, Cancel>>>,
}

impl CommandWorker {
    /// A worker for one service.
    #[must_use]
    pub fn new(commands: Commands) -> Self {
        Self {
            commands,
            encoding: Encoding::Utf8,
            running: Arc::default(),
        }
    }

    /// With commands that arrive in another encoding than the shell's UTF-8, and output that leaves in it.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    fn run(&self, mut run: Run, cancel: &Cancel, done: impl FnOnce(Outcome) + Send + 'static) {
        let encoding = self.encoding;
        if encoding != Encoding::Utf8 {
            let mut decoder = Decoder::new(encoding);
            let command = decoder.decode(&run.command) + &*decoder.finish();
            run.command = command.into_bytes();
        }
        self.commands.start(run, cancel, move |outcome| {
            done(Outcome {
                stdout: transcoded(&outcome.stdout, encoding),
                stderr: transcoded(&outcome.stderr, encoding),
                ended: outcome.ended,
            });
        });
    }
}

impl Worker<Work, Outcome> for CommandWorker {
    fn start(&self, work: Work, reply: Reply<Outcome>) {
        let id = reply.connection();
        match work {
            Work::Run(run) => {
                let cancel = Cancel::default();
                // Known before it begins, so that it is not put in after it was taken out.
                lock(&self.running).insert(id, cancel.clone());
                let running = Arc::clone(&self.running);
                self.run(run, &cancel, move |outcome| {
                    lock(&running).remove(&id);
                    reply.answer(outcome);
                });
            }
            Work::Cancel => {
                reply.needs_none();
                if let Some(cancel) = lock(&self.running).remove(&id) {
                    cancel.cancel();
                }
            }
        }
    }
}

impl Worker<UdpRun, UdpOutcome> for CommandWorker {
    fn start(&self, work: UdpRun, reply: Reply<UdpOutcome>) {
        let path = work.path;
        self.run(work.run, &Cancel::default(), move |outcome| {
            reply.answer(UdpOutcome { path, outcome })
        });
    }
}

fn lock(running: &Mutex<BTreeMap<ConnId, Cancel>>) -> MutexGuard<'_, BTreeMap<ConnId, Cancel>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for CommandWorker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CommandWorker")
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}
