//! Rights on directories of the shared space and of rooms.

use super::name::{account_name, path_of};
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity};
use crate::files::{allowed_at, blocking, place};
use crate::services::Services;
use landline_model::access::Whom;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::path::{RemotePath, Space};
use landline_model::protocol::access::{AccessList, AccessPage, AccessRemove, AccessRule, AccessSet};
use landline_model::protocol::{Done, PAGE_BYTES_MAX, PAGE_MAX};
use landline_store::files::{Place, Rule, Subject};

/// Tells what the asker may do below a directory and why; and all rules around it, to those who may set them.
pub(super) fn list(services: &Services, who: &Identity, call: &AccessList) -> Answered<AccessPage> {
    no_home(&call.path)?;
    let keeper = place(services, who, Action::SetAccess, &call.path);
    let (place, keeps) = match keeper {
        Ok(place) => (place, true),
        Err(refused) => (visible_place(services, who, &call.path, refused)?, false),
    };
    let may = |action| allowed_at(services, who, action, &place, "").is_ok();
    let decides = services.files.deciding_rule(&place, &who.account, who.role);
    let mut page = AccessPage {
        decides: decides.and_then(|rule| shown(services, who, &rule)),
        read: may(Action::ReadFiles),
        write: may(Action::WriteFiles),
        add: may(Action::AddFiles),
        more: false,
    };
    if !keeps {
        return Ok(page.into());
    }
    let (skip, limit) = (call.skip as usize, PAGE_MAX as usize);
    let rules = services.files.access_rules(&place, skip, limit);
    page.more = rules.len() == limit;
    // Accounts are disabled and never go away, and the room is one that the asker keeps: all can be shown.
    let lines: Vec<_> = rules
        .iter()
        .filter_map(|rule| shown(services, who, rule))
        .collect();
    let (body, count) = json_lines(&lines, PAGE_BYTES_MAX)?;
    page.more |= count < lines.len();
    Ok(Answer { reply: page, body })
}

/// Sets a rule.
pub(super) async fn set(services: &Services, who: &Identity, call: AccessSet) -> Answered<Done> {
    no_home(&call.path)?;
    let place = place(services, who, Action::SetAccess, &call.path)?;
    let subject = subject(services, &call.who)?;
    blocking(services, move |files| {
        files.set_access(&place, subject, call.right)
    })
    .await?;
    tracing::info!(path = %call.path, who = %call.who, right = %call.right,
        by = %account_name(services, &who.account), "an access rule was set");
    Ok(Done {}.into())
}

/// Takes a rule away.
pub(super) async fn remove(services: &Services, who: &Identity, call: AccessRemove) -> Answered<Done> {
    no_home(&call.path)?;
    let place = place(services, who, Action::SetAccess, &call.path)?;
    let subject = subject(services, &call.who)?;
    blocking(services, move |files| files.remove_access(&place, subject)).await?;
    tracing::info!(path = %call.path, who = %call.who, by = %account_name(services, &who.account),
        "an access rule was taken away");
    Ok(Done {}.into())
}

/// Nobody else comes into a home in any case.
fn no_home(path: &RemotePath) -> Result<(), Refusal> {
    if path.space == Space::Home {
        let message = "a home has no access rules: it is its owner's alone";
        return Err(Refusal::new(ErrorCode::WrongKind, message)
            .with_hint("put what others are to see into :/shared/ or a room's files"));
    }
    Ok(())
}

/// The place, for somebody who may do anything at all there.
fn visible_place(
    services: &Services,
    who: &Identity,
    path: &RemotePath,
    refused: Refusal,
) -> Result<Place, Refusal> {
    if let Some(place) = [Action::ReadFiles, Action::AddFiles]
        .into_iter()
        .find_map(|action| place(services, who, action, path).ok())
    {
        return Ok(place);
    }
    Err(refused)
}

fn subject(services: &Services, whom: &Whom) -> Result<Subject, Refusal> {
    Ok(match whom {
        Whom::Everyone => Subject::Everyone,
        Whom::Role(role) => Subject::Role(*role),
        Whom::Account(name) => {
            let account = services.people.account_by_name(name).ok_or_else(|| {
                Refusal::new(ErrorCode::NotFound, format!("there is nobody called @{name}"))
            })?;
            Subject::Account(account.id)
        }
    })
}

fn shown(services: &Services, who: &Identity, rule: &Rule) -> Option<AccessRule> {
    let whom = match rule.subject {
        Subject::Everyone => Whom::Everyone,
        Subject::Role(role) => Whom::Role(role),
        Subject::Account(account) => Whom::Account(services.people.account(&account)?.name),
    };
    Some(AccessRule {
        path: path_of(services, who, &rule.place)?,
        who: whom,
        right: rule.right,
    })
}
