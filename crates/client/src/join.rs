//! Following an invitation.

use crate::connection::Connection;
use crate::error::ClientError;
use landline_model::link::JoinLink;
use landline_model::protocol::people::{Join, LoggedIn, SessionSecret, Welcome};

/// How often joining is tried where the connection is lost before the answer.
pub const JOIN_TRIES: usize = 4;

/// Joins. Where the connection is lost before the answer, the invitation may have been used or not: the same is asked
/// again, with the session's secret that `call` proposes, and the hub answers with what it did the first time.
///
/// # Errors
/// The hub's refusal, or how the last try ended.
pub async fn join(link: &JoinLink, call: &Join) -> Result<(Connection, Welcome, LoggedIn), ClientError> {
    let mut tries_left = if call.secret.is_some() { JOIN_TRIES } else { 1 };
    loop {
        tries_left -= 1;
        let (connection, welcome) = Connection::open(std::slice::from_ref(&link.address), link.pin).await?;
        match connection.call(call).await {
            Ok(login) => return Ok((connection, welcome, login)),
            Err(ClientError::Lost { .. }) if tries_left > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// A secret for a session, from the kernel's random numbers.
///
/// # Errors
/// Where the kernel has none.
pub fn fresh_secret() -> std::io::Result<SessionSecret> {
    use rustix::rand::{GetRandomFlags, getrandom};
    let mut bytes = [0; 32];
    // Up to 256 bytes come whole, by getrandom(2).
    let length = getrandom(&mut bytes, GetRandomFlags::empty())?;
    if length < bytes.len() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(SessionSecret::from_bytes(bytes))
}
