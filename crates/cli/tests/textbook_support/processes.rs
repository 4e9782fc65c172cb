//! Processes that a command started, by the numbers that it wrote into a file.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::path::Path;

/// A shell command that never ends, in five processes: a child, one in a session of its own, one that ignores what can
/// be ignored, one that that one leaves behind in a session of its own, and the shell itself. Once all run, their
/// numbers are moved into `file`.
pub(crate) fn endless_tree(file: &Path) -> String {
    let ignoring = "trap '' TERM INT HUP; sh -c 'echo $$; setsid sleep 1000 & echo $!; wait'";
    format!(
        "{{ sleep 1000 & echo $!; setsid sh -c 'echo $$; exec sleep 1000' & ({ignoring}) & echo $$; wait; }} | \
         {{ head -n {TREE} > '{file}.some'; mv '{file}.some' '{file}'; }}",
        file = file.display()
    )
}

/// How many processes such a tree has.
pub(crate) const TREE: usize = 5;

/// Says that every process of such a tree is gone.
#[track_caller]
pub(crate) fn assert_gone(file: &Path, whose: &str) {
    let pids = pids_in(file);
    assert_eq!(pids.len(), TREE, "{whose}: {pids:?}");
    for pid in pids {
        assert!(is_gone(pid), "{whose}: {pid} runs on");
    }
}

/// The numbers in a file.
pub(crate) fn pids_in(file: &Path) -> Vec<i32> {
    let text = fs::read_to_string(file).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Waits, not for long, until a process has ended.
pub(crate) fn is_gone(pid: i32) -> bool {
    let process = match pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return true,
        Err(error) => panic!("{error}"),
    };
    let limit = Timespec {
        tv_sec: 5,
        tv_nsec: 0,
    };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap() == 1
}
