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

/// The same for peers; what each has brought, in the order in which they stand.
pub(crate) fn gather<P: Copy, R: Default>(
    peers: &[P],
    runs: u16,
    name: impl Fn(P) -> String,
    mut turn: impl FnMut(P, &mut R) -> Result<()>,
) -> Result<Vec<(P, R)>> {
    let mut results: Vec<(P, R)> = peers.iter().map(|peer| (*peer, R::default())).collect();
    let name = |(peer, _): &(P, R)| name(*peer);
    take(&mut results, runs, name, |(peer, results)| turn(*peer, results))?;
    Ok(results)
}

/// What one of them has brought; none: it had no turn.
pub(crate) fn of<P: Copy + PartialEq, R>(results: &[(P, R)], wanted: P) -> Option<&R> {
    let found = results.iter().find(|(peer, _)| *peer == wanted);
    found.map(|(_, results)| results)
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

    #[test]
    fn what_each_has_brought_stands_beside_it() {
        let mut count = 0;
        let results = gather(
            &['a', 'b'],
            2,
            |peer| peer.to_string(),
            |_, results: &mut Vec<u8>| {
                count += 1;
                results.push(count);
                Ok(())
            },
        );
        let results = results.unwrap();
        assert_eq!(results, [('a', vec![1, 4]), ('b', vec![2, 3])]);
        assert_eq!(of(&results, 'b'), Some(&vec![2, 3]));
        assert_eq!(of(&results, 'c'), None);
    }
}
