//! The content of a file that a client sends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use landline_services::receive::{BLOCK_MAX, ContentMd5, Md5Digest};
use rustix::fs::{CWD, Mode, OFlags};

/// Opens a regular file that the user named, and gives its length in bytes. A pipe cannot keep us waiting.
///
/// # Errors
/// It cannot be opened, or is not a regular file.
pub fn open_content(path: &Path) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, metadata.len()))
}

/// The MD5 of a file's first `length` bytes, read in blocks.
///
/// # Errors
/// It cannot be read, or is shorter.
pub fn content_md5(file: &File, length: u64) -> io::Result<Md5Digest> {
    let mut md5 = ContentMd5::default();
    let mut block = vec![0; BLOCK_MAX];
    let mut offset = 0;
    while offset < length {
        let most = usize::try_from(length - offset)
            .unwrap_or(BLOCK_MAX)
            .min(BLOCK_MAX);
        file.read_exact_at(&mut block[..most], offset)?;
        md5.update(&block[..most]);
        offset += most as u64;
    }
    Ok(md5.finish())
}
