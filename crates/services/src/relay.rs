//! Group chat: what one says, everybody hears, the speaker too.

mod client;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

pub use client::{ECHO_PATIENCE, RelayClient};
use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Output, Peer, Service, StreamProtocol,
};

use crate::news::News;
use crate::parting::ends_with_bye;

/// What a connection of the relay tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayEvent {
    /// To be passed on to everybody.
    Said(Arc<[u8]>),
    /// Said good bye: is to hear no more.
    Parted,
}

/// The server's side of one connection: each read is a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Member;

impl StreamProtocol for Member {
    type Event = RelayEvent;
    type Command = Arc<[u8]>;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<RelayEvent>, _now: Instant) {
        let text = mem::take(input);
        if ends_with_bye(text) {
            out.emit(RelayEvent::Parted);
            out.finish();
        } else {
            out.emit(RelayEvent::Said(text.into()));
        }
    }

    fn commanded(&mut self, text: Arc<[u8]>, out: &mut dyn Output<RelayEvent>, _now: Instant) {
        out.write(&text);
    }
}

/// The server: the list of those who are in. What happens is shown to `F`.
#[derive(Debug)]
pub struct Relay<F> {
    members: BTreeMap<ConnId, SocketAddr>,
    show: F,
}

impl<F: FnMut(SocketAddr, News<'_>)> Relay<F> {
    /// Nobody is in.
    pub fn new(show: F) -> Self {
        Self {
            members: BTreeMap::new(),
            show,
        }
    }

    fn remove(&mut self, id: ConnId) {
        if let Some(address) = self.members.remove(&id) {
            (self.show)(address, News::Left);
        }
    }
}

impl<F: FnMut(SocketAddr, News<'_>)> Service for Relay<F> {
    type Connection = Member;
    type Work = Infallible;

    fn admit(&mut self, id: ConnId, peer: &Peer, _load: &Load, _now: Instant) -> Admission<Member> {
        self.members.insert(id, peer.remote);
        (self.show)(peer.remote, News::Came);
        Admission::Accept(Member)
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        effects: &mut Effects<CommandOf<Self>, Infallible>,
        _now: Instant,
    ) {
        match event {
            RelayEvent::Parted => self.remove(from),
            RelayEvent::Said(text) => {
                if let Some(address) = self.members.get(&from) {
                    (self.show)(*address, News::Said(&text));
                }
                for id in self.members.keys() {
                    effects.command(*id, Arc::clone(&text));
                }
            }
        }
    }

    fn left(&mut self, id: ConnId, _effects: &mut Effects<CommandOf<Self>, Infallible>, _now: Instant) {
        self.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::{ConnLimits, Ended};

    use super::*;
    use crate::link::{Bare, Link};

    fn relay() -> Relay<impl FnMut(SocketAddr, News<'_>)> {
        Relay::new(|_, _: News<'_>| {})
    }

    #[test]
    fn everybody_hears_what_one_says() {
        let mut link = Link::new(relay());
        let people = [link.connect(Bare), link.connect(Bare), link.connect(Bare)];
        link.say(people[1], "你好".as_bytes());
        for person in people {
            assert_eq!(link.heard(person), "你好".as_bytes());
        }
    }

    #[test]
    fn who_says_bye_is_closed_and_not_heard() {
        for parting in [&b"bye"[..], b"good bye", b"bye\n", b"so long, bye\r\n"] {
            let mut link = Link::new(relay());
            let (ann, bob) = (link.connect(Bare), link.connect(Bare));
            link.say(ann, parting);
            assert_eq!(link.server_ended(ann), Some(Ended::Finished));
            assert_eq!(link.heard(bob), b"");
            link.say(bob, b"bye, Ann");
            assert_eq!(link.heard(bob), b"bye, Ann", "bye in front ends nothing");
            assert_eq!(link.heard(ann), b"");
        }
    }

    #[test]
    fn a_reset_takes_its_connection_off_the_list() {
        let mut link = Link::new(relay());
        let (ann, bob) = (link.connect(Bare), link.connect(Bare));
        link.reset(ann);
        link.run();
        link.say(bob, b"still here");
        assert_eq!(link.heard(bob), b"still here");
        assert_eq!(link.service.members.len(), 1);
    }

    #[test]
    fn who_does_not_read_holds_nobody_up() {
        let limits = ConnLimits {
            output_high: 1000,
            output_max: 100_000,
            ..ConnLimits::default()
        };
        let mut link = Link::new(relay()).with_limits(limits);
        let (ann, bob) = (link.connect(Bare), link.connect(Bare));
        link.set_reading(bob, false);
        for _ in 0..200 {
            link.say(ann, &[b'x'; 1000]);
        }
        assert_eq!(link.heard(ann).len(), 200_000);
        assert_eq!(link.server_ended(bob), Some(Ended::Overrun));
        assert_eq!(link.service.members.len(), 1);
    }

    #[test]
    fn what_happens_is_shown_in_order() {
        let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let log = std::rc::Rc::clone(&seen);
        let mut link = Link::new(Relay::new(move |_, news: News<'_>| {
            log.borrow_mut().push(format!("{news:?}"))
        }));
        let ann = link.connect(Bare);
        link.say(ann, b"a");
        link.say(ann, b"bye");
        assert_eq!(
            *seen.borrow(),
            [
                "Came".to_owned(),
                format!("{:?}", News::Said(b"a")),
                "Left".to_owned()
            ]
        );
    }
}
