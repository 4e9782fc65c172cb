//! Events of the log as they travel.

use super::describe::Names;
use crate::answer::encode_event;
use bytes::Bytes;
use landline_model::event::{Event, EventKind};
use landline_model::id::AccountId;
use landline_model::name::{AccountName, NAME_MAX};
use landline_model::protocol::chat::{MENTIONS_MAX, RoomEvent};
use landline_store::chat::Fold;

/// How many times `@name` is looked up in one text: a text of nothing but `@a@b` costs no more.
const MENTIONS_TRIED_MAX: usize = 4 * MENTIONS_MAX;

/// An event as a frame: what followers get.
pub(crate) fn encode(names: Names<'_>, event: &Event) -> Bytes {
    let text = event
        .content
        .as_ref()
        .map_or(&b""[..], |content| content.body.as_bytes());
    encode_event(RoomEvent::NAME, &header(names, event), text)
}

/// An event as a line of a listing.
pub(crate) fn line(names: Names<'_>, event: Event, proof: bool) -> RoomEvent {
    let mut line = header(names, &event);
    if proof {
        line.salt = event.content.as_ref().map(|content| content.salt);
        line.content_hash = Some(event.content_hash);
    }
    line.text = event.content.map(|content| content.body);
    line
}

/// A message's line as the message is now.
pub(crate) fn fold(names: Names<'_>, mut line: RoomEvent, as_now: Fold) -> RoomEvent {
    line.reactions = as_now.reactions;
    // It may have been taken back since it was read.
    if let (Some((edit, text)), false) = (as_now.edit, line.erased) {
        line.mentions = mentions(&text, |name| names.find(name));
        line.edited = Some(edit);
        line.text = Some(text);
    }
    line
}

fn header(names: Names<'_>, event: &Event) -> RoomEvent {
    let mut header = RoomEvent::new(event, names.of(&event.sender));
    let Some(content) = &event.content else {
        return header;
    };
    if event.kind == EventKind::MESSAGE || event.kind == EventKind::EDIT {
        header.mentions = mentions(&content.body, |name| names.find(name));
    } else if let Some(subject) = event.subject() {
        header.subject = Some(subject.account);
        header.subject_name = Some(names.of(&subject.account));
    }
    header
}

/// Who is mentioned in a text, each once, in the order of the text, at most [`MENTIONS_MAX`].
///
/// A mention is `@` and a name, not in the middle of a word (`bob@example`). A name may have marks in it, a sentence has
/// them behind it: where `@bob.` is nobody, it is `@bob`. Chinese has no space behind a name: where `@bob早` is nobody, it
/// is `@bob`.
fn mentions(text: &str, find: impl Fn(&AccountName) -> Option<AccountId>) -> Vec<AccountId> {
    let mut found = Vec::new();
    let mut tried = 0;
    for (at, _) in text.match_indices('@') {
        if found.len() == MENTIONS_MAX || tried >= MENTIONS_TRIED_MAX {
            break;
        }
        if text[..at]
            .chars()
            .next_back()
            .is_some_and(|before| before.is_ascii_alphanumeric())
        {
            continue;
        }
        let word = word(&text[at + 1..]);
        let plain = word.trim_end_matches(['.', '-', '_']);
        let candidates = [word, plain, one_script(plain)];
        let mut before = "";
        let account = candidates.into_iter().find_map(|candidate| {
            if std::mem::replace(&mut before, candidate) == candidate {
                return None;
            }
            tried += 1;
            find(&candidate.parse().ok()?)
        });
        found.extend(account.filter(|account| !found.contains(account)));
    }
    found
}

/// The characters at the beginning of `text` that names have, at most as many as fit into a name.
fn word(text: &str) -> &str {
    let is_of_names = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    let end = text
        .char_indices()
        .find(|(at, character)| !is_of_names(*character) || at + character.len_utf8() > NAME_MAX);
    end.map_or(text, |(end, _)| &text[..end])
}

/// The beginning of a word up to where ASCII begins or ends.
fn one_script(word: &str) -> &str {
    let is_ascii = word.chars().next().is_some_and(|first| first.is_ascii());
    let end = word.find(|character: char| character.is_ascii() != is_ascii);
    end.map_or(word, |end| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Everybody whose name is one letter and some number, by that number; and `a.b`.
    fn find(name: &AccountName) -> Option<AccountId> {
        let number = match name.as_str() {
            "a.b" => 1000,
            "bob" => 1001,
            name => name.strip_prefix('u')?.parse().ok()?,
        };
        Some(AccountId::from_bytes(u128::to_be_bytes(number)))
    }

    fn in_text(text: &str) -> Vec<u128> {
        let found = mentions(text, find);
        found
            .iter()
            .map(|account| u128::from_be_bytes(*account.as_bytes()))
            .collect()
    }

    #[test]
    fn a_mention_is_a_name_behind_an_at_sign() {
        assert_eq!(in_text("@u1, see @u2. And (@u1)!"), [1, 2]);
        assert_eq!(in_text("@a.b: @a.b... @bob-"), [1000, 1001]);
        assert_eq!(in_text("mail bob@u1 or u@u2, @nobody, @@u3 @ u4"), [3]);
        assert_eq!(in_text("早@u5你好，@bob。"), [5, 1001]);
        assert_eq!(in_text("@\u{202e}u1 @"), [] as [u128; 0]);
        assert_eq!(in_text(&format!("@u1{}", "x".repeat(NAME_MAX))), [] as [u128; 0]);
    }

    #[test]
    fn mentions_and_what_they_cost_are_bounded() {
        let many: String = (0..1000).map(|number| format!("@u{number} ")).collect();
        assert_eq!(in_text(&many).len(), MENTIONS_MAX);
        let asked = Cell::new(0);
        let nobody = "@x早. ".repeat(2048);
        let found = mentions(&nobody, |_| {
            asked.set(asked.get() + 1);
            None
        });
        assert!(found.is_empty());
        assert!(asked.get() <= MENTIONS_TRIED_MAX + 2);
    }
}
