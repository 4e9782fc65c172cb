//! What is asked beside the chat: who is there, what was said before.

use super::order::HISTORY;
use crate::commands::room::{member_line, told};
use crate::show;
use bytes::Bytes;
use landline_client::chat::fresh_client_id;
use landline_client::{ClientError, Connection, lines};
use landline_model::name::AccountName;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, Do, Member, RoomEvent};
use landline_model::protocol::people::{Presence, Present, SetStatus};
use landline_model::room::Act;
use landline_model::target::Target;
use landline_model::text::escape;

/// A question.
pub(super) enum Question {
    Members(Target),
    Who,
    Topic(Target),
    Search(Target, String),
    History(Target, u32),
    Status(String),
    Elsewhere(Target, Act<AccountName>),
    /// Who is there, for the program to know.
    Presence,
}

/// What came of it.
pub(super) enum Answered {
    /// Lines to show, safe to show.
    Lines(Vec<String>),
    /// Who is there.
    Present(Vec<Present>),
}

/// Asks the hub.
pub(super) async fn ask(connection: &Connection, question: Question) -> Result<Answered, ClientError> {
    Ok(match question {
        Question::Presence => Answered::Present(presence(connection).await?),
        Question::Members(target) => Answered::Lines(members(connection, target).await?),
        Question::Who => Answered::Lines(presence(connection).await?.iter().map(present).collect()),
        Question::Topic(target) => Answered::Lines(vec![topic(connection, target).await?]),
        Question::Search(target, text) => Answered::Lines(search(connection, target, text).await?),
        Question::History(target, limit) => {
            let events = history(connection, target, limit).await?;
            Answered::Lines(
                events
                    .iter()
                    .map(|event| show::event(event, text_of(event), true))
                    .collect(),
            )
        }
        Question::Status(status) => {
            connection.call(&SetStatus { status }).await?;
            Answered::Lines(vec!["(your status is set)".to_owned()])
        }
        Question::Elsewhere(target, act) => Answered::Lines(vec![elsewhere(connection, target, act).await?]),
    })
}

/// The last events, messages as they are now.
pub(super) async fn history(
    connection: &Connection,
    target: Target,
    limit: u32,
) -> Result<Vec<RoomEvent>, ClientError> {
    let history = chat::History {
        target,
        since: 0,
        limit,
        last: true,
        proof: false,
        fold: true,
    };
    let page = connection.exchange(&history, Bytes::new()).await?;
    lines(&page.body, connection)
}

/// The text of an event of a listing.
pub(super) fn text_of(event: &RoomEvent) -> &str {
    event.text.as_deref().unwrap_or_default()
}

async fn presence(connection: &Connection) -> Result<Vec<Present>, ClientError> {
    let answer = connection.exchange(&Presence {}, Bytes::new()).await?;
    lines(&answer.body, connection)
}

/// `@bob  fixing the printer`
fn present(present: &Present) -> String {
    let line = format!("@{}  {}", present.name, escape(&present.status));
    line.trim_end().to_owned()
}

/// The first page: on a screen more is of no use, and `landline room members` lists them all.
async fn members(connection: &Connection, target: Target) -> Result<Vec<String>, ClientError> {
    let call = chat::Members {
        target,
        others: false,
        after: None,
        limit: PAGE_MAX,
    };
    let answer = connection.exchange(&call, Bytes::new()).await?;
    let members = lines::<Member>(&answer.body, connection)?;
    let mut shown: Vec<String> = members.iter().map(member_line).collect();
    if answer.reply.next.is_some() {
        shown.push("(and more: landline room members)".to_owned());
    }
    Ok(shown)
}

async fn topic(connection: &Connection, target: Target) -> Result<String, ClientError> {
    let history = chat::History {
        target,
        since: 0,
        limit: 1,
        last: true,
        proof: false,
        fold: false,
    };
    let room = connection.call(&history).await?.room;
    Ok(match room.topic.as_str() {
        "" => "(there is no topic)".to_owned(),
        topic => format!("(topic: {})", escape(topic)),
    })
}

async fn search(connection: &Connection, target: Target, text: String) -> Result<Vec<String>, ClientError> {
    let call = chat::Search {
        text,
        target: Some(target),
        limit: HISTORY,
        ..chat::Search::default()
    };
    let answer = connection.exchange(&call, Bytes::new()).await?;
    let mut found: Vec<String> = lines::<RoomEvent>(&answer.body, connection)?
        .iter()
        .map(|event| show::event(event, text_of(event), true))
        .collect();
    // The newest one stands next to the line that is typed.
    found.reverse();
    if found.is_empty() {
        found.push("(nothing was found)".to_owned());
    }
    if answer.reply.next.is_some() {
        found.insert(0, "(there is more: landline history --grep)".to_owned());
    }
    if answer.reply.behind > 0 {
        found.push(format!("({} messages are not indexed yet)", answer.reply.behind));
    }
    Ok(found)
}

async fn elsewhere(
    connection: &Connection,
    target: Target,
    act: Act<AccountName>,
) -> Result<String, ClientError> {
    let done = told(&act, &target);
    let call = Do {
        target,
        client_id: fresh_client_id(),
        act,
    };
    connection.call(&call).await?;
    Ok(format!("({done})"))
}
