//! The table of settings. Files, environment, `config show` and the documentation all come from it.

use super::value::Value;

/// One setting: everything that is known about it before anybody gives it a value.
#[derive(Debug)]
pub struct Setting {
    /// Its name, with sections separated by dots; the environment variable is derived from it.
    pub key: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its value where nobody gives one.
    pub preset: Preset,
    /// The command line's flag that sets it, with its dashes.
    pub flag: Option<&'static str>,
    /// One line of documentation, with the unit.
    pub summary: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A list of addresses with ports.
    Addresses,
    /// An absolute path of a directory.
    Directory,
    /// A name that people read: 1 to [`super::value::MAX_NAME_CHARACTERS`] characters, no control characters.
    Name,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An amount of bytes, or the word `none`.
    Size,
    /// A whole number between the two, both included.
    Integer {
        /// The smallest value taken.
        minimum: u64,
        /// The largest value taken.
        maximum: u64,
    },
}

/// The value of a setting where nobody gives one.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Preset {
    /// These addresses.
    Addresses(&'static [&'static str]),
    /// This word.
    Word(&'static str),
    /// This number.
    Integer(u64),
    /// `landline` below the XDG data directory of the user.
    UserData,
    /// The machine's host name.
    HostName,
}

/// What every environment variable of Landline starts with.
pub const ENVIRONMENT_PREFIX: &str = "LANDLINE_";

/// Variables that start like settings, which the programs read for something else.
pub const OTHER_VARIABLES: &[&str] = &[
    "LANDLINE_BIN",
    "LANDLINE_CONFIG",
    "LANDLINE_HUB",
    "LANDLINE_KILL_ROUNDS",
    "LANDLINE_PASSWORD",
    "LANDLINE_TOKEN",
];

/// Words for `log.format`.
pub(super) const LOG_FORMATS: &[&str] = &["human", "json"];
/// Words for `log.level`, the quietest first.
pub(super) const LOG_LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
/// Words for what is there or not.
pub(super) const ON_OFF: &[&str] = &["on", "off"];

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        kind: Kind::Addresses,
        preset: Preset::Addresses(&["0.0.0.0:5263", "[::]:5263"]),
        flag: Some("--listen"),
        summary: "Addresses and ports that the hub serves on; port 0 lets the system choose.",
    },
    Setting {
        key: "data",
        kind: Kind::Directory,
        preset: Preset::UserData,
        flag: Some("--data"),
        summary: "Directory of everything that the hub keeps. Not for the file inside that directory.",
    },
    Setting {
        key: "name",
        kind: Kind::Name,
        preset: Preset::HostName,
        flag: Some("--name"),
        summary: "The hub's name as people see it.",
    },
    Setting {
        key: "discovery",
        kind: Kind::Choice(ON_OFF),
        preset: Preset::Word("on"),
        flag: None,
        summary: "Whether the hub tells the local network by multicast DNS that it is there; never on loopback alone.",
    },
    Setting {
        key: "log.format",
        kind: Kind::Choice(LOG_FORMATS),
        preset: Preset::Word("human"),
        flag: Some("--log-format"),
        summary: "How log records are written: text for people, or one JSON object a line.",
    },
    Setting {
        key: "log.level",
        kind: Kind::Choice(LOG_LEVELS),
        preset: Preset::Word("info"),
        flag: Some("--log-level"),
        summary: "The least important records that are still written.",
    },
    number(
        "limits.connections",
        10_000,
        1,
        1_000_000,
        "Connections open at once.",
    ),
    number(
        "limits.connections_per_address",
        1_000,
        1,
        1_000_000,
        "Connections open at once from one address; a household behind one router shares it.",
    ),
    number(
        "limits.handshakes_per_address",
        64,
        1,
        100_000,
        "TLS handshakes and logins under way at once from one address.",
    ),
    number(
        "limits.header_bytes",
        65_536,
        1_024,
        65_536,
        "Bytes of one message's header.",
    ),
    number(
        "limits.handshake_seconds",
        10,
        1,
        300,
        "Seconds from accepting a connection until somebody is logged in on it.",
    ),
    number(
        "limits.idle_seconds",
        300,
        5,
        86_400,
        "Seconds without any traffic from a peer until its connection is closed.",
    ),
    number(
        "limits.drain_seconds",
        10,
        0,
        3_600,
        "Seconds that open work is given when the hub stops.",
    ),
    number(
        "limits.password_hashes",
        64,
        1,
        10_000,
        "Logins that may wait for a password to be hashed; more are told to come back.",
    ),
    number(
        "sessions.idle_days",
        30,
        1,
        3_650,
        "Days without use until a login ends.",
    ),
    number(
        "sessions.absolute_days",
        90,
        1,
        3_650,
        "Days until a login ends, used or not.",
    ),
    number(
        "files.upload_expiry_hours",
        24,
        1,
        8_760,
        "Hours without progress until an unfinished upload is removed.",
    ),
    number(
        "files.trash_days",
        30,
        0,
        3_650,
        "Days that deleted and overwritten files are kept in the trash; a space may have its own time.",
    ),
    Setting {
        key: "files.home_quota",
        kind: Kind::Size,
        preset: Preset::Word("none"),
        flag: None,
        summary: "What the home of an account may hold, its trash included, where nothing else is set for it.",
    },
];

impl Setting {
    /// The setting of that exact key.
    pub fn of_key(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The setting of that exact environment variable.
    pub fn of_variable(variable: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.variable() == variable)
    }

    /// Its environment variable, such as `LANDLINE_LIMITS_CONNECTIONS`.
    pub fn variable(&self) -> String {
        format!(
            "{ENVIRONMENT_PREFIX}{}",
            self.key.to_ascii_uppercase().replace('.', "_")
        )
    }

    /// Its default as people read it.
    pub fn default_text(&self) -> String {
        match self.preset {
            Preset::Addresses(addresses) => {
                let quoted: Vec<_> = addresses.iter().map(|address| format!("{address:?}")).collect();
                format!("[{}]", quoted.join(", "))
            }
            Preset::Word(word) => Value::Text(word.to_owned()).to_string(),
            Preset::Integer(number) => number.to_string(),
            Preset::UserData => "$XDG_DATA_HOME/landline, or ~/.local/share/landline".to_owned(),
            Preset::HostName => "the host name".to_owned(),
        }
    }
}

impl Kind {
    /// What is expected, with an example: `a whole number from 1 to 300, such as 10`.
    pub fn expected(self) -> String {
        match self {
            Self::Addresses => {
                r#"a list of addresses with ports, such as ["0.0.0.0:5263", "[::]:5263"]"#.to_owned()
            }
            Self::Directory => r#"an absolute path, such as "/srv/landline""#.to_owned(),
            Self::Name => r#"a name, such as "Workshop""#.to_owned(),
            Self::Choice(words) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Size => r#"a size, such as "10G", or "none""#.to_owned(),
            Self::Integer { minimum, maximum } => {
                format!("a whole number from {minimum} to {maximum}, such as {minimum}")
            }
        }
    }
}

/// All settings as a Markdown table, for the operations guide.
pub fn documentation_table() -> String {
    let mut table = String::from("| key | default | values | what it is |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let values = match setting.kind {
            Kind::Addresses => "list of `ADDRESS:PORT`".to_owned(),
            Kind::Directory => "absolute path".to_owned(),
            Kind::Name => "text".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::Size => "size such as `10G`, or none".to_owned(),
            Kind::Integer { minimum, maximum } => format!("{minimum} to {maximum}"),
        };
        let row = [setting.key, &setting.default_text(), &values, setting.summary];
        table.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            row[0], row[1], row[2], row[3]
        ));
    }
    table
}

const fn number(
    key: &'static str,
    preset: u64,
    minimum: u64,
    maximum: u64,
    summary: &'static str,
) -> Setting {
    Setting {
        key,
        kind: Kind::Integer { minimum, maximum },
        preset: Preset::Integer(preset),
        flag: None,
        summary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_derived_from_its_key() {
        let setting = Setting::of_key("limits.connections_per_address").unwrap();
        assert_eq!(setting.variable(), "LANDLINE_LIMITS_CONNECTIONS_PER_ADDRESS");
        assert_eq!(
            Setting::of_variable("LANDLINE_LIMITS_CONNECTIONS_PER_ADDRESS")
                .unwrap()
                .key,
            setting.key
        );
    }

    #[test]
    fn keys_and_variables_are_unique_and_taken_by_nothing_else() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            for other in &SETTINGS[index + 1..] {
                assert_ne!(setting.variable(), other.variable());
            }
            assert!(!OTHER_VARIABLES.contains(&setting.variable().as_str()));
        }
    }

    #[test]
    fn every_numeric_default_lies_in_its_own_range() {
        for setting in SETTINGS {
            if let (Preset::Integer(preset), Kind::Integer { minimum, maximum }) =
                (setting.preset, setting.kind)
            {
                assert!((minimum..=maximum).contains(&preset), "{}", setting.key);
            }
        }
    }

    #[test]
    fn the_documentation_has_a_row_for_every_setting() {
        let table = documentation_table();
        assert_eq!(table.lines().count(), SETTINGS.len() + 2);
        assert!(
            table.contains("| `limits.header_bytes` | 65536 | 1024 to 65536 |"),
            "{table}"
        );
        assert!(
            table.contains(r#"| `listen` | ["0.0.0.0:5263", "[::]:5263"] |"#),
            "{table}"
        );
    }
}
