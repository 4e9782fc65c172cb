//! A process for each connection: a program started afresh that finds the connection as its standard input, never a
//! fork of a process with threads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use landline_protocol::{AdmissionLimits, Admissions, CommandOf, ConnId, Ended, Service};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::acceptor::{self, Workforce};
use crate::link::Link;
use crate::mailbox::{Mailbox, Message, Router};
use crate::report::Counters;
use crate::running::Running;
use crate::shared::Shared;
use crate::socket;
use crate::threads::drive;
use crate::worker::Worker;
use crate::{Error, Options, ProcessCommand, Signals};

/// The one connection of such a process.
const ONLY: ConnId = ConnId(0);

pub(crate) fn serve(listener: TcpListener, options: &Options) -> Result<Running, Error> {
    let Some(command) = options.process.clone() else {
        return Err(Error::Unconfigured {
            kind: options.kind,
            what: "a program to start for each connection",
        });
    };
    listener
        .set_nonblocking(true)
        .map_err(Error::system("make the listener non-blocking"))?;
    let address = listener
        .local_addr()
        .map_err(Error::system("read the listener's address"))?;
    let mailbox = Arc::new(Mailbox::new().map_err(Error::system("make a mailbox"))?);
    let counters: Arc<Counters> = Arc::default();
    let limits = AdmissionLimits {
        connections: options.admission.connections.min(options.workers_max),
        ..options.admission
    };
    let mut processes = Processes {
        command,
        admissions: Admissions::new(limits),
        counters: Arc::clone(&counters),
        acceptor: Arc::clone(&mailbox),
        last: 0,
        running: BTreeMap::new(),
    };
    let (own, grace) = (Arc::clone(&mailbox), options.grace);
    let acceptor = thread::Builder::new().name("acceptor".to_owned()).spawn(move || {
        if let Err(error) = acceptor::run(listener, &own, grace, &mut processes) {
            tracing::error!(%error, "the server cannot wait for connections any more");
        }
    });
    let acceptor = acceptor.map_err(Error::system("start a thread"))?;
    Ok(Running {
        address,
        stop: Arc::new(move || mailbox.post(Message::Stop)),
        counters,
        threads: vec![acceptor],
    })
}

struct Processes {
    command: ProcessCommand,
    admissions: Admissions,
    counters: Arc<Counters>,
    acceptor: Arc<Mailbox<()>>,
    last: u64,
    running: BTreeMap<ConnId, Process>,
}

struct Process {
    /// Names the process and no other, also after it has ended.
    handle: OwnedFd,
    remote: SocketAddr,
    /// Whether it was asked to stop. It ends with success only where its connection came to its end.
    asked: bool,
    cut_off: bool,
    exit: Arc<Mutex<Option<bool>>>,
}

impl Workforce for Processes {
    fn serve(&mut self, socket: OwnedFd, remote: SocketAddr) {
        if self.admissions.enter(remote.ip()).is_none() {
            return self.counters.refused();
        }
        self.last += 1;
        match self.start(socket, remote, ConnId(self.last)) {
            Ok(process) => {
                self.counters.accepted();
                self.running.insert(ConnId(self.last), process);
            }
            Err(error) => {
                tracing::warn!(%error, "no process for a connection; it is closed");
                self.admissions.leave(remote.ip());
                self.counters.refused();
            }
        }
    }

    fn stop(&mut self, at_once: bool) {
        let signal = if at_once { Signal::KILL } else { Signal::TERM };
        for process in self.running.values_mut() {
            process.asked = true;
            process.cut_off |= at_once;
            // It fails only where the process has ended.
            let _ = rustix::process::pidfd_send_signal(&process.handle, signal);
        }
    }

    fn over(&mut self, message: Message<()>) {
        let Message::Finish(id) = message else {
            return;
        };
        if let Some(process) = self.running.remove(&id) {
            self.admissions.leave(process.remote.ip());
            let succeeded = process
                .exit
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .unwrap_or(false);
            self.counters.ended(
                match (process.cut_off || process.asked && !succeeded, succeeded) {
                    (true, _) => Ended::Stopped,
                    (false, true) => Ended::Finished,
                    (false, false) => Ended::Reset,
                },
            );
        }
    }

    fn count(&self) -> usize {
        self.running.len()
    }
}

impl Processes {
    fn start(&self, socket: OwnedFd, remote: SocketAddr, id: ConnId) -> io::Result<Process> {
        let exit = Arc::new(Mutex::new(None));
        let waiter = self.waiter(id, Arc::clone(&exit))?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            // A terminal's interrupt goes to everybody in its group: together with ours it would be the second stop.
            .process_group(0)
            .spawn()?;
        match handle_of(&child) {
            Ok(handle) => {
                // The waiter lives until it has been given a child.
                let _ = waiter.send(child);
                Ok(Process {
                    handle,
                    remote,
                    asked: false,
                    cut_off: false,
                    exit,
                })
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// A thread that waits for the child that it is given, then says that it is over.
    fn waiter(&self, id: ConnId, exit: Arc<Mutex<Option<bool>>>) -> io::Result<mpsc::Sender<Child>> {
        let (sender, receiver) = mpsc::channel::<Child>();
        let acceptor = Arc::clone(&self.acceptor);
        thread::Builder::new()
            .name("waiter".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || {
                if let Ok(mut child) = receiver.recv() {
                    let succeeded = child.wait().is_ok_and(|status| status.success());
                    *exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(succeeded);
                    acceptor.post(Message::Finish(id));
                }
            })?;
        Ok(sender)
    }
}

fn handle_of(child: &Child) -> io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// Serves the one connection that this process was started for, its standard input, until it ends or SIGTERM asks it
/// to. Standard input is `/dev/null` afterwards.
///
/// # Errors
/// Standard input is no connection, or the system's.
pub fn serve_inherited<S, W>(service: S, worker: W, options: &Options) -> Result<Ended, Error>
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
    CommandOf<S>: Send + 'static,
{
    let (socket, remote) =
        inherited().map_err(Error::system("take the connection over from standard input"))?;
    let mailbox = Arc::new(Mailbox::new().map_err(Error::system("make a mailbox"))?);
    let shared = Shared::new(
        service,
        worker,
        Router::Shards(vec![Arc::clone(&mailbox)]),
        options,
    );
    let bell = Arc::clone(&mailbox);
    let _signals =
        Signals::on_stop(move || bell.post(Message::Stop)).map_err(Error::system("watch for signals"))?;
    let Some((socket, conn)) = shared.admit(socket, remote, ONLY, Instant::now()) else {
        return Ok(Ended::Finished);
    };
    Ok(drive(&shared, Link::new(socket, remote, conn), &mailbox, ONLY))
}

fn inherited() -> io::Result<(OwnedFd, SocketAddr)> {
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    rustix::stdio::dup2_stdin(&File::open("/dev/null")?)?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    let remote = socket::remote_address(&stream)?;
    Ok((stream.into(), remote))
}
