//! Waiting for a file that is renamed into place, or for the end of the process that should do so.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Child;

/// Sees what is renamed into a directory from its making on.
pub(crate) struct Watch {
    events: OwnedFd,
}

impl Watch {
    pub(crate) fn new(directory: &Path) -> Self {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&events, directory, WatchFlags::MOVED_TO).unwrap();
        Self { events }
    }

    /// Waits until `name` has appeared (true) or `child` has ended without (false).
    pub(crate) fn appears(&self, name: &OsStr, child: &Child) -> bool {
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
        loop {
            let mut waiting = [
                PollFd::new(&self.events, PollFlags::IN),
                PollFd::new(&process, PollFlags::IN),
            ];
            poll(&mut waiting, None).unwrap();
            let [_, ended] = waiting.map(|one| !one.revents().is_empty());
            if self.has_seen(name) {
                return true;
            }
            if ended {
                return false;
            }
        }
    }

    fn has_seen(&self, name: &OsStr) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.events, &mut buffer);
        while let Ok(event) = events.next() {
            if event
                .file_name()
                .is_some_and(|seen| seen.to_bytes() == name.as_bytes())
            {
                return true;
            }
        }
        false
    }
}
