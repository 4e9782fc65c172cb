//! What a server shows of its peers.

/// Something that happened with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// It has come.
    Came,
    /// It has sent these bytes: one read, which may begin or end in the middle of a character.
    Said(&'a [u8]),
    /// It has gone, in whichever way.
    Left,
}
