use super::*;
use landline_model::room::RoomRole;

const MEMBER: Standing = Standing::Member(RoomRole::Member);
const OWNER: Standing = Standing::Member(RoomRole::Owner);

fn ids(rooms: &[RoomRecord]) -> Vec<RoomId> {
    rooms.iter().map(|room| room.genesis.room).collect()
}

/// The members, then those whom the room knows beside them.
fn people(chat: &Chat) -> [Vec<AccountId>; 2] {
    [true, false].map(|members| {
        let page = chat.members(&ROOM, members, None, 100);
        page.into_iter().map(|(account, _)| account).collect()
    })
}

#[tokio::test]
async fn who_makes_a_room_owns_it_and_who_joins_is_a_member() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    assert_eq!(standing(&chat, ALICE), OWNER);
    send(&chat, act_by(BOB, 1, Act::Join {})).await.unwrap();
    assert_eq!(standing(&chat, BOB), MEMBER);
    let again = send(&chat, act_by(BOB, 2, Act::Join {})).await;
    assert_eq!(again, Err(StoreError::NoChange));
    assert_eq!(chat.room(&ROOM).unwrap().members, 2);
    send(&chat, act_by(BOB, 3, Act::Leave {})).await.unwrap();
    let again = send(&chat, act_by(BOB, 4, Act::Leave {})).await;
    assert_eq!(again, Err(StoreError::NoChange));
    assert_eq!(chat.room(&ROOM).unwrap().members, 1);
    drop(chat);
    let chat = bench.open();
    assert_eq!(people(&chat), [vec![ALICE], vec![]]);
    assert_eq!(
        (standing(&chat, ALICE), standing(&chat, BOB)),
        (OWNER, Standing::Stranger)
    );
}

#[tokio::test]
async fn a_room_with_members_keeps_an_owner() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let grant = |number, who, role| act(number, Act::Grant { who, role });
    let stranger = send(&chat, grant(1, BOB, RoomRole::Moderator)).await;
    assert_eq!(stranger, Err(StoreError::Denied(Denied::NotMember)));
    send(&chat, act_by(BOB, 2, Act::Join {})).await.unwrap();
    let leaves = send(&chat, act(3, Act::Leave {})).await;
    assert_eq!(leaves, Err(StoreError::LastOwner));
    let steps_down = send(&chat, grant(4, ALICE, RoomRole::Member)).await;
    assert_eq!(steps_down, Err(StoreError::LastOwner));

    // In one group: the second owner makes room for the first.
    let release = hold(&chat).await;
    let granted = queue(&chat, grant(5, BOB, RoomRole::Owner)).await;
    let left = queue(&chat, act(6, Act::Leave {})).await;
    let last = queue(&chat, act_by(CAROL, 7, Act::Join {})).await;
    let leaves = queue(&chat, act_by(BOB, 8, Act::Leave {})).await;
    drop(release);
    granted.await.unwrap();
    left.await.unwrap();
    last.await.unwrap();
    assert_eq!(leaves.await, Err(StoreError::LastOwner));
    assert_eq!(
        (standing(&chat, BOB), standing(&chat, ALICE)),
        (OWNER, Standing::Stranger)
    );
    let same = send(&chat, grant(9, BOB, RoomRole::Owner)).await;
    assert_eq!(same, Err(StoreError::NoChange));
    // Alone in it, an owner may go.
    send(&chat, act_by(CAROL, 10, Act::Leave {})).await.unwrap();
    send(&chat, act_by(BOB, 11, Act::Leave {})).await.unwrap();
    assert_eq!(chat.room(&ROOM).unwrap().members, 0);
}

#[tokio::test]
async fn who_asks_is_let_in_or_turned_down() {
    let bench = Bench::new();
    let chat = bench.open();
    create_of(&chat, ROOM, "club", RoomKind::Approval).await.unwrap();
    let approve = |number, who| act(number, Act::Approve { who });
    let decline = |number, who| act(number, Act::Decline { who });
    assert_eq!(send(&chat, approve(1, BOB)).await, Err(StoreError::NotAsked));
    assert_eq!(send(&chat, decline(2, BOB)).await, Err(StoreError::NotAsked));
    send(&chat, act_by(BOB, 3, Act::Ask {})).await.unwrap();
    send(&chat, act_by(CAROL, 4, Act::Ask {})).await.unwrap();
    let again = send(&chat, act_by(BOB, 5, Act::Ask {})).await;
    assert_eq!(again, Err(StoreError::NoChange));
    assert_eq!(people(&chat), [vec![ALICE], vec![BOB, CAROL]]);
    send(&chat, approve(6, BOB)).await.unwrap();
    assert_eq!(send(&chat, approve(7, BOB)).await, Err(StoreError::NoChange));
    send(&chat, decline(8, CAROL)).await.unwrap();
    assert_eq!(people(&chat), [vec![ALICE, BOB], vec![]]);
    assert_eq!(standing(&chat, BOB), MEMBER);
    // A page goes on behind its last one.
    let page = chat.members(&ROOM, true, Some(ALICE), 1);
    assert_eq!(page, [(BOB, chat.membership(&ROOM, &BOB))]);
}

#[tokio::test]
async fn who_is_put_out_comes_back_only_when_let() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let reason = String::new;
    let kick = |number| {
        act(
            number,
            Act::Kick {
                who: BOB,
                reason: reason(),
            },
        )
    };
    let ban = |number| {
        act(
            number,
            Act::Ban {
                who: BOB,
                reason: reason(),
            },
        )
    };
    let unban = |number| act(number, Act::Unban { who: BOB });
    let invite = |number| act(number, Act::Invite { who: BOB });
    assert_eq!(send(&chat, unban(1)).await, Err(StoreError::NoChange));
    // A visitor of a public room can be put out as well.
    send(&chat, kick(2)).await.unwrap();
    assert_eq!(standing(&chat, BOB), Standing::Kicked);
    assert_eq!(send(&chat, kick(3)).await, Err(StoreError::NoChange));
    send(&chat, act_by(BOB, 4, Act::Join {})).await.unwrap();
    send(&chat, ban(5)).await.unwrap();
    assert_eq!(send(&chat, ban(6)).await, Err(StoreError::NoChange));
    assert_eq!(send(&chat, kick(7)).await, Err(StoreError::NoChange));
    assert_eq!(send(&chat, invite(8)).await, Err(StoreError::Banned));
    let asks = send(&chat, act_by(BOB, 9, Act::Ask {})).await;
    assert_eq!(asks, Err(StoreError::Denied(Denied::Banned)));
    assert_eq!(chat.room(&ROOM).unwrap().members, 1);
    send(&chat, unban(10)).await.unwrap();
    assert_eq!(standing(&chat, BOB), Standing::Stranger);
    send(&chat, invite(11)).await.unwrap();
    assert_eq!(standing(&chat, BOB), Standing::Invited);
    assert_eq!(send(&chat, invite(12)).await, Err(StoreError::NoChange));
    // What was done is in the log, and says whom it was done to.
    let ban = events(&chat, &ROOM)
        .into_iter()
        .find(|event| event.kind.as_str() == "ban");
    assert_eq!(ban.unwrap().subject().unwrap().account, BOB);
}

#[tokio::test]
async fn a_private_room_is_listed_for_members_and_who_is_invited_alone() {
    let bench = Bench::new();
    let chat = bench.open();
    let [club, open] = [7, 8].map(|id| RoomId::from_bytes([id; 16]));
    create_of(&chat, ROOM, "secret", RoomKind::Private).await.unwrap();
    create_of(&chat, club, "club", RoomKind::Approval).await.unwrap();
    create_of(&chat, open, "open", RoomKind::Public).await.unwrap();
    send(&chat, act(1, Act::Invite { who: BOB })).await.unwrap();
    let seen = |chat: &Chat, account| ids(&chat.rooms_for(account, None, 100));
    assert_eq!(seen(&chat, &ALICE), [ROOM, club, open]);
    assert_eq!(seen(&chat, &BOB), [ROOM, club, open]);
    assert_eq!(seen(&chat, &CAROL), [club, open]);
    send(&chat, act_by(BOB, 2, Act::Join {})).await.unwrap();
    drop(chat);
    let chat = bench.open();
    assert_eq!(seen(&chat, &BOB), [ROOM, club, open]);
    let reason = String::new();
    send(&chat, act(3, Act::Kick { who: BOB, reason })).await.unwrap();
    assert_eq!(seen(&chat, &BOB), [club, open]);
    // Where nobody sees a room without being let in, a stranger cannot be put out.
    let reason = String::new();
    let stranger = send(&chat, act(4, Act::Kick { who: CAROL, reason })).await;
    assert_eq!(stranger, Err(StoreError::NoChange));
}

#[tokio::test]
async fn a_group_that_fails_leaves_everybody_as_they_stood() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, act_by(BOB, 1, Act::Join {})).await.unwrap();
    let before = (chat.room(&ROOM), people(&chat));

    let release = hold(&chat).await;
    let kick = Act::Kick {
        who: BOB,
        reason: String::new(),
    };
    let kicked = queue(&chat, act(2, kick)).await;
    let joined = queue(&chat, act_by(CAROL, 3, Act::Join {})).await;
    let topic = Append {
        text: "news".to_owned(),
        ..act(4, Act::Topic {})
    };
    let topic = queue(&chat, topic).await;
    let failing = chat.writer.run(|_, _| Err::<(), _>(StoreError::StorageFull));
    let (failed, ()) = tokio::join!(failing, async { drop(release) });
    assert_eq!(failed, Err(StoreError::StorageFull));
    for outcome in [kicked, joined, topic] {
        assert_eq!(outcome.await, Err(StoreError::StorageFull));
    }
    assert_eq!((chat.room(&ROOM), people(&chat)), before);
    drop(chat);
    let chat = bench.open();
    assert_eq!((chat.room(&ROOM), people(&chat)), before);
    // Nothing of it is left in the way of doing it again.
    let again = send(&chat, act_by(CAROL, 3, Act::Join {})).await.unwrap();
    assert_eq!((again.sequence, again.duplicate), (2, false));
}

#[tokio::test]
async fn a_conversation_has_no_members_to_look_after() {
    let bench = Bench::new();
    let chat = bench.open();
    let talk = send(&chat, direct(2)).await.unwrap();
    for (number, what) in [
        (3, Act::Join {}),
        (4, Act::Leave {}),
        (5, Act::Invite { who: CAROL }),
        (6, Act::Topic {}),
        (7, Act::Slow { seconds: 5 }),
    ] {
        let place = Place::Room(talk.room);
        let refused = send(
            &chat,
            Append {
                place,
                ..act(number, what)
            },
        )
        .await;
        assert_eq!(refused, Err(StoreError::Denied(Denied::RoomKind)));
    }
    let facts = chat.facts(&talk.room, &BOB, None).unwrap();
    assert_eq!((facts.kind, facts.pair), (RoomKind::Direct, Some([ALICE, BOB])));
    // Nor is there one before something was said.
    let place = Place::Direct {
        peer: CAROL,
        fresh: RoomId::from_bytes([9; 16]),
    };
    let react = Act::React {
        message: 1,
        reaction: "+".to_owned(),
    };
    let refused = send(
        &chat,
        Append {
            place,
            ..act(8, react)
        },
    )
    .await;
    assert_eq!(refused, Err(StoreError::NotFound));
    assert_eq!(chat.find_direct(ALICE, CAROL), None);
}
