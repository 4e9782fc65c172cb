//! Who is on the hub.

use crate::model::Person;

/// Looks after the hub: the one who came first.
pub(crate) const ADMIN: Person = 0;

/// Made the rooms; stays an owner of them to the end, and so can read them.
pub(crate) const OWNER: Person = 1;

/// Is in all rooms from the beginning, and is never put out: with them there, the owner may not leave.
pub(crate) const MODERATOR: Person = 2;

/// What they are called.
pub(crate) const NAMES: [&str; 6] = ["ada", "olga", "mo", "mel", "gus", "mia"];

/// A visitor of the hub, who is in no room at the beginning.
pub(crate) const GUEST: Person = 4;
