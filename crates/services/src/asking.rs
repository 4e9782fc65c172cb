//! The client of services that answer each request, over a stream.

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

/// An answer whose length nobody knows is taken to be whole when nothing has followed it for so long.
pub const QUIET: Duration = Duration::from_millis(100);

/// The most bytes of one request that are under way at once. Less than any system's socket buffers hold: a client that
/// sends more, to a server that answers as it reads, can wait for a server that waits for it.
pub const UNDER_WAY_MAX: usize = 16 * 1024;

/// By what an answer is known to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It has as many bytes as the request.
    SameLength,
    /// Nothing has followed it for [`QUIET`], or the server has ended.
    Quiet,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing is asked.
    Idle,
    /// So many bytes of the answer are still to come.
    Missing(usize),
    /// Nothing has been answered yet.
    Unanswered,
    /// Answered, and whole at this moment if nothing follows.
    Quiet(Instant),
}

/// Sends each request when the one before it is answered: two sent at once could arrive as one read. Its events are
/// the server's bytes, as they come, and after each whole answer an empty one; a command is one more request.
#[derive(Debug)]
pub struct Asking {
    whole: Whole,
    /// What is still to be sent; never an empty one, which a stream cannot carry.
    requests: VecDeque<Vec<u8>>,
    state: State,
    /// Whether what is under way is a part of a request whose rest is still to be sent.
    is_part: bool,
    /// Whether we end after the last answer.
    ends: bool,
}

impl Asking {
    /// Asks all of `requests`, in order, and ends.
    pub fn new(whole: Whole, requests: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let requests = requests
            .into_iter()
            .filter(|request| !request.is_empty())
            .collect();
        Self {
            whole,
            requests,
            state: State::Idle,
            is_part: false,
            ends: true,
        }
    }

    /// Asks whatever is commanded, and ends when the server does.
    #[must_use]
    pub fn interactive(whole: Whole) -> Self {
        Self {
            ends: false,
            ..Self::new(whole, [])
        }
    }

    /// The answer is whole.
    fn conclude(&mut self, out: &mut dyn Output<Vec<u8>>) {
        self.state = State::Idle;
        if !self.is_part {
            out.emit(Vec::new());
        }
        self.proceed(out);
    }

    /// Sends the next request, if none waits for its answer.
    fn proceed(&mut self, out: &mut dyn Output<Vec<u8>>) {
        if self.state != State::Idle {
            return;
        }
        let Some(mut request) = self.requests.pop_front() else {
            if self.ends {
                out.finish();
            }
            return;
        };
        if self.whole == Whole::SameLength {
            self.is_part = request.len() > UNDER_WAY_MAX;
            if self.is_part {
                self.requests.push_front(request.split_off(UNDER_WAY_MAX));
            }
            self.state = State::Missing(request.len());
        } else {
            self.state = State::Unanswered;
        }
        out.write(&request);
    }
}

impl StreamProtocol for Asking {
    type Event = Vec<u8>;
    type Command = Vec<u8>;

    fn opened(&mut self, out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        self.proceed(out);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, now: Instant) {
        let bytes = mem::take(input);
        out.emit(bytes.to_vec());
        match self.state {
            State::Missing(missing) if missing > bytes.len() => {
                self.state = State::Missing(missing - bytes.len());
            }
            State::Missing(_) => self.conclude(out),
            State::Unanswered | State::Quiet(_) => self.state = State::Quiet(now + QUIET),
            State::Idle => {}
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        let answered = matches!(self.state, State::Idle | State::Quiet(_));
        if answered && self.requests.is_empty() {
            if self.state != State::Idle {
                out.emit(Vec::new());
            }
            out.finish();
        } else {
            out.abort("the server ended before it had answered");
        }
    }

    fn commanded(&mut self, request: Vec<u8>, out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        if !request.is_empty() {
            self.requests.push_back(request);
            self.proceed(out);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Quiet(until) => Some(until),
            State::Idle | State::Missing(_) | State::Unanswered => None,
        }
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        self.conclude(out);
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{BareServer, Link};

    #[test]
    fn a_request_waits_until_the_one_before_it_is_answered() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(Asking::new(
            Whole::Quiet,
            [b"one".to_vec(), vec![], b"two".to_vec()],
        ));
        assert_eq!(link.service.take(client), b"one");
        link.advance(Duration::from_secs(5));
        assert_eq!(link.service.take(client), b"", "nothing is answered yet");
        link.server_command(client, b"fir".to_vec());
        link.advance(QUIET / 2);
        link.server_command(client, b"st".to_vec());
        link.advance(QUIET / 2);
        assert_eq!(link.service.take(client), b"", "the second half came in time");
        link.advance(QUIET / 2);
        assert_eq!(link.service.take(client), b"two");
        link.server_command(client, b"second".to_vec());
        link.advance(QUIET);
        assert_eq!(link.shown(client).concat(), b"firstsecond");
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn a_server_that_ends_too_soon_is_an_error() {
        for whole in [Whole::Quiet, Whole::SameLength] {
            let mut link = Link::new(BareServer::default());
            let client = link.connect(Asking::new(whole, [b"one".to_vec()]));
            link.server_finish(client);
            link.run();
            assert!(
                matches!(link.client_ended(client), Some(Ended::Aborted(_))),
                "{whole:?}"
            );
        }
    }

    #[test]
    fn an_interactive_one_stays_until_the_server_ends() {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(Asking::interactive(Whole::SameLength));
        for text in [b"ab".to_vec(), b"cd".to_vec()] {
            link.command(client, text.clone());
            link.run();
            assert_eq!(link.service.take(client), text);
            link.server_command(client, text);
            link.run();
        }
        assert_eq!(link.client_ended(client), None);
        link.server_finish(client);
        link.run();
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }
}
