//! The last signed head of every room, kept on this machine: what a restored or rewritten log is caught with.

use crate::error::ClientError;
use crate::private_file::{PrivateFile, configuration_directory};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use landline_model::event::RoomKind;
use landline_model::hash::HeadKey;
use landline_model::head::SignedHead;
use landline_model::id::{AccountId, RoomId};
use landline_model::link::Pin;
use landline_model::protocol::chat::Room;
use landline_model::target::Target;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a head is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The hub did not sign it.
    #[error("the hub's signature under the head of room {0} does not hold")]
    Signature(RoomId),
    /// The log has fewer events than it had.
    #[error(
        "room {room} has {sequence} events, but this machine was told of {remembered}: the hub's log was restored from \
         an older copy or rewritten"
    )]
    Shorter {
        /// The room.
        room: RoomId,
        /// How many it has now.
        sequence: u64,
        /// How many it had.
        remembered: u64,
    },
    /// Another event stands in the place of one that is known.
    #[error(
        "event {sequence} of room {room} is not the one that this machine was told of: the hub's log was restored from \
         an older copy or rewritten"
    )]
    Contradiction {
        /// The room.
        room: RoomId,
        /// The event.
        sequence: u64,
    },
    /// The hub signs with another key than before.
    #[error("the hub {0} signs its logs with another key than when you joined: its data was replaced")]
    KeyChanged(String),
}

/// The heads that one account was told of by one hub.
#[derive(Clone, Debug)]
pub struct Heads {
    file: PrivateFile,
    account: AccountId,
    key: HeadKey,
    /// As they were read: every answer asked for since then is at least as far.
    before: BTreeMap<RoomId, SignedHead>,
    /// The farthest so far.
    latest: BTreeMap<RoomId, SignedHead>,
    /// The private ones among the rooms, and what they were called: they are not listed for whoever is not in them.
    private: BTreeMap<RoomId, Target>,
    /// Whether there are more of those than were read.
    noted: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct File {
    /// By account: not everybody on a hub is told of the same rooms.
    accounts: BTreeMap<AccountId, BTreeMap<RoomId, SignedHead>>,
    /// By account: those of the rooms that are private, and what they were called.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    private: BTreeMap<AccountId, BTreeMap<RoomId, Target>>,
}

impl Heads {
    /// Reads what is remembered of the hub with this pin. Do so before the hub is asked for anything.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn load(pin: &Pin, key: HeadKey, account: AccountId) -> Result<Self, ClientError> {
        Self::load_from(&configuration_directory()?, pin, key, account)
    }

    /// As [`load`](Self::load), from another configuration directory.
    ///
    /// # Errors
    /// The same.
    pub fn load_from(
        directory: &Path,
        pin: &Pin,
        key: HeadKey,
        account: AccountId,
    ) -> Result<Self, ClientError> {
        let file = PrivateFile::new(directory.join("heads").join(format!("{pin}.json")));
        let mut known = read(&file)?;
        let before = known.accounts.remove(&account).unwrap_or_default();
        Ok(Self {
            file,
            private: known.private.remove(&account).unwrap_or_default(),
            noted: false,
            account,
            key,
            latest: before.clone(),
            before,
        })
    }

    /// Takes a head that the hub gave.
    ///
    /// # Errors
    /// It is not signed, or contradicts what is remembered; nothing is taken then.
    pub fn observe(&mut self, room: RoomId, head: &SignedHead) -> Result<(), HeadError> {
        self.verify(&room, head)?;
        if let Some(before) = self.before.get(&room) {
            check(room, before, head)?;
            if head.sequence < before.sequence {
                return Err(HeadError::Shorter {
                    room,
                    sequence: head.sequence,
                    remembered: before.sequence,
                });
            }
        }
        let latest = self.latest.entry(room).or_insert_with(|| head.clone());
        check(room, latest, head)?;
        // Answers may overtake each other; that one is behind another asked for at the same time is no contradiction.
        if head.sequence > latest.sequence {
            *latest = head.clone();
        }
        Ok(())
    }

    /// Remembers what kind of room that is: of a private one, that it is.
    pub fn note(&mut self, room: &Room) {
        if room.kind == RoomKind::Private {
            self.note_private(room.id, &room.target);
        }
    }

    /// Remembers that a room is private.
    pub fn note_private(&mut self, room: RoomId, target: &Target) {
        if self.private.get(&room) != Some(target) {
            self.private.insert(room, target.clone());
            self.noted = true;
        }
    }

    /// What a private room was called when it was seen last; none: it is not known that it is one.
    #[must_use]
    pub fn private(&self, room: &RoomId) -> Option<&Target> {
        self.private.get(room)
    }

    /// Checks the hub's signature under a head.
    ///
    /// # Errors
    /// [`HeadError::Signature`]
    pub fn verify(&self, room: &RoomId, head: &SignedHead) -> Result<(), HeadError> {
        UnparsedPublicKey::new(&ED25519, self.key.as_bytes())
            .verify(&head.statement(room), head.signature.as_bytes())
            .map_err(|_| HeadError::Signature(*room))
    }

    /// What was remembered when this was read, by room.
    #[must_use]
    pub fn remembered(&self) -> &BTreeMap<RoomId, SignedHead> {
        &self.before
    }

    /// Writes what is new, beside what other processes wrote in the meantime.
    ///
    /// # Errors
    /// The file cannot be written; or another process was told something that contradicts.
    pub fn save(&mut self) -> Result<(), ClientError> {
        if self.latest == self.before && !self.noted {
            return Ok(());
        }
        let locked = self.file.lock()?;
        let mut file = read(&self.file)?;
        let kept = file.accounts.entry(self.account).or_default();
        for (room, head) in &self.latest {
            let known = kept.entry(*room).or_insert_with(|| head.clone());
            check(*room, known, head)?;
            if head.sequence > known.sequence {
                *known = head.clone();
            }
        }
        // Of those alone whose heads are remembered.
        let private = self.private.iter().filter(|(room, _)| kept.contains_key(room));
        let private: Vec<(RoomId, Target)> = private.map(|(room, target)| (*room, target.clone())).collect();
        file.private.entry(self.account).or_default().extend(private);
        let text = serde_json::to_string(&file).expect("maps of texts have a JSON form");
        locked.replace(&text)?;
        self.before = self.latest.clone();
        self.noted = false;
        Ok(())
    }
}

impl From<HeadError> for ClientError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

fn check(room: RoomId, one: &SignedHead, other: &SignedHead) -> Result<(), HeadError> {
    if one.sequence == other.sequence && one.hash != other.hash {
        return Err(HeadError::Contradiction {
            room,
            sequence: one.sequence,
        });
    }
    Ok(())
}

fn read(file: &PrivateFile) -> Result<File, ClientError> {
    match file.read()? {
        None => Ok(File::default()),
        Some(text) => serde_json::from_str(&text).map_err(|error| file.damaged(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use landline_model::hash::{Hash, Signature};
    use landline_model::head::{Path as HeadPath, Tree, leaf, statement};

    const ROOM: RoomId = RoomId::from_bytes([3; 16]);
    const ACCOUNT: AccountId = AccountId::from_bytes([4; 16]);
    const PIN: Pin = Pin::from_bytes([5; 32]);

    struct Signer(Ed25519KeyPair);

    impl Signer {
        fn new(seed: u8) -> Self {
            Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
        }

        fn key(&self) -> HeadKey {
            HeadKey::try_from(self.0.public_key().as_ref()).unwrap()
        }

        fn head(&self, sequence: u64, hash: u8) -> SignedHead {
            self.head_of(ROOM, sequence, hash, &[])
        }

        /// Signed together with so many other heads.
        fn head_of(&self, room: RoomId, sequence: u64, hash: u8, others: &[Hash]) -> SignedHead {
            let hash = Hash::from_bytes([hash; 32]);
            let leaves = [&[leaf(&room, sequence, &hash)], others].concat();
            let tree = Tree::new(leaves).unwrap();
            let signature = self.0.sign(&statement(&tree.root()));
            SignedHead {
                sequence,
                hash,
                signature: Signature::try_from(signature.as_ref()).unwrap(),
                path: tree.paths().next().unwrap(),
            }
        }

        fn heads(&self, directory: &Path) -> Heads {
            Heads::load_from(directory, &PIN, self.key(), ACCOUNT).unwrap()
        }
    }

    #[test]
    fn only_what_the_hub_signed_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let (hub, other) = (Signer::new(1), Signer::new(2));
        let mut heads = hub.heads(directory.path());
        assert_eq!(
            heads.observe(ROOM, &other.head(1, 1)),
            Err(HeadError::Signature(ROOM))
        );
        let mut moved = hub.head(1, 1);
        moved.sequence = 2;
        assert_eq!(heads.observe(ROOM, &moved), Err(HeadError::Signature(ROOM)));
        assert_eq!(heads.observe(ROOM, &hub.head(1, 1)), Ok(()));
    }

    #[test]
    fn a_head_that_was_signed_with_others_holds_for_its_room_alone_and_is_kept_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let hub = Signer::new(1);
        let mut heads = hub.heads(directory.path());
        let others = [7, 8, 9].map(|other| Hash::from_bytes([other; 32]));
        let together = hub.head_of(ROOM, 3, 3, &others);
        let elsewhere = RoomId::from_bytes([4; 16]);
        assert_eq!(
            heads.observe(elsewhere, &together),
            Err(HeadError::Signature(elsewhere))
        );
        let pathless = SignedHead {
            path: HeadPath::default(),
            ..together.clone()
        };
        assert_eq!(heads.observe(ROOM, &pathless), Err(HeadError::Signature(ROOM)));
        assert_eq!(heads.observe(ROOM, &together), Ok(()));
        heads.save().unwrap();
        let heads = hub.heads(directory.path());
        assert_eq!(heads.remembered()[&ROOM], together);
        assert_eq!(heads.verify(&ROOM, &heads.remembered()[&ROOM]), Ok(()));
    }

    /// Heads were kept without a path, and signed each by itself.
    #[test]
    fn a_file_of_heads_without_paths_is_read_and_still_contradicts() {
        let directory = tempfile::tempdir().unwrap();
        let hub = Signer::new(1);
        let [hash, signature] = ["07".repeat(32), "00".repeat(64)];
        let head = format!(r#"{{"sequence":7,"hash":"{hash}","signature":"{signature}"}}"#);
        let text = format!(r#"{{"accounts":{{"{ACCOUNT}":{{"{ROOM}":{head}}}}}}}"#);
        let file = hub.heads(directory.path()).file;
        file.lock().unwrap().replace(&text).unwrap();
        let mut heads = hub.heads(directory.path());
        let contradiction = HeadError::Contradiction {
            room: ROOM,
            sequence: 7,
        };
        assert_eq!(heads.observe(ROOM, &hub.head(7, 8)), Err(contradiction));
        assert_eq!(heads.observe(ROOM, &hub.head(7, 7)), Ok(()));
        assert_eq!(heads.observe(ROOM, &hub.head(8, 8)), Ok(()));
    }

    #[test]
    fn a_shorter_or_other_log_than_the_remembered_one_is_noticed_by_the_next_process() {
        let directory = tempfile::tempdir().unwrap();
        let hub = Signer::new(1);
        let mut heads = hub.heads(directory.path());
        heads.observe(ROOM, &hub.head(7, 7)).unwrap();
        // Overtaken by the answer before it.
        heads.observe(ROOM, &hub.head(6, 6)).unwrap();
        heads.save().unwrap();
        let mut heads = hub.heads(directory.path());
        let shorter = HeadError::Shorter {
            room: ROOM,
            sequence: 6,
            remembered: 7,
        };
        assert_eq!(heads.observe(ROOM, &hub.head(6, 6)), Err(shorter));
        let contradiction = HeadError::Contradiction {
            room: ROOM,
            sequence: 7,
        };
        assert_eq!(heads.observe(ROOM, &hub.head(7, 8)), Err(contradiction));
        assert_eq!(heads.observe(ROOM, &hub.head(8, 8)), Ok(()));
    }

    #[test]
    fn what_two_processes_save_never_goes_back() {
        let directory = tempfile::tempdir().unwrap();
        let hub = Signer::new(1);
        let (mut early, mut late) = (hub.heads(directory.path()), hub.heads(directory.path()));
        late.observe(ROOM, &hub.head(9, 9)).unwrap();
        late.save().unwrap();
        early.observe(ROOM, &hub.head(8, 8)).unwrap();
        early.save().unwrap();
        assert_eq!(hub.heads(directory.path()).remembered()[&ROOM], hub.head(9, 9));
    }

    #[test]
    fn accounts_do_not_share_what_they_were_told() {
        let directory = tempfile::tempdir().unwrap();
        let hub = Signer::new(1);
        let mut heads = hub.heads(directory.path());
        heads.observe(ROOM, &hub.head(9, 9)).unwrap();
        heads.save().unwrap();
        let other = AccountId::from_bytes([8; 16]);
        let heads = Heads::load_from(directory.path(), &PIN, hub.key(), other).unwrap();
        assert!(heads.remembered().is_empty());
    }
}
