//! What the textbook's servers show on a terminal.

use crate::report;
use landline_model::text::escape;
use landline_sockets::textbook::{Row, Screen};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// How many messages wait to be shown. A terminal that is held, or a pipe that nobody reads, must not hold the
/// servers: what comes beyond is not shown, and counted.
const WAITING_MAX: usize = 1024;

/// How many bytes those messages have together: 16 MiB. A read of 64 KiB that is newlines is megabytes of lines.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long the end of the program waits for what is still to be shown.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Standard output for what peers say, standard error for what an operator wants to know.
pub(super) struct Terminal {
    /// Whether several services share it, so that each line says which.
    names_rows: bool,
    waiting: SyncSender<Line>,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    /// What waits, in bytes.
    bytes: AtomicUsize,
    /// Messages that were not shown, and nobody was told.
    lost: AtomicU64,
}

enum Line {
    Said(String),
    Note(String),
    /// Everything before this is shown: say so.
    Flush(SyncSender<()>),
}

impl Terminal {
    pub(super) fn new(names_rows: bool) -> Self {
        let (terminal, lines) = Self::with_lines(names_rows);
        let queue = Arc::clone(&terminal.queue);
        std::thread::spawn(move || show(&lines, &queue));
        terminal
    }

    /// With what is to be shown.
    fn with_lines(names_rows: bool) -> (Self, Receiver<Line>) {
        let (waiting, lines) = sync_channel(WAITING_MAX);
        let terminal = Self {
            names_rows,
            waiting,
            queue: Arc::default(),
        };
        (terminal, lines)
    }

    fn queue(&self, line: Line) {
        let length = line.length();
        let before = self.queue.bytes.fetch_add(length, Ordering::Relaxed);
        let is_full = before.saturating_add(length) > WAITING_BYTES_MAX;
        if is_full || matches!(self.waiting.try_send(line), Err(TrySendError::Full(_))) {
            self.queue.bytes.fetch_sub(length, Ordering::Relaxed);
            self.queue.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Line {
    /// In bytes.
    fn length(&self) -> usize {
        match self {
            Self::Said(text) | Self::Note(text) => text.len(),
            Self::Flush(_) => 0,
        }
    }
}

fn show(lines: &Receiver<Line>, queue: &Queue) {
    for line in lines {
        let length = line.length();
        match line {
            Line::Said(text) => {
                let mut output = std::io::stdout().lock();
                // Nobody may be looking, which is no reason to stop serving.
                let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
            }
            Line::Note(note) => report::note(&note),
            Line::Flush(done) => drop(done.try_send(())),
        }
        queue.bytes.fetch_sub(length, Ordering::Relaxed);
        match queue.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => report::note(&format!("{lost} messages came faster than they could be shown")),
        }
    }
}

impl Screen for Terminal {
    /// Every line is led by who said it: a peer's newline must not make it look as if somebody else spoke.
    fn said(&self, row: Row, peer: SocketAddr, text: &str) {
        let lead = if self.names_rows {
            format!("{row} [{peer}] ")
        } else {
            format!("[{peer}] ")
        };
        let mut lines: Vec<&str> = text.split('\n').collect();
        if lines.len() > 1 && lines.last() == Some(&"") {
            lines.pop();
        }
        let lines = lines.iter().map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            format!("{lead}{}\n", escape(line))
        });
        self.queue(Line::Said(lines.collect()));
    }

    fn note(&self, row: Row, peer: SocketAddr, note: &str) {
        self.queue(Line::Note(format!("{row} [{peer}] {note}")));
    }

    fn hint(&self, hint: &str) {
        self.queue(Line::Note(hint.to_owned()));
    }

    fn flush(&self) {
        let (done, shown) = sync_channel(1);
        // Where even this finds no room, or no answer comes, the output is held, and ending does not wait for it.
        if self.waiting.try_send(Line::Flush(done)).is_ok() {
            let _ = shown.recv_timeout(LAST_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_that_nobody_looks_at_takes_only_so_much_memory() {
        let (terminal, lines) = Terminal::with_lines(true);
        let newlines = "\n".repeat(64 * 1024);
        for _ in 0..20 {
            terminal.said(Row::Sink, ([127, 0, 0, 1], 50_000).into(), &newlines);
        }
        let waiting: Vec<Line> = lines.try_iter().collect();
        let bytes: usize = waiting.iter().map(Line::length).sum();
        assert!((1..=WAITING_BYTES_MAX).contains(&bytes), "{bytes} bytes");
        let lost = usize::try_from(terminal.queue.lost.load(Ordering::Relaxed));
        assert_eq!(lost, Ok(20 - waiting.len()));
    }
}
