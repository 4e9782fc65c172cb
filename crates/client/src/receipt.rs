//! Receipts: getting them from a hub, and checking them without one.

use crate::connection::Connection;
use crate::error::ClientError;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use landline_model::hash::HeadKey;
use landline_model::path::RemotePath;
use landline_model::protocol::receipts::ReceiptOf;
use landline_model::receipt::Receipt;

/// Asks for the receipt of a file that was just published there.
///
/// # Errors
/// Those of the hub; [`ClientError::Protocol`] where the receipt is for something else.
pub async fn receipt(connection: &Connection, path: &RemotePath, size: u64) -> Result<Receipt, ClientError> {
    let receipt = connection.call(&ReceiptOf { path: path.clone() }).await?;
    if receipt.path == *path && receipt.size == size {
        return Ok(receipt);
    }
    Err(ClientError::Protocol {
        address: connection.address().to_string(),
        reason: format!("a receipt of another file than the one that was put to {path}"),
    })
}

/// Whether the hub with this key has signed a receipt.
#[must_use]
pub fn is_signed(receipt: &Receipt, key: &HeadKey) -> bool {
    UnparsedPublicKey::new(&ED25519, key.as_bytes())
        .verify(&receipt.statement(), receipt.signature.as_bytes())
        .is_ok()
}
