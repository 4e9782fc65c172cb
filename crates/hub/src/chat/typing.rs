//! Who is writing something: passed on, not stored, and not often.

use super::describe::Names;
use super::place::find;
use crate::answer::{Answered, encode_event};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::outbox::About;
use crate::refusals::denied;
use crate::services::Services;
use landline_model::denied::Denied;
use landline_model::id::{AccountId, RoomId};
use landline_model::protocol::Done;
use landline_model::protocol::chat::{Signal, Typing};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One signal of a person in a room is passed on in this time. It is less than
/// [`landline_model::protocol::chat::TYPING_SECONDS`], so that who goes on writing is shown all the while.
const INTERVAL: Duration = Duration::from_secs(3);

/// Of so many people in a room signals are passed on in that time: "several people are writing" says as much.
const WRITERS_MAX: usize = 8;

/// The most rooms in which somebody writes something at a time; in others it is not shown.
const ROOMS_MAX: usize = 4096;

/// Who wrote something where a moment ago.
#[derive(Default)]
pub(crate) struct Writers {
    /// Each room's writers, at most [`WRITERS_MAX`], with the time of the last signal passed on.
    rooms: Mutex<HashMap<RoomId, Vec<(AccountId, Instant)>>>,
}

/// Tells the others who follow a room that somebody is writing something.
pub(super) fn typing(services: &Services, who: &Identity, call: &Typing) -> Answered<Done> {
    let (record, facts) = find(services, who, Action::ReadRoom, &call.target)?;
    match authorise(who, Action::Speak, Resource::Room(facts), services.now()) {
        // Who waits in slow mode may write what is to be said then.
        Ok(()) | Err(Denied::TooSoon { .. }) => {}
        Err(why) => return Err(denied(why, &call.target.to_string())),
    }
    let (room, account) = (record.genesis.room, who.account);
    let blocked = facts.pair.is_some_and(|pair| {
        pair.iter()
            .any(|other| services.people.has_blocked(*other, account))
    });
    if !blocked && services.writers.may_tell(room, account, Instant::now()) {
        let name = Names::all(services).of(&account);
        let signal = Signal::Typing { room, account, name };
        let said = encode_event(Signal::NAME, &signal, b"");
        services
            .feeds
            .signal(&room, &account, About::Typing(room, account), &said);
    }
    Ok(Done {}.into())
}

impl Writers {
    /// Whether a signal is passed on now.
    fn may_tell(&self, room: RoomId, account: AccountId, now: Instant) -> bool {
        // The map is whole after every line, so a panic elsewhere leaves it usable.
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |(_, told): &(AccountId, Instant)| now.saturating_duration_since(*told) < INTERVAL;
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&room) {
            rooms.retain(|_, writers| writers.iter().any(is_recent));
            if rooms.len() >= ROOMS_MAX {
                return false;
            }
        }
        let writers = rooms.entry(room).or_default();
        writers.retain(is_recent);
        let tells = writers.len() < WRITERS_MAX && writers.iter().all(|(writer, _)| *writer != account);
        if tells {
            writers.push((account, now));
        }
        tells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    fn account(number: u8) -> AccountId {
        AccountId::from_bytes([number; 16])
    }

    #[test]
    fn one_signal_of_each_is_passed_on_in_a_while() {
        let (writers, start) = (Writers::default(), Instant::now());
        assert!(writers.may_tell(ROOM, account(1), start));
        assert!(!writers.may_tell(ROOM, account(1), start + INTERVAL / 2));
        assert!(writers.may_tell(ROOM, account(2), start + INTERVAL / 2));
        let elsewhere = RoomId::from_bytes([2; 16]);
        assert!(writers.may_tell(elsewhere, account(1), start + INTERVAL / 2));
        assert!(writers.may_tell(ROOM, account(1), start + INTERVAL));
    }

    #[test]
    fn writers_and_rooms_are_bounded() {
        let (writers, start) = (Writers::default(), Instant::now());
        let told = (0..100).filter(|number| writers.may_tell(ROOM, account(*number), start));
        assert_eq!(told.count(), WRITERS_MAX);
        for number in 0..ROOMS_MAX * 2 {
            let room = RoomId::from_bytes((number as u128).to_be_bytes());
            writers.may_tell(room, account(1), start);
        }
        assert_eq!(writers.rooms.lock().unwrap().len(), ROOMS_MAX);
        let other = RoomId::from_bytes([9; 16]);
        assert!(!writers.may_tell(other, account(1), start));
        assert!(writers.may_tell(other, account(1), start + INTERVAL));
        assert_eq!(writers.rooms.lock().unwrap().len(), 1);
    }
}
