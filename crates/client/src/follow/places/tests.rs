use super::*;
use serde_json::json;

fn id(number: u8) -> RoomId {
    RoomId::from_bytes([number; 16])
}

fn room(number: u8) -> Room {
    let (id, zeros) = (id(number), "00");
    serde_json::from_value(json!({
        "id": id.to_string(),
        "target": format!("#r{number}"),
        "kind": "public",
        "created": 1,
        "creator": zeros.repeat(16),
        "original_name": "",
        "head": { "sequence": 0, "hash": zeros.repeat(32), "signature": zeros.repeat(64) },
    }))
    .unwrap()
}

fn event(number: u8, sequence: u64) -> RoomEvent {
    let (room, zeros) = (id(number), "00");
    serde_json::from_value(json!({
        "room": room.to_string(),
        "sequence": sequence,
        "time": 1,
        "sender": zeros.repeat(16),
        "sender_name": "bob",
        "client_id": zeros.repeat(16),
        "kind": "message",
        "hash": zeros.repeat(32),
    }))
    .unwrap()
}

/// Which of these events of a room are passed on.
fn passed(places: &mut Places, number: u8, sequences: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let passes = |sequence: &u64| places.pass(&event(number, *sequence)).is_some();
    sequences.into_iter().filter(passes).collect()
}

#[test]
fn an_event_passes_once_and_only_while_its_room_is_followed() {
    let mut places = Places::new(9);
    assert!(passed(&mut places, 1, [1]).is_empty());
    assert_eq!(places.come(&room(1), 3), Came::Due);
    assert_eq!(places.come(&room(1), 0), Came::AsBefore);
    assert_eq!(passed(&mut places, 1, [3, 4, 4, 5]), [4, 5]);
    assert!(places.close(&id(1)));
    assert!(!places.close(&id(1)), "it was closed already");
    assert!(passed(&mut places, 1, [6]).is_empty());
    // It goes on behind what was seen, wherever a new one would begin.
    assert_eq!(places.come(&room(1), 0), Came::Due);
    assert_eq!(places.find(&id(1)).map(|place| place.seen), Some(5));
    assert_eq!(passed(&mut places, 1, [5, 6]), [6]);
}

#[test]
fn what_is_too_much_waits_with_its_place_until_another_one_goes() {
    let mut places = Places::new(2);
    for number in 1..=4 {
        let came = places.come(&room(number), u64::from(number));
        assert_eq!(came == Came::Due, number <= 2, "{number}");
    }
    assert_eq!((places.followed(), places.left_out()), (2, 2));
    assert_eq!(places.promote(), None);
    assert!(places.close(&id(1)));
    assert_eq!(places.promote(), Some(id(3)));
    assert_eq!(places.find(&id(3)).map(|place| place.seen), Some(3));
    // One that is put out of what waits is not waited with any more.
    assert!(!places.close(&id(4)));
    assert_eq!((places.followed(), places.left_out()), (2, 0));
}

#[test]
fn a_hub_that_takes_fewer_is_believed() {
    let mut places = Places::new(9);
    for number in 1..=3 {
        places.come(&room(number), 0);
    }
    places.is_too_much(id(2));
    assert_eq!((places.followed(), places.left_out()), (2, 1));
    assert_eq!(places.promote(), None, "it would only say so again");
    assert!(places.close(&id(1)));
    assert_eq!(places.promote(), Some(id(2)));
}

#[test]
fn what_was_followed_before_a_lost_connection_comes_first() {
    let mut places = Places::new(1);
    places.come(&room(5), 7);
    places.come(&room(1), 7);
    places.lose();
    assert!(passed(&mut places, 5, [8]).is_empty(), "nothing is followed");
    let first: Vec<bool> = [1, 5, 6].map(|number| places.was_followed(&id(number))).to_vec();
    assert_eq!(first, [false, true, false]);
    assert_eq!(places.come(&room(5), 0), Came::Due);
    assert_eq!(places.come(&room(1), 0), Came::AsBefore);
    assert_eq!(passed(&mut places, 5, [7, 8]), [8]);
}
