//! Headers: the arguments of every request and the content of every answer, from either side. What is understood is
//! written again and understood as the same.
#![no_main]

use landline_model::protocol::chat::{
    History, Ping, RoomCreate, RoomEvent, RoomList, Send, Subscribe, Unsubscribe,
};
use landline_model::protocol::files::{
    Entry, Get, List, MakeDirectory, Piece, PutAbort, PutBlock, PutFinish, PutOpen, Remove, Rename, Stat,
};
use landline_model::protocol::people::{Hello, Invite, Join, Login, Logout, Resume, SetPassword, WhoAmI};
use landline_model::protocol::{Call, HubHeader, OutgoingRequest, RequestHeader};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Does something with every request there is.
macro_rules! with_every_call {
    ($apply:ident($argument:expr)) => {
        with_every_call!($apply($argument):
            Hello, Join, Login, Resume, Logout, WhoAmI, SetPassword, Invite,
            RoomCreate, RoomList, Send, Subscribe, Unsubscribe, History, Ping,
            List, Stat, Get, PutOpen, PutBlock, PutFinish, PutAbort, MakeDirectory, Remove, Rename)
    };
    ($apply:ident($argument:expr): $($call:ty),*) => { $($apply::<$call>($argument);)* };
}

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<RequestHeader<'_>>(data) {
        with_every_call!(arguments(&request));
    }
    if let Ok(header) = serde_json::from_slice::<HubHeader<'_>>(data) {
        for content in [header.ok, header.part, header.args].into_iter().flatten() {
            with_every_call!(reply(content));
            round_trips::<RoomEvent>(content.get());
            round_trips::<Entry>(content.get());
            round_trips::<Piece>(content.get());
        }
        if let Some(refusal) = header.error {
            let text = serde_json::to_string(&refusal).expect("a refusal is plain data");
            assert_eq!(
                serde_json::from_str::<landline_model::error::Refusal>(&text).ok(),
                Some(refusal)
            );
        }
    }
});

/// The arguments whatever the request says it is: its name is not part of them.
fn arguments<C: Call>(request: &RequestHeader<'_>) {
    let Ok(call) = request.arguments::<C>() else {
        return;
    };
    let header = OutgoingRequest {
        id: request.id,
        name: C::NAME,
        args: &call,
    };
    let text = serde_json::to_string(&header).expect("a request is plain data");
    let again: RequestHeader<'_> = serde_json::from_str(&text).expect("what we write is a request");
    assert_eq!((again.id, &*again.name), (request.id, C::NAME));
    let arguments = again.arguments::<C>().expect("what we write are its arguments");
    let again = serde_json::to_string(&OutgoingRequest {
        id: request.id,
        name: C::NAME,
        args: &arguments,
    });
    assert_eq!(
        again.ok(),
        Some(text),
        "written twice, {} is not the same",
        C::NAME
    );
}

fn reply<C: Call>(content: &RawValue) {
    round_trips::<C::Reply>(content.get());
}

fn round_trips<T: Serialize + DeserializeOwned>(text: &str) {
    let Ok(value) = serde_json::from_str::<T>(text) else {
        return;
    };
    let text = serde_json::to_string(&value).expect("it is plain data");
    let again: T = serde_json::from_str(&text).expect("what we write is understood");
    assert_eq!(
        serde_json::to_string(&again).ok(),
        Some(text),
        "written twice, it is not the same"
    );
}
