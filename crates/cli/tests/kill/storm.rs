//! When the hub is killed, and by whom.

use crate::choice::Choice;
use landline_client::ClientError;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    Message,
    /// A step of an upload, or a directory made, something moved or removed.
    File,
}

/// After how many acknowledgements the hub is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    what: Acknowledged,
    count: u64,
}

/// Work until the hub is dead.
#[derive(Clone)]
pub(crate) struct Storm(Arc<Shared>);

struct Shared {
    hub: Pid,
    trigger: Trigger,
    left: AtomicU64,
    /// Counts what happens, so that one can tell what was before what.
    moments: AtomicU64,
    begun: watch::Sender<bool>,
}

impl Trigger {
    pub(crate) fn chosen(choice: &mut Choice) -> Self {
        let (what, most) = *choice.one_of(&[(Acknowledged::Message, 400), (Acknowledged::File, 60)]);
        let count = 1 + choice.below(most);
        Self {
            what,
            count: u64::try_from(count).unwrap(),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Acknowledged::Message => "messages",
            Acknowledged::File => "steps of files",
        };
        write!(formatter, "{} {what}", self.count)
    }
}

impl Storm {
    pub(crate) fn new(trigger: Trigger, hub: u32) -> Self {
        let hub = Pid::from_raw(i32::try_from(hub).unwrap()).unwrap();
        Self(Arc::new(Shared {
            hub,
            trigger,
            left: AtomicU64::new(trigger.count),
            moments: AtomicU64::new(1),
            begun: watch::Sender::new(false),
        }))
    }

    /// Lets everybody go who waits for it.
    pub(crate) fn begin(&self) {
        self.0.begun.send_replace(true);
    }

    pub(crate) async fn begun(&self) {
        self.0.begun.subscribe().wait_for(|begun| *begun).await.unwrap();
    }

    /// Somebody has seen an acknowledgement. The one who sees the last one kills the hub.
    pub(crate) fn saw(&self, what: Acknowledged) {
        if what == self.0.trigger.what && self.0.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            kill_process(self.0.hub, Signal::KILL).unwrap();
        }
    }

    /// Later than all moments before.
    pub(crate) fn moment(&self) -> u64 {
        self.0.moments.fetch_add(1, Ordering::SeqCst)
    }
}

/// Whether an answer came; none: the hub died first. Anything else is not what a hub may say here.
pub(crate) fn answered<T>(result: Result<T, ClientError>) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(ClientError::Lost { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}
