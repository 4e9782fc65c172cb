//! The side of a talk that speaks first.

use std::mem;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

use crate::parting::is_parting;
use crate::unsaid::Unsaid;

/// How long a text waits for the reply to the one before it.
pub const REPLY_PATIENCE: Duration = Duration::from_secs(2);

/// Sends each commanded text when the one before it is answered, so that each is a read of its own. Its events are the
/// replies, as they come. `bye` or `q`, from either side, ends it.
#[derive(Debug, Default)]
pub struct TalkClient {
    texts: Unsaid,
    /// Until when a reply is waited for.
    until: Option<Instant>,
}

impl TalkClient {
    /// Says `texts` first.
    pub fn new(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            texts: Unsaid::new(texts),
            until: None,
        }
    }

    fn proceed(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        if self.until.is_none()
            && let Some(text) = self.texts.next()
        {
            self.until = Some(now + REPLY_PATIENCE);
            out.write(&text);
            if is_parting(&text) {
                out.finish();
            }
        }
    }
}

impl StreamProtocol for TalkClient {
    type Event = Vec<u8>;
    type Command = Vec<u8>;

    fn opened(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.proceed(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, now: Instant) {
        let reply = mem::take(input);
        out.emit(reply.to_vec());
        if is_parting(reply) {
            return out.finish();
        }
        self.until = None;
        self.proceed(out, now);
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        self.texts.end(out);
    }

    fn commanded(&mut self, text: Vec<u8>, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.texts.push(text);
        self.proceed(out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.until
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.until = None;
        self.proceed(out, now);
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{BareServer, Link};
    use crate::news::News;
    use crate::replies::Replies;
    use crate::talk::{Replier, Talk};

    #[test]
    fn lines_typed_ahead_are_sent_one_by_one() {
        let mut said = Vec::new();
        let show = move |_, news: News<'_>| {
            if let News::Said(text) = news {
                said.push(text.to_vec());
                assert!(text.len() < 4, "two texts in one read: {said:?}");
            }
        };
        let mut link = Link::new(Talk::new(Replier::Program(Replies::Echo), show));
        let client = link.connect(TalkClient::new([b"one".to_vec(), b"two".to_vec()]));
        link.command(client, b"bye".to_vec());
        link.run();
        assert_eq!(link.shown(client), [b"one", b"two"]);
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn a_server_that_does_not_reply_is_not_waited_for_long() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(TalkClient::new([b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(link.service.take(client), b"one");
        link.advance(REPLY_PATIENCE);
        assert_eq!(link.service.take(client), b"two");
    }

    #[test]
    fn the_servers_bye_ends_the_client() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(TalkClient::new([b"hi".to_vec()]));
        link.server_command(client, b"bye".to_vec());
        link.run();
        assert_eq!(link.shown(client), [b"bye"]);
        link.advance(Duration::from_secs(2));
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn a_server_that_ends_before_everything_was_said_is_an_error() {
        for (texts, is_error) in [(&["one"][..], false), (&["one", "two"], true)] {
            let mut link = Link::new(BareServer::default());
            let client = link.connect(TalkClient::new(texts.iter().map(|text| text.as_bytes().to_vec())));
            link.server_finish(client);
            link.run();
            let ended = link.client_ended(client);
            assert_eq!(matches!(ended, Some(Ended::Aborted(_))), is_error, "{ended:?}");
        }
    }
}
