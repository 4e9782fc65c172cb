//! The real hub under strace, real clients that work against it, and what each of them was promised.

pub(crate) use crate::running::{DATA, Running, is_shared_memory};

use crate::disk::{Disk, Node};
use crate::support::Person;
use crate::trace::{self, Call};
use landline_model::hash::Hash;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

/// What somebody did.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Became a person of the hub.
    Join { name: String },
    /// Made the one room.
    Room,
    /// Said something in the one room, and was told its number.
    Say { text: String, sequence: u64 },
    /// Put a file. Paths are those in the shared space.
    Put { path: PathBuf, hash: Hash },
    /// Removed a file.
    Remove { path: PathBuf },
    /// Gave a file another name.
    Move {
        /// The old name.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
        /// Whether there was a file.
        replaces: bool,
    },
    /// Made a directory.
    MakeDirectory { path: PathBuf },
}

/// A deed, and when it was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// What was done.
    pub(crate) deed: Deed,
    /// The line before which the client had not begun.
    pub(crate) began: usize,
    /// The line on which the hub began to send the acknowledgement; where several clients were at work, one after it.
    pub(crate) acknowledged: usize,
    /// Whether nobody else was at work, so that `acknowledged` is exact.
    pub(crate) alone: bool,
}

/// A client's configuration as it was at some line: the session and the heads that it remembers.
pub(crate) struct Snapshot {
    /// The last deed before it.
    pub(crate) after: usize,
    /// Its files.
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
}

/// What was recorded.
pub(crate) struct Recording {
    /// The directory that holds the data directory, on the machine on which this was recorded.
    pub(crate) root: PathBuf,
    /// All calls, in the order in which they take effect: closing when entered, the rest when returned.
    pub(crate) calls: Vec<Call>,
    /// What was done, in order.
    pub(crate) done: Vec<Done>,
    /// The line at which the ready file stood under its name for the first time.
    pub(crate) ready: usize,
    /// The link that the ready file held.
    pub(crate) link: String,
    /// The address of the hub.
    pub(crate) address: String,
    /// What the clients' configurations were.
    pub(crate) snapshots: Vec<Snapshot>,
    /// The inode that each file had which still stood at the end.
    pub(crate) inodes: HashMap<u64, Node>,
}

/// Where recording is under way.
pub(crate) struct Recorder {
    place: tempfile::TempDir,
    hub: Option<Running>,
    calls: Vec<Call>,
    lines: usize,
    timed: Vec<Timed>,
    snapshots: Vec<Snapshot>,
    first_ready: serde_json::Value,
}

/// A deed between two moments, in microseconds since 1970.
struct Timed {
    deed: Deed,
    began: u64,
    ended: u64,
    alone: bool,
}

impl Recorder {
    /// Starts a hub on a directory that is not there yet.
    pub(crate) fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("root")).unwrap();
        let hub = Running::start(place.path(), &own_address());
        let first_ready = hub.ready().clone();
        Self {
            place,
            hub: Some(hub),
            calls: Vec::new(),
            lines: 0,
            timed: Vec::new(),
            snapshots: Vec::new(),
            first_ready,
        }
    }

    /// The link that makes the first admin.
    pub(crate) fn link(&self) -> &str {
        self.first_ready["invite"].as_str().unwrap()
    }

    /// Something that is done while nobody else does anything.
    pub(crate) fn alone(&mut self, act: impl FnOnce() -> Deed) {
        let began = now();
        let deed = act();
        self.timed.push(Timed {
            deed,
            began,
            ended: now(),
            alone: true,
        });
    }

    /// Something that was done while others did something, too.
    pub(crate) fn together(&mut self, deed: Deed, began: u64, ended: u64) {
        self.timed.push(Timed {
            deed,
            began,
            ended,
            alone: false,
        });
    }

    /// Keeps what a client remembers now.
    pub(crate) fn snapshot(&mut self, person: &Person) {
        let files = files_below(&person.configuration());
        self.snapshots.push(Snapshot {
            after: self.timed.len() - 1,
            files,
        });
    }

    /// Stops the hub, and starts it again on the same data directory.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let address = address(&self.first_ready).to_owned();
        self.hub = Some(Running::start(self.place.path(), &address));
    }

    fn stop(&mut self) {
        let trace = self.hub.take().expect("a hub that runs").stop();
        self.calls.extend(trace::parse(&trace, self.lines));
        self.lines += 1 + trace.iter().filter(|byte| **byte == b'\n').count();
        self.calls.push(Call::end_of_process(self.lines));
        self.lines += 1;
    }

    /// Stops the hub, and compares what the disk model believes with what is there.
    pub(crate) fn finish(mut self) -> Recording {
        self.stop();
        let mut calls = std::mem::take(&mut self.calls);
        calls.sort_by_key(Call::effect);
        let root = self.place.path().join("root");
        let ready = ready_line(&calls);
        let done = self.timed.iter().map(|timed| timed.placed(&calls)).collect();
        let mut disk = Disk::new(&root);
        calls.iter().for_each(|call| disk.apply(call));
        assert_same(&disk, &root);
        Recording {
            inodes: inodes(&disk, &root),
            root,
            calls,
            done,
            ready,
            link: self.link().to_owned(),
            address: address(&self.first_ready).to_owned(),
            snapshots: std::mem::take(&mut self.snapshots),
        }
    }
}

impl Snapshot {
    /// Somebody who has this configuration.
    pub(crate) fn person(&self) -> Person {
        let person = Person::stranger();
        for (path, bytes) in &self.files {
            let path = person.configuration().join(path);
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path.parent().unwrap())
                .unwrap();
            options.open(path).unwrap().write_all(bytes).unwrap();
        }
        person
    }
}

/// What all tests look at.
pub(crate) fn recording() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    RECORDING.get_or_init(crate::workload::record)
}

impl Timed {
    fn placed(&self, calls: &[Call]) -> Done {
        let began = first_at(calls, self.began);
        let ended = first_at(calls, self.ended);
        let acknowledged = if self.alone {
            last_reply(calls, began, ended)
        } else {
            ended
        };
        Done {
            deed: self.deed.clone(),
            began,
            acknowledged,
            alone: self.alone,
        }
    }
}

/// The first line at or after a time.
fn first_at(calls: &[Call], time: u64) -> usize {
    let later = calls
        .iter()
        .filter(|call| call.time >= time)
        .map(|call| call.entered)
        .min();
    later.unwrap_or(usize::MAX)
}

/// Where the last reply began to be sent on the connection that was accepted last between two lines.
fn last_reply(calls: &[Call], began: usize, ended: usize) -> usize {
    /// TLS 1.3's word that nothing more is sent: header, alert, content type, tag.
    const CLOSE_NOTIFY: i64 = 5 + 2 + 1 + 16;
    let during = || calls.iter().filter(|call| call.entered >= began);
    let accepted = during().rfind(|call| call.name == "accept4" && call.result >= 0 && call.entered < ended);
    let accepted = accepted.expect("an accepted connection");
    let sent = during().filter(|call| {
        let sends = ["write", "writev", "sendto", "sendmsg"].contains(&call.name.as_str());
        sends
            && call.result > 0
            && call.result != CLOSE_NOTIFY
            && Some(call.descriptor(0).1) == accepted.result_path
    });
    sent.map(|call| call.entered).max().expect("a reply")
}

/// The line on which the ready file gets its name.
pub(crate) fn ready_line(calls: &[Call]) -> usize {
    let ready = calls
        .iter()
        .find(|call| call.name.starts_with("rename") && shows_ready(call));
    ready.expect("the ready file was renamed into place").entered
}

fn shows_ready(call: &Call) -> bool {
    let to = if call.name == "rename" { 1 } else { 3 };
    call.result == 0 && call.bytes(to).ends_with(b"/ready")
}

/// The recording is whole only if playing it gives what is there. Left out: what is written by way of memory.
fn assert_same(disk: &Disk, root: &Path) {
    let modelled = disk.tree(Path::new(""));
    let mut real: BTreeMap<PathBuf, Option<Vec<u8>>> = files_below(root)
        .into_iter()
        .map(|(path, bytes)| (path, Some(bytes)))
        .collect();
    let mut modelled: BTreeMap<PathBuf, Option<Vec<u8>>> = modelled
        .into_iter()
        .map(|(path, bytes)| (path, bytes.map(<[u8]>::to_vec)))
        .collect();
    modelled.retain(|path, bytes| bytes.is_some() && !is_shared_memory(path));
    real.retain(|path, _| !is_shared_memory(path));
    let names = |tree: &BTreeMap<PathBuf, Option<Vec<u8>>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&modelled), names(&real), "the recording misses names");
    for (path, bytes) in &modelled {
        assert!(
            real[path] == *bytes,
            "the recording misses what was written to {}",
            path.display()
        );
    }
}

fn inodes(disk: &Disk, root: &Path) -> HashMap<u64, Node> {
    use std::os::unix::fs::MetadataExt as _;
    let files = files_below(root)
        .into_iter()
        .filter(|(path, _)| !is_shared_memory(path));
    files
        .map(|(path, _)| {
            (
                root.join(&path).metadata().unwrap().ino(),
                disk.node(&path).unwrap(),
            )
        })
        .collect()
}

/// All files below a directory, by their path in it.
pub(crate) fn files_below(top: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push((
                    path.strip_prefix(top).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    found
}

fn address(ready: &serde_json::Value) -> &str {
    ready["addresses"][0].as_str().unwrap()
}

/// A loopback address that no other process uses, so that a port on it is free again when the hub comes back to it.
fn own_address() -> String {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    format!("127.{}.{middle}.{low}:0", high | 0x80)
}

/// Microseconds since 1970, the clock that strace writes.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}
