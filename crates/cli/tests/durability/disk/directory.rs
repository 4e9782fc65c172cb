//! The names in directories: which are durable, and which changed since.

use super::Node;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// A directory of the disk.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) synced: BTreeMap<OsString, Node>,
    pub(super) current: BTreeMap<OsString, Node>,
}

/// One call that changed names: each change is durable with its own directory, but luck has them all or none.
pub(super) struct Naming {
    pub(super) exited: usize,
    pub(super) changes: Vec<(Node, OsString, Option<Node>)>,
}

/// Lets a name stand for something, or for nothing.
pub(super) fn assign(names: &mut BTreeMap<OsString, Node>, name: &OsString, to: Option<Node>) {
    match to {
        Some(node) => drop(names.insert(name.clone(), node)),
        None => drop(names.remove(name)),
    }
}
