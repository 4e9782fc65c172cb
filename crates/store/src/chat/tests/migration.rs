use super::*;
use crate::chat::audit;
use crate::chat::schema::SCHEMA;
use crate::database::{self, Schema};
use landline_model::chain::{content_hash, event_hash, genesis_hash};
use landline_model::event::{Content, EventKind, Genesis};
use landline_model::hash::Hash;
use landline_model::room::RoomRole;

/// As the first version made it.
static FIRST: Schema = Schema {
    name: SCHEMA.name,
    application_id: SCHEMA.application_id,
    migrations: &[crate::chat::schema::FIRST],
};

fn genesis(kind: RoomKind, peer: Option<AccountId>) -> Genesis {
    Genesis {
        room: if peer.is_none() {
            ROOM
        } else {
            RoomId::from_bytes([2; 16])
        },
        created: Timestamp(5),
        creator: ALICE,
        kind,
        name: if peer.is_none() {
            "general".to_owned()
        } else {
            String::new()
        },
        peer,
    }
}

fn first_event(genesis: &Genesis) -> Event {
    let salt = Salt::from_bytes([3; 16]);
    let body = "hello".to_owned();
    let mut event = Event {
        room: genesis.room,
        sequence: 1,
        time: Timestamp(6),
        sender: BOB,
        client_id: ClientId::from_bytes(*genesis.room.as_bytes()),
        kind: EventKind::MESSAGE,
        target: None,
        content_hash: content_hash(&salt, &body),
        content: Some(Content { salt, body }),
        hash: Hash::ZERO,
    };
    event.hash = event_hash(&genesis_hash(genesis), &event);
    event
}

/// With a room and a conversation, of one message each.
fn of_the_first_version(bench: &Bench) {
    let database = database::open(bench.directory.path(), &FIRST).unwrap();
    let general = genesis(RoomKind::Public, None);
    let talk = genesis(RoomKind::Direct, Some(BOB));
    for (genesis, name, pair) in [
        (&general, Some("general"), None),
        (&talk, None, Some([*ALICE.as_bytes(), *BOB.as_bytes()].concat())),
    ] {
        let event = first_event(genesis);
        database
            .execute(
                "INSERT INTO rooms (id, created, creator, kind, original_name, peer, genesis_hash, name, name_key,
                                    pair, head_sequence, head_hash, head_time)
                 VALUES (?1, 5, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, 1, ?9, 6)",
                (
                    genesis.room.as_bytes(),
                    genesis.creator.as_bytes(),
                    genesis.kind.name(),
                    &genesis.name,
                    genesis.peer.as_ref().map(AccountId::as_bytes),
                    genesis_hash(genesis).as_bytes(),
                    name,
                    pair,
                    event.hash.as_bytes(),
                ),
            )
            .unwrap();
        crate::chat::event::insert(&database, database.last_insert_rowid(), &event).unwrap();
    }
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let bench = Bench::new();
    of_the_first_version(&bench);
    let chat = bench.open();
    let general = chat.room(&ROOM).unwrap();
    assert_eq!(
        (general.members, general.slow_seconds, &*general.topic),
        (1, 0, "")
    );
    assert_eq!(standing(&chat, ALICE), Standing::Member(RoomRole::Owner));
    assert_eq!(standing(&chat, BOB), Standing::Stranger);
    let talk = chat.find_direct(ALICE, BOB).unwrap();
    assert_eq!(talk.members, 0);
    assert_eq!(chat.membership(&talk.genesis.room, &ALICE), Membership::default());
    // What was said can be acted on, and is still proved.
    let delete = act_by(BOB, 7, Act::Delete { message: 1 });
    assert_eq!(send(&chat, delete).await.unwrap().sequence, 2);
    assert!(audit(bench.directory.path()).unwrap().intact());
}
