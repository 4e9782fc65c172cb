//! What an audit notices.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use landline_client::audit::{Fault, Finding, audit};
use landline_client::heads::{HeadError, Heads};
use landline_client::{ClientError, Connection};
use landline_model::chain::{Broken, content_hash, event_hash, genesis_hash};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::{Content, Event, EventKind, RoomKind, Salt};
use landline_model::hash::{Hash, HeadKey, Signature};
use landline_model::head::{Path as HeadPath, SignedHead, leaf, statement};
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::link::Pin;
use landline_model::protocol::chat::{HistoryPage, Room, RoomEvent, RoomPage};
use landline_model::time::Timestamp;
use serde_json::json;
use std::path::Path;
use support::{Peer, TestHub};

const ROOM: RoomId = RoomId::from_bytes([1; 16]);
const ACCOUNT: AccountId = AccountId::from_bytes([2; 16]);
/// Events in a page of this hub.
const PAGE: usize = 2;

/// A room whose hub tells what it likes.
struct Log {
    key: Ed25519KeyPair,
    room: Room,
    events: Vec<Event>,
    /// Whether the room stands in the list of rooms.
    listed: bool,
    /// Whether its history is not for whoever asks.
    refuses: bool,
}

impl Log {
    /// Honest.
    fn new(count: u64) -> Self {
        Self::of(RoomKind::Public, count)
    }

    fn of(kind: RoomKind, count: u64) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let head = SignedHead {
            sequence: 0,
            hash: Hash::ZERO,
            signature: Signature::from_bytes([0; 64]),
            path: HeadPath::default(),
        };
        let room = Room {
            id: ROOM,
            target: "#general".parse().unwrap(),
            kind,
            created: Timestamp(1),
            creator: ACCOUNT,
            original_name: "general".to_owned(),
            peer: None,
            head,
            topic: String::new(),
            slow_seconds: 0,
            members: 0,
            me: landline_model::room::Membership::default(),
            read: None,
        };
        let mut log = Self {
            key,
            room,
            events: Vec::new(),
            listed: true,
            refuses: false,
        };
        let mut hash = genesis_hash(&log.room.genesis());
        for sequence in 1..=count {
            let content = Content {
                salt: Salt::from_bytes([5; 16]),
                body: format!("text {sequence}"),
            };
            let mut event = Event {
                room: ROOM,
                sequence,
                time: Timestamp(sequence),
                sender: ACCOUNT,
                client_id: ClientId::from_bytes([3; 16]),
                kind: EventKind::MESSAGE,
                target: None,
                content_hash: content_hash(&content.salt, &content.body),
                content: Some(content),
                hash,
            };
            event.hash = event_hash(&hash, &event);
            hash = event.hash;
            log.events.push(event);
        }
        log.sign(count, hash);
        log
    }

    fn sign(&mut self, sequence: u64, hash: Hash) {
        let signature = self.key.sign(&statement(&leaf(&ROOM, sequence, &hash)));
        self.room.head = SignedHead {
            sequence,
            hash,
            signature: Signature::try_from(signature.as_ref()).unwrap(),
            path: HeadPath::default(),
        };
    }

    fn heads(&self, directory: &Path) -> Heads {
        let key = HeadKey::try_from(self.key.public_key().as_ref()).unwrap();
        Heads::load_from(directory, &Pin::from_bytes([0; 32]), key, ACCOUNT).unwrap()
    }

    async fn serve(&self, mut peer: Peer) {
        while let Some(request) = peer.request().await {
            let (reply, lines) = match request.name.as_str() {
                "room_list" => {
                    let rooms = self.listed.then(|| json!(self.room));
                    (json!(RoomPage { next: None }), rooms.into_iter().collect())
                }
                "history" if self.refuses => {
                    let code = match self.room.kind {
                        RoomKind::Private => ErrorCode::NotFound,
                        _ => ErrorCode::Forbidden,
                    };
                    let refusal = Refusal::new(code, "not for you");
                    peer.send(json!({ "id": request.id, "error": refusal }), b"")
                        .await;
                    continue;
                }
                "history" => {
                    let since = request.args["since"].as_u64().unwrap();
                    let rest = self.events.iter().filter(|event| event.sequence > since);
                    let page: Vec<_> = rest.clone().take(PAGE).map(line).collect();
                    let more = rest.count() > PAGE;
                    (
                        json!(HistoryPage {
                            room: self.room.clone(),
                            more
                        }),
                        page,
                    )
                }
                other => panic!("{other}"),
            };
            let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
            peer.send(json!({ "id": request.id, "ok": reply }), body.as_bytes())
                .await;
        }
    }
}

fn line(event: &Event) -> serde_json::Value {
    let mut line = RoomEvent::new(event, "bob".parse().unwrap());
    line.salt = event.content.as_ref().map(|content| content.salt);
    line.text = event.content.as_ref().map(|content| content.body.clone());
    line.content_hash = Some(event.content_hash);
    json!(line)
}

/// What an audit of that hub finds, by a client that keeps its heads there.
async fn findings(log: &Log, directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut heads = log.heads(directory);
    let hub = TestHub::start().await;
    let addresses = [hub.address.clone()];
    let serve = async { log.serve(hub.welcome().await).await };
    let ask = async {
        let (connection, _) = Connection::open(&addresses, hub.pin).await.unwrap();
        let tell = |finding: &Finding| -> Result<(), ClientError> {
            findings.push(finding.clone());
            Ok(())
        };
        audit(&connection, &mut heads, tell).await.unwrap();
    };
    tokio::join!(ask, serve);
    heads.save().unwrap();
    findings
}

async fn finding(log: &Log, directory: &Path) -> (u64, Option<Fault>) {
    let [finding] = &findings(log, directory).await[..] else {
        panic!("there is one room")
    };
    (finding.events, finding.fault.clone())
}

#[tokio::test]
async fn a_log_as_it_was_acknowledged_is_intact_over_all_its_pages() {
    for count in [0, 1, 2, 5] {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(finding(&Log::new(count), directory.path()).await, (count, None));
    }
}

#[tokio::test]
async fn a_changed_text_is_named_by_its_event() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::new(5);
    log.events[3].content.as_mut().unwrap().body.push('!');
    assert_eq!(
        finding(&log, directory.path()).await,
        (3, Some(Broken::Content(4).into()))
    );
}

#[tokio::test]
async fn a_text_that_is_gone_without_a_deletion_is_named_by_its_event() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::new(5);
    log.events[1].content = None;
    assert_eq!(
        finding(&log, directory.path()).await,
        (5, Some(Broken::Erased(2).into()))
    );
}

#[tokio::test]
async fn a_log_that_ends_before_its_signed_head_is_short() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::new(5);
    log.events.truncate(4);
    assert_eq!(
        finding(&log, directory.path()).await,
        (4, Some(Fault::Short { events: 4, head: 5 }))
    );
}

#[tokio::test]
async fn a_head_over_another_event_or_without_a_signature_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::new(5);
    log.sign(5, Hash::from_bytes([9; 32]));
    assert_eq!(finding(&log, directory.path()).await, (5, Some(Fault::Signed(5))));
    log.room.head.signature = Signature::from_bytes([0; 64]);
    assert_eq!(
        finding(&log, directory.path()).await,
        (0, Some(HeadError::Signature(ROOM).into()))
    );
}

#[tokio::test]
async fn an_event_without_proof_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::new(2);
    log.events[1].content = None;
    // Erased, says the hub, but it does not say so in the event's own words.
    let hub = TestHub::start().await;
    let (addresses, mut heads) = ([hub.address.clone()], log.heads(directory.path()));
    let serve = async {
        let mut peer = hub.welcome().await;
        let list = peer.request().await.unwrap();
        peer.send(
            json!({ "id": list.id, "ok": {} }),
            json!(log.room).to_string().as_bytes(),
        )
        .await;
        let history = peer.request().await.unwrap();
        let mut second = line(&log.events[1]);
        second["erased"] = json!(false);
        let body = format!("{}\n{second}\n", line(&log.events[0]));
        let page = json!(HistoryPage {
            room: log.room.clone(),
            more: false
        });
        peer.send(json!({ "id": history.id, "ok": page }), body.as_bytes())
            .await;
    };
    let mut faults = Vec::new();
    let ask = async {
        let (connection, _) = Connection::open(&addresses, hub.pin).await.unwrap();
        let tell = |finding: &Finding| -> Result<(), ClientError> {
            faults.push(finding.fault.clone());
            Ok(())
        };
        audit(&connection, &mut heads, tell).await.unwrap();
    };
    tokio::join!(ask, serve);
    assert_eq!(faults, [Some(Fault::Unproven(2))]);
}

#[tokio::test]
async fn a_hub_that_was_restored_from_an_older_copy_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(finding(&Log::new(5), directory.path()).await, (5, None));
    let shorter = HeadError::Shorter {
        room: ROOM,
        sequence: 3,
        remembered: 5,
    };
    assert_eq!(
        finding(&Log::new(3), directory.path()).await,
        (3, Some(shorter.into()))
    );
}

#[tokio::test]
async fn a_log_that_was_restored_and_grew_on_differently_is_noticed_at_the_remembered_event() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(finding(&Log::new(3), directory.path()).await, (3, None));
    // Another message 3, everything behind it chained and signed as it should be.
    let mut other = Log::new(0);
    let mut hash = genesis_hash(&other.room.genesis());
    for mut event in Log::new(5).events {
        if event.sequence == 3 {
            event.client_id = ClientId::from_bytes([8; 16]);
        }
        event.hash = event_hash(&hash, &event);
        hash = event.hash;
        other.events.push(event);
    }
    other.sign(5, hash);
    let contradiction = HeadError::Contradiction {
        room: ROOM,
        sequence: 3,
    };
    assert_eq!(
        finding(&other, directory.path()).await,
        (3, Some(contradiction.into()))
    );
}

#[tokio::test]
async fn a_room_that_is_gone_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(finding(&Log::new(3), directory.path()).await, (3, None));
    let mut other = Log::new(0);
    other.room.id = RoomId::from_bytes([7; 16]);
    let findings = findings(&other, directory.path()).await;
    let gone = Finding {
        room: ROOM,
        target: None,
        events: 0,
        fault: Some(Fault::Gone(3)),
        unseen: false,
    };
    assert_eq!(findings.last(), Some(&gone));
}

/// What is said of a room that is not seen any more.
fn unseen(log: &Log, events: u64) -> Finding {
    Finding {
        room: ROOM,
        target: Some(log.room.target.clone()),
        events,
        fault: None,
        unseen: true,
    }
}

#[tokio::test]
async fn a_private_room_that_is_not_listed_any_more_is_one_that_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::of(RoomKind::Private, 3);
    assert_eq!(finding(&log, directory.path()).await, (3, None));
    log.listed = false;
    assert_eq!(findings(&log, directory.path()).await, [unseen(&log, 3)]);
}

#[tokio::test]
async fn a_room_that_may_not_be_read_any_more_is_held_to_its_head_alone() {
    for kind in [RoomKind::Approval, RoomKind::Public, RoomKind::Private] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::of(kind, 3);
        log.refuses = true;
        // Never told of any of it: there is nothing to say.
        assert_eq!(findings(&log, directory.path()).await, []);
        log.refuses = false;
        assert_eq!(finding(&log, directory.path()).await, (3, None));
        log.refuses = true;
        assert_eq!(findings(&log, directory.path()).await, [unseen(&log, 3)]);
        let mut shorter = Log::of(kind, 2);
        shorter.refuses = true;
        let fault = HeadError::Shorter {
            room: ROOM,
            sequence: 2,
            remembered: 3,
        };
        assert_eq!(finding(&shorter, directory.path()).await, (3, Some(fault.into())));
    }
}
