//! Slow work that is one function.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use landline_protocol::ConnId;

use crate::worker::{Reply, Worker};

/// A worker that calls a function which may wait, on threads that come when there is work and go when there is none.
///
/// While all threads are busy work waits in order. How much can wait is bounded by the connections, each of which asks
/// for [`unanswered_max`](landline_protocol::ConnLimits::unanswered_max) things at most.
///
/// ```
/// # use std::{fs, time::Instant};
/// use landline_engine::protocol::{Output, StreamProtocol};
/// use landline_engine::{Blocking, EachAlone, Options, listen, serve};
///
/// /// Each read names a file, whose text comes back.
/// struct Library;
///
/// impl StreamProtocol for Library {
///     type Event = String;
///     type Command = String;
///
///     fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<String>, _: Instant) {
///         out.ask(String::from_utf8_lossy(std::mem::take(input)).into_owned());
///     }
///
///     fn commanded(&mut self, text: String, out: &mut dyn Output<String>, _: Instant) {
///         out.write(text.as_bytes());
///     }
/// }
///
/// let reader = Blocking::new(8, |_, name: String| fs::read_to_string(name).ok());
/// let options = Options::default();
/// let listener = listen(([127, 0, 0, 1], 0).into(), &options)?;
/// let running = serve(listener, EachAlone::new(|| Library), reader, &options)?;
/// running.stop();
/// running.join();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Blocking<W, C, F>(Arc<Queue<W, C, F>>);

struct Queue<W, C, F> {
    work: F,
    threads_max: usize,
    state: Mutex<State<W, C>>,
}

/// Work waits only while as many threads are busy as there may be: each of them looks here before it goes. The lock is
/// the last of all: nothing else is called while it is held.
struct State<W, C> {
    waiting: VecDeque<(W, Reply<C>)>,
    threads: usize,
}

impl<W, C, F> Blocking<W, C, F>
where
    F: Fn(ConnId, W) -> Option<C>,
{
    /// Has `work` done for whoever asks, on at most `threads_max` threads (at least one). Its result is the answer;
    /// `None`, or a panic, breaks the connection off.
    pub fn new(threads_max: usize, work: F) -> Self {
        Self(Arc::new(Queue {
            work,
            threads_max: threads_max.max(1),
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                threads: 0,
            }),
        }))
    }
}

impl<W, C, F> Worker<W, C> for Blocking<W, C, F>
where
    W: Send + 'static,
    C: Send + 'static,
    F: Fn(ConnId, W) -> Option<C> + Send + Sync + 'static,
{
    fn start(&self, work: W, reply: Reply<C>) {
        let mut state = self.0.lock();
        state.waiting.push_back((work, reply));
        if state.threads == self.0.threads_max {
            return;
        }
        state.threads += 1;
        drop(state);
        let queue = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("blocking".to_owned());
        if let Err(error) = thread.spawn(move || queue.work()) {
            tracing::warn!(%error, "no thread for slow work");
            self.0.go_without_a_thread();
        }
    }
}

impl<W, C, F> Queue<W, C, F> {
    /// One thread fewer than was hoped. Where it would have been the only one nobody comes for what waits.
    fn go_without_a_thread(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        let forsaken = if state.threads == 0 {
            std::mem::take(&mut state.waiting)
        } else {
            VecDeque::new()
        };
        drop(state);
        // Replies that are dropped break their connections off.
        drop(forsaken);
    }

    fn lock(&self) -> MutexGuard<'_, State<W, C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, C: Send + 'static, F: Fn(ConnId, W) -> Option<C>> Queue<W, C, F> {
    /// Works until nothing waits.
    fn work(&self) {
        while let Some((work, reply)) = self.next() {
            let who = reply.connection();
            // A panic has been told by its hook; the thread goes on for the others.
            let answer = catch_unwind(AssertUnwindSafe(|| (self.work)(who, work)));
            if let Ok(Some(answer)) = answer {
                reply.answer(answer);
            }
        }
    }

    fn next(&self) -> Option<(W, Reply<C>)> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
        }
        next
    }
}

impl<W, C, F> std::fmt::Debug for Blocking<W, C, F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.0.lock();
        formatter
            .debug_struct("Blocking")
            .field("threads", &state.threads)
            .field("waiting", &state.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Mailbox, Message, Router};
    use rustix::event::{PollFd, PollFlags};
    use std::sync::mpsc;

    /// Whose answer, or that there is none.
    fn told(mailbox: &Mailbox<u64>, count: usize) -> Vec<(u64, Option<u64>)> {
        let mut told = Vec::new();
        while told.len() < count {
            let bell = mailbox.bell();
            let mut watched = [PollFd::new(&bell, PollFlags::IN)];
            rustix::event::poll(&mut watched, None).expect("it can wait");
            let mut taken = Vec::new();
            mailbox.take(&mut taken);
            told.extend(taken.into_iter().filter_map(|message| match message {
                Message::Answer(id, answer) => Some((id.0, Some(answer))),
                Message::Abort(id) => Some((id.0, None)),
                _ => None,
            }));
        }
        told
    }

    struct Desk {
        mailbox: Arc<Mailbox<u64>>,
        router: Arc<Router<u64>>,
    }

    impl Desk {
        fn new() -> Self {
            let mailbox = Arc::new(Mailbox::new().expect("a descriptor"));
            let router = Arc::new(Router::Shards(vec![Arc::clone(&mailbox)]));
            Self { mailbox, router }
        }

        fn reply(&self, id: u64) -> Reply<u64> {
            Reply::new(ConnId(id), Arc::clone(&self.router))
        }
    }

    #[test]
    fn no_more_is_done_at_once_than_there_may_be_threads_and_all_of_it_in_the_end() {
        let (arrived, arrival) = mpsc::channel();
        let (opener, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let worker = Blocking::new(2, move |id: ConnId, number: u64| {
            arrived.send(number).expect("the test listens");
            let opened = gate.lock().expect("nobody panicked").recv();
            opened.ok().map(|()| number + id.0)
        });
        let desk = Desk::new();
        for number in 0..5 {
            worker.start(number, desk.reply(number));
        }
        let mut begun = vec![
            arrival.recv().expect("one begins"),
            arrival.recv().expect("two do"),
        ];
        assert_eq!(worker.0.lock().waiting.len(), 3);
        assert_eq!(worker.0.lock().threads, 2);
        (0..5).for_each(|_| opener.send(()).expect("they wait"));
        let mut answers = told(&desk.mailbox, 5);
        answers.sort_unstable();
        let expected: Vec<_> = (0..5).map(|number| (number, Some(2 * number))).collect();
        assert_eq!(answers, expected);
        begun.extend(arrival.try_iter());
        begun.sort_unstable();
        assert_eq!(begun, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn nothing_and_a_panic_break_off_who_asked_and_nobody_else() {
        let worker = Blocking::new(1, |_, number: u64| match number {
            0 => None,
            1 => std::panic::resume_unwind(Box::new("no hook tells of this one")),
            number => Some(number),
        });
        let desk = Desk::new();
        for number in 0..3 {
            worker.start(number, desk.reply(number));
        }
        assert_eq!(told(&desk.mailbox, 3), [(0, None), (1, None), (2, Some(2))]);
    }
}
