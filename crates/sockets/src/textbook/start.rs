//! Starting one row.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use jiff::Zoned;
use landline_engine::protocol::{CommandOf, DatagramProtocol, Ended, Service};
use landline_engine::{Error, Kind, NoWork, Options, Reply, Running, SendService, Worker};
use landline_services::chat_udp::{Chat, Shown};
use landline_services::exec::{Exec, ExecSized, Style, UdpServer};
use landline_services::receive::Receive;
use landline_services::relay::Relay;
use landline_services::restrained::{Restrained, Restraint};
use landline_services::sink::Sink;
use landline_services::talk::{Replier, Talk};
use landline_services::{chargen, clock, daytime, discard, echo, hello, time, upper};
use landline_wire::Decoder;

use super::guard::Guarded;
use super::reverse::Reverse;
use super::screen::shows;
use super::{Config, Holder, Row, StartError, Transport};
use crate::exec::{CommandWorker, Commands};
use crate::files::FileWorker;

/// Starts a row, and says which engine serves it.
pub(super) fn start(row: Row, config: &Config) -> Result<(Running, String), StartError> {
    let port = config.ports.get(&row).copied().unwrap_or(row.port());
    let address = SocketAddr::new(config.address, port);
    let mut options = config.options.clone();
    if let Some(process) = &mut options.process {
        process.arguments.push(row.name().into());
    }
    let refused = |source: io::Error| StartError::Listen {
        row,
        address,
        holder: (source.kind() == io::ErrorKind::AddrInUse)
            .then(|| Holder::find(row.transport(), address))
            .flatten(),
        source,
    };
    match row.transport() {
        Transport::Tcp => {
            let listener = landline_engine::listen(address, &options).map_err(refused)?;
            stream(
                row,
                config,
                Listening {
                    row,
                    listener,
                    options,
                },
            )
        }
        Transport::Udp => {
            let socket = UdpSocket::bind(address).map_err(refused)?;
            datagrams(row, config, socket, options)
        }
    }
}

/// Serves the one connection that is this process's standard input.
pub(super) fn inherited(row: Row, config: &Config) -> Result<Ended, StartError> {
    stream(
        row,
        config,
        Inherited {
            row,
            options: config.options.clone(),
        },
    )
}

/// Where a service's connections come from.
trait Host {
    type Hosted;

    fn host<S, W>(self, service: S, worker: W) -> Result<Self::Hosted, StartError>
    where
        S: SendService,
        W: Worker<S::Work, CommandOf<S>> + 'static;
}

/// From a listener.
struct Listening {
    row: Row,
    listener: TcpListener,
    options: Options,
}

impl Host for Listening {
    type Hosted = (Running, String);

    fn host<S, W>(mut self, service: S, worker: W) -> Result<Self::Hosted, StartError>
    where
        S: SendService,
        W: Worker<S::Work, CommandOf<S>> + 'static,
    {
        // What connections share cannot be in processes of their own; the table that people see says so.
        if self.options.kind == Kind::Process && !service.is_isolated() {
            self.options.kind = Kind::Epoll;
        }
        let engine = self.options.kind.to_string();
        let running = landline_engine::serve(self.listener, service, worker, &self.options);
        Ok((running.map_err(failed(self.row))?, engine))
    }
}

/// From whoever started this process.
struct Inherited {
    row: Row,
    options: Options,
}

impl Host for Inherited {
    type Hosted = Ended;

    fn host<S, W>(self, service: S, worker: W) -> Result<Ended, StartError>
    where
        S: SendService,
        W: Worker<S::Work, CommandOf<S>> + 'static,
    {
        landline_engine::serve_inherited(service, worker, &self.options).map_err(failed(self.row))
    }
}

fn failed(row: Row) -> impl FnOnce(Error) -> StartError {
    move |source| StartError::Engine { row, source }
}

fn stream<H: Host>(row: Row, config: &Config, host: H) -> Result<H::Hosted, StartError> {
    let screen = Arc::clone(&config.screen);
    let show = || shows(row, config.encoding, Arc::clone(&config.screen));
    match row {
        Row::Hello | Row::Gate => host.host(guarded(row, config, hello::service()), NoWork),
        Row::ClockTcp => host.host(guarded(row, config, clock::service(Zoned::now)), NoWork),
        Row::Upper => host.host(guarded(row, config, upper::service()), NoWork),
        Row::Relay => host.host(guarded(row, config, Relay::new(show())), NoWork),
        Row::Talk => {
            let replier = match config.person {
                Some(_) => Replier::Person,
                None => Replier::Program(config.replies.clone()),
            };
            host.host(
                guarded(row, config, Talk::new(replier, show())),
                config.person.clone().unwrap_or_default(),
            )
        }
        Row::Sink => host.host(guarded(row, config, Sink::new(show())), NoWork),
        Row::Receive => {
            let worker = FileWorker::open(&config.directory).map_err(|source| StartError::Directory {
                row,
                directory: config.directory.clone(),
                source,
            })?;
            let receive = Receive::new(move |peer, note: &_| screen.note(row, peer, &format!("{note}")));
            host.host(guarded(row, config, receive), worker)
        }
        Row::ExecReverse => {
            let (commands, encoding) = (config.commands.clone(), config.reverse_encoding);
            let reverse = Reverse {
                commands,
                encoding,
                screen,
                clients: BTreeMap::new(),
            };
            host.host(guarded(row, config, reverse), NoWork)
        }
        Row::ExecSized => host.host(
            guarded(row, config, ExecSized::new(config.exec.is_some())),
            commands(config),
        ),
        Row::Exec | Row::ExecStruct | Row::ExecHeader | Row::ExecDone => {
            let style = match row {
                Row::ExecStruct => Style::Struct,
                Row::ExecHeader => Style::Header,
                Row::ExecDone => Style::Done,
                _ => Style::Plain,
            };
            host.host(
                guarded(row, config, Exec::new(style, config.exec.is_some())),
                commands(config),
            )
        }
        _ => small(row, config, host),
    }
}

/// The small services of inetd.
fn small<H: Host>(row: Row, config: &Config, host: H) -> Result<H::Hosted, StartError> {
    match row {
        Row::Discard => host.host(guarded(row, config, discard::service()), NoWork),
        Row::Chargen => host.host(guarded(row, config, chargen::service()), NoWork),
        Row::Daytime => host.host(guarded(row, config, daytime::service(Zoned::now)), NoWork),
        Row::Time => host.host(guarded(row, config, time::service(Zoned::now)), NoWork),
        _ => host.host(guarded(row, config, echo::service()), NoWork),
    }
}

fn guarded<S: Service>(row: Row, config: &Config, inner: S) -> Guarded<S> {
    let gate = (config.gate_everywhere || row == Row::Gate).then(|| config.gate.clone());
    Guarded {
        inner,
        gate,
        any_bytes: row.is_small(),
    }
}

/// A worker for one service; it is never asked where commands are not allowed.
fn commands(config: &Config) -> CommandWorker {
    let commands = config.exec.clone().unwrap_or_else(|| {
        Commands::new(crate::exec::Options::new(crate::exec::Supervisor {
            program: "/proc/self/exe".into(),
            arguments: Vec::new(),
        }))
    });
    CommandWorker::new(commands).with_encoding(config.encoding)
}

fn datagrams(
    row: Row,
    config: &Config,
    socket: UdpSocket,
    options: Options,
) -> Result<(Running, String), StartError> {
    match row {
        Row::ClockUdp => restrained(row, socket, clock::datagrams(Zoned::now), NoWork, options),
        Row::ChatUdp => chat(row, config, socket, options),
        Row::ExecUdp => restrained(
            row,
            socket,
            UdpServer::new(config.exec.is_some()),
            commands(config),
            options,
        ),
        Row::EchoUdp => restrained(row, socket, echo::datagrams(), NoWork, options),
        Row::DiscardUdp => restrained(row, socket, discard::datagrams(), NoWork, options),
        Row::ChargenUdp => {
            let mut seed = [0; 8];
            // Any seed will do; it only varies the lengths.
            let _ = crate::random::fill(&mut seed);
            restrained(
                row,
                socket,
                chargen::datagrams(u64::from_ne_bytes(seed)),
                NoWork,
                options,
            )
        }
        Row::DaytimeUdp => restrained(row, socket, daytime::datagrams(Zoned::now), NoWork, options),
        Row::TimeUdp => restrained(row, socket, time::datagrams(Zoned::now), NoWork, options),
        _ => restrained(row, socket, hello::datagrams(), NoWork, options),
    }
}

fn chat(
    row: Row,
    config: &Config,
    socket: UdpSocket,
    options: Options,
) -> Result<(Running, String), StartError> {
    let chat = Chat::new(config.names.iter().map(|(name, address)| {
        // Nobody can type a name that the encoding does not have.
        let name = config.encoding.encode(name);
        (name.unwrap_or_default(), *address)
    }));
    let screen = Shows {
        row,
        config: config.clone(),
    };
    let Some(person) = &config.person else {
        return restrained(
            row,
            socket,
            chat.headless(config.replies.clone()),
            screen,
            options,
        );
    };
    let options = for_datagrams(options);
    // What a person types is no answer that a stranger could make longer.
    let (running, handle) =
        landline_engine::serve_datagrams_commanded(socket, chat, screen, &options).map_err(failed(row))?;
    person.types_into(move |line| handle.command(line));
    Ok((running, options.kind.to_string()))
}

/// No service of datagrams can be used to flood others. Engines that are about connections serve datagrams by epoll.
fn restrained<D, W>(
    row: Row,
    socket: UdpSocket,
    protocol: D,
    worker: W,
    options: Options,
) -> Result<(Running, String), StartError>
where
    D: DatagramProtocol<Command: Send + 'static> + Send + 'static,
    W: Worker<D::Work, D::Command> + 'static,
{
    let options = for_datagrams(options);
    let protocol = Restrained::new(Restraint::default(), protocol);
    let running = landline_engine::serve_datagrams(socket, protocol, worker, &options);
    Ok((running.map_err(failed(row))?, options.kind.to_string()))
}

fn for_datagrams(mut options: Options) -> Options {
    if matches!(options.kind, Kind::Threads | Kind::Sharded(_) | Kind::Process) {
        options.kind = Kind::Epoll;
    }
    options
}

/// Shows what a chat of datagrams has to show.
struct Shows {
    row: Row,
    config: Config,
}

impl Worker<Shown, Vec<u8>> for Shows {
    fn start(&self, shown: Shown, reply: Reply<Vec<u8>>) {
        reply.needs_none();
        let decoded = |text: &[u8]| {
            let mut decoder = Decoder::new(self.config.encoding);
            decoder.decode(text) + &decoder.finish()
        };
        match shown {
            Shown::Said { from, text } => self.config.screen.said(self.row, from, &decoded(&text)),
            Shown::Unknown(name) => {
                let name = Shown::Unknown(decoded(&name).into_bytes());
                self.config.screen.hint(&name.to_string());
            }
            other => self.config.screen.hint(&other.to_string()),
        }
    }
}
