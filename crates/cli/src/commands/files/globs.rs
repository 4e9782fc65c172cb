//! Patterns among the remote paths of a command line. They are matched here: the hub knows only names.

use super::argument::RemoteArgument;
use super::report::Report;
use landline_client::Connection;
use landline_client::files::{FilesError, Listing, Pattern, Tree, stat};
use landline_model::error::ErrorCode;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::EntryKind;

/// The most paths that one pattern may stand for.
const MATCHES_MAX: usize = 100_000;

/// Any number of directories.
const ANY_DEPTH: &[u8] = b"**";

/// The paths that arguments stand for. One whose own name is at the hub stands for that, whatever characters it has; a
/// pattern that nothing matches is told of, as a failure.
///
/// # Errors
/// Those of the connection, and of a hub that refuses to be looked through.
pub(super) async fn expand(
    connection: &Connection,
    arguments: &[RemoteArgument],
    report: &Report,
) -> Result<Vec<RemoteArgument>, FilesError> {
    expand_if(connection, arguments, report, true).await
}

/// The same; where not `must_match`, a pattern that nothing matches stands for nothing.
///
/// # Errors
/// The same.
pub(super) async fn expand_if(
    connection: &Connection,
    arguments: &[RemoteArgument],
    report: &Report,
    must_match: bool,
) -> Result<Vec<RemoteArgument>, FilesError> {
    let mut expanded = Vec::with_capacity(arguments.len());
    for argument in arguments {
        if !is_pattern(&argument.path) || is_there(connection, &argument.path).await? {
            expanded.push(argument.clone());
            continue;
        }
        let found = match Expansion::of(connection, argument).await {
            Ok(found) => found,
            Err(error) if report.survives(&error) => continue,
            Err(error) => return Err(error),
        };
        if found.len() > MATCHES_MAX {
            let message = format!("more than {MATCHES_MAX} paths match {}", argument.path);
            report.fail(&message, Some("name a directory, or a narrower pattern"));
        } else if found.is_empty() && must_match {
            let message = format!("nothing at the hub matches {}", argument.path);
            report.fail(&message, Some("'\\' before a character takes it as it is"));
        } else {
            let directory = argument.directory;
            expanded.extend(found.into_iter().map(|path| RemoteArgument { path, directory }));
        }
    }
    Ok(expanded)
}

fn is_pattern(path: &RemotePath) -> bool {
    path.components
        .iter()
        .any(|component| Pattern::is_pattern(component.as_bytes()))
}

async fn is_there(connection: &Connection, path: &RemotePath) -> Result<bool, FilesError> {
    match stat(connection, path).await {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_absent(error: &FilesError) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::NotFound | ErrorCode::WrongKind | ErrorCode::TooLarge)
    )
}

struct Expansion<'a> {
    connection: &'a Connection,
    /// What matches the names so far, in order.
    found: Vec<RemotePath>,
    /// Whether one of the names so far was a pattern: then a path that is not there is no match instead of a mistake.
    guessed: bool,
}

impl Expansion<'_> {
    async fn of(connection: &Connection, argument: &RemoteArgument) -> Result<Vec<RemotePath>, FilesError> {
        let top = RemotePath {
            space: argument.path.space.clone(),
            components: Vec::new(),
        };
        let mut expansion = Expansion {
            connection,
            found: vec![top],
            guessed: false,
        };
        let mut names = argument.path.components.iter().peekable();
        while let Some(name) = names.next() {
            let is_last = names.peek().is_none();
            let directories = !is_last || argument.directory;
            let pattern = Pattern::parse(name.as_bytes());
            if let Some(literal) = pattern.literal() {
                expansion.append(&literal, is_last).await?;
            } else if name.as_bytes() == ANY_DEPTH {
                expansion.descend(!directories).await?;
            } else {
                expansion.choose(&pattern, directories).await?;
            }
            if expansion.found.len() > MATCHES_MAX {
                break;
            }
        }
        expansion.found.sort_unstable();
        expansion.found.dedup();
        Ok(expansion.found)
    }

    /// Goes on to one name.
    async fn append(&mut self, name: &[u8], is_last: bool) -> Result<(), FilesError> {
        // Without its quoting a name is shorter, never another kind of bytes.
        let Ok(name) = Component::new(name) else {
            self.found.clear();
            return Ok(());
        };
        let mut longer = Vec::with_capacity(self.found.len());
        for path in &self.found {
            let Ok(path) = path.join(name.clone()) else {
                continue;
            };
            if !is_last || !self.guessed || is_there(self.connection, &path).await? {
                longer.push(path);
            }
        }
        self.found = longer;
        Ok(())
    }

    /// Goes on to what a pattern matches.
    async fn choose(&mut self, pattern: &Pattern, directories: bool) -> Result<(), FilesError> {
        let mut chosen = Vec::new();
        for path in std::mem::take(&mut self.found) {
            let mut listing = Listing::new(path.clone());
            loop {
                let page = match listing.next_page(self.connection).await {
                    Ok(Some(page)) => page,
                    Ok(None) => break,
                    Err(error) if self.guessed && is_absent(&error) => break,
                    Err(error) => return Err(error),
                };
                for (name, entry) in page {
                    let kind = !directories || entry.kind == EntryKind::Directory;
                    if kind && pattern.matches_visible(name.as_bytes()) {
                        chosen.extend(path.join(name));
                    }
                }
                if chosen.len() > MATCHES_MAX {
                    break;
                }
            }
        }
        self.found = chosen;
        self.guessed = true;
        Ok(())
    }

    /// Goes on to all directories below, and with `files` to everything below. Hidden ones are left out.
    async fn descend(&mut self, files: bool) -> Result<(), FilesError> {
        let mut chosen = Vec::new();
        for path in std::mem::take(&mut self.found) {
            if !files {
                chosen.push(path.clone());
            }
            let mut tree = Tree::open(self.connection, &path, None, false).await?;
            loop {
                let entry = match tree.next().await {
                    Ok(Some(entry)) => entry,
                    Ok(None) => break,
                    Err(error) if self.guessed && is_absent(&error) => break,
                    Err(error) => return Err(error),
                };
                let hidden = tree.way().iter().any(|name| name.as_bytes().starts_with(b"."));
                if !hidden && entry.error.is_none() && (files || entry.kind == EntryKind::Directory) {
                    chosen.push(tree.place());
                }
                if chosen.len() > MATCHES_MAX {
                    break;
                }
            }
        }
        self.found = chosen;
        self.guessed = true;
        Ok(())
    }
}
