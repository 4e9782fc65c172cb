//! What one connection may take.

use std::time::Duration;

/// The bounds of one connection. [`Default`] is what Landline ships with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnLimits {
    /// Above this many bytes to send, nothing more is read; a quarter of it starts the reading again. 64 KiB.
    pub output_high: usize,
    /// With more than this unsent, one more command from others ends the connection: the peer does not read what it
    /// is sent. 1 MiB.
    pub output_max: usize,
    /// How many events may wait for an answer before reading stops. One: a peer's requests are answered in order.
    pub unanswered_max: u16,
    /// How long an established connection may stand without progress in either direction. `None` for ever.
    pub idle: Option<Duration>,
    /// The same before the protocol is established.
    pub handshake: Option<Duration>,
    /// How long we wait for the peer's end after ours was sent.
    pub linger: Duration,
    /// How many bytes of a peer that goes on talking are thrown away in that time. 1 MiB.
    pub linger_bytes: usize,
    /// How many messages are handled in one turn, so that one busy connection cannot keep the others waiting. 64.
    pub messages_a_turn: u16,
}

impl Default for ConnLimits {
    fn default() -> Self {
        Self {
            output_high: 64 * 1024,
            output_max: 1024 * 1024,
            unanswered_max: 1,
            idle: Some(Duration::from_secs(3600)),
            handshake: Some(Duration::from_secs(10)),
            linger: Duration::from_secs(2),
            linger_bytes: 1024 * 1024,
            messages_a_turn: 64,
        }
    }
}
