//! Slow work that the test itself does: it is called, and what it says is the answer.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;

/// Answers a simulated call, or hangs up without a word.
pub(super) type Answer = Box<dyn FnOnce(Option<String>)>;

/// A simulation in which somebody may call.
pub(super) trait Switchboard {
    /// Waits for a call.
    fn call(self: Rc<Self>) -> Answer;

    /// Whether somebody calls by now.
    fn rings(&self) -> bool;
}

/// The other end of the lab's telephone.
pub(super) enum Phone {
    /// Called from a thread of the lab's.
    Real(TcpListener),
    /// Called in the simulation.
    Simulated(Rc<dyn Switchboard>),
}

impl Phone {
    pub(super) fn new() -> Self {
        Self::Real(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
    }

    /// The line that has the lab call.
    pub(super) fn order(&self) -> String {
        match self {
            Self::Real(listener) => format!("call {}", listener.local_addr().expect("an address")),
            // There is one telephone only.
            Self::Simulated(_) => "call 192.0.2.3:1".to_owned(),
        }
    }

    /// Waits for a call. Dropping it hangs up.
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Real(listener) => Call::Real(listener.accept().expect("a call").0),
            Self::Simulated(board) => Call::Simulated(Some(Rc::clone(board).call())),
        }
    }

    /// Whether somebody else calls already.
    pub(super) fn rings(&self) -> bool {
        match self {
            Self::Real(listener) => {
                listener.set_nonblocking(true).expect("an option");
                let rings = listener.accept().is_ok();
                listener.set_nonblocking(false).expect("an option");
                rings
            }
            Self::Simulated(board) => board.rings(),
        }
    }
}

/// A call. Who asked for it waits until something is said, or it is over.
pub(super) enum Call {
    /// Over a connection of its own.
    Real(TcpStream),
    /// Until it is answered.
    Simulated(Option<Answer>),
}

impl Call {
    pub(super) fn say(&mut self, words: &str) {
        match self {
            Self::Real(stream) => writeln!(stream, "{words}").expect("it listens"),
            Self::Simulated(answer) => {
                let answer = answer.take().expect("a call is answered once");
                answer(Some(words.to_owned()));
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Self::Simulated(answer) = self
            && let Some(answer) = answer.take()
        {
            answer(None);
        }
    }
}
