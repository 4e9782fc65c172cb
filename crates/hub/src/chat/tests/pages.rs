//! Pages of a room's log.

use super::lab::{Lab, target};
use crate::answer::Answer;
use crate::chat::act::{Asked, prepare};
use crate::chat::feed::Ahead;
use crate::chat::follow::replay;
use crate::chat::history::history;
use bytes::Bytes;
use landline_model::event::{RoomKind, TEXT_MAX};
use landline_model::id::ClientId;
use landline_model::protocol::PAGE_BYTES_MAX;
use landline_model::protocol::chat::{History, HistoryPage, RoomEvent};
use landline_model::room::Act;
use landline_store::writer::completion;
use std::sync::Arc;

/// The numbers of the events of a page.
fn shown(answer: &Answer<HistoryPage>) -> Vec<u64> {
    let lines = answer
        .body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<RoomEvent>(line).unwrap());
    lines.map(|event| event.sequence).collect()
}

#[tokio::test]
async fn what_was_taken_back_is_in_no_ring_and_no_page() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let (alice, bob) = (lab.alice, lab.bob);
    let outbox = Arc::default();
    let mut slow = lab.follows(bob, &outbox).await.unwrap();
    let Ahead::InStore { since, delivered } = slow.ahead(usize::MAX) else {
        panic!("what was before the subscription is in the store");
    };
    // From here on what comes stands in the ring.
    let mut got = replay(&lab.services, &mut slow, since, delivered).await;
    assert_eq!(slow.ahead(usize::MAX), Ahead::Nothing);
    let message = lab.says(alice, "the secret").await.sequence;
    lab.does(alice, Act::Edit { message }, "the secret again")
        .await
        .unwrap();
    lab.does(alice, Act::Delete { message }, "").await.unwrap();
    let last = lab.says(alice, "something else").await.sequence;
    while got.len() as u64 != last {
        match slow.ahead(usize::MAX) {
            Ahead::Events(events) => got.extend(events),
            Ahead::InStore { since, delivered } => {
                got.extend(replay(&lab.services, &mut slow, since, delivered).await);
            }
            other => panic!("{other:?} after {} of {last}", got.len()),
        }
    }
    let got = got.concat();
    assert!(String::from_utf8_lossy(&got).contains("something else"));
    assert!(!String::from_utf8_lossy(&got).contains("secret"));
    for (proof, fold) in [(false, false), (true, false), (false, true), (true, true)] {
        let call = History {
            target: target(),
            since: 0,
            limit: 100,
            last: false,
            proof,
            fold,
        };
        let page = history(&lab.services, &bob, call).await.unwrap();
        assert_eq!(
            page.body.iter().filter(|byte| **byte == b'\n').count() as u64,
            last
        );
        assert!(!String::from_utf8_lossy(&page.body).contains("secret"));
    }
}

#[tokio::test]
async fn messages_that_were_made_long_are_no_more_than_a_page() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let alice = lab.alice;
    let count = u64::try_from(PAGE_BYTES_MAX / TEXT_MAX).unwrap() + 20;
    let first = lab.says(alice, "x").await.sequence;
    for _ in 1..count {
        lab.says(alice, "x").await;
    }
    for message in first..first + count {
        let long = "y".repeat(TEXT_MAX);
        let asked = Asked {
            target: target(),
            client_id: ClientId::from_time_and_random(message, [7; 10]),
            act: Act::Edit { message },
        };
        let (append, _) = prepare(&lab.services, &alice, asked, &Bytes::from(long))
            .ok()
            .unwrap();
        let (done, outcome) = completion();
        lab.services.chat.append(append, done).await;
        outcome.await.unwrap();
    }
    let page = |last| History {
        target: target(),
        since: first - 1,
        limit: u32::try_from(count).unwrap(),
        last,
        proof: false,
        fold: true,
    };
    let begins = history(&lab.services, &alice, page(false)).await.unwrap();
    let numbers = shown(&begins);
    assert_eq!(numbers.first(), Some(&first));
    assert!((numbers.len() as u64) < count && begins.reply.more);
    assert!(begins.body.len() <= PAGE_BYTES_MAX);

    // The newest ones are what is asked for: none of them is left out for the sake of older ones.
    let call = History {
        since: 0,
        ..page(true)
    };
    let newest = history(&lab.services, &alice, call).await.unwrap();
    let head = newest.reply.room.head.sequence;
    assert_eq!(shown(&newest).last(), Some(&head));
    assert!(!newest.reply.more && newest.body.len() <= PAGE_BYTES_MAX);
}

#[tokio::test]
async fn the_newest_messages_are_shown_whatever_stands_before_them() {
    let mut lab = Lab::of(RoomKind::Public).await;
    let alice = lab.alice;
    // Each is six times as long as JSON.
    for _ in 0..20 {
        lab.says(alice, &"\u{1}".repeat(TEXT_MAX)).await;
    }
    let last = lab.says(alice, "here").await.sequence;
    let call = History {
        target: target(),
        since: 0,
        limit: 20,
        last: true,
        proof: false,
        fold: true,
    };
    let page = history(&lab.services, &alice, call).await.unwrap();
    assert_eq!(shown(&page).last(), Some(&last));
    assert!(page.body.len() <= PAGE_BYTES_MAX);
}
