//! What is decided on the store's thread, in process: there the order of what meets is the test's.

mod concerned;
mod lab;
mod pages;

use self::lab::{DAY, Lab, bob_name, code, joined, say, target};
use super::act::{Asked, prepare};
use super::feed::Ahead;
use super::follow::{replay, subscribe};
use crate::authorise::Identity;
use crate::outbox::{About, News};
use bytes::Bytes;
use landline_model::chain::genesis_hash;
use landline_model::error::ErrorCode;
use landline_model::event::{Genesis, RoomKind};
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::name::NAME_MAX;
use landline_model::protocol::chat::{Read, Subscribe};
use landline_model::protocol::people::ContactAct;
use landline_model::role::Role;
use landline_model::room::{Act, Standing};
use landline_model::time::Timestamp;
use landline_store::chat::{FinishedImport, ImportedEvents, NewImport};
use std::sync::Arc;

#[tokio::test]
async fn a_message_that_is_queued_behind_a_mute_is_refused() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let mute = Act::Mute {
        who: bob_name(),
        seconds: 60,
        reason: String::new(),
    };
    // All three are allowed when they are asked for, and are done in this order.
    let (alice, bob) = (lab.alice, lab.bob);
    let before = lab.queues(bob, say(), "before").await.unwrap();
    let mute = lab.queues(alice, mute, "").await.unwrap();
    let after = lab.queues(bob, say(), "after").await.unwrap();
    assert!(before.told().await.is_ok() && mute.told().await.is_ok());
    let refusal = after.told().await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    assert!(refusal.message.contains("muted for another 6"), "{refusal}");
}

#[tokio::test]
async fn what_waits_when_its_account_is_disabled_or_put_out_is_refused() {
    let mut lab = Lab::of(RoomKind::Private).await;
    let (alice, bob) = (lab.alice, lab.bob);
    let kick = Act::Kick {
        who: bob_name(),
        reason: String::new(),
    };
    let kick = lab.queues(alice, kick, "").await.unwrap();
    let behind = lab.queues(bob, say(), "behind the kick").await.unwrap();
    kick.told().await.unwrap();
    let refusal = behind.told().await.unwrap_err();
    assert_eq!(
        refusal.code,
        ErrorCode::NotFound,
        "the room is not theirs to know"
    );

    lab.services.people.disable(alice.account, DAY).await.unwrap();
    // Who was let in before that asks with what was true then.
    assert_eq!(
        code(lab.does(alice, say(), "too late").await),
        ErrorCode::Unauthenticated
    );
    let call = Subscribe {
        target: target(),
        since: None,
    };
    let entered = subscribe(&lab.services, &alice, call, &Arc::default()).await;
    assert_eq!(code(entered), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn who_is_put_out_gets_nothing_more_however_far_behind() {
    for kind in [RoomKind::Public, RoomKind::Private, RoomKind::Approval] {
        let mut lab = Lab::of(kind).await;
        let (alice, bob) = (lab.alice, lab.bob);
        let (_place, line) = lab.is_there(bob, 1);
        let mut behind = lab.follows(bob, &line.outbox).await.unwrap();
        let mut alices = lab.follows(alice, &Arc::default()).await.unwrap();
        lab.says(alice, "before").await;
        // In the middle of reading the store, when it happens.
        let Ahead::InStore { since, delivered } = behind.ahead(usize::MAX) else {
            panic!("what was before the subscription is in the store");
        };
        line.outbox.take();
        let kick = Act::Kick {
            who: bob_name(),
            reason: "noise\u{202e}".to_owned(),
        };
        lab.does(alice, kick, "").await.unwrap();
        let last = lab.says(alice, "after").await.sequence;
        replay(&lab.services, &mut behind, since, delivered).await;
        assert!(behind.is_cut());
        assert_eq!(behind.ahead(usize::MAX), Ahead::Cut);

        let signals = line.outbox.take().signals.unwrap().waiting;
        assert_eq!(signals[&About::Standing(lab.room)], News::Look);
        let News::Said(closed) = &signals[&About::Closed(lab.room)] else {
            panic!("it is said why");
        };
        let closed = String::from_utf8_lossy(closed);
        assert!(
            closed.contains("you were put out of the room: noise\\\\u{202e}"),
            "{closed}"
        );

        let again = code(lab.follows(bob, &line.outbox).await);
        let expected = match kind {
            RoomKind::Private => ErrorCode::NotFound,
            _ => ErrorCode::Forbidden,
        };
        assert_eq!(again, expected, "{kind:?}");
        let Ahead::InStore { since, delivered } = alices.ahead(usize::MAX) else {
            panic!("alice has read nothing yet");
        };
        let events = replay(&lab.services, &mut alices, since, delivered).await;
        assert_eq!(events.len() as u64, last, "and the others go on");
    }
}

#[tokio::test]
async fn who_is_blocked_says_nothing_more_and_may_still_take_back() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let (alice, bob) = (lab.alice, lab.bob);
    let said = lab.queues_at("@alice", bob, say(), "hello").await.unwrap();
    let message = said.told().await.unwrap().sequence;
    let people = lab.services.people.clone();
    people
        .contact(alice.account, bob.account, ContactAct::Block)
        .await
        .unwrap();
    let react = Act::React {
        message,
        reaction: "!".to_owned(),
    };
    for (act, text) in [(say(), "hello?"), (Act::Edit { message }, "hello?"), (react, "")] {
        let queued = lab.queues_at("@alice", bob, act, text).await.unwrap();
        assert_eq!(code(queued.told().await), ErrorCode::Forbidden);
    }
    let delete = Act::Delete { message };
    let queued = lab.queues_at("@alice", bob, delete, "").await.unwrap();
    assert!(queued.told().await.is_ok());
    let queued = lab.queues_at("@bob", alice, say(), "so there").await.unwrap();
    assert!(queued.told().await.is_ok(), "it is the other one who is blocked");
    // In a room that both are in, it is the moderators' business.
    lab.says(bob, "hello, all").await;
}

#[tokio::test]
async fn whose_session_has_ended_does_nothing_whatever_the_time_in_the_room() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let ended = Identity {
        session_ends: Timestamp(1),
        ..lab.bob
    };
    assert_eq!(
        code(lab.does(ended, say(), "late").await),
        ErrorCode::Unauthenticated
    );
    // A room's time may be ahead of the hub's: nobody's session ends by it.
    let facts = lab
        .services
        .chat
        .facts(&lab.room, &lab.bob.account, None)
        .unwrap();
    let soon = Identity {
        session_ends: lab.services.now().plus(DAY),
        ..lab.bob
    };
    let append = prepare(
        &lab.services,
        &soon,
        Asked {
            target: target(),
            client_id: ClientId::from_bytes([200; 16]),
            act: say(),
        },
        &Bytes::from_static(b"x"),
    );
    let (append, _) = append.ok().unwrap();
    let in_a_year = lab.services.now().plus(DAY * 365);
    assert_eq!((append.permit)(&facts, in_a_year), Ok(()));
}

#[tokio::test]
async fn a_mark_moves_forward_and_the_other_devices_hear_of_it() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let bob = lab.bob;
    let here = lab.is_there(bob, 1);
    let there = lab.is_there(bob, 2);
    let last = lab.says(bob, "hello").await.sequence;
    let read = |sequence| {
        let call = Read {
            target: target(),
            sequence,
        };
        super::read::read(&lab.services, &bob, &call, 1).map(drop)
    };
    here.1.outbox.take();
    there.1.outbox.take();
    read(last).unwrap();
    assert!(here.1.outbox.take().signals.is_none());
    let told = there.1.outbox.take().signals.unwrap().waiting;
    assert!(told.contains_key(&About::Read(lab.room)));
    read(1).unwrap();
    assert!(there.1.outbox.take().signals.is_none(), "it never moves back");
    assert_eq!(lab.services.chat.read_mark(&bob.account, &lab.room), Some(last));
    for sequence in [last + 1, u64::MAX] {
        assert_eq!(code(read(sequence)), ErrorCode::Conflict);
    }
}

#[tokio::test]
async fn a_role_that_may_not_read_is_judged_again_on_what_it_follows() {
    let lab = Lab::of(RoomKind::Approval).await;
    let judge = |who: Option<&Identity>| super::follow::judge(&lab.services, who, &lab.room);
    assert_eq!(judge(Some(&lab.bob)), Ok(()));
    let unknown = Identity {
        role: Role::Unknown,
        ..lab.bob
    };
    for who in [Some(&unknown), None] {
        let closed = judge(who).unwrap_err();
        assert!(String::from_utf8_lossy(&closed).contains(r#""signal":"closed""#));
    }
}

#[tokio::test]
async fn standing_is_described_as_it_is_when_it_is_told() {
    let mut lab = Lab::of(RoomKind::Private).await;
    let (alice, bob) = (lab.alice, lab.bob);
    let described = |lab: &Lab| super::describe::as_seen(&lab.services, &bob, &lab.room);
    let seen = described(&lab).unwrap();
    assert!(matches!(seen.me.standing, Standing::Member(_)));
    assert_eq!((seen.members, seen.kind), (2, RoomKind::Private));
    lab.does(alice, Act::Topic {}, "ships").await.unwrap();
    assert_eq!(described(&lab).unwrap().topic, "ships");
    let ban = Act::Ban {
        who: bob_name(),
        reason: String::new(),
    };
    lab.does(alice, ban, "").await.unwrap();
    assert_eq!(described(&lab), None);
}

#[tokio::test]
async fn a_room_whose_time_is_ahead_is_followed_by_who_is_logged_in() {
    let lab = Lab::of(RoomKind::Public).await;
    let chat = &lab.services.chat;
    let now = lab.services.now();
    // As a clock leaves it that was ahead: this session ends before that.
    let genesis = Genesis {
        room: RoomId::from_bytes([9; 16]),
        created: now.plus(DAY),
        creator: lab.alice.account,
        kind: RoomKind::Public,
        name: "ahead".to_owned(),
        peer: None,
    };
    let finished = FinishedImport {
        room: genesis.room,
        sequence: 0,
        hash: genesis_hash(&genesis),
        admin: lab.alice.account,
        client_id: ClientId::from_bytes([9; 16]),
    };
    let name = "ahead".parse().unwrap();
    chat.import_begin(NewImport { genesis, name }).await.unwrap();
    chat.import_finish(finished).await.unwrap();
    let soon = Identity {
        session_ends: now.plus(DAY / 2),
        ..lab.bob
    };
    let call = Subscribe {
        target: "#ahead".parse().unwrap(),
        since: None,
    };
    let followed = subscribe(&lab.services, &soon, call, &Arc::default()).await;
    assert_eq!(followed.map(|(room, _)| room.id), Ok(finished.room));
}

#[tokio::test]
async fn what_was_said_before_one_was_put_out_was_said_and_what_was_not_was_not() {
    for kind in [RoomKind::Public, RoomKind::Private, RoomKind::Approval] {
        let mut lab = Lab::of(kind).await;
        let (alice, bob) = (lab.alice, lab.bob);
        let first = lab.says(bob, "hello").await;
        let said = lab.acts;
        let kick = Act::Kick {
            who: bob_name(),
            reason: String::new(),
        };
        lab.does(alice, kick, "").await.unwrap();
        let done = lab.acts;
        // The answer was lost: it is asked again.
        lab.acts = said - 1;
        let again = lab.says(bob, "hello").await;
        assert_eq!((again.sequence, again.duplicate), (first.sequence, true));
        lab.acts = done;
        let new = code(lab.does(bob, say(), "again").await);
        let expected = match kind {
            RoomKind::Private => ErrorCode::NotFound,
            _ => ErrorCode::Forbidden,
        };
        assert_eq!(new, expected);
    }
}

#[tokio::test]
async fn somebody_of_another_hub_is_not_taken_for_who_is_called_the_same_here() {
    let lab = Lab::of(RoomKind::Public).await;
    let chat = &lab.services.chat;
    let genesis = Genesis {
        room: RoomId::from_bytes([9; 16]),
        created: lab.services.now(),
        creator: AccountId::from_bytes([10; 16]),
        kind: RoomKind::Public,
        name: "elsewhere".to_owned(),
        peer: None,
    };
    let others = [(10, "bob"), (11, "dora"), (12, &"b".repeat(NAME_MAX))]
        .map(|(number, name)| (AccountId::from_bytes([number; 16]), name.parse().unwrap()));
    let people = ImportedEvents {
        room: genesis.room,
        events: Vec::new(),
        names: others.to_vec(),
    };
    joined(&lab.services, 3, &"b".repeat(NAME_MAX), Role::Member).await;
    let name = "elsewhere".parse().unwrap();
    chat.import_begin(NewImport { genesis, name }).await.unwrap();
    chat.import_events(people).await.unwrap();
    let names = super::describe::Names::all(&lab.services);
    let told = others.map(|(account, _)| names.of(&account).to_string());
    assert_eq!(told, ["bob.0a0a0a0a", "dora", &"0c".repeat(16)]);
    assert_eq!(names.of(&lab.bob.account), bob_name());
}
