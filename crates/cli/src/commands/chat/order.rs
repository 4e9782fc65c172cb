//! What a typed line means: `/commands`, or something to say.

use crate::commands::room::{person_name, slow_seconds};
use crate::duration;
use landline_model::name::AccountName;
use landline_model::room::Act;
use landline_model::target::Target;

/// How many messages `/history` shows where it is not told.
pub(super) const HISTORY: u32 = 20;

/// The most that it shows.
pub(super) const HISTORY_MAX: u32 = 200;

/// What a typed line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To do this in the room of the chat, with this text.
    Act(Act<AccountName>, String),
    /// To do this in another room.
    Elsewhere(Target, Act<AccountName>),
    /// To put this text in the place of the last message of one's own.
    EditMine(String),
    /// To take the last message of one's own back.
    DeleteMine,
    Help,
    Members,
    Who,
    /// To show the topic.
    Topic,
    Search(String),
    History(u32),
    Status(String),
    Quit,
}

/// The commands: how each is written, and what it does.
pub(super) const COMMANDS: &[(&str, &str)] = &[
    ("/help", "this"),
    ("/reply N TEXT", "replies to message N"),
    ("/edit [N] TEXT", "changes your message N, or your last one"),
    ("/delete [N]", "takes message N back, or your last one"),
    ("/react N REACTION", "reacts to message N; /unreact takes it back"),
    ("/unreact N REACTION", "takes a reaction back"),
    ("/history [N]", "shows the last N messages"),
    ("/search TEXT", "looks for a text in this room"),
    ("/members", "who is in the room"),
    ("/who", "who is there"),
    ("/status [TEXT]", "says what you are doing, for everybody to read"),
    ("/join [#ROOM]", "joins this room, or another one"),
    ("/ask #ROOM", "asks to be let into a room"),
    ("/leave [#ROOM]", "leaves this room, or another one"),
    ("/invite @X", "invites somebody into the room"),
    ("/approve @X", "lets somebody in who has asked"),
    ("/decline @X", "turns somebody down who has asked"),
    ("/kick @X [REASON]", "puts somebody out"),
    ("/ban @X [REASON]", "puts somebody out for good"),
    ("/unban @X", "takes that back"),
    (
        "/mute @X 10m [REASON]",
        "keeps somebody from speaking for a while",
    ),
    ("/unmute @X", "takes that back"),
    ("/role @X ROLE", "makes somebody owner, moderator or member"),
    ("/topic [TEXT]", "shows the topic, or sets it"),
    ("/slow 30s|off", "makes everybody wait between two messages"),
    ("/quit", "leaves the chat, as Ctrl-D does"),
    ("//TEXT", "says TEXT with a '/' in front"),
];

/// The words that commands begin with.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    COMMANDS
        .iter()
        .filter_map(|(usage, _)| usage.split(' ').next())
        .filter(|word| *word != "//TEXT")
}

/// Reads a line. What is wrong with it is said with the way it is written.
pub(super) fn read(line: &str) -> Result<Order, String> {
    let Some(rest) = line.strip_prefix('/') else {
        return Ok(say(line));
    };
    if rest.starts_with('/') {
        return Ok(say(rest));
    }
    let (command, rest) = split(rest);
    let usage = COMMANDS
        .iter()
        .find(|(usage, _)| usage.split(' ').next().is_some_and(|word| word[1..] == *command));
    let Some((usage, _)) = usage else {
        return Err(format!(
            "there is no /{command}; /help lists what there is, and // says a '/'"
        ));
    };
    known(command, rest).map_err(|reason| match reason {
        Some(reason) => format!("{reason}: {usage}"),
        None => format!("it is written {usage}"),
    })
}

fn say(text: &str) -> Order {
    Order::Act(Act::Say { reply_to: None }, text.to_owned())
}

/// What is wrong; none: there is too little or too much.
type Wrong = Option<String>;

fn known(command: &str, rest: &str) -> Result<Order, Wrong> {
    Ok(match command {
        "help" => Order::Help,
        "quit" => Order::Quit,
        "members" => Order::Members,
        "who" => Order::Who,
        "history" if rest.is_empty() => Order::History(HISTORY),
        "history" => Order::History(number::<u32>(rest)?.min(HISTORY_MAX)),
        "search" => Order::Search(some(rest)?),
        "status" => Order::Status(rest.to_owned()),
        "topic" if rest.is_empty() => Order::Topic,
        "topic" => Order::Act(Act::Topic {}, rest.to_owned()),
        "slow" => act(Act::Slow {
            seconds: slow_seconds(rest).map_err(Some)?,
        }),
        "join" => here_or_in(rest, Act::Join {})?,
        "leave" => here_or_in(rest, Act::Leave {})?,
        "ask" => Order::Elsewhere(room(rest)?, Act::Ask {}),
        "reply" | "edit" | "delete" | "react" | "unreact" => on_message(command, rest)?,
        _ => act(on_somebody(command, rest)?),
    })
}

fn act(act: Act<AccountName>) -> Order {
    Order::Act(act, String::new())
}

fn here_or_in(rest: &str, act: Act<AccountName>) -> Result<Order, Wrong> {
    if rest.is_empty() {
        return Ok(Order::Act(act, String::new()));
    }
    Ok(Order::Elsewhere(room(rest)?, act))
}

fn room(text: &str) -> Result<Target, Wrong> {
    match some(text)?.parse() {
        Ok(Target::Room(name)) => Ok(Target::Room(name)),
        Ok(Target::Person(_)) => Err(Some("that is a person".to_owned())),
        Err(error) => Err(Some(error.to_string())),
    }
}

fn on_message(command: &str, rest: &str) -> Result<Order, Wrong> {
    let (first, text) = split(rest);
    let message = number::<u64>(first);
    Ok(match (command, message) {
        ("delete", _) if rest.is_empty() => Order::DeleteMine,
        ("delete", message) if text.is_empty() => act(Act::Delete { message: message? }),
        ("edit", Ok(message)) if !text.is_empty() => Order::Act(Act::Edit { message }, text.to_owned()),
        ("edit", Err(_)) => Order::EditMine(some(rest)?),
        ("reply", message) => Order::Act(
            Act::Say {
                reply_to: Some(message?),
            },
            some(text)?,
        ),
        ("react", message) => act(Act::React {
            message: message?,
            reaction: some(text)?,
        }),
        ("unreact", message) => act(Act::Unreact {
            message: message?,
            reaction: some(text)?,
        }),
        _ => return Err(None),
    })
}

fn on_somebody(command: &str, rest: &str) -> Result<Act<AccountName>, Wrong> {
    let (name, rest) = split(rest);
    let who = person_name(&some(name)?).map_err(|error| Some(error.to_string()))?;
    Ok(match command {
        "kick" => {
            let reason = rest.to_owned();
            Act::Kick { who, reason }
        }
        "ban" => {
            let reason = rest.to_owned();
            Act::Ban { who, reason }
        }
        "mute" => {
            let (time, reason) = split(rest);
            let seconds = duration::parse(&some(time)?).map_err(Some)?.as_secs();
            let reason = reason.to_owned();
            Act::Mute { who, seconds, reason }
        }
        "role" => {
            let role = some(rest)?.parse();
            let role =
                role.map_err(|error: landline_model::room::UnknownRoomRole| Some(error.to_string()))?;
            Act::Grant { who, role }
        }
        _ if !rest.is_empty() => return Err(None),
        "invite" => Act::Invite { who },
        "approve" => Act::Approve { who },
        "decline" => Act::Decline { who },
        "unban" => Act::Unban { who },
        "unmute" => Act::Unmute { who },
        _ => return Err(None),
    })
}

/// The first word, and what stands behind it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn some(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        return Err(None);
    }
    Ok(text.to_owned())
}

/// A number of at least 1.
fn number<N: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, Wrong> {
    let number = text.strip_prefix('#').unwrap_or(text).parse::<N>();
    number.ok().filter(|number| *number >= N::from(1)).ok_or(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_said_unless_they_begin_with_a_slash() {
        for (line, text) in [
            ("hello", "hello"),
            (" /x", " /x"),
            ("//x y", "/x y"),
            ("///", "//"),
        ] {
            assert_eq!(read(line), Ok(say(text)));
        }
    }

    #[test]
    fn commands_are_read_with_all_they_take() {
        let bob: AccountName = "bob".parse().unwrap();
        let message = 12;
        for (line, order) in [
            ("/quit", Order::Quit),
            ("/reply 12  two words", {
                let reply_to = Some(12);
                Order::Act(Act::Say { reply_to }, "two words".to_owned())
            }),
            (
                "/edit 12 new",
                Order::Act(Act::Edit { message }, "new".to_owned()),
            ),
            ("/edit new text", Order::EditMine("new text".to_owned())),
            ("/delete", Order::DeleteMine),
            ("/delete #12", act(Act::Delete { message })),
            ("/react 12 👍", {
                let reaction = "👍".to_owned();
                act(Act::React { message, reaction })
            }),
            ("/mute bob 10m too  loud", {
                let (who, reason) = (bob.clone(), "too  loud".to_owned());
                let seconds = 600;
                act(Act::Mute { who, seconds, reason })
            }),
            ("/role @bob moderator", {
                let role = landline_model::room::RoomRole::Moderator;
                act(Act::Grant { who: bob, role })
            }),
            ("/slow off", act(Act::Slow { seconds: 0 })),
            ("/join", act(Act::Join {})),
            (
                "/join #lab",
                Order::Elsewhere("#lab".parse().unwrap(), Act::Join {}),
            ),
            ("/history 9999", Order::History(HISTORY_MAX)),
        ] {
            assert_eq!(read(line), Ok(order), "{line}");
        }
    }

    #[test]
    fn what_is_not_a_command_says_how_it_is_written() {
        for line in [
            "/nope",
            "/",
            "/reply",
            "/reply x y",
            "/reply 12",
            "/edit",
            "/edit 12",
            "/delete x",
            "/delete 0",
            "/react 12",
            "/mute @bob",
            "/mute @bob ten",
            "/role @bob king",
            "/kick",
            "/kick @",
            "/slow",
            "/ask",
            "/ask @bob",
            "/join lab",
            "/history x",
            "/search",
            "/unban @bob now",
        ] {
            let wrong = read(line).unwrap_err();
            assert!(wrong.contains('/'), "{line}: {wrong}");
        }
    }

    #[test]
    fn every_command_that_is_listed_is_known() {
        for word in words() {
            let arguments = ["", " #lab", " @bob", " @bob 10m", " @bob owner", " 30s", " 1 x"];
            let known = arguments
                .iter()
                .any(|arguments| read(&format!("{word}{arguments}")).is_ok());
            assert!(known, "{word}");
        }
    }
}
