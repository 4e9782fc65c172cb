//! What a power cut leaves of the disk.

use super::directory::assign;
use super::{Disk, Entry, Node, ROOT};
use crate::luck::Luck;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

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
