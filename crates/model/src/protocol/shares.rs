//! Shares: links by which somebody without an account gets at a file or a directory, or puts files into one.

use super::people::Secret;
use super::{Done, calls};
use crate::id::ShareId;
use crate::link::Token;
use crate::name::AccountName;
use crate::path::RemotePath;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest name of a share, in bytes.
pub const SHARE_NAME_MAX: usize = 100;

/// Makes a share. Whoever asks must have the right to what it gives: to read there, and for a drop box to write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareCreate {
    /// What to share.
    pub path: RemotePath,
    /// True for a directory into which others put files, and of which they see nothing.
    #[serde(default)]
    pub drop: bool,
    /// What its owner calls it: one line of at most [`SHARE_NAME_MAX`] bytes, for the list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How many seconds it lives; none: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// What whoever follows the link has to know besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// How many downloads may begin, or how many files a drop box takes; none: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A share that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareCreated {
    /// What it is.
    pub share: Share,
    /// What stands in its link, `https://HOST:PORT/s/TOKEN`. The hub keeps a hash of it alone: this is the only time it
    /// is told.
    pub token: Token,
    /// Where the hub can be reached, best first: `host:port`.
    pub addresses: Vec<String>,
}

/// Lists shares, in the order of their ids: one's own, or everybody's for those who look after the hub. The body is JSON
/// lines of [`Share`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ShareList {
    /// Begin behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ShareId>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of shares; they are in the body.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SharePage {
    /// Where the next page begins; none: this was the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ShareId>,
}

/// Ends a share: one's own, or anybody's for those who look after the hub. What is being fetched by it ends at once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ShareRevoke {
    /// Which.
    pub id: ShareId,
}

/// A share, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// Whose it is; none where the account is gone.
    pub owner: Option<AccountName>,
    /// What is shared, as its owner calls it.
    pub path: RemotePath,
    /// What it was when it was shared.
    pub kind: ShareKind,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it has a password.
    pub password: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; none: when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// How many more may begin; none: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// What a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ShareKind {
    /// One file.
    File,
    /// A directory with everything in it.
    Directory,
    /// A directory into which files are put, and of which nothing is seen.
    Drop,
    /// What only a newer version knows.
    #[serde(other)]
    Unknown,
}

calls! {
    "share_create": ShareCreate => ShareCreated;
    "share_list": ShareList => SharePage;
    "share_revoke": ShareRevoke => Done;
}
