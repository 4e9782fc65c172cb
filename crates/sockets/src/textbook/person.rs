//! Whoever sits at the terminal of a server.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landline_engine::{Reply, Worker};
use landline_services::talk::Prompt;

/// How many lines may be typed ahead of anybody to read them.
const LINES_MAX: usize = 256;

/// A person: answers prompts with the lines that they type, in order. Clones are the same person.
#[derive(Clone, Default)]
pub struct Person(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Prompts that wait for a line.
    prompts: VecDeque<Reply<Vec<u8>>>,
    /// Lines that wait for a prompt. One of the two is always empty.
    lines: VecDeque<Vec<u8>>,
    /// Where lines go that answer nothing.
    chat: Option<Box<dyn Fn(Vec<u8>) + Send>>,
}

impl Person {
    /// The person typed a line, without its newline.
    pub fn types(&self, line: Vec<u8>) {
        let mut state = self.state();
        if let Some(chat) = &state.chat {
            chat(line);
        } else if line.is_empty() {
            // A stream carries no empty message: whoever asked would wait on, and the person believe to have answered.
        } else if let Some(prompt) = state.prompts.pop_front() {
            prompt.answer(line);
        } else if state.lines.len() < LINES_MAX {
            state.lines.push_back(line);
        }
    }

    /// From now on lines go there.
    pub(super) fn types_into(&self, chat: impl Fn(Vec<u8>) + Send + 'static) {
        self.state().chat = Some(Box::new(chat));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker<Prompt, Vec<u8>> for Person {
    fn start(&self, prompt: Prompt, reply: Reply<Vec<u8>>) {
        let mut state = self.state();
        if prompt == Prompt::Gone {
            let id = reply.connection();
            reply.needs_none();
            return state.prompts.retain(|waiting| waiting.connection() != id);
        }
        match state.lines.pop_front() {
            Some(line) => reply.answer(line),
            None => state.prompts.push_back(reply),
        }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Person").finish_non_exhaustive()
    }
}
