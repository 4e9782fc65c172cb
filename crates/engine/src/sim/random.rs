//! Numbers that look random and follow from a seed.

use std::ops::RangeInclusive;
use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): one word of state, and
/// every seed is a good one.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, which must not be empty. That some come up a little more often does not matter here.
    pub(super) fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        let count = (range.end() - range.start()) as u64;
        let beyond = self.next().checked_rem(count.saturating_add(1)).unwrap_or(0);
        range.start() + usize::try_from(beyond).unwrap_or(0)
    }

    /// A size of at least one and at most `max`: mostly small, often all, else anything.
    pub(super) fn size(&mut self, max: usize) -> usize {
        let max = max.max(1);
        match self.next() % 4 {
            0 => self.number(1..=max.min(3)),
            1 => max,
            _ => self.number(1..=max),
        }
    }

    /// A time of at most `max`, in steps of a microsecond.
    pub(super) fn time(&mut self, max: Duration) -> Duration {
        let micros = u64::try_from(max.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.next().checked_rem(micros.saturating_add(1)).unwrap_or(0))
    }

    /// True `thousandths` times in a thousand.
    pub(super) fn happens(&mut self, thousandths: u16) -> bool {
        self.next() % 1000 < u64::from(thousandths)
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.number(0..=last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_the_seed_and_keep_to_their_range() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            let numbers: Vec<_> = (0..1000).map(|_| random.number(3..=9)).collect();
            let sizes: Vec<_> = (0..1000).map(|_| random.size(50)).collect();
            (numbers, sizes)
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let (numbers, sizes) = draw(1);
        assert!((3..=9).all(|number| numbers.contains(&number)));
        assert!(numbers.iter().all(|number| (3..=9).contains(number)));
        assert!((1..=50).all(|size| sizes.contains(&size)));
        assert!(sizes.iter().all(|size| (1..=50).contains(size)));
    }

    #[test]
    fn the_full_ranges_do_not_overflow() {
        let mut random = Random::new(1);
        random.number(0..=usize::MAX);
        random.time(Duration::MAX);
        assert_eq!(random.time(Duration::ZERO), Duration::ZERO);
        assert!(!random.happens(0));
        assert!(random.happens(1000));
    }
}
