//! The command line.

use crate::bare::Bare;
use crate::{chat, echo, engines, files, udp};
use std::path::PathBuf;
use std::time::Duration;

/// Measures Landline beside its peers.
#[derive(Debug, clap::Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) area: Area,
}

/// What there is to measure.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Area {
    /// One large file and many small ones, beside scp, an rsync daemon and vsftpd; and what else transfers need.
    Files(Files),
    /// Stored messages and fan-out, beside nats-server and ngircd.
    Chat(Chat),
    /// Searching messages, beside the same query in the sqlite3 shell.
    Search(Search),
    /// Echo over TCP, beside a hand-written epoll loop and tokio; memory of idle connections.
    Echo(Echo),
    /// The UDP clock, beside a bare recvmmsg loop and chronyd's NTP.
    Udp(Udp),
    /// Landline's engines beside each other: echo on each.
    Engines(Engines),
    /// Serve as one of the servers that Landline is measured beside, until ended.
    #[command(hide = true)]
    Bare {
        #[arg(value_enum)]
        server: Bare,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Files {
    /// What of it, all where nothing is named.
    #[arg(value_name = "PART", value_enum, default_values_t = files::Part::ALL, hide_default_value = true)]
    pub(crate) parts: Vec<files::Part>,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Measure once more in this directory, which is on a disk, with what was written synced where a peer can.
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Chat {
    /// What of it, all where nothing is named.
    #[arg(value_name = "PART", value_enum, default_values_t = chat::Part::ALL, hide_default_value = true)]
    pub(crate) parts: Vec<chat::Part>,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Where databases and logs go; it should be on a disk.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) disk: PathBuf,
    /// How many read one room; several numbers are measured one after the other, latency with the last one. [default:
    /// 100,1000; with --quick 10,50]
    #[arg(long, value_name = "N", value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(1..=MEMBERS_MAX))]
    pub(crate) members: Vec<u16>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Where the databases go; it should be on a disk.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) disk: PathBuf,
    /// How many messages there are to search; 20,000 for a quick look.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) messages: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Echo {
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Who is measured.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_enum, default_values_t = echo::Peer::ALL)]
    pub(crate) servers: Vec<echo::Peer>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Udp {
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Who is measured.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_enum, default_values_t = udp::Peer::ALL)]
    pub(crate) servers: Vec<udp::Peer>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Engines {
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Which engines, by the names that `landline textbook --engine` knows.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values_t = engines::ALL.map(str::to_owned))]
    pub(crate) engines: Vec<String>,
}

/// The most members that one run connects: a hub as it is shipped admits 10,000 connections, and somebody must speak.
const MEMBERS_MAX: i64 = 9_000;

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Rounds {
    /// How often each thing is measured; peers take turns.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) runs: u16,
    /// Small sizes and short times: to see that it works, not to compare.
    #[arg(long)]
    pub(crate) quick: bool,
}

/// How long one measurement lasts, and a short one.
const TIME: Duration = Duration::from_millis(1500);
const TIME_QUICKLY: Duration = Duration::from_millis(150);

impl Rounds {
    /// How long one measurement of echoes or datagrams lasts.
    pub(crate) fn time(self) -> Duration {
        if self.quick { TIME_QUICKLY } else { TIME }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn members_are_a_list_and_bounded() {
        let parse = |arguments: &str| Options::try_parse_from(format!("bench {arguments}").split(' '));
        let Area::Chat(chat) = parse("chat --members 100,1000 --runs 3").unwrap().area else {
            panic!("not chat")
        };
        assert_eq!((chat.members, chat.rounds.runs), (vec![100, 1000], 3));
        assert_eq!(chat.parts, chat::Part::ALL);
        assert!(parse("chat --members 0").is_err());
        assert!(parse("files --runs 0").is_err());
    }

    #[test]
    fn parts_are_chosen_by_name() {
        let parse = |arguments: &str| Options::try_parse_from(format!("bench {arguments}").split(' '));
        let Area::Chat(chosen) = parse("chat reconnect fan-out --quick").unwrap().area else {
            panic!("not chat")
        };
        assert_eq!(chosen.parts, [chat::Part::Reconnect, chat::Part::FanOut]);
        assert!(parse("chat weather").is_err());
    }

    #[test]
    fn servers_are_chosen_by_name() {
        let parse = |arguments: &str| Options::try_parse_from(format!("bench {arguments}").split(' '));
        let Area::Echo(echo) = parse("echo --servers tokio,epoll").unwrap().area else {
            panic!("not echo")
        };
        assert_eq!(echo.servers, [echo::Peer::Tokio, echo::Peer::Epoll]);
        let Area::Udp(udp) = parse("udp").unwrap().area else {
            panic!("not udp")
        };
        assert_eq!(udp.servers, udp::Peer::ALL);
        assert!(parse("echo --servers nginx").is_err());
    }
}
