//! A directory that is held open, and what is done beneath it.
//!
//! Nothing here takes a path that leads out of the directory: every resolution is `openat2` with `RESOLVE_BENEATH` and
//! without symbolic links, and everything that acts on a name acts on exactly one, relative to the handle.

use super::status::Status;
use landline_model::path::Component;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::{Errno, Result};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// The mode of every directory that Landline makes.
const DIRECTORY_MODE: Mode = Mode::RWXU;

/// The mode of every file that Landline makes.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// How a name is resolved: beneath the handle, through no link of any kind, on one file system.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// How often a resolution is tried again that lost a race with a rename (`EAGAIN`, see openat2(2)).
const RESOLUTIONS_MAX: usize = 64;

/// A directory, held open.
#[derive(Debug)]
pub(super) struct Directory(OwnedFd);

impl Directory {
    /// The directory at a path that the operator chose; links in it are followed.
    pub(super) fn at(path: &Path) -> Result<Self> {
        rustix::fs::openat(CWD, path, directory_flags(), Mode::empty()).map(Self)
    }

    /// The directory that these names lead to; this one again where there are none.
    pub(super) fn beneath(&self, components: &[Component]) -> Result<Self> {
        if components.is_empty() {
            return self.resolve(b".", directory_flags(), Mode::empty()).map(Self);
        }
        let names: Vec<&[u8]> = components.iter().map(Component::as_bytes).collect();
        self.resolve(&names.join(&b'/'), directory_flags(), Mode::empty())
            .map(Self)
    }

    /// A directory in this one.
    pub(super) fn child(&self, name: &[u8]) -> Result<Self> {
        self.resolve(name, directory_flags(), Mode::empty()).map(Self)
    }

    /// A directory in this one, made where it was missing, and then this one is synced.
    pub(super) fn child_made(&self, name: &[u8]) -> Result<Self> {
        match self.child(name) {
            Err(Errno::NOENT) => {
                match self.make_directory(name) {
                    Ok(()) => self.sync()?,
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                self.child(name)
            }
            other => other,
        }
    }

    /// What stands under a name; `None` where nothing does.
    pub(super) fn status_of(&self, name: &[u8]) -> Result<Option<Status>> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Status::from(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The directory's own status.
    pub(super) fn status(&self) -> Result<Status> {
        rustix::fs::fstat(&self.0).map(|stat| Status::from(&stat))
    }

    /// Makes an empty file that was not there.
    pub(super) fn create_file(&self, name: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.resolve(name, flags, FILE_MODE)
    }

    /// Opens a file for writing.
    pub(super) fn open_to_write(&self, name: &[u8]) -> Result<OwnedFd> {
        self.resolve(
            name,
            OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// Opens a file for reading; whoever calls looks at what it got before reading. A pipe does not block.
    pub(super) fn open_to_read(&self, name: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        self.resolve(name, flags, Mode::empty())
    }

    /// Makes a directory that was not there.
    pub(super) fn make_directory(&self, name: &[u8]) -> Result<()> {
        rustix::fs::mkdirat(&self.0, name, DIRECTORY_MODE)
    }

    /// Moves a name to where nothing stands: one step, or nothing.
    pub(super) fn rename(&self, name: &[u8], to: &Self, to_name: &[u8]) -> Result<()> {
        rustix::fs::renameat_with(&self.0, name, &to.0, to_name, RenameFlags::NOREPLACE)
    }

    /// As [`rename`](Self::rename), for one that is done again after a crash: without a journal in the file system, a
    /// power cut between the syncs of the two directories leaves the file under both names.
    pub(super) fn rename_again(&self, name: &[u8], to: &Self, to_name: &[u8]) -> Result<()> {
        match self.rename(name, to, to_name) {
            Err(Errno::EXIST) => {
                let (here, there) = (self.status_of(name)?, to.status_of(to_name)?);
                let is_same = here
                    .zip(there)
                    .is_some_and(|(here, there)| here.inode == there.inode);
                if is_same {
                    self.unlink(name)
                } else {
                    Err(Errno::EXIST)
                }
            }
            other => other,
        }
    }

    /// Lets two names change places: one step, or nothing.
    pub(super) fn exchange(&self, name: &[u8], other: &Self, other_name: &[u8]) -> Result<()> {
        rustix::fs::renameat_with(&self.0, name, &other.0, other_name, RenameFlags::EXCHANGE)
    }

    /// Removes a name that is no directory's.
    pub(super) fn unlink(&self, name: &[u8]) -> Result<()> {
        rustix::fs::unlinkat(&self.0, name, AtFlags::empty())
    }

    /// Removes an empty directory.
    pub(super) fn unlink_directory(&self, name: &[u8]) -> Result<()> {
        rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)
    }

    /// Makes what happened to the names in this directory durable.
    pub(super) fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.0)
    }

    /// Makes everything durable that was written to this file system, by whomever.
    pub(super) fn sync_file_system(&self) -> Result<()> {
        rustix::fs::syncfs(&self.0)
    }

    /// Hands the names to `visit`, in no order, until it has had enough and says false.
    pub(super) fn visit_names_while(&self, mut visit: impl FnMut(&[u8]) -> bool) -> Result<()> {
        for entry in Dir::read_from(self.0.as_fd())? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." && !visit(name) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Every name, in no order.
    pub(super) fn names(&self) -> Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        self.visit_names_while(|name| {
            names.push(name.to_vec());
            true
        })?;
        Ok(names)
    }

    fn resolve(&self, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let mut last = Errno::AGAIN;
        for _ in 0..RESOLUTIONS_MAX {
            match rustix::fs::openat2(&self.0, path, flags, mode, BENEATH) {
                Err(error @ (Errno::AGAIN | Errno::INTR)) => last = error,
                other => return other,
            }
        }
        Err(last)
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}
