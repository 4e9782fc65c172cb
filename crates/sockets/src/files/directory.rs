//! The directory, held open, and what is done beneath it.
//!
//! Every name is one component, and is resolved by `openat2` beneath the handle and through no link of any kind. No
//! path is ever checked first and used later.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use landline_services::receive::{PARTIAL_PREFIX, PARTIAL_SUFFIX};
use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};

/// How a name is resolved: beneath the handle, through no link of any kind.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// How often a resolution is tried again that lost a race with a rename (`EAGAIN`, see openat2(2)).
const RESOLUTIONS_MAX: usize = 64;

/// How many hexadecimal digits the name of a partial file has: 128 bits, so that nobody guesses one.
const PARTIAL_DIGITS: usize = 32;

/// The mode of a file while it is not whole.
const PARTIAL_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The mode of a whole file, less the process's umask.
const FILE_MODE: Mode = PARTIAL_MODE.union(Mode::RGRP).union(Mode::ROTH);

/// A directory, held open.
#[derive(Debug)]
pub(super) struct Directory {
    handle: OwnedFd,
    /// The mode of a whole file.
    file_mode: Mode,
}

impl Directory {
    /// The directory at a path that the operator chose; links in it are followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self {
            handle,
            file_mode: FILE_MODE.difference(umask()),
        })
    }

    /// Makes an empty file under a random name, and locks it: whoever sweeps sees that it is in use.
    pub(super) fn create_partial(&self) -> Result<(String, OwnedFd)> {
        loop {
            let name = partial_name()?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = self.resolve(&name, flags, PARTIAL_MODE)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Another server that sweeps this directory may have been between us and the lock.
                Ok(()) if rustix::fs::fstat(&file)?.st_nlink > 0 => return Ok((name, file)),
                Ok(()) | Err(Errno::WOULDBLOCK) => {}
                Err(error) => {
                    self.remove(&name);
                    return Err(error);
                }
            }
        }
    }

    /// Whether a file may take this name: nothing has it, or a regular file that is then replaced.
    pub(super) fn check_replaceable(&self, name: &str) -> Result<()> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile => Ok(()),
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::Directory => Err(Errno::ISDIR),
            Ok(_) => Err(Errno::LOOP),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a partial file its name and makes that durable. The file's data is durable already.
    ///
    /// A link that appears under the name between the check and the rename is replaced itself; it is not followed.
    pub(super) fn publish(&self, partial: &str, name: &str) -> Result<()> {
        self.check_replaceable(name)?;
        rustix::fs::renameat(&self.handle, partial, &self.handle, name)?;
        rustix::fs::fsync(&self.handle)
    }

    /// The mode of a whole file.
    pub(super) fn file_mode(&self) -> Mode {
        self.file_mode
    }

    /// Opens a regular file for reading; gives its length too, in bytes. A pipe cannot keep us waiting.
    pub(super) fn find(&self, name: &str) -> Result<(OwnedFd, u64)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = self.resolve(name, flags, Mode::empty())?;
        let status = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(Errno::LOOP);
        }
        Ok((file, u64::try_from(status.st_size).unwrap_or(0)))
    }

    /// Removes a partial file. If that fails, the next sweep does it.
    pub(super) fn remove(&self, partial: &str) {
        let _ = rustix::fs::unlinkat(&self.handle, partial, AtFlags::empty());
    }

    /// Removes the partial files that nobody has locked: those of servers that were killed.
    pub(super) fn sweep(&self) -> Result<()> {
        for entry in Dir::read_from(self.handle.as_fd())? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().to_str()
                && is_partial_name(name)
            {
                self.sweep_one(name);
            }
        }
        Ok(())
    }

    /// Removes one, unless it is in use or is not ours to judge.
    fn sweep_one(&self, name: &str) {
        if let Ok((file, _)) = self.find(name)
            && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            self.remove(name);
        }
    }

    fn resolve(&self, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let mut last = Errno::AGAIN;
        for _ in 0..RESOLUTIONS_MAX {
            match rustix::fs::openat2(&self.handle, name, flags, mode, BENEATH) {
                Err(error @ (Errno::AGAIN | Errno::INTR)) => last = error,
                other => return other,
            }
        }
        Err(last)
    }
}

/// A name that nobody has and nobody guesses.
fn partial_name() -> Result<String> {
    let mut random = [0; PARTIAL_DIGITS / 2];
    let mut filled = 0;
    while filled < random.len() {
        filled += rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(format!(
        "{PARTIAL_PREFIX}{:032x}{PARTIAL_SUFFIX}",
        u128::from_be_bytes(random)
    ))
}

/// Whether [`partial_name`] could have made it: anything else in the directory is somebody's.
fn is_partial_name(name: &str) -> bool {
    let digits = name
        .strip_prefix(PARTIAL_PREFIX)
        .and_then(|rest| rest.strip_suffix(PARTIAL_SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == PARTIAL_DIGITS
            && digits
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The process's umask. The system call for it changes it for a moment, for every thread; the kernel tells it in
/// proc(5) too. Where that is not there, nobody else gets to read the files.
fn umask() -> Mode {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let digits = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let bits = digits.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
    Mode::from_raw_mode(bits.unwrap_or(0o077))
}
