//! Contacts.

use super::find::{named, present};
use crate::answer::{Answer, Answered, encode_event, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::outbox::{About, News};
use crate::refusals::{denied, from_store};
use crate::services::Services;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::AccountId;
use landline_model::name::AccountName;
use landline_model::protocol::chat::Signal;
use landline_model::protocol::people::{Contact, ContactAct, ContactDo, ContactState};
use landline_model::protocol::{Done, PAGE_BYTES_MAX};
use landline_store::people::ContactError;

/// Does something about a contact, and tells the other one where that is theirs to know.
pub(super) async fn act(services: &Services, who: &Identity, call: ContactDo) -> Answered<Contact> {
    authorise(who, Action::KeepOwnAccount, Resource::Hub, services.now())
        .map_err(|why| denied(why, "contacts"))?;
    let other = named(services, &call.name)?;
    let (mine, theirs) = services
        .people
        .contact(who.account, other.id, call.act)
        .await
        .map_err(|error| refused(&error, &other.name))?;
    if matches!(call.act, ContactAct::Ask | ContactAct::Accept) {
        tell(services, &other.id, &who.account, theirs);
    }
    let contact = describe(services, &other.id, mine);
    Ok(contact
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, "the account no longer exists"))?
        .into())
}

/// Tells somebody, where they are there, how they stand to another from now on.
fn tell(services: &Services, whom: &AccountId, about: &AccountId, state: ContactState) {
    if let Some(contact) = describe(services, about, state) {
        let said = encode_event(Signal::NAME, &Signal::Contact(contact), b"");
        services
            .live
            .tell(whom, None, About::Contact(*about), &News::Said(said));
    }
}

/// Lists one's contacts. They are few, and so one page holds them.
pub(super) fn list(services: &Services, who: &Identity) -> Answered<Done> {
    authorise(who, Action::KeepOwnAccount, Resource::Hub, services.now())
        .map_err(|why| denied(why, "contacts"))?;
    let contacts: Vec<Contact> = services
        .people
        .contacts(who.account)
        .into_iter()
        .filter_map(|(other, state)| describe(services, &other, state))
        .collect();
    let (body, _) = json_lines(&contacts, PAGE_BYTES_MAX)?;
    Ok(Answer { reply: Done {}, body })
}

/// Somebody, and how one stands to them.
fn describe(services: &Services, other: &AccountId, state: ContactState) -> Option<Contact> {
    let person = present(services, other)?;
    Some(Contact { person, state })
}

fn refused(error: &ContactError, name: &AccountName) -> Refusal {
    match error {
        ContactError::Blocked => denied(Denied::Blocked, &format!("@{name}")),
        ContactError::BlockedByYou => Refusal::new(ErrorCode::Conflict, format!("you have blocked @{name}"))
            .with_hint("landline contact unblock NAME takes that back"),
        ContactError::NotAsking => Refusal::new(
            ErrorCode::NotFound,
            format!("@{name} has not asked to be your contact"),
        )
        .with_hint("landline contact ask NAME asks them"),
        ContactError::NoChange => Refusal::new(
            ErrorCode::Conflict,
            format!("between you and @{name} it is so already"),
        )
        .with_hint("landline contact ls shows how you stand to others"),
        ContactError::Store(error) => from_store(error),
        error => Refusal::new(ErrorCode::BadRequest, error.to_string()),
    }
}
