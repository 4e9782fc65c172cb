//! What the hub signs, and how often.

use super::*;
use crate::chat::audit;
use landline_model::head::SignedHead;

fn numbered(number: u64) -> RoomId {
    RoomId::from_bytes(u128::from(number).to_be_bytes())
}

/// A store with rooms 1 to `count`.
async fn open_with_rooms(bench: &Bench, count: u64) -> Chat {
    let chat = bench.open();
    for number in 1..=count {
        create(&chat, numbered(number), &format!("room{number}"))
            .await
            .unwrap();
    }
    chat
}

/// Says something in several rooms in one commit, and gives what was told.
async fn say_at_once(chat: &Chat, messages: impl Iterator<Item = (u64, RoomId)>) -> Vec<Appended> {
    let release = hold(chat).await;
    let mut outcomes = Vec::new();
    for (number, room) in messages {
        let place = Place::Room(room);
        let message = Append {
            place,
            ..message(number)
        };
        outcomes.push(queue(chat, message).await);
    }
    drop(release);
    let mut told = Vec::new();
    for outcome in outcomes {
        told.push(outcome.await.unwrap());
    }
    told
}

impl Bench {
    fn signatures(&self) -> u64 {
        self.signatures.load(Ordering::SeqCst)
    }

    /// Whether the hub has signed that this is a head of the room.
    fn has_signed(&self, room: &RoomId, head: &SignedHead) -> bool {
        let other = Self::new();
        head.signature == (other.options().sign)(&head.statement(room))
    }
}

#[tokio::test]
async fn all_acknowledgements_of_a_room_in_one_commit_have_one_head_that_covers_them() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let before = bench.signatures();
    let told = say_at_once(&chat, (1..=20).map(|number| (number, ROOM))).await;
    let record = chat.room(&ROOM).unwrap();
    assert!(told.iter().all(|told| told.head == record.head), "{told:?}");
    assert_eq!(bench.signatures() - before, 1);
    assert_eq!(
        (record.head.sequence, record.head.hash),
        (20, events(&chat, &ROOM)[19].hash)
    );
    assert!(record.head.path.is_empty());
    assert!(bench.has_signed(&ROOM, &record.head));
}

#[tokio::test]
async fn one_commit_has_one_signature_over_the_heads_of_all_its_rooms() {
    let bench = Bench::new();
    let chat = open_with_rooms(&bench, 100).await;
    for (count, steps) in [(2_u64, 1), (3, 2), (100, 7)] {
        let before = bench.signatures();
        // Each room twice.
        let messages = (1..=2 * count).map(|number| (1_000 * count + number, numbered(number.div_ceil(2))));
        let told = say_at_once(&chat, messages).await;
        assert_eq!(bench.signatures() - before, 1, "{count}");
        for told in &told {
            assert!(bench.has_signed(&told.room, &told.head), "{told:?}");
            assert!(!bench.has_signed(&numbered(0), &told.head), "{told:?}");
            assert_eq!(told.head, chat.room(&told.room).unwrap().head);
            assert!(told.head.path.steps().len() <= steps, "{told:?}");
        }
        assert_eq!(
            bench.signatures() - before,
            1,
            "nor another one when they are read"
        );
    }
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn a_room_keeps_its_head_while_others_go_on_and_only_its_own_path() {
    let bench = Bench::new();
    let chat = open_with_rooms(&bench, 3).await;
    let together = say_at_once(&chat, (1..=3).map(|number| (number, numbered(number)))).await;
    let before = bench.signatures();
    let alone = say_at_once(&chat, std::iter::once((4, numbered(1)))).await;
    assert_eq!(bench.signatures() - before, 1);
    assert!(alone[0].head.path.is_empty());
    for told in &together[1..] {
        let head = chat.room(&told.room).unwrap().head;
        assert_eq!(head, told.head);
        assert!(bench.has_signed(&told.room, &head));
    }
    assert_eq!(bench.signatures() - before, 1);
}

#[tokio::test]
async fn after_a_start_a_room_is_signed_by_itself_and_when_it_is_asked_for() {
    let bench = Bench::new();
    let chat = open_with_rooms(&bench, 3).await;
    let together = say_at_once(&chat, (1..=3).map(|number| (number, numbered(number)))).await;
    drop(chat);
    let before = bench.signatures();
    let chat = bench.open();
    assert_eq!(bench.signatures(), before, "nobody has asked");
    for (told, signatures) in together.iter().zip(1..) {
        let head = chat.room(&told.room).unwrap().head;
        assert_eq!(chat.room(&told.room).unwrap().head, head);
        assert_eq!(bench.signatures() - before, signatures);
        assert_eq!((head.sequence, head.hash), (told.head.sequence, told.head.hash));
        assert!(head.path.is_empty() && bench.has_signed(&told.room, &head));
    }
}
