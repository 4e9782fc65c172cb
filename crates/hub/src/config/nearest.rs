//! What somebody probably meant.

/// Names longer than this are never compared: the distance costs the product of both lengths.
const MAX_COMPARED_CHARACTERS: usize = 64;

/// The candidate that is fewest edits away from `text`, where that is near enough to be a slip of the hand.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let length = text.chars().count();
    if length > MAX_COMPARED_CHARACTERS {
        return None;
    }
    candidates
        .map(|candidate| (strsim::osa_distance(text, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips(length))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Edits that a slip may take: one in four characters, at least one, at most three.
fn slips(length: usize) -> usize {
    (length / 4).clamp(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let words = ["listen", "data", "limits.connections"];
        let of = |text| nearest(text, words.iter().copied());
        assert_eq!(of("lsiten").as_deref(), Some("listen"));
        assert_eq!(of("limits.conections").as_deref(), Some("limits.connections"));
        assert_eq!(of("colour"), None);
        assert_eq!(of(&"x".repeat(100_000)), None);
    }
}
