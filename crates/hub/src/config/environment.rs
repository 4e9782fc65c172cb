//! Settings out of environment variables.

use std::ffi::OsString;

use super::Assignment;
use super::nearest::nearest;
use super::problem::{Problem, ProblemKind};
use super::setting::{ENVIRONMENT_PREFIX, OTHER_VARIABLES, SETTINGS, Setting};
use super::source::Source;
use super::value::Value;

/// What of the environment matters to a configuration.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// `XDG_DATA_HOME`, where it is absolute: the XDG base directory specification has others ignored.
    pub(super) data_home: Option<OsString>,
    /// `HOME`, where it is absolute.
    pub(super) home: Option<OsString>,
    /// `LANDLINE_CONFIG`: a configuration file, as `--config` gives it.
    pub(super) config: Option<OsString>,
    /// Settings out of their variables.
    pub(super) assignments: Vec<Assignment>,
}

impl Environment {
    pub(super) fn read(
        variables: impl Iterator<Item = (OsString, OsString)>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut environment = Self::default();
        for (variable, text) in variables {
            let Some(variable) = variable.to_str() else {
                continue;
            };
            // An empty variable is how a shell's script unsets one.
            if text.is_empty() {
                continue;
            }
            match variable {
                "XDG_DATA_HOME" => environment.data_home = absolute(text),
                "HOME" => environment.home = absolute(text),
                "LANDLINE_CONFIG" => environment.config = Some(text),
                _ if variable.starts_with(ENVIRONMENT_PREFIX) => {
                    environment.setting(variable, &text, problems);
                }
                _ => {}
            }
        }
        environment
    }

    fn setting(&mut self, variable: &str, text: &OsString, problems: &mut Vec<Problem>) {
        let source = Source::Environment(variable.to_owned());
        let Some(setting) = Setting::of_variable(variable) else {
            if let Some(nearest) = nearest_variable(variable) {
                problems.push(Problem {
                    source,
                    kind: ProblemKind::UnknownVariable { nearest },
                });
            }
            return;
        };
        match Value::from_text(setting, text) {
            Ok(value) => self.assignments.push(Assignment {
                setting,
                value,
                source,
            }),
            Err(kind) => problems.push(Problem { source, kind }),
        }
    }
}

fn absolute(text: OsString) -> Option<OsString> {
    std::path::Path::new(&text).is_absolute().then_some(text)
}

/// The setting's variable that this one was probably meant to be; none for those that others read.
fn nearest_variable(variable: &str) -> Option<String> {
    if OTHER_VARIABLES.contains(&variable) {
        return None;
    }
    let suffix = variable.strip_prefix(ENVIRONMENT_PREFIX)?;
    let names: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
    let suffixes = names
        .iter()
        .filter_map(|name| name.strip_prefix(ENVIRONMENT_PREFIX));
    nearest(suffix, suffixes).map(|nearest| format!("{ENVIRONMENT_PREFIX}{nearest}"))
}
