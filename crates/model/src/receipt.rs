//! What a hub signs of a file that was published: that it has it, and since when.

use crate::hash::{Hash, Signature};
use crate::id::AccountId;
use crate::link::Pin;
use crate::name::AccountName;
use crate::path::RemotePath;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a statement begins with. No other statement that the hub signs with the same key begins so.
const LABEL: &[u8; 20] = b"Landline receipt v1\0";

/// A receipt: kept as one line of JSON, its members in this order and nothing else on the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The hub, by the key of its certificate authority.
    pub hub: Pin,
    /// Who published the file.
    pub account: AccountId,
    /// What they were called.
    pub name: AccountName,
    /// Where the file stood, as they call it.
    pub path: RemotePath,
    /// Its bytes.
    pub size: u64,
    /// Its BLAKE3.
    pub hash: Hash,
    /// When it was published.
    pub published: Timestamp,
    /// Ed25519 over [`statement`](Self::statement), by the key with which the hub signs the heads of its rooms.
    pub signature: Signature,
}

impl Receipt {
    /// What the hub signs: the label, then hub (32 bytes), account (16), time in milliseconds, size (8 each, big endian),
    /// hash (32), and name and path, each behind its length (4 bytes, big endian).
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        let mut statement = LABEL.to_vec();
        statement.extend_from_slice(self.hub.as_bytes());
        statement.extend_from_slice(self.account.as_bytes());
        statement.extend_from_slice(&self.published.0.to_be_bytes());
        statement.extend_from_slice(&self.size.to_be_bytes());
        statement.extend_from_slice(self.hash.as_bytes());
        for text in [self.name.as_str().as_bytes(), &self.path.to_bytes()] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            statement.extend_from_slice(&length.to_be_bytes());
            statement.extend_from_slice(text);
        }
        statement
    }

    /// The line of a file that keeps receipts, without its end.
    ///
    /// # Errors
    /// None that a receipt can cause.
    pub fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Reads a line. One that says the same in other bytes is none: whoever has changed anything is told so.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let receipt: Self = serde_json::from_str(line).ok()?;
        (receipt.line().ok()? == line).then_some(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            hub: Pin::from_bytes([0xab; 32]),
            account: AccountId::from_bytes([2; 16]),
            name: "alice".parse().unwrap(),
            path: RemotePath::parse(b"~/a\xff").unwrap(),
            size: 7,
            hash: Hash::from_bytes([3; 32]),
            published: Timestamp(4),
            signature: Signature::from_bytes([5; 64]),
        }
    }

    #[test]
    fn every_member_but_the_signature_is_in_the_statement() {
        let first = receipt();
        let mut others = vec![first.clone(); 7];
        others[0].hub = Pin::from_bytes([9; 32]);
        others[1].account = AccountId::from_bytes([9; 16]);
        others[2].name = "alicf".parse().unwrap();
        others[3].path = RemotePath::parse(b"~/a").unwrap();
        others[4].size = 8;
        others[5].hash = Hash::from_bytes([9; 32]);
        others[6].published = Timestamp(5);
        for other in others {
            assert_ne!(other.statement(), first.statement());
        }
        assert!(first.statement().starts_with(b"Landline receipt v1\0\xab"));
    }

    #[test]
    fn a_line_comes_back_and_any_other_way_to_write_it_does_not() {
        let line = receipt().line().unwrap();
        assert_eq!(Receipt::parse(&line), Some(receipt()));
        for other in [
            format!("{line} "),
            line.replace("\"size\":7", "\"size\": 7"),
            line.replace(&"ab".repeat(32), &"AB".repeat(32)),
            line.replace('{', "{\"more\":1,"),
            line.replace("\"size\":7", "\"size\":7,\"size\":7"),
        ] {
            assert_eq!(Receipt::parse(&other), None, "{other}");
        }
    }
}
