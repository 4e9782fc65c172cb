//! A disk that keeps only what it was told to keep: what the recorded calls made durable, and what they left to luck.

#[path = "disk/crash.rs"]
mod crash;
#[path = "disk/directory.rs"]
mod directory;
#[path = "disk/file.rs"]
mod file;

pub(crate) use crash::Image;

use crate::trace::{Call, END_OF_PROCESS};
use directory::{Directory, Naming, assign};
use file::{Change, File};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

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
                    disk.nodes.push(Entry::File(File::new(name.clone())));
                    disk.file_mut(node).change(0, Change::Write { offset: 0, bytes });
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
                && !file.is_synced()
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
            self.made(call, &path, Entry::File(File::new(first_name)));
            self.find(&path).expect("what was made just now")
        });
        if call.has(flags, "O_TRUNC") {
            self.file_mut(node).change(call.exited, Change::Length(0));
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
        self.file_mut(open.node)
            .change(call.exited, Change::Write { offset, bytes });
    }

    fn resize(&mut self, call: &Call, length: u64) {
        if let Some(open) = self.open.get(&call.descriptor(0).0).copied() {
            self.file_mut(open.node)
                .change(call.exited, Change::Length(length));
        }
    }

    fn allocated(&mut self, call: &Call) {
        let Some(open) = self.open.get(&call.descriptor(0).0).copied() else {
            return;
        };
        assert_eq!(call.raw(1), b"0", "not modelled: {}", call.shown());
        let end = (call.number(2) + call.number(3)).cast_unsigned();
        let length = self.file(open.node).current.len() as u64;
        self.file_mut(open.node)
            .change(call.exited, Change::Length(end.max(length)));
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
            Entry::File(file) => file.sync(entered),
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
