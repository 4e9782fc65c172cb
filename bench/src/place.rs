//! Where files are written: what file system it is, and what a sync costs there.

use crate::statistics::Samples;
use crate::table::number;
use anyhow::{Context as _, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// How often the floor is measured, and how many bytes are appended each time: about a message with its indices.
const SYNCS: u32 = 200;
const SYNC_BYTES: usize = 512;

/// The type of the file system of a directory.
pub(crate) fn file_system(directory: &Path) -> Result<String> {
    let directory =
        fs::canonicalize(directory).with_context(|| format!("no directory {}", directory.display()))?;
    let mounts = fs::read_to_string("/proc/mounts").context("could not read /proc/mounts")?;
    Ok(deepest_mount(&mounts, &directory).unwrap_or("unknown").to_owned())
}

/// The last of the mounts with the longest path is the one that is seen.
fn deepest_mount<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter(|fields| fields.len() > 2 && directory.starts_with(fields[1]));
    above.max_by_key(|fields| fields[1].len()).map(|fields| fields[2])
}

/// The floor of everything that is durable there, in words.
pub(crate) fn describe_floor(directory: &Path) -> Result<String> {
    let floor = sync_floor(directory)?;
    let microseconds = |part| floor.quantile(part).map_or(0.0, |seconds| seconds * 1e6);
    let (median, late) = (microseconds(0.5), microseconds(0.99));
    Ok(format!(
        "{} ({}): a small append and its fdatasync: median {} us, p99 {} us: at most {}/s one after the other",
        directory.display(),
        file_system(directory)?,
        number(median),
        number(late),
        number(1e6 / median.max(1.0))
    ))
}

/// Seconds that a small append and its fdatasync take: nobody who syncs each message alone is faster.
fn sync_floor(directory: &Path) -> Result<Samples> {
    let mut file = tempfile::tempfile_in(directory).context("could not make a file to sync")?;
    let mut samples = Samples::default();
    for _ in 0..SYNCS {
        let begin = Instant::now();
        file.write_all(&[b'x'; SYNC_BYTES])?;
        file.sync_data()?;
        samples.push(begin.elapsed().as_secs_f64());
    }
    Ok(samples)
}

/// Writes out everything that is waiting for the disk of this directory, so that one run does not pay for another.
pub(crate) fn settle(directory: &Path) -> Result<()> {
    rustix::fs::syncfs(File::open(directory)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_is_the_one() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /dev tmpfs rw 0 0\nshm /dev/shm tmpfs2 rw 0 0\n/x /devices xfs rw 0 0";
        let found = |path: &str| deepest_mount(mounts, Path::new(path)).unwrap();
        assert_eq!(
            (
                found("/home"),
                found("/dev/shm/a"),
                found("/dev/x"),
                found("/devices/y")
            ),
            ("ext4", "tmpfs2", "tmpfs", "xfs")
        );
    }

    #[test]
    fn the_floor_is_measured() {
        let summary = sync_floor(&std::env::temp_dir()).unwrap().summary().unwrap();
        assert!(summary.least > 0.0 && summary.least <= summary.median);
    }
}
