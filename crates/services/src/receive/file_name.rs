//! The name under which a file lies in the server's directory.

use std::fmt;

/// The longest name, in bytes: what Linux file systems hold (NAME_MAX).
pub const FILE_NAME_MAX: usize = 255;

/// How the names of files begin that are not whole yet. Between it and [`PARTIAL_SUFFIX`] stand random digits.
pub const PARTIAL_PREFIX: &str = ".landline-";

/// How the names of files end that are not whole yet.
pub const PARTIAL_SUFFIX: &str = ".partial";

/// One component of a path: neither empty nor `.` nor `..`, without `/`, `\` and NUL, of at most [`FILE_NAME_MAX`]
/// bytes, and not the name of a partial file.
///
/// Anything else may stand in it, control characters too. Its [`Display`](fmt::Display) is safe for a terminal and
/// quoted; [`as_str`](Self::as_str) is the name itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The last component of a path as peers of any system write it: behind the last `/` or `\`.
    ///
    /// # Errors
    /// What is left is no name for a file.
    pub fn base_of(path: &str) -> Result<Self, FileNameError> {
        if path.contains('\0') {
            return Err(FileNameError::Nul);
        }
        let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
        match base {
            "" => Err(FileNameError::Empty),
            "." | ".." => Err(FileNameError::Directory),
            _ if base.len() > FILE_NAME_MAX => Err(FileNameError::TooLong(base.len())),
            _ if base.starts_with(PARTIAL_PREFIX) && base.ends_with(PARTIAL_SUFFIX) => {
                Err(FileNameError::Partial)
            }
            _ => Ok(Self(base.to_owned())),
        }
    }

    /// The name itself, with whatever the peer put in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

/// Why a path names no file that could be stored. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// Nothing stands behind the last separator.
    #[error("an empty file name")]
    Empty,
    /// `.` or `..`.
    #[error("a file name that means a directory")]
    Directory,
    /// A zero byte.
    #[error("a file name with a NUL in it")]
    Nul,
    /// More than [`FILE_NAME_MAX`] bytes.
    #[error("a file name of {0} bytes; at most {FILE_NAME_MAX} are allowed")]
    TooLong(usize),
    /// A name that files have while they are not whole.
    #[error("a file name that is kept for files on their way")]
    Partial,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(path: &str) -> Result<String, FileNameError> {
        FileName::base_of(path).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn only_what_stands_behind_the_last_separator_of_either_kind_counts() {
        for (path, name) in [
            ("a.txt", "a.txt"),
            ("/a/b/c/a.txt", "a.txt"),
            ("/etc/passwd", "passwd"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.txt", "y.txt"),
            ("..\\..\\y.txt", "y.txt"),
            ("a/b\\c", "c"),
            ("a\\b/c", "c"),
        ] {
            assert_eq!(base(path).as_deref(), Ok(name), "{path:?}");
        }
    }

    #[test]
    fn strange_names_are_kept_as_they_are() {
        let long = "x".repeat(FILE_NAME_MAX);
        for name in [
            "-rf",
            ".hidden",
            "...",
            "a b",
            "a\nb",
            "\u{1b}[31m",
            "名前 🎉",
            " ",
            "a:b",
            &long,
        ] {
            assert_eq!(base(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(FILE_NAME_MAX + 1);
        for (path, error) in [
            ("", FileNameError::Empty),
            ("a/", FileNameError::Empty),
            ("a\\", FileNameError::Empty),
            (".", FileNameError::Directory),
            ("..", FileNameError::Directory),
            ("a/..", FileNameError::Directory),
            ("a\\..", FileNameError::Directory),
            ("a\0b", FileNameError::Nul),
            ("a\0/b", FileNameError::Nul),
            (&long, FileNameError::TooLong(256)),
            (".landline-00.partial", FileNameError::Partial),
        ] {
            assert_eq!(base(path), Err(error), "{path:?}");
        }
    }

    #[test]
    fn a_name_that_is_shown_carries_no_control_characters() {
        let name = FileName::base_of("a\u{1b}[2J\n\"").unwrap();
        assert_eq!(name.to_string(), r#""a\u{1b}[2J\n\"""#);
    }
}
