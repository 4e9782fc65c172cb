//! The names of the textbook's services.

use std::fmt;
use std::str::FromStr;

/// What carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A stream.
    Tcp,
    /// Datagrams.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

macro_rules! rows {
    ($($row:ident $name:literal $transport:ident $port:literal $default:literal $about:literal)*) => {
        /// One service of the textbook.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Row {
            $(#[doc = $about] $row,)*
        }

        impl Row {
            /// All of them, in the textbook's order; the small services of inetd last.
            pub const ALL: &[Self] = &[$(Self::$row,)*];

            /// What people call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$row => $name,)* }
            }

            /// What carries it.
            #[must_use]
            pub const fn transport(self) -> Transport {
                match self { $(Self::$row => Transport::$transport,)* }
            }

            /// Its port where none is given.
            #[must_use]
            pub const fn port(self) -> u16 {
                match self { $(Self::$row => $port,)* }
            }

            /// Whether it is served where nothing is named.
            #[must_use]
            pub const fn is_default(self) -> bool {
                match self { $(Self::$row => $default,)* }
            }

            /// What it does, in a line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$row => $about,)* }
            }
        }
    };
}

rows! {
    Hello "hello" Tcp 8898 true "Answers `hi` and closes."
    HelloUdp "hello-udp" Udp 9002 true "Answers any datagram with `hi`."
    ClockUdp "clock-udp" Udp 9000 true "Tells the time in the strftime format of the datagram."
    ClockTcp "clock-tcp" Tcp 9001 true "The same; each read is a request."
    Upper "upper" Tcp 9999 true "Answers with ASCII letters in upper case."
    Relay "relay" Tcp 8887 true "Group chat: each read goes to everybody."
    Talk "talk" Tcp 8089 true "Two-way talk, until `bye` or `q`."
    ChatUdp "chat-udp" Udp 8081 true "Chat in datagrams."
    Sink "sink" Tcp 8002 true "Shows what comes, never answers."
    Gate "gate" Tcp 8090 true "`hello` behind an HMAC check."
    Receive "receive" Tcp 8080 true "Takes and gives files behind a JSON header."
    Exec "exec" Tcp 8888 true "Runs each read as a command."
    ExecUdp "exec-udp" Udp 8889 true "Runs each datagram as a command."
    ExecSized "exec-sized" Tcp 8880 true "Commands; the answer's size first, acknowledged."
    ExecStruct "exec-struct" Tcp 8881 true "Commands; the answer's size as a C int first."
    ExecHeader "exec-header" Tcp 8882 true "Commands; a JSON header first."
    ExecDone "exec-done" Tcp 50007 true "Commands; `Done.` where nothing was printed."
    ExecReverse "exec-reverse" Tcp 8091 true "Sends commands to its clients, in GBK."
    Echo "echo" Tcp 7 false "RFC 862: sends back what comes."
    EchoUdp "echo-udp" Udp 7 false "RFC 862 over datagrams."
    Discard "discard" Tcp 9 false "RFC 863: throws away what comes."
    DiscardUdp "discard-udp" Udp 9 false "RFC 863 over datagrams."
    Chargen "chargen" Tcp 19 false "RFC 864: sends characters without end."
    ChargenUdp "chargen-udp" Udp 19 false "RFC 864 over datagrams."
    Daytime "daytime" Tcp 13 false "RFC 867: the time, for people."
    DaytimeUdp "daytime-udp" Udp 13 false "RFC 867 over datagrams."
    Time "time" Tcp 37 false "RFC 868: the time, in 32 bits."
    TimeUdp "time-udp" Udp 37 false "RFC 868 over datagrams."
}

impl Row {
    /// Whether it is about commands, on either side.
    #[must_use]
    pub const fn runs_commands(self) -> bool {
        matches!(
            self,
            Self::Exec
                | Self::ExecUdp
                | Self::ExecSized
                | Self::ExecStruct
                | Self::ExecHeader
                | Self::ExecDone
                | Self::ExecReverse
        )
    }

    /// Whether it is one of inetd's small services, which take any bytes for what they are.
    #[must_use]
    pub const fn is_small(self) -> bool {
        !self.is_default()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A name that no service has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the textbook has no {0:?}; it has {names}", names = names())]
pub struct UnknownRow(String);

fn names() -> String {
    Row::ALL
        .iter()
        .map(|row| row.name())
        .collect::<Vec<_>>()
        .join(", ")
}

impl FromStr for Row {
    type Err = UnknownRow;

    fn from_str(name: &str) -> Result<Self, UnknownRow> {
        let found = Self::ALL.iter().find(|row| row.name() == name);
        found.copied().ok_or_else(|| UnknownRow(name.to_owned()))
    }
}
