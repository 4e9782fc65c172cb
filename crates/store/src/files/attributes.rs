//! What a file keeps beside its content, brought to the disk.

use landline_model::protocol::files::{Attributes, NANOS_PER_MILLISECOND};
use landline_model::time::Timestamp;
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

const NANOSECONDS: i64 = 1_000_000_000;

/// Gives a file its time. Whoever calls has written everything to it: writing would change the time again. Its permissions
/// are not the disk's to know: whatever a file is to be elsewhere, here it is the hub's alone.
pub(super) fn apply(file: BorrowedFd<'_>, attributes: &Attributes) -> Result<(), Errno> {
    let Some(nanoseconds) = nanoseconds(attributes) else {
        return Ok(());
    };
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        // A file system that cannot hold the time takes the nearest that it can.
        last_modification: Timespec {
            tv_sec: nanoseconds / NANOSECONDS,
            tv_nsec: nanoseconds % NANOSECONDS,
        },
    };
    rustix::fs::futimens(file, &times)
}

/// The time as the journal keeps it: nanoseconds since the epoch.
pub(super) fn nanoseconds(attributes: &Attributes) -> Option<i64> {
    let milliseconds = i64::try_from(attributes.modified?.0).unwrap_or(i64::MAX);
    let rest = i64::from(attributes.modified_nanos % NANOS_PER_MILLISECOND);
    Some(
        milliseconds
            .saturating_mul(i64::from(NANOS_PER_MILLISECOND))
            .saturating_add(rest),
    )
}

/// What the journal has kept.
pub(super) fn from_columns(modified: Option<i64>, mode: Option<u32>) -> Attributes {
    let modified = modified.and_then(|nanoseconds| u64::try_from(nanoseconds).ok());
    let unit = u64::from(NANOS_PER_MILLISECOND);
    Attributes {
        modified: modified.map(|nanoseconds| Timestamp(nanoseconds / unit)),
        modified_nanos: modified.map_or(0, |nanoseconds| u32::try_from(nanoseconds % unit).unwrap_or(0)),
        mode,
    }
}
