//! What people do in a room, other than saying something, in a few words.

use super::{local, subject};
use landline_model::event::EventKind;
use landline_model::protocol::chat::RoomEvent;
use landline_model::room::{RoomRole, Subject};
use landline_model::text::escape;

/// `bob joined`, `alice muted bob until 12:30: too loud`.
pub(super) fn deed(event: &RoomEvent, text: &str) -> String {
    let name = escape(event.sender_name.as_str());
    if event.erased {
        let target = event
            .target
            .map_or_else(String::new, |target| format!(" of {target}"));
        return format!("{name}: (erased {}{target})", event.kind.as_str());
    }
    if event.kind.has_subject() {
        return on_somebody(event, text);
    }
    let what = what(event, text);
    match what {
        Some(what) => format!("{name} {what}"),
        None => format!("{name} [{}] {}", event.kind.as_str(), escape(text)),
    }
}

fn what(event: &RoomEvent, text: &str) -> Option<String> {
    let target = event.target.unwrap_or_default();
    let text = escape(text);
    Some(match &event.kind {
        kind if *kind == EventKind::EDIT => format!("changed {target}: {text}"),
        kind if *kind == EventKind::DELETE => format!("deleted {target}"),
        kind if *kind == EventKind::REACT => format!("reacted to {target}: {text}"),
        kind if *kind == EventKind::UNREACT => format!("took a reaction to {target} back: {text}"),
        kind if *kind == EventKind::JOIN => "joined".to_owned(),
        kind if *kind == EventKind::LEAVE => "left".to_owned(),
        kind if *kind == EventKind::ASK => "asks to join".to_owned(),
        kind if *kind == EventKind::TOPIC && text.is_empty() => "took the topic away".to_owned(),
        kind if *kind == EventKind::TOPIC => format!("set the topic: {text}"),
        kind if *kind == EventKind::SLOW && text == "0" => "ended slow mode".to_owned(),
        kind if *kind == EventKind::SLOW => format!("set slow mode: {text} s between two messages"),
        kind if *kind == EventKind::IMPORT => "brought the room here from another hub".to_owned(),
        _ => return None,
    })
}

fn on_somebody(event: &RoomEvent, text: &str) -> String {
    let name = escape(event.sender_name.as_str());
    let subject = subject(event, text);
    let whom = match (&event.subject_name, &subject) {
        (Some(whom), _) => escape(whom.as_str()).into_owned(),
        (None, Some(subject)) => format!("account {}", subject.account),
        (None, None) => "somebody".to_owned(),
    };
    let until = until(subject.as_ref());
    let what = match &event.kind {
        kind if *kind == EventKind::INVITE => format!("invited {whom}"),
        kind if *kind == EventKind::APPROVE => format!("let {whom} in"),
        kind if *kind == EventKind::DECLINE => format!("turned {whom} down"),
        kind if *kind == EventKind::KICK => format!("put {whom} out"),
        kind if *kind == EventKind::BAN => format!("banned {whom}"),
        kind if *kind == EventKind::UNBAN => format!("took the ban of {whom} back"),
        kind if *kind == EventKind::MUTE => format!("muted {whom}{until}"),
        kind if *kind == EventKind::UNMUTE => format!("let {whom} speak again"),
        kind if *kind == EventKind::ROLE => format!("made {whom} {}", role(subject.as_ref())),
        kind => format!("[{}] {whom}", kind.as_str()),
    };
    match subject
        .map(|subject| subject.reason)
        .filter(|reason| !reason.is_empty())
    {
        Some(reason) => format!("{name} {what}: {}", escape(&reason)),
        None => format!("{name} {what}"),
    }
}

fn until(subject: Option<&Subject>) -> String {
    let until = subject.and_then(|subject| subject.until);
    until.map_or_else(String::new, |until| {
        format!(" until {}", local(until, "%Y-%m-%d %H:%M"))
    })
}

fn role(subject: Option<&Subject>) -> &'static str {
    match subject.and_then(|subject| subject.role) {
        Some(RoomRole::Member) => "a member",
        Some(RoomRole::Moderator) => "a moderator",
        Some(RoomRole::Owner) => "an owner",
        None => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::hash::Hash;
    use landline_model::id::{AccountId, ClientId, RoomId};
    use landline_model::time::Timestamp;

    fn event(kind: &str) -> RoomEvent {
        RoomEvent {
            room: RoomId::from_bytes([1; 16]),
            sequence: 9,
            time: Timestamp(0),
            sender: AccountId::from_bytes([2; 16]),
            sender_name: "alice".parse().unwrap(),
            client_id: ClientId::from_bytes([3; 16]),
            kind: EventKind::try_from(kind.to_owned()).unwrap(),
            target: Some(7),
            subject: None,
            subject_name: Some("bob".parse().unwrap()),
            mentions: Vec::new(),
            edited: None,
            reactions: Vec::new(),
            erased: false,
            text: None,
            salt: None,
            content_hash: None,
            hash: Hash::ZERO,
        }
    }

    #[test]
    fn every_kind_of_event_is_told_in_words_that_act_on_no_terminal() {
        let subject = format!(r#"{{"account":"{}","reason":"a\u001b[2Jb"}}"#, "05".repeat(16));
        for (kind, text, told) in [
            ("edit", "x\u{202e}y", "alice changed 7: x\\u{202e}y"),
            ("delete", "", "alice deleted 7"),
            ("react", "👍", "alice reacted to 7: 👍"),
            ("join", "", "alice joined"),
            ("topic", "", "alice took the topic away"),
            ("slow", "0", "alice ended slow mode"),
            ("slow", "30", "alice set slow mode: 30 s between two messages"),
            ("kick", &subject, "alice put bob out: a\\u{1b}[2Jb"),
            ("kick", "no JSON", "alice put bob out"),
            ("later_kind", "a\nb", "alice [later_kind] a\\nb"),
        ] {
            assert_eq!(deed(&event(kind), text), told);
        }
    }

    #[test]
    fn nobody_can_say_what_looks_like_a_deed() {
        let mut message = event("message");
        message.target = None;
        assert_eq!(
            super::super::said(&message, "* bob joined"),
            "alice: * bob joined"
        );
        assert_eq!(super::super::said(&event("join"), ""), "* alice joined");
        message.erased = true;
        assert_eq!(super::super::said(&message, ""), "alice: (erased)");
    }
}
