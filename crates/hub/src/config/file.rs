//! A configuration file: TOML, every problem in it reported with its line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::problem::{MAX_FILE_BYTES, Problem, ProblemKind};
use super::setting::{SETTINGS, Setting};
use super::source::Source;
use super::value::Value;
use super::{Assignment, DATA_KEY};

/// What a file means to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Named by the user: it must be there, and may say where the data directory is.
    Given,
    /// Found in the data directory: it may be missing, and cannot say where it is itself.
    InDataDirectory,
}

/// Reads one file. Good settings are returned even where others are wrong, so that all is reported at once.
pub(super) fn read(path: &Path, role: Role, problems: &mut Vec<Problem>) -> Vec<Assignment> {
    let whole = |kind| Problem::of_file(path.to_owned(), 0, kind);
    let bytes = match limited_read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && role == Role::InDataDirectory => {
            return Vec::new();
        }
        Err(error) => {
            problems.push(whole(ProblemKind::Unreadable(error)));
            return Vec::new();
        }
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        problems.push(whole(ProblemKind::TooLarge));
        return Vec::new();
    }
    match std::str::from_utf8(&bytes) {
        // A byte order mark is what some editors call UTF-8.
        Ok(text) => parse(
            path,
            role,
            text.strip_prefix('\u{feff}').unwrap_or(text),
            problems,
        ),
        Err(error) => {
            let line = line_of(&bytes, error.valid_up_to());
            problems.push(Problem::of_file(path.to_owned(), line, ProblemKind::NotUtf8));
            Vec::new()
        }
    }
}

/// Reads one byte more than is allowed at most, to see that there is too much.
fn limited_read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(path: &Path, role: Role, text: &str, problems: &mut Vec<Problem>) -> Vec<Assignment> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk {
        path,
        role,
        text,
        problems,
        assignments: Vec::new(),
    };
    for error in &errors {
        let position = error.span().unwrap_or(text.len()..text.len());
        walk.report(&position, ProblemKind::Syntax(error.message().to_owned()));
    }
    // What was recovered from broken TOML is a guess: reporting on it would mislead.
    if errors.is_empty() {
        walk.table("", table.get_ref());
    }
    // The parser sorts by key; people read from the top.
    walk.problems.sort_by_key(|problem| match &problem.source {
        Source::File { line, .. } => *line,
        _ => 0,
    });
    walk.assignments
}

struct Walk<'a> {
    path: &'a Path,
    role: Role,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
    assignments: Vec<Assignment>,
}

impl Walk<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            let key = match section {
                "" => name.get_ref().to_string(),
                section => format!("{section}.{}", name.get_ref()),
            };
            self.entry(&key, &name.span(), value.get_ref());
        }
    }

    fn entry(&mut self, key: &str, position: &Range<usize>, value: &DeValue<'_>) {
        if let Some(setting) = Setting::of_key(key) {
            return self.assignment(setting, position, value);
        }
        match (sections().contains(key), value) {
            (true, DeValue::Table(table)) => self.table(key, table),
            (true, _) => self.report(position, ProblemKind::SectionExpected { key: key.to_owned() }),
            (false, DeValue::Table(_)) => {
                let nearest = nearest(key, sections().into_iter());
                self.report(
                    position,
                    ProblemKind::UnknownSection {
                        key: key.to_owned(),
                        nearest,
                    },
                );
            }
            (false, _) => {
                let nearest = nearest_key(key);
                self.report(
                    position,
                    ProblemKind::UnknownKey {
                        key: key.to_owned(),
                        nearest,
                    },
                );
            }
        }
    }

    fn assignment(&mut self, setting: &'static Setting, position: &Range<usize>, value: &DeValue<'_>) {
        if setting.key == DATA_KEY && self.role == Role::InDataDirectory {
            return self.report(position, ProblemKind::DataInside);
        }
        match Value::from_toml(setting, value) {
            Ok(value) => {
                let source = Source::File {
                    path: self.path.to_owned(),
                    line: self.line(position),
                };
                self.assignments.push(Assignment {
                    setting,
                    value,
                    source,
                });
            }
            Err(kind) => self.report(position, kind),
        }
    }

    fn report(&mut self, position: &Range<usize>, kind: ProblemKind) {
        let line = self.line(position);
        self.problems
            .push(Problem::of_file(self.path.to_owned(), line, kind));
    }

    fn line(&self, position: &Range<usize>) -> usize {
        line_of(self.text.as_bytes(), position.start)
    }
}

/// The line, counted from 1, on which a byte stands.
fn line_of(text: &[u8], position: usize) -> usize {
    let before = text.get(..position).unwrap_or(text);
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn sections() -> BTreeSet<&'static str> {
    SETTINGS
        .iter()
        .filter_map(|setting| setting.key.rsplit_once('.'))
        .map(|(section, _)| section)
        .collect()
}

/// The nearest whole key; else the key whose last part is this one's, which stands in the wrong section.
fn nearest_key(key: &str) -> Option<String> {
    let last = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let wrong = key.rsplit('.').next().unwrap_or(key);
    nearest(key, SETTINGS.iter().map(|setting| setting.key)).or_else(|| {
        let name = nearest(wrong, SETTINGS.iter().map(|setting| last(setting.key)))?;
        SETTINGS
            .iter()
            .find(|setting| last(setting.key) == name)
            .map(|setting| setting.key.to_owned())
    })
}
