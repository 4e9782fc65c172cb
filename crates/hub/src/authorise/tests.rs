use super::*;
use landline_model::event::RoomKind;
use landline_model::room::{Membership, Standing};

const ME: AccountId = AccountId::from_bytes([1; 16]);
const YOU: AccountId = AccountId::from_bytes([2; 16]);
const THEM: AccountId = AccountId::from_bytes([3; 16]);

const ACTIONS: [Action; 12] = [
    Action::KeepOwnAccount,
    Action::Invite(Role::Admin),
    Action::Invite(Role::Guest),
    Action::KeepSpaces,
    Action::CreateRoom,
    Action::ListRooms,
    Action::ReadRoom,
    Action::Speak,
    Action::ReadFiles,
    Action::WriteFiles,
    Action::AddFiles,
    Action::SetAccess,
];

const PUBLIC: RoomFacts = room(RoomKind::Public, Standing::Stranger);

const RESOURCES: [Resource; 8] = [
    Resource::Hub,
    Resource::Room(PUBLIC),
    Resource::Room(direct(ME, YOU)),
    Resource::Room(direct(YOU, THEM)),
    Resource::Home(ME),
    Resource::Home(YOU),
    Resource::SharedFiles(None),
    Resource::RoomFiles(PUBLIC, None),
];

/// A room to which the one who asks stands so.
const fn room(kind: RoomKind, standing: Standing) -> RoomFacts {
    RoomFacts {
        kind,
        pair: None,
        me: Membership {
            standing,
            muted_until: None,
        },
        next_message: None,
        other: None,
    }
}

const fn direct(one: AccountId, other: AccountId) -> RoomFacts {
    RoomFacts {
        pair: Some([one, other]),
        ..room(RoomKind::Direct, Standing::Stranger)
    }
}

/// Rows: actions; columns: resources; each cell the roles that may: `g`uest, `m`ember, `a`dmin.
const ALLOWED: [[&str; 8]; 12] = [
    // hub    public  mine   theirs  home   other  shared room files
    ["gma", "", "", "", "", "", "", ""],       // keep own account
    ["a", "", "", "", "", "", "", ""],         // invite an admin
    ["a", "", "", "", "", "", "", ""],         // invite a guest
    ["a", "", "", "", "", "", "", ""],         // keep spaces
    ["ma", "", "", "", "", "", "", ""],        // create a room
    ["gma", "", "", "", "", "", "", ""],       // list rooms
    ["", "gma", "gma", "", "", "", "", ""],    // read a room
    ["", "gma", "gma", "", "", "", "", ""],    // speak
    ["", "", "", "", "gma", "", "gma", "gma"], // read files
    ["", "", "", "", "gma", "", "ma", "gma"],  // write files
    ["", "", "", "", "gma", "", "ma", "gma"],  // add files
    // In a room that everybody knows of, who looks after the hub has an owner's say.
    ["", "", "", "", "", "", "a", "a"], // set access
];

fn identity(role: Role) -> Identity {
    Identity {
        account: ME,
        role,
        session: SessionId::from_bytes([9; 16]),
        session_ends: Timestamp(1000),
    }
}

#[test]
fn every_action_on_every_resource_by_every_role_is_as_the_matrix_says() {
    for (action, row) in ACTIONS.into_iter().zip(ALLOWED) {
        for (resource, roles) in RESOURCES.into_iter().zip(row) {
            for role in Role::ALL {
                let allowed = authorise(&identity(role), action, resource, Timestamp(999)).is_ok();
                let letter = role.name().chars().next().unwrap();
                assert_eq!(allowed, roles.contains(letter), "{role} {action:?} {resource:?}");
            }
        }
    }
}

#[test]
fn an_unknown_role_may_do_nothing_and_is_given_by_nobody() {
    for resource in RESOURCES {
        for action in ACTIONS {
            let answer = authorise(&identity(Role::Unknown), action, resource, Timestamp(999));
            assert_eq!(answer, Err(Denied::Role(Role::Unknown)));
        }
        let invite = Action::Invite(Role::Unknown);
        let answer = authorise(&identity(Role::Admin), invite, resource, Timestamp(999));
        assert_eq!(answer, Err(Denied::Role(Role::Admin)));
    }
}

/// Rows: what an access rule says; columns: reading, writing, adding; each cell the roles that may, in the space of
/// everybody and in a room.
const BY_RULE: [(Option<Right>, [&str; 3], [&str; 3]); 5] = [
    (None, ["gma", "ma", "ma"], ["gma", "gma", "gma"]),
    (Some(Right::None), ["", "", ""], ["", "", ""]),
    (Some(Right::Read), ["gma", "", ""], ["gma", "", ""]),
    (Some(Right::Write), ["gma", "gma", "gma"], ["gma", "gma", "gma"]),
    (Some(Right::Upload), ["", "", "gma"], ["", "", "gma"]),
];

#[test]
fn below_a_directory_with_a_rule_everything_is_as_the_rule_says() {
    let actions = [Action::ReadFiles, Action::WriteFiles, Action::AddFiles];
    for (rule, shared, in_room) in BY_RULE {
        for (index, action) in actions.into_iter().enumerate() {
            for role in Role::ALL {
                let may = |resource| authorise(&identity(role), action, resource, Timestamp(999)).is_ok();
                let letter = role.name().chars().next().unwrap();
                let expected = (shared[index].contains(letter), in_room[index].contains(letter));
                let answer = (
                    may(Resource::SharedFiles(rule)),
                    may(Resource::RoomFiles(PUBLIC, rule)),
                );
                assert_eq!(answer, expected, "{rule:?} {action:?} {role}");
            }
        }
    }
}

#[test]
fn a_rule_lets_nobody_into_a_room_who_may_not_read_it_and_keeps_nobody_from_setting_rules() {
    for (rule, _, _) in BY_RULE {
        for action in [
            Action::ReadFiles,
            Action::WriteFiles,
            Action::AddFiles,
            Action::SetAccess,
        ] {
            let closed = Resource::RoomFiles(room(RoomKind::Private, Standing::Stranger), rule);
            let answer = authorise(&identity(Role::Admin), action, closed, Timestamp(1));
            assert_eq!(answer, Err(Denied::NotMember), "{rule:?} {action:?}");
        }
        let set =
            |role, resource| authorise(&identity(role), Action::SetAccess, resource, Timestamp(1)).is_ok();
        assert!(set(Role::Admin, Resource::SharedFiles(rule)));
        assert!(!set(Role::Member, Resource::SharedFiles(rule)));
        for (standing, may) in [
            (Standing::Member(RoomRole::Member), false),
            (Standing::Member(RoomRole::Moderator), true),
            (Standing::Member(RoomRole::Owner), true),
            (Standing::Banned, false),
        ] {
            let facts = room(RoomKind::Private, standing);
            assert_eq!(
                set(Role::Guest, Resource::RoomFiles(facts, rule)),
                may,
                "{standing:?}"
            );
        }
    }
}

#[test]
fn an_ended_session_may_do_nothing() {
    for action in ACTIONS {
        for resource in RESOURCES {
            let answer = authorise(&identity(Role::Admin), action, resource, Timestamp(1000));
            assert_eq!(answer, Err(Denied::SessionEnded));
        }
    }
}

/// Rows: what is done; columns: how the one who does it stands to the room; each cell the kinds of rooms in which they
/// may: `p`ublic, `x` private, `a`pproval. It is done to a member, or to a member's message.
const IN_ROOMS: [(Action, [&str; 8]); 14] = [
    // stranger, invited, asked, member, moderator, owner, kicked, banned
    (
        Action::SeeRoom,
        ["pa", "pxa", "pa", "pxa", "pxa", "pxa", "pa", "pa"],
    ),
    (Action::ReadRoom, ["p", "p", "p", "pxa", "pxa", "pxa", "", ""]),
    (Action::Speak, ["p", "p", "p", "pxa", "pxa", "pxa", "", ""]),
    (Action::React, ["p", "p", "p", "pxa", "pxa", "pxa", "", ""]),
    (Action::EditMessage, ["", "", "", "", "", "", "", ""]),
    (Action::DeleteMessage, ["", "", "", "", "pxa", "pxa", "", ""]),
    (Action::JoinRoom, ["p", "pxa", "p", "pxa", "pxa", "pxa", "p", ""]),
    (Action::LeaveRoom, ["", "pxa", "pxa", "pxa", "pxa", "pxa", "", ""]),
    (Action::AskToJoin, ["a", "a", "a", "a", "a", "a", "a", ""]),
    (Action::InviteToRoom, ["", "", "", "", "pxa", "pxa", "", ""]),
    (Action::LetIn, ["", "", "", "", "pxa", "pxa", "", ""]),
    (Action::Moderate, ["", "", "", "", "pxa", "pxa", "", ""]),
    (
        Action::GrantRoomRole(RoomRole::Moderator),
        ["", "", "", "", "", "pxa", "", ""],
    ),
    (Action::SetRoom, ["", "", "", "", "pxa", "pxa", "", ""]),
];

const STANDINGS: [Standing; 8] = [
    Standing::Stranger,
    Standing::Invited,
    Standing::Asked,
    Standing::Member(RoomRole::Member),
    Standing::Member(RoomRole::Moderator),
    Standing::Member(RoomRole::Owner),
    Standing::Kicked,
    Standing::Banned,
];

const KINDS: [(RoomKind, char); 3] = [
    (RoomKind::Public, 'p'),
    (RoomKind::Private, 'x'),
    (RoomKind::Approval, 'a'),
];

fn may(role: Role, action: Action, facts: RoomFacts, now: u64) -> Result<(), Denied> {
    authorise(&identity(role), action, Resource::Room(facts), Timestamp(now))
}

fn as_member(account: AccountId, role: RoomRole) -> Option<(AccountId, Membership)> {
    let membership = Membership {
        standing: Standing::Member(role),
        muted_until: None,
    };
    Some((account, membership))
}

#[test]
fn in_a_room_everything_is_as_the_matrix_says() {
    for (action, cells) in IN_ROOMS {
        for (standing, kinds) in STANDINGS.into_iter().zip(cells) {
            for (kind, letter) in KINDS {
                let facts = RoomFacts {
                    other: as_member(YOU, RoomRole::Member),
                    ..room(kind, standing)
                };
                let allowed = may(Role::Guest, action, facts, 999).is_ok();
                assert_eq!(
                    allowed,
                    kinds.contains(letter),
                    "{action:?} {kind:?} {standing:?}"
                );
            }
        }
    }
}

#[test]
fn nobody_acts_on_their_own_rank_or_a_higher_one() {
    let against = |mine: RoomRole, theirs: RoomRole, action| {
        let facts = RoomFacts {
            other: as_member(YOU, theirs),
            ..room(RoomKind::Private, Standing::Member(mine))
        };
        may(Role::Admin, action, facts, 1)
    };
    for mine in RoomRole::ALL {
        for theirs in RoomRole::ALL {
            for action in [Action::Moderate, Action::DeleteMessage] {
                let allowed = mine > theirs && mine >= RoomRole::Moderator;
                assert_eq!(against(mine, theirs, action).is_ok(), allowed, "{mine} {theirs}");
            }
        }
    }
    let grant = Action::GrantRoomRole(RoomRole::Member);
    assert_eq!(
        against(RoomRole::Owner, RoomRole::Owner, grant),
        Err(Denied::Rank)
    );
    assert_eq!(against(RoomRole::Owner, RoomRole::Moderator, grant), Ok(()));
    let stepping_down = RoomFacts {
        other: as_member(ME, RoomRole::Owner),
        ..room(RoomKind::Private, Standing::Member(RoomRole::Owner))
    };
    assert_eq!(may(Role::Guest, grant, stepping_down, 1), Ok(()));
    let stranger = RoomFacts {
        other: Some((YOU, Membership::default())),
        ..stepping_down
    };
    assert_eq!(may(Role::Guest, grant, stranger, 1), Err(Denied::NotMember));
}

#[test]
fn an_admin_keeps_order_in_rooms_that_everybody_knows_of_and_only_there() {
    for (kind, allowed) in [
        (RoomKind::Public, true),
        (RoomKind::Approval, true),
        (RoomKind::Private, false),
        (RoomKind::Direct, false),
    ] {
        let facts = RoomFacts {
            other: as_member(YOU, RoomRole::Moderator),
            ..room(kind, Standing::Stranger)
        };
        assert_eq!(
            may(Role::Admin, Action::Moderate, facts, 1).is_ok(),
            allowed,
            "{kind:?}"
        );
    }
    let closed = room(RoomKind::Approval, Standing::Stranger);
    assert_eq!(
        may(Role::Admin, Action::ReadRoom, closed, 1),
        Err(Denied::NotApproved)
    );
}

#[test]
fn messages_are_edited_by_their_author_alone() {
    let by = |author| RoomFacts {
        other: as_member(author, RoomRole::Member),
        ..room(RoomKind::Public, Standing::Member(RoomRole::Owner))
    };
    assert_eq!(
        may(Role::Admin, Action::EditMessage, by(YOU), 1),
        Err(Denied::NotYours)
    );
    assert_eq!(may(Role::Guest, Action::EditMessage, by(ME), 1), Ok(()));
    let talk = |author| RoomFacts {
        other: Some((author, Membership::default())),
        ..direct(ME, YOU)
    };
    for action in [Action::EditMessage, Action::DeleteMessage] {
        assert_eq!(may(Role::Admin, action, talk(YOU), 1), Err(Denied::NotYours));
        assert_eq!(may(Role::Guest, action, talk(ME), 1), Ok(()));
    }
}

#[test]
fn who_is_muted_may_read_and_delete_but_say_nothing_until_then() {
    let mut facts = room(RoomKind::Public, Standing::Member(RoomRole::Owner));
    facts.me.muted_until = Some(Timestamp(500));
    facts.other = as_member(ME, RoomRole::Member);
    let until = Timestamp(500);
    for action in [Action::Speak, Action::React, Action::EditMessage] {
        assert_eq!(may(Role::Guest, action, facts, 499), Err(Denied::Muted { until }));
        assert_eq!(may(Role::Guest, action, facts, 500), Ok(()));
    }
    for action in [Action::ReadRoom, Action::DeleteMessage] {
        assert_eq!(may(Role::Guest, action, facts, 499), Ok(()));
    }
}

#[test]
fn slow_mode_holds_members_and_visitors_and_not_those_who_keep_order() {
    let waits = |standing, role| {
        let facts = RoomFacts {
            next_message: Some(Timestamp(500)),
            ..room(RoomKind::Public, standing)
        };
        assert_eq!(may(role, Action::Speak, facts, 500), Ok(()));
        assert_eq!(may(role, Action::React, facts, 499), Ok(()));
        may(role, Action::Speak, facts, 499).is_err()
    };
    assert!(waits(Standing::Stranger, Role::Member));
    assert!(waits(Standing::Member(RoomRole::Member), Role::Member));
    assert!(!waits(Standing::Member(RoomRole::Moderator), Role::Guest));
    assert!(!waits(Standing::Stranger, Role::Admin));
}
