//! Two-way talk: one says something, the other answers, until one of them says `bye` or `q`.

mod client;

use std::collections::BTreeMap;
use std::mem;
use std::net::SocketAddr;
use std::time::Instant;

pub use client::{REPLY_PATIENCE, TalkClient};
use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Output, Peer, Service, StreamProtocol,
};

use crate::news::News;
use crate::parting::is_parting;
use crate::replies::Replies;

/// What the server's side of a talk tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TalkEvent {
    /// The peer said this and waits for a reply.
    Asked(Vec<u8>),
    /// The peer said this last.
    Parted(Vec<u8>),
}

/// The server's side of one connection: each read is a message, each command a reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct TalkServer;

impl StreamProtocol for TalkServer {
    type Event = TalkEvent;
    type Command = Vec<u8>;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<TalkEvent>, _now: Instant) {
        let text = mem::take(input);
        if is_parting(text) {
            out.emit(TalkEvent::Parted(text.to_vec()));
            out.finish();
        } else {
            out.ask(TalkEvent::Asked(text.to_vec()));
        }
    }

    fn commanded(&mut self, reply: Vec<u8>, out: &mut dyn Output<TalkEvent>, _now: Instant) {
        out.write(&reply);
        if is_parting(&reply) {
            out.finish();
        }
    }
}

/// Who replies.
#[derive(Clone, Debug)]
pub enum Replier {
    /// The program, to each peer from the beginning.
    Program(Replies),
    /// A person, who is asked by [`Prompt`].
    Person,
}

/// What the person has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A reply is wanted to what was said, and shown, last. Its answer is the reply.
    Reply,
    /// Who asked has left: whatever is typed is for somebody else. There is no answer.
    Gone,
}

/// The server. What happens is shown to `F`.
#[derive(Debug)]
pub struct Talk<F> {
    replier: Replier,
    talks: BTreeMap<ConnId, (SocketAddr, Replier)>,
    show: F,
}

impl<F: FnMut(SocketAddr, News<'_>)> Talk<F> {
    /// `replier` answers everybody.
    pub fn new(replier: Replier, show: F) -> Self {
        Self {
            replier,
            talks: BTreeMap::new(),
            show,
        }
    }
}

impl<F: FnMut(SocketAddr, News<'_>)> Service for Talk<F> {
    type Connection = TalkServer;
    type Work = Prompt;

    fn admit(&mut self, id: ConnId, peer: &Peer, _load: &Load, _now: Instant) -> Admission<TalkServer> {
        self.talks.insert(id, (peer.remote, self.replier.clone()));
        (self.show)(peer.remote, News::Came);
        Admission::Accept(TalkServer)
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        effects: &mut Effects<CommandOf<Self>, Prompt>,
        _now: Instant,
    ) {
        let Some((peer, replier)) = self.talks.get_mut(&from) else {
            return;
        };
        match event {
            TalkEvent::Parted(text) => (self.show)(*peer, News::Said(&text)),
            TalkEvent::Asked(said) => {
                (self.show)(*peer, News::Said(&said));
                match replier {
                    Replier::Program(replies) => effects.answer(from, replies.answer(&said)),
                    Replier::Person => effects.work(from, Prompt::Reply),
                }
            }
        }
    }

    fn left(&mut self, id: ConnId, effects: &mut Effects<CommandOf<Self>, Prompt>, _now: Instant) {
        if let Some((peer, replier)) = self.talks.remove(&id) {
            if matches!(replier, Replier::Person) {
                effects.work(id, Prompt::Gone);
            }
            (self.show)(peer, News::Left);
        }
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Bare, Link};

    fn talk(replier: Replier) -> Talk<impl FnMut(SocketAddr, News<'_>)> {
        Talk::new(replier, |_, _: News<'_>| {})
    }

    fn headless(replies: Replies) -> Talk<impl FnMut(SocketAddr, News<'_>)> {
        talk(Replier::Program(replies))
    }

    #[test]
    fn headless_it_answers_the_same_text_or_the_one_it_was_given() {
        for (replies, answer) in [
            (Replies::Echo, &b"hello"[..]),
            (Replies::Text(b"yes".to_vec()), b"yes"),
        ] {
            let mut link = Link::new(headless(replies));
            let client = link.connect(Bare);
            assert_eq!(link.heard(client), b"", "the client speaks first");
            for _ in 0..3 {
                link.say(client, b"hello");
                assert_eq!(link.heard(client), answer);
            }
        }
    }

    #[test]
    fn bye_or_q_ends_it_without_a_reply() {
        for parting in [&b"bye"[..], b"q", b"bye\r\n", b"q\n"] {
            let mut link = Link::new(headless(Replies::Echo));
            let client = link.connect(Bare);
            link.say(client, b"good bye");
            assert_eq!(link.heard(client), b"good bye", "only exactly bye ends it");
            link.say(client, parting);
            assert_eq!(link.heard(client), b"");
            assert_eq!(link.server_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn every_peer_gets_the_lines_from_the_first_and_then_bye() {
        let lines = [b"one".to_vec(), b"two".to_vec()];
        let mut link = Link::new(headless(Replies::Lines(lines.into())));
        for client in [link.connect(Bare), link.connect(Bare)] {
            for answer in ["one", "two", "bye"] {
                link.say(client, b"and?");
                assert_eq!(link.heard(client), answer.as_bytes());
            }
            assert_eq!(link.server_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn a_person_may_take_a_long_time() {
        let mut link = Link::new(talk(Replier::Person));
        let client = link.connect(Bare);
        link.say(client, b"hello");
        link.advance(std::time::Duration::from_secs(3_000));
        assert_eq!(link.server_ended(client), None);
        link.done(client, b"sorry, was out".to_vec());
        link.run();
        assert_eq!(link.heard(client), b"sorry, was out");
        link.say(client, b"never mind");
        link.done(client, b"q".to_vec());
        link.run();
        assert_eq!(link.heard(client), b"q");
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let mut link = Link::new(headless(Replies::Echo));
        let client = link.connect(Bare);
        link.reset(client);
        link.run();
        assert!(link.service.talks.is_empty());
    }
}
