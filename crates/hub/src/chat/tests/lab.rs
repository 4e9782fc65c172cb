//! A hub without doors, for tests of what is decided on the store's thread.

use crate::authorise::Identity;
use crate::chat::act::{Asked, Teller, prepare};
use crate::chat::feed::Cursor;
use crate::chat::follow::subscribe;
use crate::live::tests::line;
use crate::live::{Line, Place};
use crate::outbox::Outbox;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::RoomKind;
use landline_model::id::{AccountId, ClientId, RoomId, SessionId};
use landline_model::link::Token;
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Sent, Subscribe};
use landline_model::protocol::people::SessionSecret;
use landline_model::role::Role;
use landline_model::room::Act;
use landline_model::target::Target;
use landline_model::time::Timestamp;
use landline_store::chat::{Appended, NewRoom};
use landline_store::people::{NewAccount, NewInvite, NewSession, secret_hash, token_hash};
use landline_store::writer::{Outcome, completion};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A hub without doors, its room `#lab`, which Alice made, and Bob, who is a member of it.
pub(super) struct Lab {
    pub(super) services: Arc<Services>,
    pub(super) alice: Identity,
    pub(super) bob: Identity,
    pub(super) room: RoomId,
    pub(super) acts: u8,
    _place: TempDir,
}

/// Something that waits in the store's queue, and how to tell of it.
pub(super) struct Queued {
    pub(super) teller: Teller,
    pub(super) outcome: Outcome<Appended>,
}

impl Lab {
    pub(super) async fn of(kind: RoomKind) -> Self {
        let place = tempfile::tempdir().unwrap();
        let services = Services::in_an_empty(place.path());
        let alice = joined(&services, 1, "alice", Role::Member).await;
        let bob = joined(&services, 2, "bob", Role::Guest).await;
        let room = RoomId::from_bytes([3; 16]);
        let (done, outcome) = completion();
        let new = NewRoom {
            id: room,
            name: "lab".parse().unwrap(),
            creator: alice.account,
            kind,
        };
        services.chat.create_room(new, done).await;
        outcome.await.unwrap();
        let mut lab = Self {
            services,
            alice,
            bob,
            room,
            acts: 0,
            _place: place,
        };
        if kind != RoomKind::Public {
            let who = bob_name();
            lab.does(lab.alice, Act::Invite { who }, "").await.unwrap();
        }
        lab.does(lab.bob, Act::Join {}, "").await.unwrap();
        lab
    }

    /// Puts something into the store's queue.
    pub(super) async fn queues(
        &mut self,
        who: Identity,
        act: Act<AccountName>,
        text: &str,
    ) -> Result<Queued, Refusal> {
        self.queues_at("#lab", who, act, text).await
    }

    pub(super) async fn queues_at(
        &mut self,
        target: &str,
        who: Identity,
        act: Act<AccountName>,
        text: &str,
    ) -> Result<Queued, Refusal> {
        self.acts += 1;
        let asked = Asked {
            target: target.parse().unwrap(),
            client_id: ClientId::from_bytes([self.acts; 16]),
            act,
        };
        let text = Bytes::copy_from_slice(text.as_bytes());
        let (append, teller) = prepare(&self.services, &who, asked, &text)?;
        let (done, outcome) = completion();
        self.services.chat.append(append, done).await;
        Ok(Queued { teller, outcome })
    }

    /// Does something, and waits until it is done and delivered.
    pub(super) async fn does(
        &mut self,
        who: Identity,
        act: Act<AccountName>,
        text: &str,
    ) -> Result<Sent, Refusal> {
        let told = self.queues(who, act, text).await?.told().await;
        let (done, outcome) = completion();
        self.services.chat.barrier(done).await;
        outcome.await.unwrap();
        told
    }

    pub(super) async fn says(&mut self, who: Identity, text: &str) -> Sent {
        self.does(who, say(), text).await.unwrap()
    }

    /// Follows the room from the beginning.
    pub(super) async fn follows(&self, who: Identity, outbox: &Arc<Outbox>) -> Result<Cursor, Refusal> {
        let call = Subscribe {
            target: target(),
            since: Some(0),
        };
        let (_, cursor) = subscribe(&self.services, &who, call, outbox).await?;
        Ok(cursor)
    }

    pub(super) fn is_there(&self, who: Identity, number: u64) -> (Place, Line) {
        let line = line(number, CancellationToken::new());
        let place = self.services.live.enter(who.session, who.account, line.clone());
        (place, line)
    }
}

impl Queued {
    pub(super) async fn told(self) -> Result<Sent, Refusal> {
        let Self { teller, outcome } = self;
        teller.tell(outcome.await).map(|answer| answer.reply)
    }
}

pub(super) fn target() -> Target {
    "#lab".parse().unwrap()
}

pub(super) fn bob_name() -> AccountName {
    "bob".parse().unwrap()
}

pub(super) fn say() -> Act<AccountName> {
    Act::Say { reply_to: None }
}

pub(super) fn code<T>(result: Result<T, Refusal>) -> ErrorCode {
    result.map(drop).expect_err("a refusal").code
}

pub(super) async fn joined(services: &Services, number: u8, name: &str, role: Role) -> Identity {
    let token = token_hash(&Token::from_bytes([number; 16]));
    let invite = NewInvite {
        token_hash: token,
        role,
        uses: 1,
        lifetime: DAY,
        created_by: None,
    };
    services.people.create_invite(invite).await.unwrap();
    let account = NewAccount {
        id: AccountId::from_bytes([number; 16]),
        name: name.parse().unwrap(),
        password: None,
    };
    let session = NewSession {
        id: SessionId::from_bytes([number; 16]),
        secret_hash: secret_hash(&SessionSecret::from_bytes([number; 32])),
        device: String::new(),
        lifetime: DAY,
    };
    let joined = services.people.join(token, account, session, DAY).await.unwrap();
    Identity {
        account: joined.account.id,
        role,
        session: joined.session,
        session_ends: Timestamp(u64::MAX),
    }
}
