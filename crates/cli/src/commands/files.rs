//! Files at the hub: `ls`, `du`, `find`, `get`, `put`, `cp`, `mv`, `rm`, `mkdir`, `stat`, `sync`, `share`. A remote path
//! begins with ':'.

mod argument;
pub(crate) mod cp;
pub(crate) mod du;
pub(crate) mod find;
pub(crate) mod get;
mod globs;
mod how;
mod interrupt;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod put;
mod report;
pub(crate) mod rm;
pub(crate) mod share;
mod show;
pub(crate) mod stat;
pub(crate) mod sync;
mod target;
mod witness;

pub(super) use argument::RemoteArgument;
