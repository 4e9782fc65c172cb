//! What one act costs does not grow with what is there already.

use super::*;
use landline_model::room::RoomRole;

/// How many rows the writer has written so far.
async fn written(chat: &Chat) -> u64 {
    chat.writer
        .run(|connection, _| Ok::<_, StoreError>(connection.total_changes()))
        .await
        .unwrap()
}

/// How many rows each of some acts writes.
async fn costs(chat: &Chat, first: u64) -> Vec<u64> {
    let said = chat.room(&ROOM).unwrap().head.sequence + 1;
    let [reaction, reason] = [String::from("+"), String::new()];
    let newcomer = AccountId::from_bytes([0xff; 16]);
    let acts = [
        message(first),
        act_by(newcomer, first + 1, Act::Join {}),
        act(
            first + 2,
            Act::Grant {
                who: newcomer,
                role: RoomRole::Moderator,
            },
        ),
        act(
            first + 3,
            Act::React {
                message: said,
                reaction,
            },
        ),
        act(
            first + 4,
            Act::Kick {
                who: newcomer,
                reason,
            },
        ),
        act(first + 5, Act::Delete { message: said }),
    ];
    let mut costs = Vec::new();
    for act in acts {
        let before = written(chat).await;
        send(chat, act).await.unwrap();
        costs.push(written(chat).await - before);
    }
    costs
}

#[tokio::test]
async fn an_act_in_a_room_of_ten_thousand_costs_what_it_costs_in_an_empty_one() {
    const PEOPLE: u64 = 10_000;
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let empty = costs(&chat, 1_000_000).await;
    // The event and the room's head; the member; the reaction and its count; both of them, and the text.
    assert_eq!(empty, [2, 3, 3, 4, 3, 5]);
    let mut last = None;
    for person in 1..=PEOPLE {
        let account = AccountId::from_bytes(u128::from(person).to_be_bytes());
        last = Some(queue(&chat, act_by(account, person, Act::Join {})).await);
    }
    last.unwrap().await.unwrap();
    assert_eq!(u64::from(chat.room(&ROOM).unwrap().members), PEOPLE + 1);
    assert_eq!(costs(&chat, 2_000_000).await, empty);
    drop(chat);
    let chat = bench.open();
    assert_eq!(u64::from(chat.room(&ROOM).unwrap().members), PEOPLE + 1);
    let page = chat.members(
        &ROOM,
        true,
        Some(AccountId::from_bytes(9_000_u128.to_be_bytes())),
        3,
    );
    let ids: Vec<_> = page.iter().map(|(account, _)| *account).collect();
    assert_eq!(
        ids,
        [9_001_u128, 9_002, 9_003].map(|id| AccountId::from_bytes(id.to_be_bytes()))
    );
}

/// Each statement that an act may need finds what it needs by a key: none of them looks at a whole table or room.
#[tokio::test]
async fn no_statement_of_an_act_looks_at_more_than_it_needs() {
    let chat = Bench::new().open_with_room().await;
    let statements = [
        "SELECT sender FROM events WHERE room = 1 AND sequence = 2 AND kind = 'message' AND body IS NOT NULL",
        "UPDATE events INDEXED BY events_edits SET salt = NULL, body = NULL
         WHERE room = 1 AND target = ?2 AND kind = 'edit'",
        "SELECT sequence, body FROM events INDEXED BY events_edits
         WHERE room = 1 AND target = ?2 AND kind = 'edit' ORDER BY sequence DESC LIMIT 1",
        "DELETE FROM reactions WHERE room = ?1 AND message = ?2",
        "SELECT count(*) FROM reaction_counts WHERE room = ?1 AND message = ?2",
        "SELECT rooms.id FROM events JOIN rooms USING (room) WHERE sender = ?1 AND client_id = ?2",
    ];
    let plans = chat.writer.run(move |connection, _| {
        let mut plans = Vec::new();
        for statement in statements {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
            let rows = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            plans.push(rows.collect::<Result<Vec<_>, _>>()?.join("; "));
        }
        Ok::<_, StoreError>(plans)
    });
    for plan in plans.await.unwrap() {
        assert!(plan.contains("SEARCH") && !plan.contains("SCAN"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        // By more than the room alone.
        assert!(!plan.contains("(room=?)"), "{plan}");
    }
}
