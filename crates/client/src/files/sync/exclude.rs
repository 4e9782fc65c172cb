//! What a sync leaves out, on both sides: it is neither transferred nor deleted.

use crate::files::Pattern;

/// Any number of directories.
const ANY_DEPTH: &[u8] = b"**";

/// What files in the making end with, which a transfer that was cut has left beside their place.
const PARTIAL: [&[u8]; 2] = [b".landline-partial", b".landline-partial.blocks"];

/// One thing that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    names: Vec<Name>,
    /// Matches at any depth; else from the top.
    anywhere: bool,
    /// Matches only directories.
    directories: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Like(Pattern),
    AnyDepth,
}

impl Exclude {
    /// Reads a pattern. One without `/` matches a name at any depth; one with a `/` in it or before it, the path from the
    /// top of the tree, where `**` stands for any number of directories; with a `/` behind it, only directories.
    #[must_use]
    pub fn parse(pattern: &[u8]) -> Self {
        let directories = pattern.ends_with(b"/");
        let body = pattern.strip_suffix(b"/").unwrap_or(pattern);
        let names = body.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let names = names.map(|name| {
            if name == ANY_DEPTH {
                Name::AnyDepth
            } else {
                Name::Like(Pattern::parse(name))
            }
        });
        Self {
            names: names.collect(),
            anywhere: !body.contains(&b'/'),
            directories,
        }
    }

    /// Whether this matches what stands at the end of `way`.
    fn matches(&self, way: &[&[u8]], is_directory: bool) -> bool {
        if self.directories && !is_directory {
            return false;
        }
        if self.anywhere {
            let last = way.last();
            return match self.names.as_slice() {
                [Name::Like(pattern)] => last.is_some_and(|name| pattern.matches(name)),
                [Name::AnyDepth] => true,
                _ => false,
            };
        }
        matches_from(&self.names, way)
    }
}

/// Whether any of these matches what stands at the end of `way`, called `name`; files in the making are left out by every
/// sync.
pub(super) fn is_excluded<'a>(
    excludes: &[Exclude],
    way: impl Iterator<Item = &'a [u8]>,
    name: &[u8],
    is_directory: bool,
) -> bool {
    if name.starts_with(b".") && !is_directory && PARTIAL.iter().any(|end| name.ends_with(end)) {
        return true;
    }
    if excludes.is_empty() {
        return false;
    }
    let way: Vec<&[u8]> = way.collect();
    excludes.iter().any(|exclude| exclude.matches(&way, is_directory))
}

fn matches_from(names: &[Name], way: &[&[u8]]) -> bool {
    // How many names from the beginning of the pattern may end at each place of the way.
    let mut reached = vec![false; names.len() + 1];
    reached[0] = true;
    let spread = |reached: &mut Vec<bool>| {
        for (number, name) in names.iter().enumerate() {
            if reached[number] && *name == Name::AnyDepth {
                reached[number + 1] = true;
            }
        }
    };
    spread(&mut reached);
    for step in way {
        let mut next = vec![false; names.len() + 1];
        for (number, name) in names.iter().enumerate().filter(|(number, _)| reached[*number]) {
            match name {
                Name::AnyDepth => next[number] = true,
                Name::Like(pattern) if pattern.matches(step) => next[number + 1] = true,
                Name::Like(_) => {}
            }
        }
        reached = next;
        spread(&mut reached);
    }
    reached[names.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_leave_out_what_they_say() {
        for (pattern, path, is_directory, left_out) in [
            ("*.o", "a/b.o", false, true),
            ("*.o", "b.o/c", false, false),
            ("*.o", "b.o", true, true),
            ("/a", "a", false, true),
            ("/a", "b/a", false, false),
            ("a/b", "a/b", false, true),
            ("a/b", "x/a/b", false, false),
            ("a/*", "a/b", false, true),
            ("a/*", "a/b/c", false, false),
            ("build/", "x/build", true, true),
            ("build/", "x/build", false, false),
            ("**/c", "a/b/c", false, true),
            ("a/**/c", "a/c", false, true),
            ("a/**/c", "a/x/y/c", false, true),
            ("a/**/c", "b/c", false, false),
            ("a/**", "a/b/c", false, true),
            ("**", "a/b", false, true),
        ] {
            let exclude = [Exclude::parse(pattern.as_bytes())];
            let (way, name) = (path.split('/').map(str::as_bytes), path.as_bytes());
            assert_eq!(
                is_excluded(&exclude, way, name, is_directory),
                left_out,
                "{pattern} {path}"
            );
        }
        let always = |name: &'static [u8]| is_excluded(&[], [name].into_iter(), name, false);
        assert!(always(b".a.landline-partial") && always(b".a.landline-partial.blocks"));
        assert!(!always(b"a") && !always(b"a.landline-partial"));
    }
}
