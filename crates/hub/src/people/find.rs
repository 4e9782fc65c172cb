//! Finding people, and what they say about themselves.

use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::refusals::{denied, from_store};
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::AccountId;
use landline_model::name::{AccountName, NAME_MAX};
use landline_model::protocol::people::{Account, Present, STATUS_MAX, SetStatus, User, UserList, UserPage};
use landline_model::protocol::{Done, PAGE_BYTES_MAX, PAGE_MAX};
use landline_store::people::Person;

/// Lists accounts. Those into which nobody gets any more, and when an account was used, are for those who look after
/// the hub.
pub(super) fn list(services: &Services, who: &Identity, call: &UserList) -> Answered<UserPage> {
    authorise(who, Action::FindPeople, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the list of people"))?;
    if call.search.len() > NAME_MAX {
        let message = format!("a part of a name has at most {NAME_MAX} bytes");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    let keeps = authorise(who, Action::KeepAccounts, Resource::Hub, services.now()).is_ok();
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let found = services.people.people(&call.search, keeps, call.after, limit);
    let users: Vec<User> = found
        .into_iter()
        .map(|person| {
            let knows = keeps || person.account.id == who.account;
            user(services, person, knows)
        })
        .collect();
    let (body, count) = json_lines(&users, PAGE_BYTES_MAX)?;
    let full = count < users.len() || users.len() == limit;
    let next = users[..count].last().filter(|_| full).map(|user| user.account.id);
    Ok(Answer {
        reply: UserPage { next },
        body,
    })
}

fn user(services: &Services, person: Person, knows: bool) -> User {
    User {
        online: services.live.is_online(&person.account.id),
        account: person.account,
        status: person.status,
        disabled: person.disabled,
        created: knows.then_some(person.created),
        last_seen: person.last_seen.filter(|_| knows),
    }
}

/// Sets what somebody says about what they are doing.
pub(super) async fn set_status(services: &Services, who: &Identity, call: SetStatus) -> Answered<Done> {
    authorise(who, Action::KeepOwnAccount, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the account"))?;
    if call.status.len() > STATUS_MAX {
        let message = format!("a status has at most {STATUS_MAX} bytes");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    if call.status.chars().any(char::is_control) {
        let message = "a status is one line without control characters";
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    services
        .people
        .set_status(who.account, call.status)
        .await
        .map_err(|error| from_store(&error))?;
    services.live.has_changed(who.account);
    Ok(Done {}.into())
}

/// Somebody as others see them; an account that is not there has no face.
pub(crate) fn present(services: &Services, account: &AccountId) -> Option<Present> {
    let person = services.people.person(account)?;
    Some(Present {
        account: *account,
        name: person.account.name,
        online: services.live.is_online(account),
        status: person.status,
    })
}

/// The account of that name.
pub(super) fn named(services: &Services, name: &AccountName) -> Result<Account, Refusal> {
    services
        .people
        .account_by_name(name)
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("there is nobody called @{name}")))
}
