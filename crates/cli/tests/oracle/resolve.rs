//! From what somebody means to do to what they do, in the room as it is known then.

use crate::choice::Choice;
use crate::model::{Known, Person, Room};
use crate::people::{MODERATOR, OWNER};
use crate::script::{Planned, What};
use landline_model::room::{Act, RoomRole, Standing};

/// Reactions, few, so that people give the same one.
const REACTIONS: [&str; 3] = ["👍", "+1", "hm?"];

/// What is said, by number of the deed: no two say the same, and some say much.
const LONG: usize = 6_000;

/// The act, and the text beside it. `length` is how many events the room has; `number` is the deed's.
pub(crate) fn resolve(planned: &Planned, room: &Room, length: u64, number: usize) -> (Act<Person>, String) {
    let mut pick = Pick {
        choice: planned.choice.clone(),
        room,
        who: planned.who,
        length,
    };
    let act = pick.act(planned);
    let text = match &act {
        Act::Say { .. } | Act::Edit { .. } => pick.text(number),
        Act::Topic {} => format!("about {}", pick.choice.below(3)),
        _ => String::new(),
    };
    (act, text)
}

struct Pick<'a> {
    choice: Choice,
    room: &'a Room,
    who: Person,
    length: u64,
}

impl Pick<'_> {
    fn act(&mut self, planned: &Planned) -> Act<Person> {
        match &planned.what {
            What::This(act) => act.clone(),
            What::Say => Act::Say { reply_to: None },
            What::Reply => Act::Say {
                reply_to: Some(self.message(|_| true)),
            },
            What::Edit | What::Delete if self.has_nothing_to_change() => Act::Say { reply_to: None },
            What::Edit => Act::Edit { message: self.mine() },
            What::Delete => Act::Delete { message: self.mine() },
            What::React | What::Unreact => self.reaction(&planned.what),
            What::Join => Act::Join {},
            What::Leave if self.stays() => Act::Join {},
            What::Leave => Act::Leave {},
            What::Ask => Act::Ask {},
            What::Topic => Act::Topic {},
            What::Slow => Act::Slow {
                seconds: *self.choice.one_of(&[0, 0, 0, 1, 1, 3_600]),
            },
            What::Grant => self.grant(planned.room),
            what => self.on_somebody(what),
        }
    }

    /// The owner tries to leave where nobody else is an owner, and nobody can be: it has to be refused. Elsewhere the
    /// owner and the moderator stay, for somebody must be able to read the room to the end.
    fn stays(&self) -> bool {
        self.who == MODERATOR || (self.who == OWNER && self.owners() > 1)
    }

    fn owners(&self) -> usize {
        let owner = Standing::Member(RoomRole::Owner);
        let is_owner = |known: &&Known| known.standing == owner;
        self.room.people.iter().filter(is_owner).count()
    }

    fn reaction(&mut self, what: &What) -> Act<Person> {
        let (who, gives) = (self.who, *what == What::React);
        let message = self.message(|message| {
            let mut people = message.reactions.values();
            gives || people.any(|people| people.contains(&who))
        });
        let reaction = (*self.choice.one_of(&REACTIONS)).to_owned();
        if gives {
            return Act::React { message, reaction };
        }
        let given = self
            .room
            .messages
            .get(&message)
            .into_iter()
            .flat_map(|message| &message.reactions);
        let mut own = given
            .filter(|(_, people)| people.contains(&who))
            .map(|(reaction, _)| reaction.clone());
        let reaction = own.next().unwrap_or(reaction);
        Act::Unreact { message, reaction }
    }

    /// Mostly, those who have said nothing say something.
    fn has_nothing_to_change(&mut self) -> bool {
        let mut there = self.room.messages.values();
        let has_said = there.any(|message| !message.deleted && message.author == self.who);
        !has_said && self.choice.below(4) > 0
    }

    /// Only in every other room does anybody become an owner; in the rest the owner is the only one.
    fn grant(&mut self, room: usize) -> Act<Person> {
        let who = self.person(|known| known.standing.role().is_some());
        let roles = [RoomRole::Member, RoomRole::Moderator, RoomRole::Owner];
        let mut role = *self.choice.one_of(&roles);
        let alone = room.is_multiple_of(2);
        if who == OWNER && !alone || role == RoomRole::Owner && alone {
            role = RoomRole::Moderator;
        }
        if who == OWNER && !alone {
            return Act::Topic {};
        }
        Act::Grant { who, role }
    }

    fn on_somebody(&mut self, what: &What) -> Act<Person> {
        let fits = |known: &Known| match what {
            What::Approve | What::Decline => known.standing == Standing::Asked,
            What::Unban => known.standing == Standing::Banned,
            What::Unmute => known.muted_until.is_some(),
            What::Invite => matches!(known.standing, Standing::Stranger | Standing::Kicked),
            What::Kick | What::Ban => known.standing == Standing::Member(RoomRole::Member),
            _ => true,
        };
        let is_pointless = !self.room.people.iter().any(fits);
        if is_pointless && self.choice.below(4) > 0 {
            return Act::Say { reply_to: None };
        }
        let who = self.person(fits);
        let reason = ["", "enough \u{1f642}"][self.choice.below(2)].to_owned();
        match what {
            What::Invite => Act::Invite { who },
            What::Approve => Act::Approve { who },
            What::Decline => Act::Decline { who },
            What::Unban => Act::Unban { who },
            What::Unmute => Act::Unmute { who },
            What::Mute => Act::Mute {
                who,
                seconds: *self.choice.one_of(&[1, 1, 100, 3_600]),
                reason,
            },
            // The moderator is never put out.
            _ if who == MODERATOR => Act::Invite { who },
            What::Ban => Act::Ban { who, reason },
            _ => Act::Kick { who, reason },
        }
    }

    /// Mostly somebody with whom it makes sense, else anybody.
    fn person(&mut self, sensible: impl Fn(&Known) -> bool) -> Person {
        let people = &self.room.people;
        let fitting: Vec<Person> = (0..people.len()).filter(|who| sensible(&people[*who])).collect();
        if fitting.is_empty() || self.choice.below(6) == 0 {
            self.choice.below(people.len())
        } else {
            *self.choice.one_of(&fitting)
        }
    }

    /// Mostly a message of one's own.
    fn mine(&mut self) -> u64 {
        let who = self.who;
        if self.choice.below(4) == 0 {
            self.message(|_| true)
        } else {
            self.message(|message| message.author == who)
        }
    }

    /// Mostly a message that is there, of these; else any event, or one that is yet to come.
    fn message(&mut self, sensible: impl Fn(&crate::model::Message) -> bool) -> u64 {
        let there = self.room.messages.iter();
        let fitting: Vec<u64> = there
            .filter(|(_, message)| !message.deleted && sensible(message))
            .map(|(sequence, _)| *sequence)
            .collect();
        if fitting.is_empty() || self.choice.below(8) == 0 {
            let beyond = usize::try_from(self.length).expect("a short room") + 3;
            return u64::try_from(self.choice.below(beyond)).expect("small");
        }
        // The last ones: so that several people act on the same.
        let few = fitting.len().min(4);
        *self.choice.one_of(&fitting[fitting.len() - few..])
    }

    fn text(&mut self, number: usize) -> String {
        let padding = match self.choice.below(12) {
            0 => self.choice.below(LONG),
            _ => self.choice.below(30),
        };
        format!("<{number}> {}", "é\n".repeat(padding / 3))
    }
}
