//! What a program that started a hub needs to find it.

use crate::hub::Started;
use serde::Serialize;

/// The JSON of a hub's ready file.
#[derive(Serialize)]
pub struct Ready<'a> {
    /// `host:port` of every address that is served.
    addresses: Vec<String>,
    /// SHA-256 of the public key of the hub's certificate authority.
    fingerprint: &'a str,
    /// While the hub has no admin: the link that makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<String>,
}

impl<'a> From<&'a Started> for Ready<'a> {
    fn from(started: &'a Started) -> Self {
        Self {
            addresses: started.addresses.iter().map(ToString::to_string).collect(),
            fingerprint: &started.fingerprint,
            invite: started
                .invite
                .as_ref()
                .map(landline_model::link::JoinLink::reveal),
        }
    }
}
