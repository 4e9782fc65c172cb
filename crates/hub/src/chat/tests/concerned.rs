//! Who is told of what is done in rooms that they do not follow, and how often one comes and goes.

use super::lab::{Lab, bob_name, joined, say};
use crate::chat::follow::subscribe;
use crate::live::Line;
use crate::outbox::{About, News};
use landline_model::error::ErrorCode;
use landline_model::event::RoomKind;
use landline_model::id::RoomId;
use landline_model::name::AccountName;
use landline_model::protocol::chat::{History, Subscribe};
use landline_model::role::Role;
use landline_model::room::Act;
use std::time::{Duration, Instant};

/// The rooms of which a connection has been told, since this was asked last, that one stands to them in another way.
fn told(line: &Line) -> Vec<RoomId> {
    let waiting = line.outbox.take().signals.map(|signals| signals.waiting);
    let standings = waiting
        .into_iter()
        .flatten()
        .filter_map(|(about, news)| match about {
            About::Standing(room) => {
                assert_eq!(news, News::Look);
                Some(room)
            }
            _ => None,
        });
    standings.collect()
}

fn done_to_bob() -> [Act<AccountName>; 4] {
    let who = bob_name;
    let mute = Act::Mute {
        who: who(),
        seconds: 60,
        reason: String::new(),
    };
    let ban = Act::Ban {
        who: who(),
        reason: String::new(),
    };
    [mute, Act::Unmute { who: who() }, ban, Act::Unban { who: who() }]
}

#[tokio::test]
async fn a_stranger_does_not_hear_of_a_private_room_by_what_is_done_to_them_there() {
    let mut lab = Lab::of(RoomKind::Private).await;
    let (alice, bob) = (lab.alice, lab.bob);
    lab.does(bob, Act::Leave {}, "").await.unwrap();
    let (_place, line) = lab.is_there(bob, 1);
    for act in done_to_bob() {
        lab.does(alice, act.clone(), "").await.unwrap();
        assert_eq!(told(&line), [], "{act:?}");
    }
    // Who is invited hears of it, and of the end of that.
    lab.does(alice, Act::Invite { who: bob_name() }, "")
        .await
        .unwrap();
    assert_eq!(told(&line), [lab.room]);
    let [mute, unmute, ban, unban] = done_to_bob();
    for act in [mute, unmute, ban] {
        lab.does(alice, act.clone(), "").await.unwrap();
        assert_eq!(told(&line), [lab.room], "{act:?}");
    }
    lab.does(alice, unban, "").await.unwrap();
    assert_eq!(told(&line), [], "it is out of sight by then");
}

#[tokio::test]
async fn in_a_room_that_everybody_knows_of_one_hears_how_one_stands() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let (alice, bob) = (lab.alice, lab.bob);
    lab.does(bob, Act::Leave {}, "").await.unwrap();
    let (_place, line) = lab.is_there(bob, 1);
    for act in done_to_bob() {
        lab.does(alice, act.clone(), "").await.unwrap();
        assert_eq!(told(&line), [lab.room], "{act:?}");
    }
}

#[tokio::test]
async fn both_hear_of_a_conversation_that_begins_and_a_follower_gets_its_first_message_once() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let (alice, bob) = (lab.alice, lab.bob);
    let eve = joined(&lab.services, 9, "eve", Role::Member).await;
    let (_a, alices) = lab.is_there(alice, 1);
    let (_b, bobs) = lab.is_there(bob, 2);
    let (_e, eves) = lab.is_there(eve, 3);
    let queued = lab.queues_at("@bob", alice, say(), "psst").await.unwrap();
    let sent = queued.told().await.unwrap();
    assert_eq!(
        (told(&alices), told(&bobs), told(&eves)),
        (vec![sent.room], vec![sent.room], vec![])
    );
    let seen = crate::chat::describe::as_seen(&lab.services, &bob, &sent.room).unwrap();
    assert_eq!(
        (seen.target.to_string().as_str(), seen.head.sequence),
        ("@alice", 1)
    );

    // As one who follows everything does: from its beginning.
    let call = Subscribe {
        target: seen.target,
        since: Some(0),
    };
    let (_, mut cursor) = subscribe(&lab.services, &bob, call, &bobs.outbox).await.unwrap();
    let queued = lab.queues_at("@bob", alice, say(), "more").await.unwrap();
    queued.told().await.unwrap();
    assert_eq!(told(&bobs), [], "that is no news");
    let crate::chat::feed::Ahead::InStore { since, delivered } = cursor.ahead(usize::MAX) else {
        panic!("the first message is in the store");
    };
    let events = crate::chat::replay(&lab.services, &mut cursor, since, delivered).await;
    assert!(String::from_utf8_lossy(&events[0]).contains("psst"));
    assert!(since == 0 && !events.is_empty());
}

#[tokio::test]
async fn who_comes_and_goes_without_end_is_slowed_down_and_writes_on() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let bob = lab.bob;
    // All of their burst, and an hour of what comes back to it: however slow this machine is.
    let later = Instant::now() + Duration::from_secs(60 * 60);
    while lab.services.pace.step(bob.account, later).is_ok() {}
    let refused = lab.does(bob, Act::Leave {}, "").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TooSoon);
    assert!(refused.message.contains("slow down"), "{refused}");
    assert!(refused.message.contains(" s"), "{refused}");
    lab.says(bob, "still here").await;
    let history = History {
        target: super::target(),
        since: 0,
        limit: 100,
        last: true,
        proof: false,
        fold: false,
    };
    let answer = crate::chat::history::history(&lab.services, &bob, history)
        .await
        .ok()
        .unwrap();
    let log = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(log.contains("still here") && !log.contains("\"leave\""), "{log}");
}
