//! Few samples, told honestly: least, median, greatest.

use std::time::Duration;

/// Samples of one thing, in the order in which they were taken.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

/// What is told of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) greatest: f64,
}

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The one that was taken so many after the first.
    pub(crate) fn nth(&self, number: usize) -> Option<f64> {
        self.0.get(number).copied()
    }

    /// 0 without samples.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5).unwrap_or(0.0)
    }

    /// Each sample as a multiple of the one that was taken in the same round.
    pub(crate) fn multiples_of(&self, others: &Self) -> Self {
        let rounds = self.0.iter().zip(&others.0);
        Self(rounds.map(|(ours, theirs)| ours / theirs).collect())
    }

    /// None without samples.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let (least, greatest) = (self.quantile(0.0)?, self.quantile(1.0)?);
        Some(Summary {
            least,
            median: self.quantile(0.5)?,
            greatest,
        })
    }

    /// Several at once, in one go over the samples; none without samples.
    pub(crate) fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        let sorted = self.sorted();
        let mut quantiles = [0.0; N];
        for (quantile, part) in quantiles.iter_mut().zip(parts) {
            *quantile = quantile_of(&sorted, part)?;
        }
        Some(quantiles)
    }

    /// The sample below which this part of all samples lies, linear between two of them.
    pub(crate) fn quantile(&self, part: f64) -> Option<f64> {
        quantile_of(&self.sorted(), part)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

fn quantile_of(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = part.clamp(0.0, 1.0) * last as f64;
    let below = (0..=last).rev().find(|index| *index as f64 <= place)?;
    let above = sorted.get(below + 1).unwrap_or(&sorted[below]);
    Some(sorted[below] + (above - sorted[below]) * (place - below as f64))
}

/// How many a second; 0 where no time passed.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    if time.is_zero() {
        0.0
    } else {
        count as f64 / time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn a_summary_does_not_depend_on_the_order() {
        let summary = samples(&[5.0, 1.0, 4.0, 2.0, 3.0]).summary().unwrap();
        assert_eq!(
            summary,
            Summary {
                least: 1.0,
                median: 3.0,
                greatest: 5.0
            }
        );
    }

    #[test]
    fn an_even_number_of_samples_has_its_median_between_two() {
        assert_eq!(samples(&[4.0, 1.0, 2.0, 3.0]).quantile(0.5), Some(2.5));
        assert_eq!(samples(&[7.0]).quantile(0.99), Some(7.0));
    }

    #[test]
    fn multiples_are_taken_round_by_round() {
        let multiples = samples(&[2.0, 9.0]).multiples_of(&samples(&[1.0, 3.0, 5.0]));
        assert_eq!(multiples.0, [2.0, 3.0]);
        assert!((multiples.median() - 2.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(Samples::default().summary(), None);
    }

    #[test]
    fn a_rate_is_per_second_and_never_infinite() {
        assert!((rate(10, Duration::from_millis(500)) - 20.0).abs() < 1e-9);
        assert!(rate(10, Duration::ZERO).abs() < 1e-9);
    }
}
