//! How the textbook is served.

use super::screen::Terminal;
use crate::context::Usage;
use anyhow::{Context as _, Result};
use landline_sockets::engine::protocol::GateKey;
use landline_sockets::engine::{Kind, Options, ProcessCommand};
use landline_sockets::exec::{self, Commands, Supervisor};
use landline_sockets::textbook::{Config, Person, Row, UnknownRow};
use landline_sockets::{Digest, Encoding, Replies, gate};
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The textbook's secret, where no other is given.
const SECRET: &[u8] = b"egg";

#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// A port of its own for a service; `all=0` takes any free one for every service without one.
    #[arg(long, value_name = "NAME=PORT")]
    port: Vec<Port>,
    /// auto, select, poll, epoll, epoll-edge, threads, sharded, sharded:N or process.
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    engine: Kind,
    /// Where `receive` stores files, and finds them; made where it is not there.
    #[arg(long, value_name = "DIRECTORY", default_value = "received")]
    dir: PathBuf,
    /// Let the exec services run commands. Whoever reaches them can do what you can.
    #[arg(long)]
    allow_exec: bool,
    /// How long a command may run before it ends, with everything that it started.
    #[arg(long, value_name = "SECONDS", default_value_t = exec::LIMIT.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=exec::LIMIT_MAX.as_secs()))]
    exec_seconds: u64,
    /// Put the gate before every TCP service, not only before `gate`.
    #[arg(long)]
    gate: bool,
    /// The gate's secret is in this file; one newline at its end is not part of it (default: `egg`).
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The gate's HMAC: md5, as the textbook has it, or sha256.
    #[arg(long, value_name = "DIGEST", default_value = "md5")]
    digest: Digest,
    /// Have the gate prove in a second round that the server knows the secret too.
    #[arg(long)]
    mutual: bool,
    /// How long a peer may take at the gate.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86400))]
    gate_seconds: u64,
    /// How many connections one address may have.
    #[arg(long, value_name = "COUNT", default_value_t = Options::default().admission.per_address)]
    per_address: usize,
    /// How many connections a service may have.
    #[arg(long, value_name = "COUNT", default_value_t = Options::default().admission.connections)]
    connections: usize,
    /// After how long a connection is closed on which nothing moves.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    idle_seconds: u64,
    /// What `talk` and `chat-udp` answer (default: the same text back).
    #[arg(long, value_name = "TEXT", conflicts_with = "commands")]
    reply: Option<String>,
    /// What `exec-reverse` has run, or `talk` and `chat-udp` answer, a line each.
    #[arg(long, value_name = "FILE")]
    commands: Option<PathBuf>,
    /// Somebody whom `chat-udp` knows as @NAME.
    #[arg(long, value_name = "NAME=ADDRESS:PORT")]
    name: Vec<Name>,
    /// The encoding of texts and of commands and their output: utf-8, gbk or gb2312 (exec-reverse: default gbk).
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<Encoding>,
    /// The soft limit of open files before it was raised.
    #[arg(long, value_name = "COUNT", hide = true)]
    open_files: Option<u64>,
}

impl Settings {
    /// Whether answers were given that would be a person's.
    pub(super) fn is_headless(&self) -> bool {
        self.reply.is_some() || self.commands.is_some()
    }

    pub(super) fn has_secret_file(&self) -> bool {
        self.secret_file.is_some()
    }

    /// Reads what the files say, and puts everything together.
    pub(super) fn config(&self, rows: Vec<Row>, person: Option<Person>) -> Result<Config> {
        let lines = self.commands.as_deref().map(read_commands).transpose()?;
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        let commands = lines.clone().unwrap_or_else(|| vec!["q".to_owned()]);
        if rows.contains(&Row::Receive) {
            std::fs::create_dir_all(&self.dir)
                .with_context(|| format!("the directory {} cannot be made", self.dir.display()))?;
        }
        Ok(Config {
            address: self.listen,
            ports: self.ports(),
            options: self.options(),
            directory: self.dir.clone(),
            exec: self.allow_exec.then(|| Commands::new(self.exec())),
            gate: self.key()?,
            gate_everywhere: self.gate,
            replies: self.replies(lines, encoding)?,
            names: self
                .name
                .iter()
                .map(|Name(name, address)| (name.clone(), *address))
                .collect(),
            commands,
            encoding,
            reverse_encoding: self.encoding.unwrap_or(Encoding::Gbk),
            screen: Arc::new(Terminal::new(rows.len() > 1)),
            person,
            rows,
        })
    }

    /// A port for what is not served would do nothing.
    pub(super) fn check_ports(&self, rows: &[Row]) -> Result<(), Usage> {
        let named = self.port.iter().filter_map(|port| port.row);
        match named.into_iter().find(|row| !rows.contains(row)) {
            None => Ok(()),
            Some(row) => Err(Usage::new(
                format!("--port {row}=...: {row} is not served"),
                format!("name it too, or leave the port out: landline textbook {row}"),
            )),
        }
    }

    fn ports(&self) -> BTreeMap<Row, u16> {
        let all = self.port.iter().filter(|port| port.row.is_none());
        let own = self.port.iter().filter(|port| port.row.is_some());
        let mut ports = BTreeMap::new();
        for port in all.chain(own) {
            match port.row {
                None => ports.extend(Row::ALL.iter().map(|row| (*row, port.number))),
                Some(row) => drop(ports.insert(row, port.number)),
            }
        }
        ports
    }

    fn options(&self) -> Options {
        let mut options = Options {
            kind: self.engine,
            ..Options::default()
        };
        options.admission.per_address = self.per_address;
        options.admission.connections = self.connections;
        options.conn.idle = Some(Duration::from_secs(self.idle_seconds));
        // The same program with the same arguments, and the name of the service, which the textbook adds.
        // What follows a `--` is names, which it needs no more.
        let arguments = std::env::args_os().skip(1);
        let mut arguments: Vec<OsString> = arguments.take_while(|argument| argument != "--").collect();
        arguments.extend(self.open_files_argument());
        arguments.push("--serve-inherited".into());
        options.process = Some(ProcessCommand {
            program: "/proc/self/exe".into(),
            arguments,
        });
        options
    }

    fn exec(&self) -> exec::Options {
        let mut arguments = vec!["supervise".into()];
        arguments.extend(self.open_files_argument());
        let supervisor = Supervisor {
            program: "/proc/self/exe".into(),
            arguments,
        };
        exec::Options {
            limit: Duration::from_secs(self.exec_seconds),
            ..exec::Options::new(supervisor)
        }
    }

    /// What tells a process of ours how many files a command may open: as many as before we raised that for ourselves.
    /// Programs that use `select` rely on it.
    fn open_files_argument(&self) -> Option<OsString> {
        let before = self.open_files.or(getrlimit(Resource::Nofile).current);
        before.map(|limit| format!("--open-files={limit}").into())
    }

    fn key(&self) -> Result<GateKey> {
        let secret = secret(self.secret_file.as_deref())?;
        Ok(GateKey::new(&secret)
            .digest(self.digest)
            .mutual(self.mutual)
            .deadline(Duration::from_secs(self.gate_seconds)))
    }

    fn replies(&self, lines: Option<Vec<String>>, encoding: Encoding) -> Result<Replies> {
        if let Some(reply) = &self.reply {
            return Ok(Replies::Text(encoding.encode(reply)?));
        }
        let Some(lines) = lines else {
            return Ok(Replies::Echo);
        };
        let lines: Result<_, _> = lines.iter().map(|line| encoding.encode(line)).collect();
        Ok(Replies::Lines(lines?))
    }
}

/// A gate's secret: what is in the file, or the textbook's where there is none.
pub(in crate::commands) fn secret(file: Option<&Path>) -> Result<Vec<u8>> {
    let Some(path) = file else {
        return Ok(SECRET.to_vec());
    };
    let mut content = Vec::new();
    let limit = u64::try_from(gate::SECRET_FILE_MAX)? + 1;
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut content));
    read.with_context(|| format!("the secret file {} cannot be read", path.display()))?;
    let secret = gate::secret_from_file_bytes(&content)
        .with_context(|| format!("the secret file {} is no good", path.display()))?;
    Ok(secret.to_vec())
}

fn read_commands(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the commands in {} cannot be read", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// `--port NAME=PORT`
#[derive(Clone, Copy, Debug)]
struct Port {
    /// Every one, where it is none.
    row: Option<Row>,
    number: u16,
}

impl FromStr for Port {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let hint = "like --port hello=8898, or --port all=0";
        let (name, number) = text
            .split_once('=')
            .ok_or_else(|| Usage::new("--port wants NAME=PORT", hint))?;
        let row = match name {
            "all" => None,
            name => Some(
                name.parse()
                    .map_err(|unknown: UnknownRow| Usage::new(unknown.to_string(), hint))?,
            ),
        };
        let number = number
            .parse()
            .map_err(|_| Usage::new("a port is a number from 0 to 65535", hint))?;
        Ok(Self { row, number })
    }
}

/// `--name NAME=ADDRESS:PORT`
#[derive(Clone, Debug)]
struct Name(String, SocketAddr);

impl FromStr for Name {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let hint = "like --name bob=192.168.1.7:8081";
        let (name, address) = text
            .split_once('=')
            .ok_or_else(|| Usage::new("--name wants NAME=ADDRESS:PORT", hint))?;
        let address = address
            .parse()
            .map_err(|_| Usage::new("an address is HOST:PORT in numbers", hint))?;
        Ok(Self(name.to_owned(), address))
    }
}
