//! The hub's own certificate authority, its leaf certificate, and the keys that sign room heads and seal tokens.

mod authority;
mod certificate;
mod error;
mod head_key;
mod host;
mod key_file;
mod leaf;
#[cfg(test)]
mod tests;
mod token_key;

pub use authority::{ALPN_HTTP_1, ALPN_HTTP_2, ALPN_LANDLINE, Authority};
pub use error::TlsError;
pub use head_key::{HeadKey, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
pub use host::{HostNames, MAX_NAMES, addresses, host_name};
pub use token_key::TokenKey;
