//! How late messages arrive at a fixed rate.
//!
//! The load is open: each message has its time, whatever became of the one before it, and what counts is from that time
//! until the bytes reached the reader's socket. A server that stops for a while is late with all that fell due
//! meanwhile.
//!
//! [`Punctual`] is the measurement alone: it can be taken while something else goes on at the server, and compared with
//! what it was without.

use super::PATIENCE;
use super::peers::{Client, Peer, Peers};
use crate::clients::stamped::wall_clock;
use crate::goals::{Better, Goal, Goals};
use crate::servers::Server;
use crate::statistics::Samples;
use crate::table::{Table, number, ratio, spread};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Deliveries a second, of all members together.
pub(crate) const RATE: u32 = 10_000;

/// How long one measurement sends, and a short one.
const SENDING: Duration = Duration::from_secs(10);
const SENDING_QUICKLY: Duration = Duration::from_secs(1);

/// Of the messages of a measurement, one in so many goes first and does not count.
const WARM_UP: u64 = 10;

/// From the order to send until the first message falls due.
const BEGIN: Duration = Duration::from_millis(20);

/// Of nats-server's p99.
const GOAL: Goal = Goal {
    better: Better::Less,
    floor: 1.0,
    goal: 0.5,
};

const PEERS: [Peer; 2] = [Peer::Landline, Peer::Nats];

/// Measures both, in turns.
pub(super) async fn measure(
    peers: &Peers,
    members: u16,
    runs: u16,
    quick: bool,
    goals: &mut Goals,
) -> Result<()> {
    let mut halls = Vec::with_capacity(PEERS.len());
    for peer in PEERS {
        let speaker = peers.sender(peer).await?;
        let mut readers = Vec::with_capacity(usize::from(members));
        for number in 0..members {
            readers.push(peers.member(peer, number).await?);
        }
        halls.push((peer, Punctual::new(speaker, readers), Results::default()));
    }
    for round in 0..usize::from(runs) {
        for turn in 0..PEERS.len() {
            let (peer, hall, results) = &mut halls[(round + turn) % PEERS.len()];
            let lateness = hall.measure(peers.server(*peer), sending(quick), pending()).await;
            results.push(lateness.with_context(|| format!("{} failed", peer.name()))?);
        }
    }
    print(&halls, members, runs)?;
    let [(_, _, ours), (_, _, theirs)] = &halls[..] else {
        bail!("there are two peers");
    };
    let figure = format!("p99 of {members} members at {RATE} deliveries/s, of nats-server's");
    goals.figure(figure, &ours.p99.multiples_of(&theirs.p99), GOAL);
    Ok(())
}

/// How long one measurement sends.
pub(crate) fn sending(quick: bool) -> Duration {
    if quick { SENDING_QUICKLY } else { SENDING }
}

/// How late the deliveries of one measurement were, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) greatest: f64,
    /// The part of the time in which the server's processor was busy.
    pub(crate) busy: f64,
    /// How late the messages were given to the system, the 99th percentile: what of all this is the load's own doing.
    pub(crate) said_late: f64,
}

/// A room that is spoken to punctually: a speaker, and members who note when they hear what.
pub(crate) struct Punctual {
    speaker: Client,
    book: Rc<Book>,
    /// One task for each member; it only ends when something is wrong.
    members: JoinSet<Result<()>>,
}

impl Punctual {
    /// Everybody is in the room already, and nothing is on its way.
    pub(crate) fn new(speaker: Client, members: Vec<Client>) -> Self {
        let book = Rc::new(Book::new(members.len()));
        let mut tasks = JoinSet::new();
        for (member, client) in members.into_iter().enumerate() {
            client.0.stamps.begin();
            tasks.spawn_local(listen(client, member, Rc::clone(&book)));
        }
        Self {
            speaker,
            book,
            members: tasks,
        }
    }

    /// Speaks for so long while `beside` runs: a load that never ends, or fails. It is dropped with the measurement.
    pub(crate) async fn measure(
        &mut self,
        server: &Server,
        sending: Duration,
        beside: impl Future<Output = Result<()>>,
    ) -> Result<Lateness> {
        let members = u32::try_from(self.book.members())?;
        let interval = Duration::from_secs(1) * members / RATE;
        let messages = u64::try_from(sending.as_nanos() / interval.as_nanos())?.max(2);
        let begin = wall_clock()? + BEGIN;
        self.book.open(begin, interval, messages);
        let used = server.processor_time()?;
        let speaking = speak(&mut self.speaker, &self.book, begin, interval, messages);
        tokio::select! {
            spoken = timeout(sending + PATIENCE, speaking) => spoken.context("messages do not arrive")??,
            failed = self.members.join_next() => match failed {
                Some(failed) => failed?.context("a member failed")?,
                None => bail!("there are no members"),
            },
            ended = beside => {
                ended.context("the load beside failed")?;
                bail!("the load beside ended");
            }
        }
        let used = server.processor_time()?.saturating_sub(used);
        let took = wall_clock()?.saturating_sub(begin);
        self.book.close(used.as_secs_f64() / took.as_secs_f64())
    }
}

/// Says each message when it falls due, until everybody has heard all.
async fn speak(
    (link, dialect): &mut Client,
    book: &Book,
    begin: Duration,
    interval: Duration,
    messages: u64,
) -> Result<()> {
    let mut due = metronome(begin, interval, messages)?;
    let mut said = 0;
    while !book.is_complete() {
        tokio::select! {
            Some(()) = due.recv() => {
                dialect.say(&mut link.out)?;
                said += 1;
            }
            received = link.receive() => {
                received?;
                // Acknowledgements, where there are some, are read and checked.
                dialect.hear(&mut link.input, &mut link.out)?;
            }
            () = book.completed() => {}
        }
        link.flush().await?;
        book.said(said)?;
    }
    ensure!(said == messages, "more was heard than was said");
    Ok(())
}

/// Says when each message is due: to some microseconds, where a sleep in tokio is good for milliseconds. It ends with
/// the last one, or when nobody listens.
fn metronome(begin: Duration, interval: Duration, messages: u64) -> Result<mpsc::Receiver<()>> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
    let times = Itimerspec {
        it_interval: Timespec::try_from(interval)?,
        it_value: Timespec::try_from(begin)?,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &times)?;
    // Room for all: who is to say them may be late, and what is due is due.
    let (sender, due) = mpsc::channel(usize::try_from(messages)?);
    tokio::task::spawn_blocking(move || {
        let mut left = messages;
        while left > 0 {
            let mut expired = [0; 8];
            if rustix::io::read(&timer, &mut expired).is_err() {
                return;
            }
            for _ in 0..u64::from_ne_bytes(expired).min(left) {
                left -= 1;
                if sender.try_send(()).is_err() {
                    return;
                }
            }
        }
    });
    Ok(due)
}

async fn listen((mut link, mut dialect): Client, member: usize, book: Rc<Book>) -> Result<()> {
    loop {
        let count = dialect.hear(&mut link.input, &mut link.out)?;
        if count > 0 {
            let came = link.stamps.last();
            book.heard(
                member,
                count,
                came.context("the system does not say when bytes came")?,
            )?;
        }
        link.flush().await?;
        link.receive().await?;
    }
}

/// Who has heard how much, and how late. Everybody gets the same messages in the same order, so a count says which.
struct Book {
    /// How many of this measurement's messages each member has heard.
    heard: RefCell<Vec<u64>>,
    /// When the first message falls due, and the time to the next one.
    schedule: Cell<(Duration, Duration)>,
    /// Messages that do not count.
    warm_up: Cell<u64>,
    /// Of each delivery, in microseconds.
    late: RefCell<Vec<f64>>,
    /// Of each message when it was given to the system, in microseconds.
    said_late: RefCell<Vec<f64>>,
    /// Deliveries that are still missing.
    missing: Cell<u64>,
    completed: Notify,
}

impl Book {
    fn new(members: usize) -> Self {
        Self {
            heard: RefCell::new(vec![0; members]),
            schedule: Cell::default(),
            warm_up: Cell::new(0),
            late: RefCell::default(),
            said_late: RefCell::default(),
            missing: Cell::new(0),
            completed: Notify::new(),
        }
    }

    fn members(&self) -> usize {
        self.heard.borrow().len()
    }

    fn open(&self, begin: Duration, interval: Duration, messages: u64) {
        let mut heard = self.heard.borrow_mut();
        heard.fill(0);
        self.schedule.set((begin, interval));
        self.warm_up.set(messages / WARM_UP);
        self.missing.set(messages * heard.len() as u64);
        self.late.borrow_mut().clear();
        self.said_late.borrow_mut().clear();
    }

    /// So many have been given to the system by now.
    fn said(&self, count: u64) -> Result<()> {
        let mut said_late = self.said_late.borrow_mut();
        for message in said_late.len() as u64..count {
            said_late.push(self.late(message, wall_clock()?)?);
        }
        Ok(())
    }

    /// How long after its time, in microseconds.
    fn late(&self, message: u64, now: Duration) -> Result<f64> {
        let (begin, interval) = self.schedule.get();
        let late = now.checked_sub(begin + interval * u32::try_from(message)?);
        // The wall clock may have been set back.
        let late = late.context("something was there before it was due: was the clock set?")?;
        Ok(late.as_secs_f64() * 1e6)
    }

    fn heard(&self, member: usize, count: u64, came: Duration) -> Result<()> {
        let heard = &mut self.heard.borrow_mut()[member];
        for message in *heard..*heard + count {
            let late = self.late(message, came)?;
            if message >= self.warm_up.get() {
                self.late.borrow_mut().push(late);
            }
        }
        *heard += count;
        let missing = self.missing.get().checked_sub(count);
        self.missing.set(missing.context("more came than was said")?);
        if self.is_complete() {
            self.completed.notify_one();
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.missing.get() == 0
    }

    async fn completed(&self) {
        self.completed.notified().await;
    }

    fn close(&self, busy: f64) -> Result<Lateness> {
        let late: Samples = self.late.borrow_mut().drain(..).collect();
        let [median, p99, greatest] = late
            .quantiles([0.5, 0.99, 1.0])
            .context("nothing was delivered")?;
        let said_late: Samples = self.said_late.borrow_mut().drain(..).collect();
        Ok(Lateness {
            median,
            p99,
            greatest,
            busy,
            said_late: said_late.quantile(0.99).unwrap_or(0.0),
        })
    }
}

/// A sample for each turn.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) median: Samples,
    pub(crate) p99: Samples,
    pub(crate) greatest: Samples,
    pub(crate) busy: Samples,
    pub(crate) said_late: Samples,
}

impl Results {
    pub(crate) fn push(&mut self, lateness: Lateness) {
        self.median.push(lateness.median);
        self.p99.push(lateness.p99);
        self.greatest.push(lateness.greatest);
        self.busy.push(lateness.busy);
        self.said_late.push(lateness.said_late);
    }
}

fn print(halls: &[(Peer, Punctual, Results)], members: u16, runs: u16) -> Result<()> {
    let columns = [
        "",
        "p99 least",
        "median",
        "greatest",
        "landline is",
        "p50",
        "greatest of all",
        "server busy",
        "said late (p99)",
    ];
    let title = format!(
        "{members} members at {RATE} deliveries/s: microseconds from the time of sending until the bytes are at the \
         member, {runs} runs"
    );
    let mut table = Table::new(title, &columns);
    let ours = halls.first().map(|(_, _, results)| &results.p99);
    for (peer, _, theirs) in halls {
        let mut row = vec![peer.name().to_owned()];
        row.extend(spread(&theirs.p99));
        row.push(ours.map_or_else(String::new, |ours| format!("x {}", ratio(ours, &theirs.p99))));
        row.push(number(theirs.median.median()));
        row.push(number(theirs.greatest.quantile(1.0).unwrap_or(0.0)));
        row.push(format!("{:.0}%", 100.0 * theirs.busy.median()));
        row.push(number(theirs.said_late.median()));
        table.row(row);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn lateness_is_from_the_time_at_which_a_message_was_due() {
        let book = Book::new(2);
        book.open(1000 * MS, 100 * MS, 2);
        book.heard(0, 1, 1001 * MS).unwrap();
        // Both at once, because the server stood still: the first of them is 105 ms late.
        book.heard(1, 2, 1105 * MS).unwrap();
        assert!(!book.is_complete());
        book.heard(0, 1, 1103 * MS).unwrap();
        assert!(book.is_complete());
        assert_eq!(*book.late.borrow(), [1000.0, 105_000.0, 5000.0, 3000.0]);
        assert!(book.heard(0, 1, 1200 * MS).is_err(), "one more than was said");
    }

    #[test]
    fn the_first_messages_do_not_count() {
        let book = Book::new(1);
        book.open(1000 * MS, 10 * MS, 20);
        book.heard(0, 20, 1500 * MS).unwrap();
        assert_eq!(book.late.borrow().len(), 18);
        let lateness = book.close(0.5).unwrap();
        assert!((lateness.greatest - 480_000.0).abs() < 1.0, "{lateness:?}");
    }

    #[test]
    fn what_comes_before_its_time_is_an_error() {
        let book = Book::new(1);
        book.open(1000 * MS, 10 * MS, 2);
        assert!(book.heard(0, 1, 999 * MS).is_err());
    }
}
