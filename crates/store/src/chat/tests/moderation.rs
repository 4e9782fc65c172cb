use super::*;
use landline_model::room::{MUTE_SECONDS_MAX, RoomRole, SLOW_SECONDS_MAX};

/// Whether they may speak, by nothing but what the room knows of them.
fn speaks(facts: &RoomFacts, now: Timestamp) -> Result<(), Denied> {
    if let Some(until) = facts.me.muted_until.filter(|until| now < *until) {
        return Err(Denied::Muted { until });
    }
    match facts.next_message {
        Some(until) if now < until => Err(Denied::TooSoon { until }),
        _ => Ok(()),
    }
}

fn says(sender: AccountId, number: u64) -> Append {
    Append {
        sender,
        permit: Box::new(speaks),
        ..message(number)
    }
}

fn mute(number: u64, seconds: u64) -> Append {
    let reason = "noise".to_owned();
    act(
        number,
        Act::Mute {
            who: BOB,
            seconds,
            reason,
        },
    )
}

#[tokio::test]
async fn a_mute_holds_for_what_is_queued_behind_it() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let release = hold(&chat).await;
    let before = queue(&chat, says(BOB, 1)).await;
    let muted = queue(&chat, mute(2, 60)).await;
    let behind = queue(&chat, says(BOB, 3)).await;
    let other = queue(&chat, says(CAROL, 4)).await;
    drop(release);
    before.await.unwrap();
    muted.await.unwrap();
    let until = Timestamp(61_000);
    assert_eq!(behind.await, Err(StoreError::Denied(Denied::Muted { until })));
    assert_eq!(other.await.unwrap().sequence, 3);
    let subject = events(&chat, &ROOM)[1].subject().unwrap();
    assert_eq!(
        (subject.account, subject.until, &*subject.reason),
        (BOB, Some(until), "noise")
    );
}

#[tokio::test]
async fn a_mute_outlives_leaving_and_ends_with_its_time() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, act_by(BOB, 1, Act::Join {})).await.unwrap();
    send(&chat, mute(2, 60)).await.unwrap();
    assert_eq!(send(&chat, mute(3, 60)).await, Err(StoreError::NoChange));
    send(&chat, act_by(BOB, 4, Act::Leave {})).await.unwrap();
    drop(chat);
    let chat = bench.open();
    let refused = |result: Result<Appended, StoreError>| {
        matches!(result, Err(StoreError::Denied(Denied::Muted { .. })))
    };
    assert!(refused(send(&chat, says(BOB, 5)).await));
    send(&chat, act_by(BOB, 6, Act::Join {})).await.unwrap();
    assert!(refused(send(&chat, says(BOB, 7)).await));
    bench.set_clock(61_000);
    send(&chat, says(BOB, 8)).await.unwrap();
    let unmute = |number| act(number, Act::Unmute { who: BOB });
    assert_eq!(
        send(&chat, unmute(9)).await,
        Err(StoreError::NoChange),
        "it is over"
    );
    send(&chat, mute(10, 60)).await.unwrap();
    send(&chat, unmute(11)).await.unwrap();
    send(&chat, says(BOB, 12)).await.unwrap();
    for seconds in [0, MUTE_SECONDS_MAX + 1, u64::MAX] {
        let refused = send(&chat, mute(13, seconds)).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{seconds}");
    }
}

#[tokio::test]
async fn slow_mode_counts_from_the_last_message() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let slow = |number, seconds| act(number, Act::Slow { seconds });
    assert_eq!(send(&chat, slow(1, 0)).await, Err(StoreError::NoChange));
    let long = send(&chat, slow(1, SLOW_SECONDS_MAX + 1)).await;
    assert!(matches!(long, Err(StoreError::Invalid(_))));
    send(&chat, slow(1, 10)).await.unwrap();
    assert_eq!(chat.room(&ROOM).unwrap().slow_seconds, 10);
    let release = hold(&chat).await;
    let first = queue(&chat, says(BOB, 2)).await;
    let second = queue(&chat, says(BOB, 3)).await;
    drop(release);
    first.await.unwrap();
    let until = Timestamp(11_000);
    let too_soon = StoreError::Denied(Denied::TooSoon { until });
    assert_eq!(second.await, Err(too_soon.clone()), "in the same group");
    let facts = chat.facts(&ROOM, &BOB, Some(ALICE)).unwrap();
    assert_eq!(facts.next_message, Some(until));
    assert_eq!(facts.other, Some((ALICE, chat.membership(&ROOM, &ALICE))));
    // Who only spoke is nobody to look after.
    assert_eq!(chat.members(&ROOM, false, None, 10), []);
    drop(chat);
    let chat = bench.open();
    assert_eq!(send(&chat, says(BOB, 4)).await, Err(too_soon), "after a restart");
    send(&chat, says(CAROL, 5)).await.unwrap();
    bench.set_clock(11_000);
    send(&chat, says(BOB, 6)).await.unwrap();
    send(&chat, slow(7, 0)).await.unwrap();
    assert_eq!(chat.facts(&ROOM, &BOB, None).unwrap().next_message, None);
    send(&chat, says(BOB, 8)).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_set_back_frees_nobody_early_and_blocks_nobody_for_ever() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    bench.set_clock(10_000_000);
    send(&chat, mute(1, 60)).await.unwrap();
    let until = Timestamp(10_060_000);
    bench.set_clock(5_000);
    let muted = send(&chat, says(BOB, 2)).await;
    assert_eq!(muted, Err(StoreError::Denied(Denied::Muted { until })));
    // A minute and no second less, though the clock will not show that time for hours; two at most.
    bench.set_clock(5_000 + 59_000);
    let muted = send(&chat, says(BOB, 3)).await;
    assert_eq!(muted, Err(StoreError::Denied(Denied::Muted { until })));
    bench.set_clock(5_000 + 2 * 60_000);
    let sent = send(&chat, says(BOB, 4)).await.unwrap();
    assert_eq!(sent.time, until);
    assert!(crate::chat::audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn a_permit_hears_who_it_is_about() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let asking = |append: Append| {
        let heard = Arc::clone(&heard);
        let permit = move |facts: &RoomFacts, _| {
            lock(&heard).push(*facts);
            Err(Denied::NotYours)
        };
        Append {
            permit: Box::new(permit),
            ..append
        }
    };
    let delete = |message| act_by(BOB, 9, Act::Delete { message });
    let reason = String::new();
    let kick = act_by(BOB, 9, Act::Kick { who: CAROL, reason });
    // The last one is about a message that is not there: who may not know that hears what all others hear.
    for append in [delete(1), kick, act_by(BOB, 9, Act::Join {}), delete(99)] {
        let refused = send(&chat, asking(append)).await;
        assert_eq!(refused, Err(StoreError::Denied(Denied::NotYours)));
    }
    let owner = Membership {
        standing: Standing::Member(RoomRole::Owner),
        muted_until: None,
    };
    let others: Vec<_> = lock(&heard).iter().map(|facts| facts.other).collect();
    let stranger = |who| Some((who, Membership::default()));
    assert_eq!(
        others,
        [Some((ALICE, owner)), stranger(CAROL), None, stranger(BOB)]
    );
    assert_eq!(chat.room(&ROOM).unwrap().head.sequence, 1);
}
