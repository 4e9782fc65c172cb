//! Rooms: making, listing, reading, following, and what goes into their logs.

mod act;
mod delivery;
mod describe;
mod event;
pub(crate) mod feed;
mod follow;
mod history;
mod import;
mod members;
mod notice;
mod pace;
mod place;
mod presence;
mod read;
mod rooms;
mod search;
#[cfg(test)]
mod tests;
mod typing;
mod words;

pub(crate) use act::{Asked, prepare};
pub(crate) use delivery::Delivery;
pub(crate) use follow::{judge, replay, standing, subscribe};
pub(crate) use pace::Pace;
pub(crate) use place::visible;
pub(crate) use presence::{Watchers, keep_telling, presence};
pub(crate) use typing::Writers;

use crate::authorise::Identity;
use crate::doors::{answered, arguments};
use crate::services::Services;
use bytes::Bytes;
use landline_model::protocol::chat::{
    History, ImportBegin, ImportEvents, ImportFinish, Members, Read, RoomCreate, RoomList, Search, Typing,
};
use landline_model::protocol::{Call as _, RequestHeader};

/// Answers a request about rooms by somebody who is logged in on the connection of this number; none: it is not one.
pub(crate) async fn answer(
    services: &Services,
    who: &Identity,
    header: &RequestHeader<'_>,
    body: &Bytes,
    connection: u64,
) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        RoomCreate::NAME => {
            answered(id, async {
                rooms::create(services, who, arguments(header)?, connection).await
            })
            .await
        }
        RoomList::NAME => answered(id, async { rooms::list(services, who, &arguments(header)?) }).await,
        History::NAME => {
            answered(id, async {
                history::history(services, who, arguments(header)?).await
            })
            .await
        }
        Search::NAME => {
            answered(id, async {
                search::search(services, who, arguments(header)?).await
            })
            .await
        }
        Members::NAME => answered(id, async { members::members(services, who, &arguments(header)?) }).await,
        Read::NAME => {
            answered(id, async {
                read::read(services, who, &arguments(header)?, connection)
            })
            .await
        }
        Typing::NAME => answered(id, async { typing::typing(services, who, &arguments(header)?) }).await,
        ImportBegin::NAME => {
            answered(id, async {
                import::begin(services, who, arguments(header)?).await
            })
            .await
        }
        ImportEvents::NAME => {
            answered(id, async {
                import::events(services, who, &arguments(header)?, body).await
            })
            .await
        }
        ImportFinish::NAME => {
            answered(id, async {
                import::finish(services, who, arguments(header)?).await
            })
            .await
        }
        _ => return None,
    })
}
