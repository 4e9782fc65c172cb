//! Turns: a machine that is slower for a while is slower for everybody.

use anyhow::{Context as _, Result};

/// Gives each of them `runs` turns. Each round begins with another one, and an error says whose turn it was.
pub(crate) fn take<T>(
    participants: &mut [T],
    runs: u16,
    name: impl Fn(&T) -> String,
    mut turn: impl FnMut(&mut T) -> Result<()>,
) -> Result<()> {
    for round in 0..usize::from(runs) {
        for place in 0..participants.len() {
            let index = (round + place) % participants.len();
            let participant = &mut participants[index];
            turn(participant).with_context(|| format!("{} failed", name(participant)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn everybody_begins_once_and_has_every_turn() {
        let mut order = String::new();
        let turn = |participant: &mut &str| {
            order.push_str(participant);
            Ok(())
        };
        take(&mut ["a", "b", "c"], 3, |_| String::new(), turn).unwrap();
        assert_eq!(order, "abcbcacab");
    }

    #[test]
    fn an_error_says_whose_turn_it_was() {
        let error = take(&mut ["a"], 1, |name| (*name).to_owned(), |_| bail!("no")).unwrap_err();
        assert_eq!(error.to_string(), "a failed");
    }
}
