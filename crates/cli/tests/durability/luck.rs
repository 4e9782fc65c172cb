//! What survives of what was not synced.

/// Tells, piece by piece, whether something survives.
pub(crate) enum Luck {
    /// Nothing does.
    None,
    /// Some do: each with `percent` to 100.
    Some {
        /// SplitMix64's state.
        state: u64,
        /// How likely.
        percent: u64,
    },
}

impl Luck {
    /// Everything survives.
    pub(crate) fn all() -> Self {
        Self::Some {
            state: 0,
            percent: 100,
        }
    }

    /// As a seed has it.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut luck = Self::Some {
            state: seed,
            percent: 0,
        };
        let chosen = [3, 25, 50, 75, 97][usize::try_from(luck.next() % 5).expect("small")];
        if let Self::Some { percent, .. } = &mut luck {
            *percent = chosen;
        }
        luck
    }

    /// Whether the next piece survives.
    pub(crate) fn has_it(&mut self) -> bool {
        match self {
            Self::None => false,
            Self::Some { percent, .. } => {
                let percent = *percent;
                self.next() % 100 < percent
            }
        }
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    pub(crate) fn next(&mut self) -> u64 {
        let Self::Some { state, .. } = self else { return 0 };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
