//! Identifiers: 16 bytes that never change and are never reused, written as 32 lower-case hexadecimal digits.

use crate::hash::hexadecimal;

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);
        hexadecimal!($name, 16);
    };
}

identifier! {
    /// A person's or a machine's account. Directories and events name it, so that a change of name changes nothing.
    AccountId
}
identifier! {
    /// A room, public or direct.
    RoomId
}
identifier! {
    /// What a sender calls one of its messages. (sender, client id) is unique for ever: sending again after a lost
    /// reply returns the first result. Clients make them with [`ClientId::from_time_and_random`].
    ClientId
}
identifier! {
    /// One upload, from open to publication.
    UploadId
}
identifier! {
    /// One thing in the trash.
    TrashId
}
identifier! {
    /// One session of an account. It is not the secret: that one is known to the client alone.
    SessionId
}
identifier! {
    /// One share. It is not the secret: that stands in its link alone.
    ShareId
}

impl ClientId {
    /// A fresh id from the sender's clock (milliseconds since the epoch) and ten random bytes. The time stands first
    /// so that ids made one after another lie side by side in the hub's index.
    #[must_use]
    pub fn from_time_and_random(milliseconds: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }
}
