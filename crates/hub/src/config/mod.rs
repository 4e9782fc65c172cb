//! The hub's configuration: flag > environment > file > default, out of one table of settings.

mod effective;
mod environment;
mod file;
mod nearest;
mod problem;
mod setting;
mod source;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

pub use effective::{Config, Files, Limits, LogFormat, LogLevel, LogSettings, Sessions};
pub use problem::{ConfigErrors, MAX_FILE_BYTES, MAX_PROBLEMS, Problem, ProblemKind};
pub use setting::{
    ENVIRONMENT_PREFIX, Kind, OTHER_VARIABLES, Preset, SETTINGS, Setting, documentation_table,
};
pub use source::Source;
pub use value::{MAX_ADDRESSES, MAX_NAME_CHARACTERS, Value};

use environment::Environment;
use file::Role;

/// The port that a hub serves on where nobody says another: "LAND" on a telephone's keys.
pub const DEFAULT_PORT: u16 = 5263;

/// The configuration file's name inside the data directory.
pub const FILE_NAME: &str = "landline.toml";

const DATA_KEY: &str = "data";

/// What the command line gave. `None`, or an empty list, is a flag that was not there.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`: a file to read instead of the one in the data directory.
    pub config: Option<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`, as often as it was given.
    pub listen: Vec<String>,
    /// `--name`
    pub name: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
    /// `--log-level`
    pub log_level: Option<String>,
}

/// A configuration, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the hub runs with.
    pub config: Config,
    /// The file that was read, or would have been had it been there.
    pub file: PathBuf,
    values: Values,
}

/// One setting as `config show` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// The dotted key.
    pub key: &'static str,
    /// The value as TOML, free of control characters.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Loads the configuration of a hub.
///
/// The file is `flags.config`, else the variable `LANDLINE_CONFIG`, else `landline.toml` in the data directory,
/// which may be missing. Empty variables count as not set. All problems are found before it returns.
///
/// # Errors
/// Everything that is wrong with flags, environment and file, at least one problem.
pub fn load(
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigErrors> {
    let mut problems = Vec::new();
    let from_flags = flags.assignments(&mut problems);
    let environment = Environment::read(environment, &mut problems);

    let mut values = Values::default();
    let given = flags
        .config
        .clone()
        .or_else(|| environment.config.clone().map(PathBuf::from));
    let from_file = given
        .iter()
        .flat_map(|path| file::read(path, Role::Given, &mut problems));
    values.assign(from_file.collect::<Vec<_>>());
    values.assign(environment.assignments.clone());
    values.assign(from_flags);
    values.preset(&environment);

    let file = match (given, values.data_directory()) {
        (Some(given), _) => given,
        (None, Some(data)) => {
            let path = data.join(FILE_NAME);
            // Read last, although it ranks lowest: only now is it known where it is.
            values.assign_below(file::read(&path, Role::InDataDirectory, &mut problems));
            path
        }
        (None, None) => PathBuf::new(),
    };
    if values.data_directory().is_none() && problems.is_empty() {
        problems.push(Problem {
            source: Source::Default,
            kind: ProblemKind::NoDataDirectory,
        });
    }
    if problems.is_empty() {
        Ok(Loaded {
            config: Config::from_values(&values),
            file,
            values,
        })
    } else {
        Err(ConfigErrors { problems })
    }
}

impl Loaded {
    /// Every setting with its value and its source, in the table's order.
    pub fn show(&self) -> Vec<ShownSetting> {
        let shown = SETTINGS.iter().filter_map(|setting| {
            let (value, source) = self.values.by_key.get(setting.key)?;
            Some(ShownSetting {
                key: setting.key,
                value: value.to_string(),
                source: source.clone(),
            })
        });
        shown.collect()
    }

    /// Where a setting's value came from; `None` where there is no such setting.
    pub fn origin(&self, key: &str) -> Option<&Source> {
        self.values.by_key.get(key).map(|(_, source)| source)
    }
}

/// A setting that somebody gave a value.
#[derive(Debug, Clone)]
struct Assignment {
    setting: &'static Setting,
    value: Value,
    source: Source,
}

/// The best value so far of each setting, by key.
#[derive(Debug, Clone, Default)]
struct Values {
    by_key: BTreeMap<&'static str, (Value, Source)>,
}

impl Values {
    /// Takes values that rank above all that came before.
    fn assign(&mut self, assignments: Vec<Assignment>) {
        for Assignment {
            setting,
            value,
            source,
        } in assignments
        {
            self.by_key.insert(setting.key, (value, source));
        }
    }

    /// Takes values that rank above defaults, and below everything else.
    fn assign_below(&mut self, assignments: Vec<Assignment>) {
        let is_default = |key| {
            self.by_key
                .get(key)
                .is_none_or(|(_, source): &(Value, Source)| *source == Source::Default)
        };
        let taken: Vec<_> = assignments
            .into_iter()
            .filter(|one| is_default(one.setting.key))
            .collect();
        self.assign(taken);
    }

    /// Gives every setting without a value its default.
    fn preset(&mut self, environment: &Environment) {
        for setting in SETTINGS {
            if !self.by_key.contains_key(setting.key)
                && let Some(value) = preset_value(setting, environment)
            {
                self.by_key.insert(setting.key, (value, Source::Default));
            }
        }
    }

    fn data_directory(&self) -> Option<&Path> {
        match self.by_key.get(DATA_KEY) {
            Some((Value::Directory(path), _)) => Some(path),
            _ => None,
        }
    }

    fn value(&self, key: &str) -> &Value {
        let (value, _) = self
            .by_key
            .get(key)
            .expect("`load` gave every setting of the table a value");
        value
    }
}

impl Flags {
    fn assignments(&self, problems: &mut Vec<Problem>) -> Vec<Assignment> {
        let listen = (!self.listen.is_empty()).then(|| OsString::from(self.listen.join(",")));
        let given: [(&'static str, Option<&OsStr>); 5] = [
            ("listen", listen.as_deref()),
            (DATA_KEY, self.data.as_deref().map(Path::as_os_str)),
            ("name", self.name.as_deref().map(OsStr::new)),
            ("log.format", self.log_format.as_deref().map(OsStr::new)),
            ("log.level", self.log_level.as_deref().map(OsStr::new)),
        ];
        let mut assignments = Vec::new();
        for (key, text) in given {
            let (Some(setting), Some(text)) = (Setting::of_key(key), text) else {
                continue;
            };
            let source = setting.flag.map_or(Source::Default, Source::Flag);
            match Value::from_text(setting, text) {
                Ok(value) => assignments.push(Assignment {
                    setting,
                    value,
                    source,
                }),
                Err(kind) => problems.push(Problem { source, kind }),
            }
        }
        assignments
    }
}

/// The default; `None` only for the data directory of a user without a home.
fn preset_value(setting: &'static Setting, environment: &Environment) -> Option<Value> {
    match setting.preset {
        Preset::Addresses(texts) => Some(Value::Addresses(
            texts.iter().filter_map(|text| text.parse().ok()).collect(),
        )),
        Preset::Word(word) => Some(Value::Text(word.to_owned())),
        Preset::Integer(number) => Some(Value::Integer(number)),
        Preset::UserData => {
            let home = environment
                .home
                .as_ref()
                .map(|home| Path::new(home).join(".local/share"));
            let data_home = environment.data_home.as_ref().map(PathBuf::from).or(home)?;
            Some(Value::Directory(data_home.join("landline")))
        }
        Preset::HostName => Some(Value::Text(host_name_for_people())),
    }
}

/// The host name where it can be shown to people, else the program's own name.
fn host_name_for_people() -> String {
    let name = crate::tls::host_name();
    if value::is_name(&name) {
        name
    } else {
        "landline".to_owned()
    }
}
