//! Tokens: what machines and scripts log in with, and what both sides prove to each other with it.
//!
//! ```text
//! client                                     hub
//!   token_challenge {session, nonce c} -->
//!                                        <-- {nonce h, proof = HMAC-SHA-256(secret, "hub"    ...)}
//!   token_login {proof = HMAC-SHA-256(secret, "client" ...)} -->
//!                                        <-- logged in
//! ```
//!
//! What stands at `...` is [`statement`]: both nonces, the session and the TLS connection's exporter value, so that no
//! proof is good on another connection, in the other direction or a second time.

use crate::id::SessionId;
use crate::protocol::people::Nonce;

/// The label of the exporter (RFC 8446, section 7.5) to which a login with a token is bound.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Landline-token";

/// The bytes of the exporter's value.
pub const EXPORTER_BYTES: usize = 32;

/// Who proves that it knows the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The hub.
    Hub,
}

/// What the proof of one side is computed over.
#[must_use]
pub fn statement(
    side: Side,
    session: &SessionId,
    client: &Nonce,
    hub: &Nonce,
    exporter: &[u8; EXPORTER_BYTES],
) -> Vec<u8> {
    let label: &[u8] = match side {
        Side::Client => b"Landline token v1 client\0",
        Side::Hub => b"Landline token v1 hub\0",
    };
    [
        label,
        session.as_bytes(),
        client.as_bytes(),
        hub.as_bytes(),
        exporter,
    ]
    .concat()
}
