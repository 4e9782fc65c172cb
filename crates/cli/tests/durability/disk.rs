//! A disk that keeps only what it was told to keep: what the recorded calls made durable, and what they left to luck.

use crate::luck::Luck;
use crate::trace::{Call, END_OF_PROCESS};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// What a disk writes at once or not at all.
const SECTOR: u64 = 512;

/// A file or a directory. Numbers are never used again.
pub(crate) type Node = usize;

const ROOT: Node = 0;

/// The disk below one directory that was there, empty, and durable before the recording began.
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Entry>,
    open: HashMap<i64, Description>,
    /// Changes to names that are not wholly durable, oldest first.
    pending: Vec<Naming>,
}

/// Whether a call changes what is on a disk, or makes it durable.
pub(crate) fn changes(call: &Call) -> bool {
    let names = [
        "openat2",
        "pwrite64",
        "pwritev",
        "write",
        "writev",
        "ftruncate",
        "fsync",
        "fdatasync",
        "mkdir",
        "mkdirat",
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
    ];
    call.result >= 0 && names.contains(&call.name.as_str()) && !call.descriptor_leads_elsewhere()
}

enum Entry {
    File(File),
    Directory(Directory),
}

struct File {
    /// The name with which it was made.
    first_name: OsString,
    synced: Vec<u8>,
    current: Vec<u8>,
    /// What has happened to it since `synced`, oldest first, with the line on which it returned.
    pending: Vec<(usize, Change)>,
}

#[derive(Default)]
struct Directory {
    synced: BTreeMap<OsString, Node>,
    current: BTreeMap<OsString, Node>,
}

enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

/// One call that changed names: each change is durable with its own directory, but luck has them all or none.
struct Naming {
    exited: usize,
    changes: Vec<(Node, OsString, Option<Node>)>,
}

#[derive(Clone, Copy)]
struct Description {
    node: Node,
    offset: u64,
    append: bool,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(root: &Path) -> Self {
        let nodes = vec![Entry::Directory(Directory::default())];
        Self {
            root: root.to_owned(),
            nodes,
            open: HashMap::new(),
            pending: Vec::new(),
        }
    }

    /// A disk that holds what is there now, of which nothing was ever synced.
    pub(crate) fn found(root: &Path) -> Self {
        let mut disk = Self::new(root);
        let mut waiting = vec![(root.to_owned(), ROOT)];
        while let Some((path, parent)) = waiting.pop() {
            for entry in std::fs::read_dir(path).expect("a directory") {
                let entry = entry.expect("a name in it");
                let (path, name, node) = (entry.path(), entry.file_name(), disk.nodes.len());
                if path.is_dir() {
                    disk.nodes.push(Entry::Directory(Directory::default()));
                    waiting.push((path, node));
                } else {
                    let bytes = std::fs::read(path).expect("its content");
                    let first_name = name.clone();
                    let file = File {
                        first_name,
                        synced: Vec::new(),
                        current: Vec::new(),
                        pending: Vec::new(),
                    };
                    disk.nodes.push(Entry::File(file));
                    disk.change(node, 0, Change::Write { offset: 0, bytes });
                }
                assign(&mut disk.directory_mut(parent).current, &name, Some(node));
                disk.pending.push(Naming {
                    exited: 0,
                    changes: vec![(parent, name, Some(node))],
                });
            }
        }
        disk
    }

    /// Does what a call did. Calls have to be told in the order of [`Call::effect`].
    pub(crate) fn apply(&mut self, call: &Call) {
        if call.result < 0 {
            return;
        }
        match call.name.as_str() {
            "openat" => self.opened(call, &place(call, 0, 1), 2),
            "openat2" => self.opened(call, &place(call, 0, 1), 2),
            "open" => self.opened(call, Path::new(&OsString::from_vec(call.bytes(0))), 1),
            "close" => drop(self.open.remove(&call.descriptor(0).0)),
            "dup" | "dup2" | "dup3" => self.duplicated(call),
            "fcntl" if call.has(1, "F_DUPFD") || call.has(1, "F_DUPFD_CLOEXEC") => self.duplicated(call),
            END_OF_PROCESS => self.open.clear(),
            "lseek" => self.at(call, |open| open.offset = call.result.cast_unsigned()),
            "pwrite64" => self.write(call, Some(call.number(3))),
            "pwritev" => self.write(call, Some(call.number(3))),
            "write" | "writev" => self.write(call, None),
            "ftruncate" => self.resize(call, call.number(1).cast_unsigned()),
            "fallocate" => self.allocated(call),
            "fsync" | "fdatasync" => self.synced(call),
            "syncfs" => self.all_synced(call),
            "mkdir" => self.made(call, &named(call, 0), Entry::Directory(Directory::default())),
            "mkdirat" => self.made(call, &place(call, 0, 1), Entry::Directory(Directory::default())),
            "unlink" | "rmdir" => self.unlinked(call, &named(call, 0)),
            "unlinkat" => self.unlinked(call, &place(call, 0, 1)),
            "rename" => self.renamed(call, &named(call, 0), &named(call, 1), false),
            "renameat" => self.renamed(call, &place(call, 0, 1), &place(call, 2, 3), false),
            "renameat2" => {
                self.renamed(
                    call,
                    &place(call, 0, 1),
                    &place(call, 2, 3),
                    call.has(4, "RENAME_EXCHANGE"),
                );
            }
            _ => {}
        }
        let unknown = [
            "link",
            "linkat",
            "symlink",
            "symlinkat",
            "copy_file_range",
            "sendfile",
            "truncate",
            "creat",
        ];
        assert!(
            !unknown.contains(&call.name.as_str()),
            "not modelled: {}",
            call.shown()
        );
    }

    /// Everything below a directory as a program sees it: files with their content, directories without.
    pub(crate) fn tree(&self, path: &Path) -> BTreeMap<PathBuf, Option<&[u8]>> {
        let mut tree = BTreeMap::new();
        let mut waiting: Vec<(PathBuf, Node)> = self
            .find(&self.root.join(path))
            .map(|node| (PathBuf::new(), node))
            .into_iter()
            .collect();
        while let Some((path, node)) = waiting.pop() {
            match &self.nodes[node] {
                Entry::File(file) => drop(tree.insert(path, Some(file.current.as_slice()))),
                Entry::Directory(directory) => {
                    waiting.extend(
                        directory
                            .current
                            .iter()
                            .map(|(name, node)| (path.join(name), *node)),
                    );
                    tree.insert(path, None);
                }
            }
        }
        tree
    }

    /// What stands at these paths, by number.
    pub(crate) fn node(&self, path: &Path) -> Option<Node> {
        self.find(&self.root.join(path))
    }

    /// The files that were made with this name, whatever became of them.
    pub(crate) fn made_as(&self, name: &std::ffi::OsStr) -> Vec<Node> {
        let is_it = |entry: &Entry| matches!(entry, Entry::File(file) if file.first_name == name);
        (0..self.nodes.len())
            .filter(|node| is_it(&self.nodes[*node]))
            .collect()
    }

    /// What would be lost below a directory if the power went now: paths as a program sees them.
    pub(crate) fn unsynced(&self, below: &Path) -> Vec<String> {
        let tree: BTreeSet<Node> = self.nodes_below(below).into_values().collect();
        let names = self.pending.iter().flat_map(|naming| &naming.changes);
        let names = names.filter(|(directory, ..)| tree.contains(directory));
        let mut lost: Vec<String> = names
            .map(|(_, name, _)| format!("the name {}", name.display()))
            .collect();
        for (path, node) in self.nodes_below(below) {
            if let Entry::File(file) = &self.nodes[node]
                && !file.pending.is_empty()
            {
                lost.push(format!("the content of {}", path.display()));
            }
        }
        lost
    }

    fn nodes_below(&self, below: &Path) -> BTreeMap<PathBuf, Node> {
        let mut found = BTreeMap::new();
        let mut waiting: Vec<(PathBuf, Node)> = self
            .find(&self.root.join(below))
            .map(|node| (below.to_owned(), node))
            .into_iter()
            .collect();
        while let Some((path, node)) = waiting.pop() {
            if let Entry::Directory(directory) = &self.nodes[node] {
                waiting.extend(
                    directory
                        .current
                        .iter()
                        .map(|(name, node)| (path.join(name), *node)),
                );
            }
            found.insert(path, node);
        }
        found
    }

    fn opened(&mut self, call: &Call, path: &Path, flags: usize) {
        let Some(path) = self.inside(path) else { return };
        assert!(!call.has(flags, "O_TMPFILE"), "not modelled: {}", call.shown());
        let there = self.find(&path);
        let node = there.unwrap_or_else(|| {
            assert!(
                call.has(flags, "O_CREAT"),
                "opened what is not known: {}",
                call.shown()
            );
            let first_name = path.file_name().expect("a name").to_owned();
            let file = File {
                first_name,
                synced: Vec::new(),
                current: Vec::new(),
                pending: Vec::new(),
            };
            self.made(call, &path, Entry::File(file));
            self.find(&path).expect("what was made just now")
        });
        if call.has(flags, "O_TRUNC") {
            self.change(node, call.exited, Change::Length(0));
        }
        let append = call.has(flags, "O_APPEND");
        self.open.insert(
            call.result,
            Description {
                node,
                offset: 0,
                append,
            },
        );
    }

    fn duplicated(&mut self, call: &Call) {
        if let Some(open) = self.open.get(&call.descriptor(0).0).copied() {
            // From here on the two would have an offset each; nothing that is modelled writes through both.
            self.open.insert(call.result, open);
        }
    }

    fn at(&mut self, call: &Call, act: impl FnOnce(&mut Description)) {
        if let Some(open) = self.open.get_mut(&call.descriptor(0).0) {
            act(open);
        }
    }

    fn write(&mut self, call: &Call, at: Option<i64>) {
        let (descriptor, path) = call.descriptor(0);
        let Some(open) = self.open.get(&descriptor).copied() else {
            assert!(
                self.inside(&path).is_none(),
                "written to what is not known: {}",
                call.shown()
            );
            return;
        };
        let mut bytes = call.bytes(1);
        bytes.truncate(usize::try_from(call.result).expect("not negative"));
        let length = self.file(open.node).current.len() as u64;
        let offset = match at {
            Some(offset) => offset.cast_unsigned(),
            None if open.append => length,
            None => open.offset,
        };
        if at.is_none() {
            self.at(call, |open| open.offset = offset + call.result.cast_unsigned());
        }
        self.change(open.node, call.exited, Change::Write { offset, bytes });
    }

    fn resize(&mut self, call: &Call, length: u64) {
        if let Some(open) = self.open.get(&call.descriptor(0).0).copied() {
            self.change(open.node, call.exited, Change::Length(length));
        }
    }

    fn allocated(&mut self, call: &Call) {
        let Some(open) = self.open.get(&call.descriptor(0).0).copied() else {
            return;
        };
        assert_eq!(call.raw(1), b"0", "not modelled: {}", call.shown());
        let end = (call.number(2) + call.number(3)).cast_unsigned();
        let length = self.file(open.node).current.len() as u64;
        self.change(open.node, call.exited, Change::Length(end.max(length)));
    }

    fn change(&mut self, node: Node, exited: usize, change: Change) {
        let file = self.file_mut(node);
        change.apply(&mut file.current);
        file.pending.push((exited, change));
    }

    /// What had returned before the sync began is durable.
    fn synced(&mut self, call: &Call) {
        let Some(open) = self.open.get(&call.descriptor(0).0).copied() else {
            return;
        };
        self.sync(open.node, call.entered);
    }

    fn sync(&mut self, node: Node, entered: usize) {
        match &mut self.nodes[node] {
            Entry::File(file) => {
                let covered = file.pending.partition_point(|(exited, _)| *exited < entered);
                for (_, change) in file.pending.drain(..covered) {
                    change.apply(&mut file.synced);
                }
            }
            Entry::Directory(directory) => {
                for naming in self.pending.iter_mut().filter(|naming| naming.exited < entered) {
                    naming.changes.retain(|(parent, name, to)| {
                        if *parent == node {
                            assign(&mut directory.synced, name, *to);
                        }
                        *parent != node
                    });
                }
                self.pending.retain(|naming| !naming.changes.is_empty());
            }
        }
    }

    /// All of it is one file system.
    fn all_synced(&mut self, call: &Call) {
        if !self.open.contains_key(&call.descriptor(0).0) {
            return;
        }
        for node in 0..self.nodes.len() {
            self.sync(node, call.entered);
        }
    }

    fn made(&mut self, call: &Call, path: &Path, entry: Entry) {
        let Some(path) = self.inside(path) else { return };
        let node = self.nodes.len();
        self.nodes.push(entry);
        let (parent, name) = self.parent(&path, call);
        self.name(call, vec![(parent, name, Some(node))]);
    }

    fn unlinked(&mut self, call: &Call, path: &Path) {
        let Some(path) = self.inside(path) else { return };
        let (parent, name) = self.parent(&path, call);
        self.name(call, vec![(parent, name, None)]);
    }

    fn renamed(&mut self, call: &Call, from: &Path, to: &Path, exchange: bool) {
        let (Some(from), Some(to)) = (self.inside(from), self.inside(to)) else {
            assert!(
                self.inside(from).or(self.inside(to)).is_none(),
                "not modelled: {}",
                call.shown()
            );
            return;
        };
        let moved = self.find(&from);
        assert!(moved.is_some(), "renamed what is not known: {}", call.shown());
        let replaced = if exchange { self.find(&to) } else { None };
        let ((from, from_name), (to, to_name)) = (self.parent(&from, call), self.parent(&to, call));
        self.name(call, vec![(to, to_name, moved), (from, from_name, replaced)]);
    }

    fn name(&mut self, call: &Call, changes: Vec<(Node, OsString, Option<Node>)>) {
        for (parent, name, to) in &changes {
            assign(&mut self.directory_mut(*parent).current, name, *to);
        }
        self.pending.push(Naming {
            exited: call.exited,
            changes,
        });
    }

    /// A path below the root, without `.`; none for one that is elsewhere.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let plain: PathBuf = path
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        plain.starts_with(&self.root).then_some(plain)
    }

    fn find(&self, path: &Path) -> Option<Node> {
        let mut node = ROOT;
        for name in path.strip_prefix(&self.root).ok()? {
            let Entry::Directory(directory) = &self.nodes[node] else {
                return None;
            };
            node = *directory.current.get(name)?;
        }
        Some(node)
    }

    fn parent(&self, path: &Path, call: &Call) -> (Node, OsString) {
        let parent = path.parent().and_then(|parent| self.find(parent));
        let parent = parent.unwrap_or_else(|| panic!("a directory that is not known: {}", call.shown()));
        (parent, path.file_name().expect("a name").to_owned())
    }

    fn file(&self, node: Node) -> &File {
        match &self.nodes[node] {
            Entry::File(file) => file,
            Entry::Directory(_) => panic!("a directory is no file"),
        }
    }

    fn file_mut(&mut self, node: Node) -> &mut File {
        match &mut self.nodes[node] {
            Entry::File(file) => file,
            Entry::Directory(_) => panic!("a directory is no file"),
        }
    }

    fn directory_mut(&mut self, node: Node) -> &mut Directory {
        match &mut self.nodes[node] {
            Entry::Directory(directory) => directory,
            Entry::File(_) => panic!("a file is no directory"),
        }
    }
}

/// What a crash left, as a fresh directory.
pub(crate) struct Image {
    /// The inode of each file that survived.
    pub(crate) inodes: HashMap<Node, u64>,
}

impl Disk {
    /// Writes what a crash now would leave to `target`, an empty directory. Without luck that is what was synced; with
    /// luck, some of the rest too.
    ///
    /// A name survives by luck only together with all names of the same call, and only if every earlier change in the
    /// same directories has survived; of a file's content every sector has a fate of its own. `skip` names files that
    /// are left out.
    pub(crate) fn crash(&self, target: &Path, luck: &mut Luck, skip: impl Fn(&Path) -> bool) -> Image {
        let names = self.surviving_names(luck);
        let mut image = Image {
            inodes: HashMap::new(),
        };
        let mut written: HashMap<Node, PathBuf> = HashMap::new();
        let mut waiting = vec![(target.to_owned(), ROOT)];
        while let Some((path, node)) = waiting.pop() {
            for (name, child) in names.get(&node).into_iter().flatten() {
                let path = path.join(name);
                match &self.nodes[*child] {
                    Entry::Directory(_) => {
                        std::fs::DirBuilder::new()
                            .mode(0o700)
                            .create(&path)
                            .expect("a directory");
                        waiting.push((path, *child));
                    }
                    Entry::File(_) if skip(&path) => {}
                    Entry::File(file) => {
                        if let Some(first) = written.get(child) {
                            std::fs::hard_link(first, &path).expect("a second name");
                            continue;
                        }
                        write_new(&path, &file.surviving_content(luck));
                        let inode = path.metadata().expect("its inode").ino();
                        image.inodes.insert(*child, inode);
                        written.insert(*child, path);
                    }
                }
            }
        }
        image
    }

    fn surviving_names(&self, luck: &mut Luck) -> HashMap<Node, BTreeMap<OsString, Node>> {
        let mut names: HashMap<Node, BTreeMap<OsString, Node>> = HashMap::new();
        for (node, entry) in self.nodes.iter().enumerate() {
            if let Entry::Directory(directory) = entry {
                names.insert(node, directory.synced.clone());
            }
        }
        let mut stopped: BTreeSet<Node> = BTreeSet::new();
        for naming in &self.pending {
            let free = naming
                .changes
                .iter()
                .all(|(directory, ..)| !stopped.contains(directory));
            if free && luck.has_it() {
                for (directory, name, to) in &naming.changes {
                    assign(names.entry(*directory).or_default(), name, *to);
                }
            } else {
                stopped.extend(naming.changes.iter().map(|(directory, ..)| *directory));
            }
        }
        names
    }
}

impl File {
    fn surviving_content(&self, luck: &mut Luck) -> Vec<u8> {
        let mut content = self.synced.clone();
        for (_, change) in &self.pending {
            match change {
                Change::Length(_) if luck.has_it() => change.apply(&mut content),
                Change::Length(_) => {}
                Change::Write { offset, bytes } => {
                    for (offset, bytes) in sectors(*offset, bytes) {
                        if luck.has_it() {
                            Change::Write {
                                offset,
                                bytes: bytes.to_vec(),
                            }
                            .apply(&mut content);
                        }
                    }
                }
            }
        }
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        let index = |offset: u64| usize::try_from(offset).expect("a file that fits into memory");
        match self {
            Self::Length(length) => content.resize(index(*length), 0),
            Self::Write { offset, bytes } => {
                let (start, end) = (index(*offset), index(*offset) + bytes.len());
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
            }
        }
    }
}

/// A write in the pieces that a disk writes at once.
fn sectors(offset: u64, bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(SECTOR - at % SECTOR)
            .expect("small")
            .min(rest.len());
        let (piece, behind) = rest.split_at(room);
        pieces.push((at, piece));
        at += room as u64;
        rest = behind;
    }
    pieces
}

fn assign(names: &mut BTreeMap<OsString, Node>, name: &OsString, to: Option<Node>) {
    match to {
        Some(node) => drop(names.insert(name.clone(), node)),
        None => drop(names.remove(name)),
    }
}

fn write_new(path: &Path, content: &[u8]) {
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .expect("a new file");
    file.write_all_at(content, 0)
        .expect("space for a copy of the data directory");
}

/// A name beneath a descriptor.
pub(crate) fn place(call: &Call, directory: usize, name: usize) -> PathBuf {
    let name = call.bytes(name);
    call.descriptor(directory)
        .1
        .join(std::ffi::OsStr::from_bytes(&name))
}

fn named(call: &Call, name: usize) -> PathBuf {
    PathBuf::from(OsString::from_vec(call.bytes(name)))
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
