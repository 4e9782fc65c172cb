//! What waits to be sent.

use std::mem;

use crate::output::FileSlice;

/// Bytes and parts of files, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Queued bytes; those before `sent` are gone already.
    bytes: Vec<u8>,
    /// At most `bytes.len()`.
    sent: usize,
    /// Each stands before the byte with its index. Indices never fall, and none lies below `sent`. Boxed because few
    /// connections ever send one, and an idle connection should weigh little.
    #[allow(clippy::box_collection, reason = "8 bytes instead of 24 in every connection")]
    files: Option<Box<Vec<(usize, FileSlice)>>>,
}

/// What an engine should do next to send.
#[derive(Debug)]
pub enum Pending<'a> {
    /// Nothing is queued.
    Nothing,
    /// Write these bytes.
    Bytes(&'a [u8]),
    /// Send this part of a file.
    File(&'a FileSlice),
    /// Shut the writing side down, then say so with `shut_down`.
    Shutdown,
}

impl Outbox {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn send_file(&mut self, file: FileSlice) {
        if file.length > 0 {
            self.files.get_or_insert_default().push((self.bytes.len(), file));
        }
    }

    /// The bytes that are queued in memory.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) fn has_file(&self) -> bool {
        self.files.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0 && self.files.is_none()
    }

    pub(super) fn first(&self) -> Option<Pending<'_>> {
        let end = match self.files.as_deref().and_then(|files| files.first()) {
            Some((at, file)) if *at == self.sent => return Some(Pending::File(file)),
            Some((at, _)) => *at,
            None => self.bytes.len(),
        };
        (end > self.sent).then(|| Pending::Bytes(&self.bytes[self.sent..end]))
    }

    /// Takes `count` bytes off the front of what [`first`](Self::first) gave.
    pub(super) fn sent(&mut self, count: usize) {
        if let Some(files) = &mut self.files
            && let Some((at, file)) = files.first_mut()
            && *at == self.sent
        {
            let count = u64::try_from(count).unwrap_or(u64::MAX).min(file.length);
            file.offset += count;
            file.length -= count;
            if file.length == 0 {
                files.remove(0);
                if files.is_empty() {
                    self.files = None;
                }
            }
        } else {
            self.sent = (self.sent + count).min(self.bytes.len());
        }
        self.tidy();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lets an engine's buffer stand in for ours, where ours holds nothing.
    pub(super) fn borrow(&mut self, spare: &mut Vec<u8>) {
        if self.bytes.capacity() == 0 {
            mem::swap(&mut self.bytes, spare);
        }
    }

    /// Gives the buffer back once everything in it is sent; keeps a buffer of the right size for what is not.
    pub(super) fn give_back(&mut self, spare: &mut Vec<u8>) {
        if spare.capacity() > 0 {
            return;
        }
        if !self.bytes.is_empty() {
            if self.bytes.capacity() < 4 * self.len() {
                return;
            }
            // A few bytes would keep a large buffer from everybody else.
            let rest = self.bytes[self.sent..].to_vec();
            self.forward();
            *spare = mem::replace(&mut self.bytes, rest);
            spare.clear();
            return;
        }
        mem::swap(&mut self.bytes, spare);
    }

    /// Forgets the sent bytes where that is cheap: when all are sent, or most are.
    fn tidy(&mut self) {
        if self.sent == self.bytes.len() && self.files.is_none() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent >= 64 * 1024 && self.sent * 2 >= self.bytes.len() {
            self.bytes.drain(..self.sent);
            self.forward();
        }
    }

    /// Says that the bytes before `sent` are no longer there.
    fn forward(&mut self) {
        for (at, _) in self.files.iter_mut().flat_map(|files| files.iter_mut()) {
            *at -= self.sent;
        }
        self.sent = 0;
    }

    /// Lets go of a buffer that holds nothing.
    pub(super) fn release(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::*;

    #[allow(clippy::disallowed_methods, reason = "an outbox never reads what it is given")]
    fn slice(offset: u64, length: u64) -> FileSlice {
        FileSlice {
            file: Arc::new(File::open("/dev/null").unwrap()),
            offset,
            length,
        }
    }

    fn outbox(bytes: &[u8]) -> Outbox {
        let mut outbox = Outbox::default();
        outbox.write(bytes);
        outbox
    }

    /// Sends everything, at most `step` at a time, and writes down what was sent.
    fn sent(outbox: &mut Outbox, step: usize) -> String {
        let mut sent = String::new();
        while let Some(pending) = outbox.first() {
            let count = match pending {
                Pending::Bytes(bytes) => {
                    let count = bytes.len().min(step);
                    sent.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                    count
                }
                Pending::File(file) => {
                    let count = usize::try_from(file.length).unwrap().min(step);
                    (file.offset..file.offset + count as u64)
                        .for_each(|at| sent.push_str(&format!("[{at}]")));
                    count
                }
                Pending::Nothing | Pending::Shutdown => panic!("an outbox has something or nothing"),
            };
            outbox.sent(count);
        }
        sent
    }

    #[test]
    fn files_and_bytes_leave_in_order_at_any_pace() {
        for step in 1..12 {
            let mut outbox = Outbox::default();
            outbox.send_file(slice(7, 2));
            outbox.write(b"ab");
            outbox.send_file(slice(0, 0));
            outbox.send_file(slice(3, 3));
            outbox.send_file(slice(50, 1));
            outbox.write(b"c");
            outbox.send_file(slice(1, 1));
            assert_eq!(outbox.len(), 3);
            assert!(outbox.has_file() && !outbox.is_empty());
            assert_eq!(sent(&mut outbox, step), "[7][8]ab[3][4][5][50]c[1]");
            assert!(outbox.is_empty() && !outbox.has_file());
        }
    }

    #[test]
    fn an_empty_file_is_no_file() {
        let mut outbox = Outbox::default();
        outbox.send_file(slice(5, 0));
        assert!(outbox.is_empty());
        assert!(outbox.first().is_none());
    }

    #[test]
    fn sent_bytes_are_forgotten_once_they_are_the_greater_part_and_files_keep_their_place() {
        let mut outbox = outbox(&[b'x'; 100_000]);
        outbox.send_file(slice(9, 1));
        outbox.write(b"end");
        outbox.sent(64 * 1024 - 1);
        assert_eq!(outbox.sent, 64 * 1024 - 1, "not worth it yet");
        outbox.sent(1);
        assert_eq!(outbox.sent, 0);
        assert_eq!(outbox.bytes.len(), 100_003 - 64 * 1024);
        assert_eq!(outbox.len(), 100_003 - 64 * 1024);
        let rest = sent(&mut outbox, 1000);
        assert!(rest.ends_with("x[9]end"));
        assert_eq!(rest.len(), 100_000 - 64 * 1024 + "[9]end".len());
        assert!(outbox.bytes.is_empty());
    }

    #[test]
    fn a_buffer_is_lent_to_one_that_has_none_and_given_back_empty() {
        let (mut outbox, mut spare) = (Outbox::default(), Vec::with_capacity(1000));
        outbox.borrow(&mut spare);
        assert_eq!(spare.capacity(), 0);
        outbox.write(b"abc");
        outbox.sent(3);
        outbox.give_back(&mut spare);
        assert_eq!((spare.len(), spare.capacity()), (0, 1000));
        assert_eq!(outbox.bytes.capacity(), 0);
    }

    #[test]
    fn one_that_has_a_buffer_keeps_it_and_lets_go_once_it_is_empty() {
        let (mut outbox, mut spare) = (outbox(b"abc"), Vec::with_capacity(1000));
        outbox.borrow(&mut spare);
        assert_eq!(spare.capacity(), 1000);
        outbox.give_back(&mut spare);
        outbox.release();
        assert_eq!(outbox.len(), 3);
        outbox.sent(3);
        outbox.give_back(&mut spare);
        assert_eq!(spare.capacity(), 1000, "there is one already");
        outbox.release();
        assert_eq!(outbox.bytes.capacity(), 0);
    }

    #[test]
    fn a_few_bytes_do_not_keep_a_large_buffer_and_much_keeps_it() {
        let (mut outbox, mut spare) = (Outbox::default(), Vec::with_capacity(1000));
        outbox.borrow(&mut spare);
        outbox.write(&[b'x'; 300]);
        outbox.send_file(slice(4, 1));
        outbox.write(b"y");
        outbox.give_back(&mut spare);
        assert_eq!(spare.capacity(), 0, "it is well used");
        outbox.sent(298);
        outbox.give_back(&mut spare);
        assert_eq!((spare.len(), spare.capacity()), (0, 1000));
        assert!(outbox.bytes.capacity() < 1000);
        assert_eq!(sent(&mut outbox, 10), "xx[4]y");
    }
}
