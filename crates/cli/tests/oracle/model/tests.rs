//! The model against the words of the design.

use super::{No, Room};
use landline_model::event::RoomKind;
use landline_model::room::{Act, RoomRole, Standing};

const ADMIN: usize = 0;
const OWNER: usize = 1;
const OTHER: usize = 2;
const THIRD: usize = 3;
const PEOPLE: [bool; 4] = [true, false, false, false];

fn room(kind: RoomKind) -> Room {
    Room::new(kind, OWNER, &PEOPLE)
}

/// Does it, or says why not.
#[allow(
    clippy::needless_pass_by_value,
    reason = "acts are written where they are used"
)]
fn does(room: &mut Room, sequence: u64, who: usize, act: Act<usize>, text: &str, now: u64) -> Vec<No> {
    let no: Vec<No> = room.refuses(who, &act, text, now).into_iter().collect();
    if no.is_empty() {
        room.apply(sequence, who, &act, text, now);
    }
    no
}

const SAY: Act<usize> = Act::Say { reply_to: None };

#[test]
fn a_public_room_is_everybodys_until_they_are_put_out() {
    let mut room = room(RoomKind::Public);
    assert_eq!(does(&mut room, 1, OTHER, SAY, "a", 0), []);
    let kick = |who| Act::Kick {
        who,
        reason: String::new(),
    };
    assert_eq!(does(&mut room, 2, THIRD, kick(OTHER), "", 0), [No::Right]);
    assert_eq!(does(&mut room, 2, ADMIN, kick(OWNER), "", 0), [No::Right]);
    assert_eq!(does(&mut room, 2, ADMIN, kick(OTHER), "", 0), []);
    assert_eq!(does(&mut room, 3, OTHER, SAY, "b", 0), [No::Right]);
    assert!(!room.reads(OTHER) && room.sees(OTHER));
    assert_eq!(does(&mut room, 3, OTHER, Act::Join {}, "", 0), []);
    assert_eq!(does(&mut room, 4, OTHER, SAY, "b", 0), []);
    let ban = Act::Ban {
        who: OTHER,
        reason: String::new(),
    };
    assert_eq!(does(&mut room, 5, OWNER, ban, "", 0), []);
    assert_eq!(does(&mut room, 6, OTHER, Act::Join {}, "", 0), [No::Right]);
    assert_eq!(does(&mut room, 6, OWNER, Act::Unban { who: OTHER }, "", 0), []);
    assert_eq!(does(&mut room, 7, OTHER, SAY, "c", 0), []);
}

#[test]
fn a_private_room_is_hidden_from_whom_nobody_invited_admins_too() {
    let mut room = room(RoomKind::Private);
    for act in [SAY, Act::Join {}, Act::Ask {}, Act::Delete { message: 1 }] {
        assert_eq!(does(&mut room, 1, ADMIN, act, "", 0), [No::Hidden]);
    }
    assert_eq!(does(&mut room, 1, OWNER, Act::Invite { who: OTHER }, "", 0), []);
    assert_eq!(does(&mut room, 2, OTHER, SAY, "a", 0), [No::Right]);
    assert_eq!(does(&mut room, 2, OTHER, Act::Leave {}, "", 0), []);
    assert_eq!(does(&mut room, 3, OTHER, Act::Join {}, "", 0), [No::Hidden]);
    assert_eq!(does(&mut room, 3, OWNER, Act::Invite { who: OTHER }, "", 0), []);
    assert_eq!(does(&mut room, 4, OTHER, Act::Join {}, "", 0), []);
    assert_eq!(
        does(&mut room, 5, OTHER, Act::Invite { who: THIRD }, "", 0),
        [No::Right]
    );
}

#[test]
fn who_asks_waits_for_a_moderator() {
    let mut room = room(RoomKind::Approval);
    assert_eq!(does(&mut room, 1, OTHER, Act::Join {}, "", 0), [No::Right]);
    assert_eq!(does(&mut room, 1, OTHER, Act::Ask {}, "", 0), []);
    assert_eq!(does(&mut room, 2, OTHER, Act::Ask {}, "", 0), [No::Same]);
    assert!(!room.reads(OTHER));
    assert_eq!(
        does(&mut room, 2, OTHER, Act::Approve { who: OTHER }, "", 0),
        [No::Right]
    );
    assert_eq!(does(&mut room, 2, OWNER, Act::Approve { who: OTHER }, "", 0), []);
    assert_eq!(room.people[OTHER].standing, Standing::Member(RoomRole::Member));
}

#[test]
fn what_was_taken_back_takes_no_more_acts() {
    let mut room = room(RoomKind::Public);
    let react = || Act::React {
        message: 1,
        reaction: "+1".to_owned(),
    };
    assert_eq!(does(&mut room, 1, OTHER, SAY, "a", 0), []);
    assert_eq!(does(&mut room, 2, OTHER, Act::Edit { message: 1 }, "b", 0), []);
    assert_eq!(
        does(&mut room, 3, THIRD, Act::Edit { message: 1 }, "c", 0),
        [No::Right]
    );
    assert_eq!(does(&mut room, 3, THIRD, react(), "", 0), []);
    assert_eq!(does(&mut room, 4, THIRD, react(), "", 0), [No::Same]);
    assert_eq!(
        does(&mut room, 4, THIRD, Act::Delete { message: 1 }, "", 0),
        [No::Right]
    );
    assert_eq!(
        does(&mut room, 4, THIRD, Act::Delete { message: 2 }, "", 0),
        [No::Missing]
    );
    assert_eq!(does(&mut room, 4, ADMIN, Act::Delete { message: 1 }, "", 0), []);
    assert_eq!(does(&mut room, 5, OTHER, react(), "", 0), [No::Missing]);
    assert_eq!(
        does(&mut room, 5, OTHER, Act::Say { reply_to: Some(1) }, "d", 0),
        [No::Missing]
    );
    assert!(room.messages[&1].deleted && room.messages[&1].text.is_empty());
}

#[test]
fn mutes_and_slow_mode_end_by_time() {
    let mut room = room(RoomKind::Public);
    let mute = Act::Mute {
        who: OTHER,
        seconds: 2,
        reason: String::new(),
    };
    assert_eq!(does(&mut room, 1, OWNER, mute, "", 1_000), []);
    assert_eq!(does(&mut room, 2, OTHER, SAY, "a", 2_999), [No::Right]);
    assert_eq!(does(&mut room, 2, OTHER, SAY, "a", 3_000), []);
    assert_eq!(
        does(&mut room, 3, OWNER, Act::Unmute { who: OTHER }, "", 3_000),
        [No::Same]
    );
    assert_eq!(does(&mut room, 3, OWNER, Act::Slow { seconds: 1 }, "", 3_000), []);
    assert_eq!(does(&mut room, 4, OTHER, SAY, "b", 3_001), []);
    assert_eq!(does(&mut room, 5, OTHER, SAY, "c", 4_000), [No::Slow]);
    assert_eq!(does(&mut room, 5, OTHER, SAY, "c", 4_001), []);
    assert_eq!(does(&mut room, 6, OWNER, SAY, "d", 4_001), []);
    assert_eq!(does(&mut room, 7, OWNER, SAY, "e", 4_001), []);
}

#[test]
fn members_always_have_an_owner() {
    let mut room = room(RoomKind::Public);
    assert_eq!(does(&mut room, 1, OTHER, Act::Join {}, "", 0), []);
    let grant = |who, role| Act::Grant { who, role };
    assert_eq!(does(&mut room, 2, OWNER, Act::Leave {}, "", 0), [No::LastOwner]);
    let step_down = grant(OWNER, RoomRole::Member);
    assert_eq!(
        does(&mut room, 2, OWNER, step_down.clone(), "", 0),
        [No::LastOwner]
    );
    assert_eq!(
        does(&mut room, 2, OTHER, grant(OTHER, RoomRole::Owner), "", 0),
        [No::Right]
    );
    assert_eq!(
        does(&mut room, 2, ADMIN, grant(OTHER, RoomRole::Owner), "", 0),
        []
    );
    assert_eq!(
        does(&mut room, 3, ADMIN, grant(OTHER, RoomRole::Member), "", 0),
        [No::Right]
    );
    assert_eq!(does(&mut room, 3, OWNER, step_down, "", 0), []);
    assert_eq!(does(&mut room, 4, OWNER, Act::Leave {}, "", 0), []);
    assert_eq!(room.members(), 1);
    assert_eq!(does(&mut room, 5, OTHER, Act::Leave {}, "", 0), []);
}

#[test]
fn two_people_keep_their_conversation_to_themselves() {
    let mut room = Room::direct([OWNER, OTHER], &PEOPLE);
    assert_eq!(does(&mut room, 1, OWNER, SAY, "a", 0), []);
    assert_eq!(
        does(&mut room, 2, OTHER, Act::Delete { message: 1 }, "", 0),
        [No::Right]
    );
    assert_eq!(does(&mut room, 2, OTHER, Act::Topic {}, "x", 0), [No::Right]);
    assert_eq!(
        does(&mut room, 2, OTHER, Act::Leave {}, "", 0),
        [No::Right, No::Same]
    );
    assert_eq!(does(&mut room, 2, OWNER, Act::Delete { message: 1 }, "", 0), []);
    assert!(room.sees(OTHER) && !room.sees(ADMIN) && !room.reads(THIRD));
}
