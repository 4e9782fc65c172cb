//! A program's standard output, read as far as a test wants to see it, with a bound on the wait.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read as _;
use std::process::ChildStdout;

/// The longest that a program may be silent. The students' sockets give up after 20 s; a program that waits for one of
/// them ends after that.
const SILENCE_MAX: Timespec = Timespec {
    tv_sec: 40,
    tv_nsec: 0,
};

/// Reads a pipe in pieces that are chosen by their content.
#[derive(Debug)]
pub(crate) struct Reading {
    pipe: ChildStdout,
    /// Read, and not given out yet.
    ahead: Vec<u8>,
}

impl Reading {
    pub(crate) fn of(pipe: ChildStdout) -> Self {
        Self {
            pipe,
            ahead: Vec::new(),
        }
    }

    /// Waits for these words, and gives everything up to them and with them.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) -> String {
        loop {
            let found = self
                .ahead
                .windows(words.len())
                .position(|window| window == words.as_bytes());
            if let Some(place) = found {
                let rest = self.ahead.split_off(place + words.len());
                return String::from_utf8(std::mem::replace(&mut self.ahead, rest)).unwrap();
            }
            let ahead = String::from_utf8_lossy(&self.ahead).into_owned();
            assert!(self.more(), "the end instead of {words:?}, after {ahead:?}");
        }
    }

    /// Everything up to its end.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.ahead)
    }

    /// Waits for more; false is the end.
    #[track_caller]
    fn more(&mut self) -> bool {
        let mut waiting = [PollFd::new(&self.pipe, PollFlags::IN)];
        let ready = poll(&mut waiting, Some(&SILENCE_MAX)).unwrap();
        let ahead = String::from_utf8_lossy(&self.ahead);
        assert!(ready == 1, "neither more nor the end, after {ahead:?}");
        let mut buffer = [0; 16 * 1024];
        let read = self.pipe.read(&mut buffer).unwrap();
        self.ahead.extend_from_slice(&buffer[..read]);
        read > 0
    }
}
