//! A member of a group chat.

use std::mem;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

use crate::parting::ends_with_bye;
use crate::unsaid::Unsaid;

/// How long a text waits for the one before it to come back.
pub const ECHO_PATIENCE: Duration = Duration::from_secs(1);

/// Sends each text once the one before it has come back, so that each is a read of its own; after one that ends with
/// `bye` it ends. Its events are what is heard, as it comes; a command is one more text.
#[derive(Debug)]
pub struct RelayClient {
    texts: Unsaid,
    /// The text that is to come back, and until when it is waited for.
    awaited: Option<(Vec<u8>, Instant)>,
    /// The end of what was heard since that was sent: less than its length.
    recent: Vec<u8>,
}

impl RelayClient {
    /// Says `texts`, and goes on listening.
    pub fn new(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            texts: Unsaid::new(texts),
            awaited: None,
            recent: Vec::new(),
        }
    }

    fn proceed(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        if self.awaited.is_some() {
            return;
        }
        if let Some(text) = self.texts.next() {
            out.write(&text);
            if ends_with_bye(&text) {
                out.finish();
            }
            self.awaited = Some((text, now + ECHO_PATIENCE));
        }
    }

    fn stop_waiting(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.awaited = None;
        self.recent.clear();
        self.proceed(out, now);
    }
}

impl StreamProtocol for RelayClient {
    type Event = Vec<u8>;
    type Command = Vec<u8>;

    fn opened(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.proceed(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, now: Instant) {
        let bytes = mem::take(input);
        out.emit(bytes.to_vec());
        let Some((text, _)) = &self.awaited else { return };
        self.recent.extend_from_slice(bytes);
        if self.recent.windows(text.len()).any(|heard| heard == text) {
            self.stop_waiting(out, now);
        } else {
            let useless = (self.recent.len() + 1).saturating_sub(text.len());
            self.recent.drain(..useless);
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        self.texts.end(out);
    }

    fn commanded(&mut self, text: Vec<u8>, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.texts.push(text);
        self.proceed(out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.awaited.as_ref().map(|(_, until)| *until)
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Vec<u8>>, now: Instant) {
        self.stop_waiting(out, now);
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{BareServer, Link, cut_at, whole};
    use crate::news::News;
    use crate::relay::Relay;

    #[test]
    fn each_text_is_a_message_of_its_own_at_every_split() {
        let texts = ["one", "two", "bye"].map(|text| text.as_bytes().to_vec());
        for first in 1..=3 {
            let mut link = Link::new(Relay::new(|_, _: News<'_>| {})).with_pieces(whole(), cut_at(first));
            let ann = link.connect(RelayClient::new(texts.clone()));
            assert_eq!(link.shown(ann).concat(), b"onetwo");
            assert_eq!(link.client_ended(ann), Some(Ended::Finished));
        }
    }

    #[test]
    fn a_server_that_returns_nothing_is_not_waited_for_long() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(RelayClient::new([b"one".to_vec(), b"two".to_vec()]));
        link.command(client, b"three".to_vec());
        link.run();
        assert_eq!(link.service.take(client), b"one");
        link.advance(ECHO_PATIENCE);
        assert_eq!(link.service.take(client), b"two");
        link.advance(ECHO_PATIENCE);
        assert_eq!(link.service.take(client), b"three");
        assert_eq!(link.client_ended(client), None, "it goes on listening");
    }

    #[test]
    fn a_server_that_ends_before_everything_was_said_is_an_error() {
        for (texts, is_error) in [(&["one"][..], false), (&["one", "two"], true)] {
            let mut link = Link::new(BareServer::default());
            let client = link.connect(RelayClient::new(
                texts.iter().map(|text| text.as_bytes().to_vec()),
            ));
            link.server_finish(client);
            link.run();
            let ended = link.client_ended(client);
            assert_eq!(matches!(ended, Some(Ended::Aborted(_))), is_error, "{ended:?}");
        }
    }
}
