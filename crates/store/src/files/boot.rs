//! Which start of the machine this is.

use super::Random;
use super::records::BootId;

/// This start of the machine's. Where the system does not say, each start of the hub counts as one: then an upload may
/// lose blocks that were never acknowledged, and nothing else.
pub(super) fn current(random: &Random) -> BootId {
    let said = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    said.and_then(|said| parse(&said)).unwrap_or_else(|| random())
}

fn parse(text: &str) -> Option<BootId> {
    let digits: String = text.trim().chars().filter(|digit| *digit != '-').collect();
    u128::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 32)
        .map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_systems_words_are_understood() {
        let said = "01234567-89ab-cdef-0123-456789abcdef\n";
        assert_eq!(
            parse(said),
            Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes())
        );
        assert_eq!(parse(""), None);
        assert_eq!(parse("0123"), None);
    }
}
