//! Following an invitation.

pub mod code;

use crate::connection::Connection;
use crate::doubt::Doubt;
use crate::error::ClientError;
use landline_model::link::JoinLink;
use landline_model::protocol::people::{Join, LoggedIn, SessionSecret, Welcome};
use std::time::Duration;

/// Joins. Where the connection is lost before the answer, the invitation may have been used or not: the same is asked
/// again for as long as `patience`, with the session's secret that `call` proposes, and the hub answers with what it did
/// the first time. Without such a secret it is asked once.
///
/// # Errors
/// The hub's refusal, or how the last try ended.
pub async fn join(
    link: &JoinLink,
    call: &Join,
    patience: Duration,
) -> Result<(Connection, Welcome, LoggedIn), ClientError> {
    let mut doubt = Doubt::new(patience);
    loop {
        let error = match Connection::open(std::slice::from_ref(&link.address), link.pin).await {
            Ok((connection, welcome)) => match connection.call(call).await {
                Ok(login) => return Ok((connection, welcome, login)),
                Err(error) => {
                    if call.secret.is_some() {
                        doubt.asked(&error);
                    }
                    error
                }
            },
            Err(error) => error,
        };
        doubt.ask_again_after(error).await?;
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
