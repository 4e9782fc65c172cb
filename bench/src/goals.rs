//! What a figure must reach, and what it should.

use crate::statistics::Samples;
use crate::table::{Table, number};
use anyhow::Result;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

/// A floor and a goal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) better: Better,
    /// What must be reached.
    pub(crate) floor: f64,
    /// What is wanted.
    pub(crate) goal: f64,
}

/// Processor time for each request, as a multiple of what a loop takes that does nothing but answer.
pub(crate) const BARE_COST: Goal = Goal {
    better: Better::Less,
    floor: 1.15,
    goal: 1.0,
};

impl Goal {
    fn verdict(self, value: f64) -> &'static str {
        let reaches = |mark: f64| match self.better {
            Better::Less => value <= mark,
            Better::More => value >= mark,
        };
        if reaches(self.goal) {
            "goal met"
        } else if reaches(self.floor) {
            "floor met"
        } else {
            "missed"
        }
    }
}

/// Figures beside their goals.
#[derive(Debug)]
pub(crate) struct Goals(Table);

impl Goals {
    pub(crate) fn new() -> Self {
        let columns = [
            "figure", "least", "median", "greatest", "floor", "goal", "verdict",
        ];
        Self(Table::new("landline against its goals, by medians", &columns))
    }

    /// Samples that are compared with the goal as they are. Nothing is said of what was not measured.
    pub(crate) fn figure(&mut self, figure: impl Into<String>, samples: &Samples, goal: Goal) {
        let Some(summary) = samples.summary() else { return };
        let mut row = vec![figure.into()];
        row.extend([summary.least, summary.median, summary.greatest].map(number));
        row.extend([number(goal.floor), number(goal.goal)]);
        row.push(goal.verdict(summary.median).to_owned());
        self.0.row(row);
    }

    /// Nothing where nothing was compared.
    pub(crate) fn print(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.print()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_knows_which_way_is_better() {
        let more = Goal {
            better: Better::More,
            floor: 1.2,
            goal: 1.4,
        };
        let verdicts = |goal: Goal, values: [f64; 3]| values.map(|value| goal.verdict(value));
        let expected = ["goal met", "floor met", "missed"];
        assert_eq!(verdicts(BARE_COST, [1.0, 1.1, 1.2]), expected);
        assert_eq!(verdicts(more, [1.5, 1.2, 1.1]), expected);
    }
}
