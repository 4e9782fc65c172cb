//! The order of calls that an acknowledgement rests on: what was written is synced before the client is told.

use crate::disk::{Disk, place};
use crate::recording::{DATA, Deed, Done, Recording};
use crate::trace::Call;
use std::path::{Path, PathBuf};

/// The calls, and where things are.
pub(crate) struct Order<'a> {
    root: &'a Path,
    calls: &'a [Call],
}

/// A rename, by the two names.
struct Renamed<'a> {
    call: &'a Call,
    from: PathBuf,
    to: PathBuf,
    exchanged: bool,
}

impl<'a> Order<'a> {
    pub(crate) fn new(recording: &'a Recording, calls: &'a [Call]) -> Self {
        Self {
            root: &recording.root,
            calls,
        }
    }

    /// Checks one deed that was done alone.
    ///
    /// # Errors
    /// What was not synced, or not in time.
    pub(crate) fn check(&self, done: &Done) -> Result<(), String> {
        match &done.deed {
            Deed::Join { .. } => self.committed("people.db-wal", done.began, done.acknowledged),
            Deed::Room => self.committed("chat.db-wal", done.began, done.acknowledged),
            Deed::Say { text, .. } => self.said(text, done),
            Deed::Put { path, .. } => self.put(path, done),
            Deed::Remove { path } => self.removed(path, done),
            Deed::Move { from, to, replaces } => self.moved(from, to, *replaces, done),
            Deed::MakeDirectory { path } => self.directory_made(path, done),
        }
    }

    /// C1: the frames that hold the message, and all frames of the commit, before the acknowledgement.
    fn said(&self, text: &str, done: &Done) -> Result<(), String> {
        let holds = |call: &&Call| {
            call.bytes(1)
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        let log = self.database("chat.db-wal");
        self.writes(&log, done.began, done.acknowledged)
            .find(holds)
            .ok_or_else(|| format!("{text:?} was acknowledged before it was written"))?;
        self.committed("chat.db-wal", done.began, done.acknowledged)
    }

    /// F1: content, journal, name, directories, journal, acknowledgement.
    fn put(&self, path: &Path, done: &Done) -> Result<(), String> {
        let (target, partials) = (
            self.files().join("shared").join(path),
            self.files().join("partial"),
        );
        let published = self.rename_to(&target, done)?;
        let partial = &published.from;
        if partial.parent() != Some(&partials) {
            return Err(format!(
                "{} was not published from a partial file",
                target.display()
            ));
        }
        let written = self
            .writes(partial, done.began, published.call.entered)
            .map(|call| call.exited)
            .max();
        let written = written.unwrap_or(done.began);
        self.synced(partial, written, published.call.entered)?;
        self.journaled(partial, done.began, published.call.entered)?;
        self.committed("files.db-wal", done.began, published.call.entered)?;
        let mut last = self.both_synced(&published, done.acknowledged)?;
        if published.exchanged {
            let buried = self
                .renames(done)
                .find(|renamed| renamed.from == *partial && renamed.call.entered > last);
            let buried = buried
                .ok_or_else(|| format!("what {} replaced was not buried after the sync", target.display()))?;
            if !buried.to.starts_with(self.files().join("trash")) {
                return Err(format!("what was replaced went to {}", buried.to.display()));
            }
            last = self.both_synced(&buried, done.acknowledged)?;
        }
        self.committed("files.db-wal", last, done.acknowledged)?;
        self.nothing_left(done)
    }

    /// F3: of a file that came by blocks, each mark of the block journal stands for data that was synced, and is synced
    /// before anything rests on it.
    fn journaled(&self, data: &Path, after: usize, before: usize) -> Result<(), String> {
        let mut journal = data.as_os_str().to_owned();
        journal.push(".blocks");
        let journal = PathBuf::from(journal);
        let marks: Vec<&Call> = self
            .writes(&journal, after, before)
            .filter(|call| call.name == "pwrite64" && call.number(3) < 1024)
            .collect();
        for mark in &marks {
            let blocks = u64::from_le_bytes(mark.bytes(1)[32..40].try_into().expect("a mark"));
            let vouched = i64::try_from(blocks << 20).expect("an offset");
            let written = self
                .writes(data, after, before)
                .filter(|call| call.number(3) < vouched);
            if let Some(written) = written.map(|call| call.exited).max() {
                self.synced(data, written, mark.entered)?;
            }
        }
        match marks.last() {
            Some(mark) => self.synced(&journal, mark.exited, before).map(drop),
            None => Ok(()),
        }
    }

    /// F5: the journal knows it first; then both directories; then the journal's figures.
    fn removed(&self, path: &Path, done: &Done) -> Result<(), String> {
        let source = self.files().join("shared").join(path);
        let removed = self.renames(done).find(|renamed| renamed.from == source);
        let removed = removed.ok_or_else(|| format!("{} did not go to the trash", source.display()))?;
        self.committed("files.db-wal", done.began, removed.call.entered)?;
        let last = self.both_synced(&removed, done.acknowledged)?;
        self.committed("files.db-wal", last, done.acknowledged)?;
        self.nothing_left(done)
    }

    fn moved(&self, from: &Path, to: &Path, replaces: bool, done: &Done) -> Result<(), String> {
        let (from, to) = (
            self.files().join("shared").join(from),
            self.files().join("shared").join(to),
        );
        // A try that found something in its way is no rename: it failed.
        let moved = self.rename_to(&to, done)?;
        if moved.from != from || moved.exchanged != replaces {
            return Err(format!("{} became {}", moved.from.display(), to.display()));
        }
        if moved.exchanged {
            self.committed("files.db-wal", done.began, moved.call.entered)?;
            let buried = self
                .renames(done)
                .find(|renamed| renamed.from == from && renamed.call.entered > moved.call.exited);
            let buried = buried.ok_or_else(|| format!("what {} replaced was not buried", to.display()))?;
            let last = self.both_synced(&buried, done.acknowledged)?;
            self.committed("files.db-wal", last, done.acknowledged)?;
        }
        self.both_synced(&moved, done.acknowledged)?;
        self.nothing_left(done)
    }

    fn directory_made(&self, path: &Path, done: &Done) -> Result<(), String> {
        let directory = self.files().join("shared").join(path);
        let made = self
            .during(done.began, done.acknowledged)
            .find(|call| call.name == "mkdirat" && call.result == 0 && place(call, 0, 1) == directory);
        let made = made.ok_or_else(|| format!("{} was not made", directory.display()))?;
        self.synced(
            directory.parent().expect("a parent"),
            made.exited,
            done.acknowledged,
        )?;
        self.nothing_left(done)
    }

    /// Whatever else happened: nothing among the files waits for a sync when the client is told.
    fn nothing_left(&self, done: &Done) -> Result<(), String> {
        let mut disk = Disk::new(self.root);
        self.calls
            .iter()
            .take_while(|call| call.effect() < done.acknowledged)
            .for_each(|call| disk.apply(call));
        let unsynced = disk.unsynced(&Path::new(DATA).join("files"));
        if unsynced.is_empty() {
            return Ok(());
        }
        Err(format!("acknowledged without a sync: {unsynced:?}"))
    }

    /// Whether everything that was written to a write-ahead log in between was synced in time; something was.
    fn committed(&self, log: &str, after: usize, before: usize) -> Result<(), String> {
        let path = self.database(log);
        let written = self.writes(&path, after, before).map(|call| call.exited).max();
        let written = written.ok_or_else(|| format!("nothing was written to {log} in time"))?;
        self.synced(&path, written, before).map(drop)
    }

    fn both_synced(&self, renamed: &Renamed<'_>, before: usize) -> Result<usize, String> {
        let (from, to) = (
            renamed.from.parent().expect("a parent"),
            renamed.to.parent().expect("a parent"),
        );
        let to = self.synced(to, renamed.call.exited, before)?;
        let from = self.synced(from, renamed.call.exited, before)?;
        Ok(to.max(from))
    }

    /// The line on which the first sync returned that began after one line and returned before another.
    fn synced(&self, path: &Path, after: usize, before: usize) -> Result<usize, String> {
        let sync = self.calls.iter().find(|call| {
            ["fsync", "fdatasync"].contains(&call.name.as_str())
                && call.result == 0
                && call.entered > after
                && call.exited < before
                && call.descriptor(0).1 == path
        });
        sync.map(|call| call.exited).ok_or_else(|| {
            format!(
                "{} was not synced between lines {after} and {before}",
                path.display()
            )
        })
    }

    fn rename_to(&self, target: &Path, done: &Done) -> Result<Renamed<'a>, String> {
        let found = self.renames(done).find(|renamed| renamed.to == target);
        found.ok_or_else(|| format!("{} was acknowledged before it was there", target.display()))
    }

    fn renames(&self, done: &Done) -> impl Iterator<Item = Renamed<'a>> {
        self.during(done.began, done.acknowledged)
            .filter(|call| call.name == "renameat2" && call.result == 0)
            .map(|call| {
                let exchanged = call.has(4, "RENAME_EXCHANGE");
                Renamed {
                    call,
                    from: place(call, 0, 1),
                    to: place(call, 2, 3),
                    exchanged,
                }
            })
    }

    fn writes(&self, path: &Path, after: usize, before: usize) -> impl Iterator<Item = &'a Call> {
        self.during(after, before).filter(move |call| {
            ["write", "writev", "pwrite64", "pwritev"].contains(&call.name.as_str())
                && call.descriptor(0).1 == path
        })
    }

    fn during(&self, after: usize, before: usize) -> impl Iterator<Item = &'a Call> + use<'a> {
        self.calls
            .iter()
            .filter(move |call| call.entered >= after && call.exited < before)
    }

    fn database(&self, name: &str) -> PathBuf {
        self.root.join(DATA).join("db").join(name)
    }

    fn files(&self) -> PathBuf {
        self.root.join(DATA).join("files")
    }
}
