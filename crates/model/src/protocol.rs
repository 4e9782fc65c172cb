//! The messages between client and hub: JSON headers, and what their bodies hold.
//!
//! ```text
//! request  {"id": 7, "do": "send", "args": {...}}      the client chooses the id
//! reply    {"id": 7, "ok": {...}}                      echoes it; replies may come in any order
//! part     {"id": 7, "part": {...}}                    more follows, until "ok" or "error"
//! refusal  {"id": 7, "error": {"code": "...", "message": "...", "hint": "..."}}
//! event    {"event": "room", "args": {...}}            nobody asked
//! ```
//!
//! Members that a program does not know are ignored. A listing's body is JSON lines; its reply names the place where
//! the next page begins.

pub mod access;
pub mod chat;
pub mod files;
pub mod people;
pub mod receipts;
pub mod shares;
pub mod spaces;
pub mod trees;

use crate::error::Refusal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The version of this protocol. The first request on a connection says it.
pub const VERSION: u32 = 1;

/// The ALPN protocol name (RFC 7301) of the native door.
pub const ALPN: &[u8] = b"landline/1";

/// The most entries in one page of a listing.
pub const PAGE_MAX: u32 = 1000;

/// The longest body of a page, in bytes; a page ends before it would pass this.
pub const PAGE_BYTES_MAX: usize = 768 * 1024;

/// A request: its arguments, the name by which it goes, and what answers it.
pub trait Call: Serialize + DeserializeOwned + Send + Sync {
    /// The member `do`.
    const NAME: &'static str;
    /// The member `ok` of the reply.
    type Reply: Serialize + DeserializeOwned + Send;
}

macro_rules! calls {
    ($($name:literal: $call:ty => $reply:ty;)*) => {
        $(impl $crate::protocol::Call for $call {
            const NAME: &'static str = $name;
            type Reply = $reply;
        })*
    };
}
pub(crate) use calls;

/// A reply without content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A request's header, its arguments unread.
#[derive(Debug, Deserialize)]
pub struct RequestHeader<'a> {
    /// Chosen by the client; echoed.
    pub id: u64,
    /// Which request.
    #[serde(rename = "do", borrow)]
    pub name: Cow<'a, str>,
    /// Its arguments.
    #[serde(borrow, default)]
    pub args: Option<&'a RawValue>,
}

impl RequestHeader<'_> {
    /// Reads the arguments as those of `C`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn arguments<C: Call>(&self) -> Result<C, serde_json::Error> {
        serde_json::from_str(self.args.map_or("{}", RawValue::get))
    }
}

/// A request's header, for sending.
#[derive(Debug, Serialize)]
pub struct OutgoingRequest<'a, C> {
    /// Chosen by the client.
    pub id: u64,
    /// [`Call::NAME`].
    #[serde(rename = "do")]
    pub name: &'static str,
    /// The arguments.
    pub args: &'a C,
}

/// What a hub sends, its content unread: exactly one of `ok`, `part`, `error` with an `id`, or `event` with `args`.
#[derive(Debug, Deserialize)]
pub struct HubHeader<'a> {
    /// The request that is answered.
    pub id: Option<u64>,
    /// The answer.
    #[serde(borrow, default)]
    pub ok: Option<&'a RawValue>,
    /// A piece of the answer.
    #[serde(borrow, default)]
    pub part: Option<&'a RawValue>,
    /// No.
    pub error: Option<Refusal>,
    /// The name of an event.
    #[serde(borrow, default)]
    pub event: Option<Cow<'a, str>>,
    /// The event's content.
    #[serde(borrow, default)]
    pub args: Option<&'a RawValue>,
}

/// A reply, for sending.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum OutgoingReply<R> {
    /// The answer.
    Ok {
        /// The request's id.
        id: u64,
        /// The answer.
        ok: R,
    },
    /// A piece of the answer.
    Part {
        /// The request's id.
        id: u64,
        /// The piece.
        part: R,
    },
    /// No.
    Error {
        /// The request's id; 0 where the request could not be read.
        id: u64,
        /// Why.
        error: Refusal,
    },
}

/// An event, for sending.
#[derive(Debug, Serialize)]
pub struct OutgoingEvent<'a, E> {
    /// Its name.
    pub event: &'static str,
    /// Its content.
    pub args: &'a E,
}
