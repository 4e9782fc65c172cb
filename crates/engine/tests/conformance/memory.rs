//! Memory: what is lent is given back. All memory of a process is counted, so it is a process of its own.

use std::process::{Command, Stdio};

use landline_engine::Kind;

use super::isolated::marked;
use super::lab::Lab;

const MARK: &str = "memory-of:";
const CONNECTIONS: usize = 40;
/// What one connection may keep once it is idle: its state, its place among the timers, and no buffer.
const IDLE_MAX: usize = 2048;

pub(super) fn an_idle_connection_keeps_no_buffer(kind: Kind) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "conformance::memory::a_child_counts_its_memory",
            "--nocapture",
        ])
        .arg(format!("{MARK}{kind}"))
        .stdin(Stdio::null())
        .output()
        .expect("this program once more");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// In an ordinary run there is nothing to do here.
#[test]
fn a_child_counts_its_memory() {
    let Some(kind) = marked(MARK) else {
        return;
    };
    let lab = Lab::start(kind.parse::<Kind>().expect("an engine"), |_| {});
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| lab.connect()).collect();
    for client in &mut clients {
        client.is_served();
    }
    let before = allocated();
    for client in &mut clients {
        // A megabyte each to be sent, and half a line to be kept until the rest comes.
        client.send(format!("big 1000000\n{}", " ".repeat(30_000)));
    }
    for client in &mut clients {
        client.take(1_000_000);
    }
    for client in &mut clients {
        client.send("\necho here\n");
        assert_eq!(client.line(), "here");
    }
    let grown = allocated().saturating_sub(before);
    // The loop keeps one buffer for all of them, of at most a mebibyte; of shards each has its own.
    let allowed = 2 * 1024 * 1024 + CONNECTIONS * IDLE_MAX;
    assert!(grown <= allowed, "{grown} bytes are kept");
}

/// The bytes that are allocated and not freed.
#[allow(
    unsafe_code,
    reason = "a function of the C library that only reads its own counters"
)]
fn allocated() -> usize {
    // SAFETY: it takes nothing and returns a structure by value.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}
