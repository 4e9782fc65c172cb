//! A value of a setting, checked against the setting's kind.

use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use landline_model::size::Size;
use toml::de::DeValue;

use super::problem::ProblemKind;
use super::setting::{Kind, Setting};

/// Characters in a name. A certificate's common name holds 64 with its prefix cut to fit.
pub const MAX_NAME_CHARACTERS: usize = 64;

/// Addresses that one hub listens on.
pub const MAX_ADDRESSES: usize = 64;

/// A value that passed its setting's checks. Displayed as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// For [`Kind::Addresses`].
    Addresses(Vec<SocketAddr>),
    /// For [`Kind::Directory`].
    Directory(PathBuf),
    /// For [`Kind::Name`], [`Kind::Choice`] and [`Kind::Size`].
    Text(String),
    /// For [`Kind::Integer`].
    Integer(u64),
}

impl Value {
    /// Reads a value out of an environment variable or a flag. Lists are separated by commas.
    ///
    /// # Errors
    /// What is wrong with it, in terms of the setting.
    pub fn from_text(setting: &'static Setting, text: &OsStr) -> Result<Self, ProblemKind> {
        if setting.kind == Kind::Directory {
            return directory(setting, Path::new(text));
        }
        let Some(text) = text.to_str() else {
            return Err(wrong_type(setting, "text that is not UTF-8"));
        };
        match setting.kind {
            Kind::Addresses => addresses(
                setting,
                text.split(',').map(str::trim).filter(|item| !item.is_empty()),
            ),
            Kind::Integer { .. } => match text.trim().parse::<u64>() {
                Ok(number) => integer(setting, number),
                Err(_) if is_number(text.trim()) => Err(out_of_range(setting, text.trim())),
                Err(_) => Err(wrong_type(setting, &format!("{text:?}"))),
            },
            Kind::Size => size(setting, text),
            Kind::Directory | Kind::Name | Kind::Choice(_) => words(setting, text),
        }
    }

    /// Reads a value out of a parsed file.
    ///
    /// # Errors
    /// What is wrong with it, in terms of the setting.
    pub(super) fn from_toml(setting: &'static Setting, value: &DeValue<'_>) -> Result<Self, ProblemKind> {
        match (setting.kind, value) {
            (Kind::Directory, DeValue::String(text)) => match Path::new(text.as_ref()) {
                // A relative path would mean another place whenever the hub is started from another one.
                path if path.is_absolute() => directory(setting, path),
                _ => Err(wrong_type(setting, &format!("the relative path {text:?}"))),
            },
            (Kind::Name | Kind::Choice(_), DeValue::String(text)) => words(setting, text),
            (Kind::Size, DeValue::String(text)) => size(setting, text),
            (Kind::Integer { .. }, DeValue::Integer(number)) => {
                match u64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => integer(setting, number),
                    Err(_) => Err(out_of_range(setting, &number.to_string())),
                }
            }
            (Kind::Addresses, DeValue::Array(items)) => {
                let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
                match texts {
                    Some(texts) => addresses(setting, texts.into_iter()),
                    None => Err(wrong_type(setting, "a list with something else in it")),
                }
            }
            (_, other) => Err(wrong_type(setting, &describe(other))),
        }
    }
}

/// As TOML. A path that is not Unicode cannot be written in TOML and is shown with replacement characters.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(addresses) => {
                let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
                write!(formatter, "[{}]", quoted.join(", "))
            }
            Self::Directory(path) => write_string(formatter, &path.to_string_lossy()),
            Self::Text(text) => write_string(formatter, text),
            Self::Integer(number) => write!(formatter, "{number}"),
        }
    }
}

/// A TOML basic string in which every character that could act on a terminal is escaped.
fn write_string(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(formatter, "\\{character}")?,
            _ if acts(character) => write!(formatter, "\\U{:08x}", u32::from(character))?,
            _ => write!(formatter, "{character}")?,
        }
    }
    formatter.write_str("\"")
}

fn acts(character: char) -> bool {
    let mut bytes = [0; 4];
    let text: &str = character.encode_utf8(&mut bytes);
    landline_model::text::escape(text) != text
}

fn addresses<'a>(
    setting: &'static Setting,
    texts: impl Iterator<Item = &'a str>,
) -> Result<Value, ProblemKind> {
    let mut addresses = Vec::new();
    for text in texts {
        let address = text.parse().map_err(|_| ProblemKind::BadAddress {
            key: setting.key,
            text: text.chars().take(MAX_NAME_CHARACTERS).collect(),
            better: better_address(text),
        })?;
        if addresses.len() == MAX_ADDRESSES {
            return Err(wrong_type(
                setting,
                &format!("more than {MAX_ADDRESSES} addresses"),
            ));
        }
        addresses.push(address);
    }
    if addresses.is_empty() {
        return Err(wrong_type(setting, "an empty list"));
    }
    Ok(Value::Addresses(addresses))
}

/// What somebody meant who wrote only a port, or only an address.
fn better_address(text: &str) -> String {
    if let Ok(address) = text.trim_matches(['[', ']']).parse() {
        return SocketAddr::new(address, crate::config::DEFAULT_PORT).to_string();
    }
    let port = text.trim_start_matches(['*', ':']);
    match port.parse::<u16>() {
        Ok(port) => format!("0.0.0.0:{port}"),
        Err(_) => "192.0.2.7:5263".to_owned(),
    }
}

fn directory(setting: &'static Setting, path: &Path) -> Result<Value, ProblemKind> {
    // `absolute` refuses only the empty path and a working directory that is gone.
    match std::path::absolute(path) {
        Ok(path) => Ok(Value::Directory(path)),
        Err(_) => Err(wrong_type(setting, "an empty path")),
    }
}

fn size(setting: &'static Setting, text: &str) -> Result<Value, ProblemKind> {
    let text = text.trim();
    if text == "none" || text.parse::<Size>().is_ok() {
        return Ok(Value::Text(text.to_owned()));
    }
    let shown: String = text.chars().take(MAX_NAME_CHARACTERS).collect();
    Err(wrong_type(setting, &format!("{shown:?}")))
}

fn words(setting: &'static Setting, text: &str) -> Result<Value, ProblemKind> {
    match setting.kind {
        Kind::Choice(words) if !words.contains(&text) => Err(ProblemKind::UnknownWord {
            key: setting.key,
            text: shortened(text),
            words,
        }),
        Kind::Name if !is_name(text) => Err(ProblemKind::BadName { key: setting.key }),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// Whether a text can be a [`Kind::Name`].
pub(super) fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    let shows = text.chars().any(|character| !character.is_whitespace());
    shows && length <= MAX_NAME_CHARACTERS && landline_model::text::escape(text) == text
}

fn integer(setting: &'static Setting, number: u64) -> Result<Value, ProblemKind> {
    match setting.kind {
        Kind::Integer { minimum, maximum } if (minimum..=maximum).contains(&number) => {
            Ok(Value::Integer(number))
        }
        _ => Err(out_of_range(setting, &number.to_string())),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn out_of_range(setting: &'static Setting, number: &str) -> ProblemKind {
    ProblemKind::OutOfRange {
        key: setting.key,
        number: shortened(number),
        expected: setting.kind.expected(),
    }
}

fn wrong_type(setting: &'static Setting, found: &str) -> ProblemKind {
    ProblemKind::WrongType {
        key: setting.key,
        expected: setting.kind.expected(),
        found: shortened(found),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARACTERS).collect()
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}
