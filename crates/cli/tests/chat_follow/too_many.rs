//! More rooms than a connection follows.

use crate::stopped::{Stopped, id};
use crate::support::Hub;
use crate::support::peer::Peer;
use crate::{Robot, heard, is_all, rooms, token};
use landline_client::follow::ROOMS_MAX;
use landline_model::event::RoomKind;
use landline_model::id::RoomId;
use landline_store::chat::{NewRoom, ROOMS_PER_CREATOR_MAX};
use rustix::process::Signal;
use serde_json::json;

/// How many are left out.
const MORE: usize = 6;

#[test]
fn so_many_as_a_connection_takes_are_followed_and_another_one_when_one_goes() {
    let (mut hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    // What anybody has is listed in the order of the ids: those of Bob come last.
    let mut makers = Vec::new();
    let of_bob = ROOMS_MAX + MORE - ROOMS_PER_CREATOR_MAX;
    for (mark, person, count) in [(1, &alice, ROOMS_PER_CREATOR_MAX), (2, &bob, of_bob)] {
        makers.push((mark, id(&person.account()["id"]), count));
    }
    hub.stop();
    let made = makers.into_iter().flat_map(|(mark, creator, count)| {
        (0..count).map(move |number| NewRoom {
            id: RoomId::from_bytes(((mark << 120) | number as u128).to_be_bytes()),
            name: format!("room-{mark}-{number}").parse().unwrap(),
            creator,
            kind: RoomKind::Public,
        })
    });
    Stopped::open(&hub).makes(made);
    hub.start_again();
    let mut peer = Peer::greeted(&hub);
    peer.ask("resume", &json!({ "session": alice.session_secret() }));
    let mut client = 0;
    let mut does = |act: &str, room: &str| {
        client += 1;
        let call = json!({ "act": act, "target": room, "client_id": format!("{client:032x}") });
        let done = peer.ask("do", &call);
        assert!(done["ok"].is_object(), "{done}");
    };
    (0..of_bob).for_each(|number| does("join", &format!("#room-2-{number}")));

    let robot = Robot::with(&token(&alice, &["alice"]));
    let mut everything = robot.follows(&["--json"], &ROOMS_MAX.to_string());
    everything.tells(&format!("{MORE} more are not followed: at most {ROOMS_MAX} "));
    let (left_out, next) = (
        format!("#room-2-{}", of_bob - 1),
        format!("#room-2-{}", of_bob - MORE),
    );
    for room in [&left_out, &next, "#room-1-0"] {
        bob.run(["send", room, "hello"]).succeeds();
    }
    assert_eq!(heard(&mut everything, 1), rooms([("#room-1-0", &[(1, "hello")])]));
    // What is followed in its place begins where it was when all this began.
    does("leave", "#room-2-0");
    assert_eq!(heard(&mut everything, 1), rooms([(&next, &[(2, "hello")])]));
    everything.tells(&format!("{} more are not followed", MORE - 1));
    is_all(everything, Signal::TERM);
}
