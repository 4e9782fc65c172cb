//! Rooms at the hub's port: who may do what, by which request, and what those see who may not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

#[path = "rooms_wire/log.rs"]
mod log;
#[path = "rooms_wire/order.rs"]
mod order;
#[path = "rooms_wire/put_out.rs"]
mod put_out;
#[path = "rooms_wire/rights.rs"]
mod rights;
#[path = "rooms_wire/talker.rs"]
mod talker;
#[path = "rooms_wire/together.rs"]
mod together;
#[path = "rooms_wire/told.rs"]
mod told;

use serde_json::json;
use support::Hub;
use support::peer::Peer;
use talker::code;

#[test]
fn a_stranger_before_the_login_is_asked_nothing_of_rooms() {
    let hub = Hub::start();
    let mut stranger = Peer::greeted(&hub);
    for request in [
        "do",
        "members",
        "read",
        "typing",
        "search",
        "presence",
        "import_begin",
        "import_events",
        "import_finish",
    ] {
        let answer = stranger.ask(request, &json!({}));
        assert_eq!(code(&answer), "unauthenticated", "{request}");
    }
}
