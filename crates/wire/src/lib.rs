//! Framings: how bytes on a stream become messages and how messages become bytes.
//!
//! Everything here is pure: no I/O, no clock, no randomness. A caller feeds bytes in whatever pieces they arrive and
//! takes whole messages out; a peer that breaks a rule is refused before anything is allocated for it.
#![forbid(unsafe_code)]

mod digits;
pub mod encoding;
pub mod frame;
pub mod framing;
pub mod gate;
pub mod sized;

pub use encoding::{Decoder, Encoding};
pub use frame::{BODY_MAX, Frame, FrameDecoder, FrameError, HEADER_MAX, encode, encode_head};
pub use framing::{
    ByteOrder, Cobs, Framing, FramingError, Header, HeaderCodec, JsonHeader, LengthField, Lines, Newline,
    Prefix, Raw, SizedLine, Slip, Width,
};
pub use sized::{SizedReceiver, SizedSender};
