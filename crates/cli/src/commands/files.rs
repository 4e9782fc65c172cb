//! Files at the hub: `ls`, `get`, `put`, `mv`, `rm`, `mkdir`, `stat`. A remote path begins with ':'.

mod argument;
pub(crate) mod get;
mod interrupt;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod put;
mod report;
pub(crate) mod rm;
mod show;
pub(crate) mod stat;
mod target;
