//! The loop of a simulated server. It does in each turn what [the reactor](crate::reactor) does in one, in its order.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Instant;

use landline_protocol::{
    Admission, CommandOf, Conn, ConnId, Effect, Ended, FileSlice, Peer, Pending, Service,
};

use super::What;
use super::line::{Chance, Line};
use super::pace::{Turning, soonest};
use super::streams::{PeerId, Sim, SimLink, SimPeer};
use crate::mailbox::Message;
use crate::reactor::READ_MAX;
use crate::socket::Outcome;

/// How many times one turn writes to the same socket.
const CALLS_A_TURN: usize = 16;

impl<S: Service> Turning for Sim<S> {
    fn moment(&mut self) -> &mut Instant {
        &mut self.now
    }

    fn upcoming(&mut self, until: Option<Instant>) -> Option<Instant> {
        if self.has_ready() {
            return Some(self.now);
        }
        let timer = [self.timers.next(), self.stopping.filter(|_| !self.stopped)]
            .into_iter()
            .flatten()
            .min();
        let knock = self.knocking.front().map(|(at, _)| *at);
        let mail = self.mail.keys().next().map(|(at, _)| *at);
        let arrival = self.peers.iter().filter_map(|peer| peer.line.next()).min();
        let traffic = [knock, mail, arrival].into_iter().flatten().min();
        soonest(traffic, timer, until)
    }

    fn turn_once(&mut self) {
        for peer in &mut self.peers {
            peer.line.deliver(&mut self.chance, self.now);
        }
        let mut ready = self.ready();
        self.chance.random.shuffle(&mut ready);
        for id in ready {
            self.turn_ready(id);
        }
        self.accept();
        self.take_mail();
        self.go_on();
        self.wake_due();
        self.apply_effects();
        self.end_stopped();
    }
}

impl<S: Service> Sim<S> {
    fn has_ready(&mut self) -> bool {
        !self.busy.is_empty() || !self.effects.is_empty() || !self.ready().is_empty()
    }

    /// The connections that a selector would tell of.
    fn ready(&mut self) -> Vec<ConnId> {
        let (peers, links, send_buffer) = (&self.peers, &mut self.links, self.send_buffer);
        let mut ids: Vec<_> = peers
            .iter()
            .filter(|peer| peer.ended.is_none())
            .filter_map(|peer| peer.id)
            .collect();
        ids.retain(|id| {
            links.find(*id).is_some_and(|link| {
                let line = &peers[link.peer.0].line;
                line.is_broken()
                    || line.is_readable() && link.conn.room() > 0
                    || line.has_space(send_buffer) && !matches!(link.conn.pending(), Pending::Nothing)
            })
        });
        ids
    }

    fn turn_ready(&mut self, id: ConnId) {
        let Some(link) = self.links.find(id) else {
            return;
        };
        link.blocked = false;
        if self.peers[link.peer.0].line.is_broken() && link.conn.room() == 0 {
            link.conn.close(Ended::Reset);
        }
        self.turn(id);
    }

    fn turn(&mut self, id: ConnId) {
        if let Some(link) = self.links.find(id) {
            link.conn.borrow_buffer(&mut self.spare);
            self.read(id);
            self.after(id);
        }
    }

    fn read(&mut self, id: ConnId) {
        let Some(link) = self.links.find(id) else {
            return;
        };
        let room = link.conn.room().min(READ_MAX);
        let line = &mut self.peers[link.peer.0].line;
        if room == 0 || !line.is_readable() {
            return;
        }
        let mut buffer = vec![0; room];
        let what = match line.read(&mut buffer, &mut self.chance) {
            Outcome::Done(0) => {
                link.conn.end_of_input(self.now);
                What::ReadEnd
            }
            Outcome::Done(count) => {
                link.conn.feed(&buffer[..count], self.now);
                What::Read(count)
            }
            Outcome::WouldBlock => return,
            Outcome::Broken => return link.conn.close(Ended::Reset),
        };
        let peer = link.peer;
        self.note(peer, what);
    }

    /// Whatever happened to a connection: its bytes, its events, its timer, its end.
    fn after(&mut self, id: ConnId) {
        self.flush(id);
        let Some(link) = self.links.find(id) else {
            return;
        };
        while let Some(event) = link.conn.event() {
            self.service.event(id, event, &mut self.effects, self.now);
        }
        link.conn.return_buffer(&mut self.spare);
        if let Some(why) = link.conn.ended() {
            return self.remove(id, why);
        }
        let has_work =
            link.conn.has_work() || !link.blocked && !matches!(link.conn.pending(), Pending::Nothing);
        if has_work && !std::mem::replace(&mut link.is_busy, true) {
            self.busy.push(id);
        }
        self.timers
            .schedule(id, link.conn.deadline(), &mut link.scheduled);
    }

    fn flush(&mut self, id: ConnId) {
        for _ in 0..CALLS_A_TURN {
            let Some(link) = self.links.find(id).filter(|link| !link.blocked) else {
                return;
            };
            let line = &mut self.peers[link.peer.0].line;
            let (outcome, wanted) = match link.conn.pending() {
                Pending::Nothing => return,
                Pending::Bytes(bytes) => (
                    write(line, bytes, self.send_buffer, &mut self.chance, self.now),
                    bytes.len(),
                ),
                Pending::File(slice) => (
                    write_file(line, slice, self.send_buffer, &mut self.chance, self.now),
                    1,
                ),
                Pending::Shutdown => {
                    line.shut_down(&mut self.chance, self.now);
                    link.conn.shut_down(self.now);
                    let peer = link.peer;
                    return self.note(peer, What::ShutDown);
                }
            };
            match outcome {
                Outcome::Done(count) => {
                    link.conn.wrote(count, self.now);
                    link.blocked = count < wanted;
                    let peer = link.peer;
                    self.note(peer, What::Wrote(count));
                }
                Outcome::WouldBlock => link.blocked = true,
                Outcome::Broken => link.conn.close(Ended::Reset),
            }
        }
    }

    fn remove(&mut self, id: ConnId, why: Ended) {
        let Some(link) = self.links.remove(id) else {
            return;
        };
        let peer = &mut self.peers[link.peer.0];
        peer.ended = Some(why);
        peer.line
            .close(why == Ended::Finished, &mut self.chance, self.now);
        self.admissions.leave(peer.address.ip());
        self.counters.ended(why);
        self.service.left(id, &mut self.effects, self.now);
        self.note(link.peer, What::Ended(why));
    }

    fn accept(&mut self) {
        while let Some((_, peer)) = self.knocking.pop_front_if(|(at, _)| *at <= self.now) {
            match self.admit(peer) {
                Some(conn) => {
                    let id = self.links.insert(SimLink {
                        conn,
                        peer,
                        blocked: false,
                        is_busy: false,
                        scheduled: None,
                    });
                    self.peers[peer.0].id = Some(id);
                    self.counters.accepted();
                    self.note(peer, What::Accepted);
                    self.after(id);
                }
                None => {
                    self.counters.refused();
                    self.note(peer, What::Refused);
                }
            }
        }
    }

    /// Asks the limits and the service; closes the connection of who is not let in.
    fn admit(&mut self, peer: PeerId) -> Option<Conn<S::Connection>> {
        let local = self.local();
        let &mut SimPeer {
            ref mut line,
            address: remote,
            ..
        } = &mut self.peers[peer.0];
        if self.stopping.is_some() {
            line.close(false, &mut self.chance, self.now);
            return None;
        }
        let Some(load) = self.admissions.enter(remote.ip()) else {
            line.close(true, &mut self.chance, self.now);
            return None;
        };
        match self
            .service
            .admit(self.links.next_id(), &Peer { remote, local }, &load, self.now)
        {
            Admission::Accept(protocol) => {
                return Some(Conn::open(protocol, Arc::clone(&self.limits), self.now));
            }
            Admission::Refuse(mut words) => {
                words.truncate(self.send_buffer);
                line.write(words, &mut self.chance, self.now);
            }
            Admission::Drop => {}
        }
        line.close(true, &mut self.chance, self.now);
        self.admissions.leave(remote.ip());
        None
    }

    fn go_on(&mut self) {
        for id in std::mem::take(&mut self.busy) {
            if let Some(link) = self.links.find(id) {
                link.is_busy = false;
                link.conn.tick(self.now);
                self.turn(id);
            }
        }
    }

    fn wake_due(&mut self) {
        let due: Vec<_> = std::iter::from_fn(|| self.timers.due(self.now)).collect();
        for (at, id) in due {
            let Some(link) = self.links.find(id).filter(|link| link.scheduled == Some(at)) else {
                continue;
            };
            link.scheduled = None;
            if link.conn.deadline().is_some_and(|deadline| deadline <= self.now) {
                link.conn.tick(self.now);
            }
            self.after(id);
        }
    }

    fn take_mail(&mut self) {
        let later = self.mail.split_off(&(self.now, u64::MAX));
        for message in std::mem::replace(&mut self.mail, later).into_values() {
            self.deliver(message);
        }
        self.send_touched();
    }

    fn apply_effects(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects).drain() {
                if let Some(message) = self.message(effect) {
                    self.deliver(message);
                }
            }
            self.send_touched();
        }
    }

    fn message(&mut self, effect: Effect<CommandOf<S>, S::Work>) -> Option<Message<CommandOf<S>>> {
        Some(match effect {
            Effect::Command(to, command) => Message::Command(to, command),
            Effect::Answer(to, command) => Message::Answer(to, command),
            Effect::Close(connection) => Message::Finish(connection),
            Effect::Work(id, work) => {
                self.begin(id, work);
                return None;
            }
        })
    }

    fn begin(&mut self, id: ConnId, work: S::Work) {
        let result = match &mut self.on_work {
            Some(begin) => begin(id, work),
            None => Err(work),
        };
        match result {
            Ok(command) => self.answer(id, command),
            Err(work) => self.work.push_back((id, work)),
        }
    }

    fn deliver(&mut self, message: Message<CommandOf<S>>) {
        let (Message::Command(id, _) | Message::Answer(id, _) | Message::Finish(id) | Message::Abort(id)) =
            message
        else {
            return self.begin_stop();
        };
        // One who reads is not cut off because many spoke at once: what waits is sent first.
        if self.links.find(id).is_some_and(|link| link.conn.is_crowded()) {
            self.flush(id);
        }
        if let Some(link) = self.links.find(id) {
            message.deliver(&mut link.conn, self.now);
            self.touched.push(id);
        }
    }

    fn send_touched(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            self.after(id);
        }
    }

    fn begin_stop(&mut self) {
        let again = self.stopping.is_some();
        self.stopping = Some(if again { self.now } else { self.now + self.grace });
        for id in self.links.ids() {
            if let Some(link) = self.links.find(id) {
                link.conn.drain(self.now);
            }
            self.after(id);
        }
    }

    fn end_stopped(&mut self) {
        if self.stopping.is_some_and(|until| until <= self.now) {
            for id in self.links.ids() {
                self.remove(id, Ended::Stopped);
            }
            self.apply_effects();
        }
        self.stopped = self.stopping.is_some() && self.links.len() == 0;
    }
}

fn write(line: &mut Line, bytes: &[u8], send_buffer: usize, chance: &mut Chance, now: Instant) -> Outcome {
    let outcome = line.space(bytes.len(), send_buffer, chance);
    if let Outcome::Done(count) = outcome {
        line.write(bytes[..count].to_vec(), chance, now);
    }
    outcome
}

/// A file that ends before its slice does is [`Outcome::Broken`].
fn write_file(
    line: &mut Line,
    slice: &FileSlice,
    send_buffer: usize,
    chance: &mut Chance,
    now: Instant,
) -> Outcome {
    let wanted = usize::try_from(slice.length).unwrap_or(usize::MAX).min(READ_MAX);
    let Outcome::Done(count) = line.space(wanted, send_buffer, chance) else {
        return if line.is_broken() {
            Outcome::Broken
        } else {
            Outcome::WouldBlock
        };
    };
    let mut bytes = vec![0; count];
    match slice.file.read_at(&mut bytes, slice.offset) {
        Ok(read @ 1..) => {
            bytes.truncate(read);
            line.write(bytes, chance, now);
            Outcome::Done(read)
        }
        Ok(0) | Err(_) => Outcome::Broken,
    }
}
