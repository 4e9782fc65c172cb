//! What a seed makes people do. Who does what kind of thing where, and when the hub dies, is the seed's choice alone; on
//! which message or whom it acts is chosen when its turn comes, from what the room is then.

use crate::choice::Choice;
use crate::model::Person;
use crate::people::{ADMIN, MODERATOR, OWNER};
use landline_model::event::RoomKind;
use landline_model::room::{Act, RoomRole};

/// What people do in one burst, all at the same time, each without waiting for answers.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// In the order in which each of them does it.
    pub(crate) deeds: Vec<Planned>,
    /// Who hangs up after so many requests, and hears no answer.
    pub(crate) hang_ups: Vec<(Person, usize)>,
    /// What becomes of the streams on which people follow the rooms.
    pub(crate) streams: Vec<(Person, Following)>,
    /// How the step ends.
    pub(crate) ending: Ending,
}

/// How a step ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everybody has an answer.
    #[default]
    Answered,
    /// `kill -9` when so many acknowledgements were seen.
    Kill(usize),
    /// The power is cut then; the seed of what survives of what was not synced.
    PowerCut(usize, u64),
}

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Following {
    /// It is cut, and taken up again behind the last event that was seen.
    Again,
    /// It is cut.
    Cut,
    /// It begins anew, with what comes from now on.
    FromNow,
    /// It begins anew, with the first event.
    FromTheBeginning,
    /// It begins anew, and repeats so many of the last events.
    Back(u64),
    /// Rooms that it does not follow (any more) are asked for on the same connection.
    More,
}

/// Something that somebody does.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Who.
    pub(crate) who: Person,
    /// Where: which of the seed's rooms.
    pub(crate) room: usize,
    /// What.
    pub(crate) what: What,
    /// The same request twice, one behind the other.
    pub(crate) twice: bool,
    /// Chooses whatever the room leaves to choose.
    pub(crate) choice: Choice,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Exactly this.
    This(Act<Person>),
    Say,
    Reply,
    Edit,
    Delete,
    React,
    Unreact,
    Join,
    Leave,
    Ask,
    Invite,
    Approve,
    Decline,
    Kick,
    Ban,
    Unban,
    Mute,
    Unmute,
    Grant,
    Topic,
    Slow,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Script {
    /// How many people there are.
    pub(crate) people: usize,
    /// The rooms; a direct conversation is the last one.
    pub(crate) rooms: Vec<RoomKind>,
    /// Step by step.
    pub(crate) steps: Vec<Step>,
}

/// How many deeds a seed has, apart from those that set the rooms up, and what is said while the hub dies.
const DEEDS_MIN: usize = 40;
const DEEDS_MAX: usize = 120;

/// How many deeds one burst has at most.
const BURST_MAX: usize = 14;

/// How much more is said while the hub dies, at most.
const SAID_MEANWHILE_MAX: usize = 40;

impl Script {
    pub(crate) fn new(seed: u64) -> Self {
        let mut choice = Choice::seeded(seed);
        let people = 5 + choice.below(2);
        let mut rooms = vec![RoomKind::Public, RoomKind::Private, RoomKind::Approval];
        let direct = choice.below(2) == 0;
        for _ in 0..choice.below(if direct { 3 } else { 2 }) {
            rooms.remove(choice.below(rooms.len()));
        }
        let mut steps = set_up(&rooms);
        let first = steps.len();
        if direct {
            rooms.push(RoomKind::Direct);
        }
        let mut left = DEEDS_MIN + choice.below(DEEDS_MAX - DEEDS_MIN + 1);
        while left > 0 {
            let count = (1 + choice.below(BURST_MAX)).min(left);
            left -= count;
            steps.push(burst(&mut choice, people, &rooms, count));
        }
        end_some(&mut choice, &mut steps, first, &rooms);
        Self { people, rooms, steps }
    }
}

/// The owner's rooms get their moderator and a member, one step after another.
fn set_up(rooms: &[RoomKind]) -> Vec<Step> {
    let mut steps: Vec<Step> = (0..3).map(|_| Step::default()).collect();
    for (room, kind) in rooms.iter().enumerate() {
        for who in [MODERATOR, MODERATOR + 1] {
            let (first, second) = match kind {
                RoomKind::Public => (None, (who, Act::Join {})),
                RoomKind::Private => (Some((OWNER, Act::Invite { who })), (who, Act::Join {})),
                _ => (Some((who, Act::Ask {})), (OWNER, Act::Approve { who })),
            };
            for (step, deed) in [(0, first), (1, Some(second))] {
                steps[step]
                    .deeds
                    .extend(deed.map(|(who, act)| exactly(who, room, act)));
            }
        }
        let moderator = Act::Grant {
            who: MODERATOR,
            role: RoomRole::Moderator,
        };
        steps[2].deeds.push(exactly(OWNER, room, moderator));
    }
    steps.retain(|step| !step.deeds.is_empty());
    steps
}

fn exactly(who: Person, room: usize, act: Act<Person>) -> Planned {
    Planned {
        who,
        room,
        what: What::This(act),
        twice: false,
        choice: Choice::seeded(0),
    }
}

fn burst(choice: &mut Choice, people: usize, rooms: &[RoomKind], count: usize) -> Step {
    let mut step = Step::default();
    for _ in 0..count {
        let room = choice.below(rooms.len());
        let who = somebody(choice, people, rooms[room]);
        step.deeds.push(Planned {
            who,
            room,
            what: something(choice, who, rooms[room]),
            twice: choice.below(20) == 0,
            choice: choice.split(),
        });
    }
    if choice.below(4) == 0 {
        step.hang_ups.push((choice.below(people), choice.below(4)));
    }
    for person in 0..people {
        let change = match choice.below(12) {
            0 | 1 => Following::Again,
            2 => Following::Cut,
            3 => Following::FromNow,
            4 => Following::FromTheBeginning,
            5 | 6 => Following::Back(1 + choice.next() % 10),
            7..=9 => Following::More,
            _ => continue,
        };
        step.streams.push((person, change));
    }
    step
}

fn somebody(choice: &mut Choice, people: usize, kind: RoomKind) -> Person {
    match (kind, choice.below(10)) {
        (RoomKind::Direct, _) => *choice.one_of(&DIRECT),
        (_, 0) => ADMIN,
        (_, 1 | 2) => OWNER,
        (_, 3 | 4) => MODERATOR,
        _ => choice.below(people),
    }
}

/// The two of the direct conversation.
pub(crate) const DIRECT: [Person; 2] = [MODERATOR, MODERATOR + 1];

fn something(choice: &mut Choice, who: Person, kind: RoomKind) -> What {
    use What as W;
    let talk = [
        W::Say,
        W::Say,
        W::Say,
        W::Say,
        W::Reply,
        W::Edit,
        W::Edit,
        W::Delete,
        W::React,
        W::React,
        W::Unreact,
    ];
    let coming_and_going = [W::Join, W::Join, W::Ask, W::Ask, W::Leave];
    let order = [
        W::Invite,
        W::Invite,
        W::Approve,
        W::Approve,
        W::Decline,
        W::Kick,
        W::Kick,
        W::Ban,
        W::Unban,
        W::Mute,
        W::Unmute,
        W::Grant,
        W::Topic,
        W::Slow,
    ];
    let keeps_order = [ADMIN, OWNER, MODERATOR].contains(&who);
    match choice.below(20) {
        _ if kind == RoomKind::Direct && choice.below(10) > 0 => choice.one_of(&talk).clone(),
        0..=8 => choice.one_of(&talk).clone(),
        9..=18 if keeps_order => choice.one_of(&order).clone(),
        9..=11 => What::Say,
        12..=18 => choice.one_of(&coming_and_going).clone(),
        _ => choice.one_of(&order).clone(),
    }
}

/// The hub dies once or twice, and in a third of the seeds once by a power cut: while much is said.
fn end_some(choice: &mut Choice, steps: &mut [Step], first: usize, rooms: &[RoomKind]) {
    let mut deaths = 1 + choice.below(2);
    let power_cut = choice.below(3) == 0;
    deaths += usize::from(power_cut);
    for death in 0..deaths {
        let step = &mut steps[first + choice.below(steps.len() - first)];
        if step.ending != Ending::Answered {
            continue;
        }
        for _ in 0..1 + choice.below(SAID_MEANWHILE_MAX) {
            let room = choice.below(rooms.len());
            let direct = rooms[room] == RoomKind::Direct;
            let who = *choice.one_of(if direct {
                &DIRECT
            } else {
                &[OWNER, MODERATOR, MODERATOR + 1]
            });
            let mut said = exactly(who, room, Act::Say { reply_to: None });
            said.choice = choice.split();
            step.deeds.push(said);
        }
        let after = choice.below(step.deeds.len());
        step.ending = match death {
            0 if power_cut => Ending::PowerCut(after, choice.next()),
            _ => Ending::Kill(after),
        };
    }
}
