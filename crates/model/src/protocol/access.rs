//! Rights on directories of the shared space and of rooms.

use super::{Done, calls};
use crate::access::{Right, Whom};
use crate::path::RemotePath;
use serde::{Deserialize, Serialize};

/// Tells what the asker may do below a directory, and which rule says so. For those who may set rules there, the body is
/// JSON lines of [`AccessRule`]: all rules above, at and beneath it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessList {
    /// The directory.
    pub path: RemotePath,
    /// How many rules to leave out: those of the pages before.
    #[serde(default)]
    pub skip: u32,
}

/// What counts for the asker; the rules are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessPage {
    /// The rule that decides; none: there is none, and it is as in the space in general.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decides: Option<AccessRule>,
    /// Whether the asker may list and fetch.
    pub read: bool,
    /// Whether the asker may replace, move and remove.
    pub write: bool,
    /// Whether the asker may put new files.
    pub add: bool,
    /// True where there are more rules than this page holds.
    pub more: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// The directory; it counts for all that is beneath it, as far as no rule there says otherwise.
    pub path: RemotePath,
    /// For whom.
    pub who: Whom,
    /// What they may do.
    pub right: Right,
}

/// Sets a rule, or changes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessSet {
    /// The directory; it must be there.
    pub path: RemotePath,
    /// For whom.
    pub who: Whom,
    /// What they may do.
    pub right: Right,
}

/// Takes a rule away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessRemove {
    /// The directory.
    pub path: RemotePath,
    /// For whom it was.
    pub who: Whom,
}

calls! {
    "access_list": AccessList => AccessPage;
    "access_set": AccessSet => Done;
    "access_remove": AccessRemove => Done;
}
