//! What happens to files, for a program: one JSON object a line.

use data_encoding::BASE64;
use landline_client::files::{Deed, Direction, Transfer};
use landline_model::path::RemotePath;
use serde::Serialize;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Something that happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    /// A file is under way.
    Begin(File<'a>),
    /// How far all is: files that are done, and bytes of all that were moved.
    Progress { files: u64, bytes: u64 },
    /// A file stands at its place.
    Done(File<'a>),
    /// A sync would transfer this.
    Transfer(File<'a>),
    /// A sync makes a directory.
    MakeDirectory(Place<'a>),
    /// A sync deletes something.
    Delete(Place<'a>),
    /// Something was left out.
    Skipped { message: &'a str },
    /// Something failed.
    Failed { message: &'a str },
    /// The end.
    Summary {
        files: u64,
        bytes: u64,
        skipped: u64,
        failed: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        unchanged: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        deleted: Option<u64>,
        seconds: f64,
    },
}

/// A file on its way.
#[derive(Serialize)]
pub(super) struct File<'a> {
    direction: &'static str,
    local: Local<'a>,
    remote: &'a RemotePath,
    size: u64,
}

/// Where something is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place<'a> {
    Local(Local<'a>),
    Remote(&'a RemotePath),
}

/// A local path: a string where it is UTF-8, else its bytes.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Local<'a> {
    Text(&'a str),
    Bytes { b64: String },
}

impl<'a> Event<'a> {
    pub(super) fn deed(deed: &Deed<'a>) -> Self {
        match *deed {
            Deed::Transfer(transfer) => Self::Transfer((&transfer).into()),
            Deed::MakeLocal(path) => Self::MakeDirectory(Place::Local(path.into())),
            Deed::MakeRemote(path) => Self::MakeDirectory(Place::Remote(path)),
            Deed::DeleteLocal(path) => Self::Delete(Place::Local(path.into())),
            Deed::DeleteRemote(path) => Self::Delete(Place::Remote(path)),
        }
    }
}

impl<'a> From<&Transfer<'a>> for File<'a> {
    fn from(transfer: &Transfer<'a>) -> Self {
        Self {
            direction: match transfer.direction {
                Direction::Get => "get",
                Direction::Put => "put",
            },
            local: transfer.local.into(),
            remote: transfer.remote,
            size: transfer.size,
        }
    }
}

impl<'a> From<&'a Path> for Local<'a> {
    fn from(path: &'a Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text),
            None => Self::Bytes {
                b64: BASE64.encode(path.as_os_str().as_bytes()),
            },
        }
    }
}

/// Writes an event to standard output.
pub(super) fn event(event: &Event<'_>) {
    let Ok(line) = crate::json::line(event) else {
        return;
    };
    // A reader that has gone away does not keep the files from being transferred.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
