//! Something that somebody did, what the hub said to it, and whether it was right.

use crate::log::Log;
use crate::model::{No, Person, Room};
use crate::people::NAMES;
use crate::speaking::{Answer, Attempt};
use landline_model::error::ErrorCode;
use landline_model::id::ClientId;
use landline_model::protocol::chat::Sent;
use landline_model::room::Act;
use std::fmt;

/// Something that somebody did.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// Its number in the seed.
    pub(crate) number: usize,
    /// In which step.
    pub(crate) step: usize,
    /// Who.
    pub(crate) who: Person,
    /// Which of the seed's rooms.
    pub(crate) room: usize,
    /// What.
    pub(crate) act: Act<Person>,
    /// The text beside it.
    pub(crate) text: String,
    /// What its requests call it.
    pub(crate) client_id: ClientId,
    /// Every time that it was sent, in order; those that are not judged yet are the last ones.
    pub(crate) attempts: Vec<Attempt>,
    /// How many of the attempts are judged.
    pub(crate) judged: usize,
    /// Where it was found in the log.
    pub(crate) stored: Option<u64>,
}

impl Deed {
    /// Whether the hub has not said what became of it.
    pub(crate) fn is_open(&self) -> bool {
        self.attempts.iter().all(|attempt| attempt.answer.is_none())
    }

    /// The first acknowledgement.
    pub(crate) fn acknowledged(&self) -> Option<(&Answer, &Sent)> {
        let answers = self.attempts.iter().filter_map(|attempt| attempt.answer.as_ref());
        let mut acknowledgements = answers.filter_map(|answer| Some((answer, answer.says.as_ref().ok()?)));
        acknowledgements.next()
    }

    /// When it was sent first, in the order of moments.
    pub(crate) fn first_sent(&self) -> u64 {
        self.attempts
            .first()
            .map_or(u64::MAX, |attempt| attempt.sent.number)
    }

    /// Judges every answer that was not judged yet. The log holds all that was stored before.
    pub(crate) fn judge(&self, log: &Log, deeds: &[Self]) {
        for attempt in &self.attempts[self.judged..] {
            let Some(answer) = &attempt.answer else { continue };
            match &answer.says {
                Ok(sent) => self.judge_acknowledgement(log, sent),
                Err((code, message)) => self.judge_refusal(log, deeds, attempt, answer, *code, message),
            }
        }
        if let Some(first) = self.fresh().next() {
            assert_eq!(self.fresh().count(), 1, "{self} was written twice: {first:?}");
        }
    }

    /// The acknowledgements that say that something was written.
    fn fresh(&self) -> impl Iterator<Item = &Sent> {
        let answers = self.attempts.iter().filter_map(|attempt| attempt.answer.as_ref());
        answers
            .filter_map(|answer| answer.says.as_ref().ok())
            .filter(|sent| !sent.duplicate)
    }

    fn judge_acknowledgement(&self, log: &Log, sent: &Sent) {
        assert_eq!(
            self.stored,
            Some(sent.sequence),
            "{self} was acknowledged as {}",
            sent.sequence
        );
        let event = &log.entry(sent.sequence).event;
        assert_eq!((event.room, event.time), (sent.room, sent.time), "{self}");
        assert!(sent.head.sequence >= sent.sequence, "{self}: {sent:?}");
        assert_eq!(
            log.entry(sent.head.sequence).event.hash,
            sent.head.hash,
            "{self}: {sent:?}"
        );
        if let [only] = self.attempts.as_slice() {
            assert!(!sent.duplicate, "{self} was sent once: {sent:?}");
            assert!(
                sent.sequence > only.known,
                "{self} stands before what was known when it was sent, {}",
                only.known
            );
        }
    }

    /// A refusal is right where the log had a beginning, consistent with what is known of the order, after which the
    /// model gives that reason. What is known: everything of which anybody had been told before the request was sent
    /// was in it; so was what was sent before on the same connection; nothing was in it that was sent only after the
    /// answer had come, or later on the same connection; and not the deed itself, for then it would have been
    /// acknowledged. By the clock, it was refused between the request and the answer.
    fn judge_refusal(
        &self,
        log: &Log,
        deeds: &[Self],
        attempt: &Attempt,
        answer: &Answer,
        code: ErrorCode,
        message: &str,
    ) {
        let (mut least, mut most) = (attempt.known, log.farthest(answer.came, deeds));
        // Who may not know of a private room any more is told of nothing in it, their own deeds included.
        let hidden = (least..=most).any(|sequence| !log.after(sequence).sees(self.who));
        if hidden && code == ErrorCode::NotFound {
            return;
        }
        if let Some(stored) = self.stored {
            most = most.min(stored - 1);
        }
        for entry in &log.entries {
            let other = &deeds[entry.deed];
            if let [only] = other.attempts.as_slice()
                && only.connection == attempt.connection
            {
                if only.sent.number < attempt.sent.number {
                    least = least.max(entry.event.sequence);
                } else {
                    most = most.min(entry.event.sequence - 1);
                }
            }
        }
        let mut reasons = Vec::new();
        for sequence in least..=most {
            let room = log.after(sequence);
            // A mute or a wait may end between the request and the answer, and so may its reason.
            let (first, last) = (attempt.sent.time, answer.came.time);
            let same = self.same_mute(room).filter(|time| (first..=last).contains(time));
            for time in [first, last].into_iter().chain(same) {
                let no = room.refuses(self.who, &self.act, &self.text, time);
                if no.iter().any(|no| codes(*no).contains(&code)) {
                    return;
                }
                reasons.push((sequence, no));
            }
        }
        panic!(
            "{self} was refused ({code:?}, {message:?}), but in the log of room {} after {least} to {most} events there \
             stands {reasons:?} against it",
            self.room
        );
    }
}

impl Deed {
    /// When a mute would end exactly when the one that there is ends.
    fn same_mute(&self, room: &Room) -> Option<u64> {
        match &self.act {
            Act::Mute { who, seconds, .. } => room.people[*who].muted_until?.checked_sub(seconds * 1000),
            _ => None,
        }
    }
}

/// What the hub says for a reason.
pub(crate) fn codes(no: No) -> &'static [ErrorCode] {
    match no {
        No::Hidden | No::Missing => &[ErrorCode::NotFound],
        No::Right => &[ErrorCode::Forbidden],
        No::Slow => &[ErrorCode::TooSoon],
        No::Same | No::LastOwner => &[ErrorCode::Conflict],
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            step,
            who,
            room,
            ..
        } = self;
        write!(
            formatter,
            "step {step}: deed {number}, {} in room {room}: {:?}",
            NAMES[*who], self.act
        )
    }
}

/// A line of what happened.
pub(crate) fn told(deed: &Deed) -> String {
    let told = |attempt: &Attempt| match &attempt.answer {
        None => "no answer".to_owned(),
        Some(Answer { says: Ok(sent), .. }) => {
            format!("{}{}", sent.sequence, if sent.duplicate { " again" } else { "" })
        }
        Some(Answer {
            says: Err((code, message)),
            ..
        }) => format!("{code:?}: {message}"),
    };
    let answers: Vec<String> = deed.attempts.iter().map(told).collect();
    format!("{deed} -> {}", answers.join(", "))
}
