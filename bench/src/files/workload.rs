//! What is transferred.

use super::tree;
use anyhow::Result;
use std::path::Path;

/// Files in one directory of the tree.
const FILES_PER_DIRECTORY: u32 = 100;

/// Bytes of one small file.
const SMALL_BYTES: u64 = 4096;

const MEBIBYTE: u64 = 1024 * 1024;

/// One transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    /// One file of so many MiB.
    Large(u64),
    /// A tree of so many small files.
    Tree(u32),
}

impl Workload {
    pub(super) fn all(quick: bool) -> [Self; 2] {
        if quick {
            [Self::Large(64), Self::Tree(500)]
        } else {
            [Self::Large(1024), Self::Tree(10_000)]
        }
    }

    /// What it is called in the source directory and everywhere else.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Large(_) => "large.bin",
            Self::Tree(_) => "tree",
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Large(size) => format!("one file of {size} MiB"),
            Self::Tree(files) => {
                format!(
                    "{files} files of {SMALL_BYTES} bytes in {} directories",
                    files.div_ceil(FILES_PER_DIRECTORY)
                )
            }
        }
    }

    /// What [`Self::work`] counts.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Large(_) => "MB/s",
            Self::Tree(_) => "files/s",
        }
    }

    /// Megabytes (of a million bytes) or files.
    pub(super) fn work(self) -> u64 {
        match self {
            Self::Large(size) => size * MEBIBYTE / 1_000_000,
            Self::Tree(files) => u64::from(files),
        }
    }

    /// Makes it in this directory.
    pub(super) fn make(self, directory: &Path) -> Result<()> {
        let path = directory.join(self.name());
        match self {
            Self::Large(size) => tree::make_file(&path, 0, size * MEBIBYTE),
            Self::Tree(files) => (0..files).try_for_each(|index| {
                let directory = path.join(format!("directory {:03}", index / FILES_PER_DIRECTORY));
                if index % FILES_PER_DIRECTORY == 0 {
                    std::fs::create_dir_all(&directory)?;
                }
                tree::make_file(
                    &directory.join(format!("file {index:05}")),
                    index + 1,
                    SMALL_BYTES,
                )
            }),
        }
    }
}
