//! Pages of listings: JSON, one value a line, in the body of a reply.

use crate::connection::Connection;
use crate::error::ClientError;
use serde::de::DeserializeOwned;

/// Reads a page's body.
///
/// # Errors
/// A line that is no `T`: the hub broke the protocol.
pub fn lines<T: DeserializeOwned>(body: &[u8], connection: &Connection) -> Result<Vec<T>, ClientError> {
    let read = |line: &[u8]| {
        serde_json::from_slice(line).map_err(|error| ClientError::Protocol {
            address: connection.address().to_string(),
            reason: format!("a line of a listing: {error}"),
        })
    };
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(read)
        .collect()
}
