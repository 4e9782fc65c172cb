//! The names of a directory, in the order of their bytes, in as little memory as they need.

use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use landline_model::path::Component;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most names of one directory that are listed.
pub const NAMES_MAX: usize = 1_000_000;

/// The most bytes of names that all listings of a hub hold at a time: a million names of 255 bytes fit.
pub const NAMES_HELD_MAX: usize = 512 * 1024 * 1024;

/// How many bytes of names are counted at a time.
const COUNTED_BYTES: usize = 64 * 1024;

/// What a name needs beside its bytes.
const PLACE_BYTES: usize = size_of::<(u32, u8)>();

/// How many bytes of names all listings of a store hold.
#[derive(Debug, Default)]
pub(super) struct NamesHeld(AtomicUsize);

/// The names of one directory as they were at one moment.
#[derive(Debug)]
pub(super) struct SortedNames {
    bytes: Vec<u8>,
    /// Where each begins, and how long it is: at most 255.
    places: Vec<(u32, u8)>,
    held: Held,
}

/// Bytes of names that are counted until this is dropped.
#[derive(Debug)]
struct Held {
    of: Arc<NamesHeld>,
    bytes: usize,
}

impl SortedNames {
    /// Reads the names of a directory that is called `what`.
    ///
    /// # Errors
    /// [`FilesError::TooLarge`] over [`NAMES_MAX`]; [`FilesError::Busy`] over [`NAMES_HELD_MAX`]; those of the disk.
    pub(super) fn read(
        directory: &Directory,
        what: impl Display,
        held: &Arc<NamesHeld>,
    ) -> Result<Self, FilesError> {
        Self::read_at_most(directory, what, held, NAMES_MAX)
    }

    fn read_at_most(
        directory: &Directory,
        what: impl Display,
        held: &Arc<NamesHeld>,
        most: usize,
    ) -> Result<Self, FilesError> {
        let mut names = Self {
            bytes: Vec::new(),
            places: Vec::new(),
            held: Held {
                of: Arc::clone(held),
                bytes: 0,
            },
        };
        let mut refusal = None;
        let read = directory.visit_names_while(|name| {
            refusal = names.push(name, most, &what).err();
            refusal.is_none()
        });
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        read.at(&what)?;
        let bytes = &names.bytes;
        names
            .places
            .sort_unstable_by(|one, other| name_at(bytes, *one).cmp(name_at(bytes, *other)));
        Ok(names)
    }

    fn push(&mut self, name: &[u8], most: usize, what: &dyn Display) -> Result<(), FilesError> {
        if self.places.len() >= most {
            return Err(FilesError::TooLarge(format!(
                "{what} has more than {most} names, and no more than that are listed"
            )));
        }
        let needed = self.bytes.len() + name.len() + (self.places.len() + 1) * PLACE_BYTES;
        self.held.grow(needed)?;
        // The file system has no longer names, and a million of them are less than 4 GiB.
        if let (Ok(begin), Ok(length)) = (u32::try_from(self.bytes.len()), u8::try_from(name.len())) {
            self.bytes.extend_from_slice(name);
            self.places.push((begin, length));
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The name with this number; none behind the last one, and for what no path can name.
    pub(super) fn name(&self, number: usize) -> Option<&[u8]> {
        self.places.get(number).map(|place| name_at(&self.bytes, *place))
    }

    /// The number of the first one behind `after`.
    pub(super) fn behind(&self, after: Option<&Component>) -> usize {
        after.map_or(0, |after| {
            self.places
                .partition_point(|place| name_at(&self.bytes, *place) <= after.as_bytes())
        })
    }
}

fn name_at(bytes: &[u8], (begin, length): (u32, u8)) -> &[u8] {
    let begin = begin as usize;
    bytes.get(begin..begin + usize::from(length)).unwrap_or_default()
}

impl Held {
    /// Counts that there are `needed` bytes now.
    fn grow(&mut self, needed: usize) -> Result<(), FilesError> {
        if needed <= self.bytes {
            return Ok(());
        }
        let more = (needed - self.bytes).next_multiple_of(COUNTED_BYTES);
        let before = self.of.0.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        if before.saturating_add(more) > NAMES_HELD_MAX {
            return Err(FilesError::Busy(
                "too many large directories are being listed; try again later".to_owned(),
            ));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_bytes_and_only_so_many() {
        use std::os::unix::ffi::OsStrExt as _;
        let place = tempfile::tempdir().unwrap();
        let long = [b'l'; 255];
        for name in [&b"b"[..], b"\xff", b"a\n", b"A", &long] {
            std::fs::write(place.path().join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
        }
        let directory = Directory::at(place.path()).unwrap();
        let held = Arc::new(NamesHeld::default());
        let names = SortedNames::read(&directory, "it", &held).unwrap();
        let all: Vec<_> = (0..names.len()).filter_map(|number| names.name(number)).collect();
        assert_eq!(all, [&b"A"[..], b"a\n", b"b", &long, b"\xff"]);
        for (after, number) in [(&b"A"[..], 1), (b"AA", 1), (b"b", 3), (b"\xff\xff", 5)] {
            assert_eq!(names.behind(Some(&Component::new(after).unwrap())), number);
        }
        assert_eq!(names.name(5), None);
        assert!(held.0.load(Ordering::Relaxed) > 0);
        drop(names);
        let refused = SortedNames::read_at_most(&directory, "it", &held, 4);
        assert!(matches!(refused, Err(FilesError::TooLarge(_))), "{refused:?}");
        assert_eq!(held.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_listings_together_hold_only_so_much() {
        let of = Arc::new(NamesHeld::default());
        let held = || Held {
            of: Arc::clone(&of),
            bytes: 0,
        };
        let (mut one, mut other) = (held(), held());
        one.grow(NAMES_HELD_MAX).unwrap();
        assert!(matches!(other.grow(1), Err(FilesError::Busy(_))));
        drop(one);
        drop(other);
        held().grow(1).unwrap();
    }
}
