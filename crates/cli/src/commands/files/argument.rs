//! Which of the names on the command line are remote, and what they mean.

use crate::context::Usage;
use landline_model::path::{PathError, RemotePath};
use landline_model::text::escape_bytes;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// A remote path as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct RemoteArgument {
    /// What it names.
    pub(in super::super) path: RemotePath,
    /// It ended in '/': only a directory is meant.
    pub(in super::super) directory: bool,
}

impl RemoteArgument {
    /// Reads `:~/a`, `:/shared/a`, `:/rooms/NAME/a`; `:a` is short for `:~/a`, and `:` for `:~`.
    pub(in super::super) fn parse(argument: &OsStr) -> Result<Self, Usage> {
        let Some(path) = argument.as_bytes().strip_prefix(b":") else {
            return Err(local(argument));
        };
        let full = match path {
            [b'/', ..] | b"~" | [b'~', b'/', ..] => path.to_vec(),
            _ => [b"~/", path].concat(),
        };
        let path = RemotePath::parse(&full).map_err(|error| wrong(argument, error))?;
        Ok(Self {
            directory: path.components.is_empty() || full.ends_with(b"/"),
            path,
        })
    }
}

/// Reads arguments that must all be remote.
pub(super) fn parse_all(arguments: &[OsString]) -> Result<Vec<RemoteArgument>, Usage> {
    arguments
        .iter()
        .map(|argument| RemoteArgument::parse(argument))
        .collect()
}

/// True for what begins with ':'.
pub(super) fn is_remote(argument: &OsStr) -> bool {
    argument.as_bytes().starts_with(b":")
}

fn local(argument: &OsStr) -> Usage {
    let shown = escape_bytes(argument.as_bytes());
    let name = shown.trim_start_matches('/');
    Usage::new(
        format!("{shown} is no path at the hub: those begin with ':'"),
        format!(":{name} or :/shared/{name}"),
    )
}

fn wrong(argument: &OsStr, error: PathError) -> Usage {
    let shown = escape_bytes(argument.as_bytes());
    let message = match error {
        PathError::Space => format!("{shown} names no space"),
        error => format!("{shown}: {error}"),
    };
    Usage::new(
        message,
        "a remote path is :~/... (or short :...), :/shared/... or :/rooms/NAME/...",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(argument: &[u8]) -> (Vec<u8>, bool) {
        let argument = RemoteArgument::parse(OsStr::from_bytes(argument)).unwrap();
        (argument.path.to_bytes(), argument.directory)
    }

    #[test]
    fn a_name_alone_is_in_ones_home_and_a_slash_behind_it_means_a_directory() {
        for (argument, path, directory) in [
            (&b":"[..], &b"~"[..], true),
            (b":~", b"~", true),
            (b":~/", b"~", true),
            (b":a", b"~/a", false),
            (b":a/b/", b"~/a/b", true),
            (b":~/a", b"~/a", false),
            (b":~a", b"~/~a", false),
            (b":-rf", b"~/-rf", false),
            (b"::a", b"~/:a", false),
            (b":/shared", b"/shared", true),
            (b":/shared/\xd6\xd0\n", b"/shared/\xd6\xd0\n", false),
            (b":/rooms/general/x", b"/rooms/general/x", false),
        ] {
            assert_eq!(
                parsed(argument),
                (path.to_vec(), directory),
                "{}",
                escape_bytes(argument)
            );
        }
    }

    #[test]
    fn what_names_nothing_at_the_hub_is_refused_with_what_would() {
        for (argument, message, hint) in [
            ("a.iso", "begin with ':'", ":a.iso or :/shared/a.iso"),
            ("", "begin with ':'", ":"),
            (":/etc/passwd", "no space", ":/shared/"),
            (":a/../b", "'..'", ":/shared/"),
            (":/rooms/", "room", ":/rooms/NAME/"),
            ("\u{1b}[31m", "\\u{1b}", ""),
        ] {
            let error = RemoteArgument::parse(OsStr::new(argument)).unwrap_err();
            assert!(
                error.to_string().contains(message) && error.hint.contains(hint),
                "{argument}: {error:?}"
            );
        }
    }
}
