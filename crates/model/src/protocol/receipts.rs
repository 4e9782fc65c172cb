//! Receipts: what the hub signs of files that it has.

use super::calls;
use crate::path::RemotePath;
use crate::receipt::Receipt;
use serde::{Deserialize, Serialize};

/// Asks for a statement, signed by the hub, of a file that the asker has published and that is still there unchanged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptOf {
    /// Which.
    pub path: RemotePath,
}

calls! {
    "receipt": ReceiptOf => Receipt;
}
