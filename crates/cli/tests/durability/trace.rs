//! Reading what strace wrote: `strace -f -y -ttt -xx`, so that every string and path is nothing but `\xNN`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The name of a process's end among the calls.
pub(crate) const END_OF_PROCESS: &str = "(end)";

/// One system call that returned.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// The line on which it was entered. Lines are in the order in which the tracer saw things happen: what one thread
    /// did before it woke another one stands before what the other one did then.
    pub(crate) entered: usize,
    /// The line on which it returned; the same one where nothing was seen in between.
    pub(crate) exited: usize,
    /// When it was entered, in microseconds since 1970.
    pub(crate) time: u64,
    /// What it returned; errors are -1.
    pub(crate) result: i64,
    /// The path of the descriptor that it returned.
    pub(crate) result_path: Option<PathBuf>,
    text: Vec<u8>,
    arguments: Vec<Range<usize>>,
}

impl Call {
    /// An argument as strace shows it.
    pub(crate) fn raw(&self, argument: usize) -> &[u8] {
        self.arguments
            .get(argument)
            .map_or(&[], |range| &self.text[range.clone()])
    }

    /// An argument that is a descriptor, and where it leads. `AT_FDCWD` is -100.
    pub(crate) fn descriptor(&self, argument: usize) -> (i64, PathBuf) {
        let raw = self.raw(argument);
        let end = raw.iter().position(|byte| *byte == b'<').unwrap_or(raw.len());
        let number = if raw.starts_with(b"AT_FDCWD") {
            -100
        } else {
            number(&raw[..end]).expect("a descriptor")
        };
        (number, path(raw).unwrap_or_default())
    }

    /// Whether it acts on a socket, a pipe or something else that is no file.
    pub(crate) fn descriptor_leads_elsewhere(&self) -> bool {
        path(self.raw(0)).is_some_and(|path| !path.is_absolute())
    }

    /// An argument that is a number.
    pub(crate) fn number(&self, argument: usize) -> i64 {
        number(self.raw(argument)).unwrap_or_else(|| panic!("not a number in {}", self.shown()))
    }

    /// An argument that is a string, or all strings in a vector of buffers one after another.
    pub(crate) fn bytes(&self, argument: usize) -> Vec<u8> {
        let raw = self.raw(argument);
        assert!(
            !raw.windows(4).any(|four| four == b"\"..."),
            "the recording cut a string of {}",
            self.name
        );
        unescape(raw)
    }

    /// Whether an argument shows this word: a flag.
    pub(crate) fn has(&self, argument: usize, flag: &str) -> bool {
        self.raw(argument)
            .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .any(|word| word == flag.as_bytes())
    }

    /// The line on which it takes effect: closing a descriptor frees its number before it returns.
    pub(crate) fn effect(&self) -> usize {
        if self.name == "close" {
            self.entered
        } else {
            self.exited
        }
    }

    /// The end of a process, which closes all its descriptors.
    pub(crate) fn end_of_process(line: usize) -> Self {
        Self {
            name: END_OF_PROCESS.to_owned(),
            entered: line,
            exited: line,
            time: 0,
            result: 0,
            result_path: None,
            text: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// For a message about it.
    pub(crate) fn shown(&self) -> String {
        let arguments: Vec<String> = (0..self.arguments.len())
            .map(|argument| match self.raw(argument) {
                raw if raw.len() > 800 => "...".to_owned(),
                raw if raw.contains(&b'\\') => {
                    let before = raw
                        .iter()
                        .position(|byte| *byte == b'<' || *byte == b'"')
                        .unwrap_or(0);
                    format!(
                        "{}{}",
                        String::from_utf8_lossy(&raw[..before]),
                        unescape(raw).escape_ascii()
                    )
                }
                raw => String::from_utf8_lossy(raw).into_owned(),
            })
            .collect();
        format!(
            "{}: {}({}) = {}",
            self.entered,
            self.name,
            arguments.join(", "),
            self.result
        )
    }
}

/// The calls of a trace, in the order in which they returned. `first` is the number of the first line.
pub(crate) fn parse(trace: &[u8], first: usize) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<Vec<u8>, (usize, u64, Vec<u8>)> = HashMap::new();
    for (line, bytes) in (first..).zip(trace.split(|byte| *byte == b'\n')) {
        let mut fields = bytes.splitn(2, |byte| *byte == b' ');
        let (Some(thread), Some(rest)) = (fields.next(), fields.next()) else {
            continue;
        };
        // Process ids are padded.
        let mut fields = rest.trim_ascii_start().splitn(2, |byte| *byte == b' ');
        let (Some(time), Some(text)) = (fields.next(), fields.next()) else {
            continue;
        };
        let time = microseconds(time);
        if let Some(begun) = text.strip_suffix(b" <unfinished ...>") {
            unfinished.insert(thread.to_vec(), (line, time, begun.to_vec()));
        } else if let Some(rest) = text.strip_prefix(b"<... ") {
            let Some((entered, time, mut whole)) = unfinished.remove(thread) else {
                continue;
            };
            let resumed = b" resumed>";
            let at = rest
                .windows(resumed.len())
                .position(|window| window == resumed)
                .expect("a resumed call");
            whole.extend_from_slice(&rest[at + resumed.len()..]);
            calls.extend(call(whole, entered, line, time));
        } else {
            calls.extend(call(text.to_vec(), line, line, time));
        }
    }
    calls
}

/// None for what is not a call, or did not return.
fn call(mut text: Vec<u8>, entered: usize, exited: usize, time: u64) -> Option<Call> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let name = std::str::from_utf8(&text[..open]).ok()?.to_owned();
    if name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return None;
    }
    let equals = text.windows(3).rposition(|window| window == b" = ")?;
    let returned = text[equals + 3..].to_vec();
    let end = returned
        .iter()
        .position(|byte| *byte == b'<' || *byte == b' ')
        .unwrap_or(returned.len());
    let result = number(&returned[..end])?;
    let result_path = path(&returned);
    text.truncate(equals);
    let close = text.iter().rposition(|byte| *byte == b')')?;
    text.truncate(close);
    let arguments = split(&text, open + 1);
    Some(Call {
        name,
        entered,
        exited,
        time,
        result,
        result_path,
        text,
        arguments,
    })
}

/// The arguments: what commas part outside of brackets. Strings hold none, for they are all digits.
fn split(text: &[u8], from: usize) -> Vec<Range<usize>> {
    let mut arguments = Vec::new();
    let (mut depth, mut start) = (0_usize, from);
    let mut trimmed = |range: Range<usize>| {
        let skipped = text[range.clone()]
            .iter()
            .take_while(|byte| **byte == b' ')
            .count();
        arguments.push(range.start + skipped..range.end);
    };
    for (position, byte) in text.iter().enumerate().skip(from) {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                trimmed(start..position);
                start = position + 1;
            }
            _ => {}
        }
    }
    trimmed(start..text.len());
    arguments
}

/// Every `\xNN` in a text, and nothing else of it.
fn unescape(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut position = 0;
    while let Some(four) = text.get(position..position + 4) {
        match (four, digit(four[2]), digit(four[3])) {
            ([b'\\', b'x', ..], Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                position += 4;
            }
            _ => position += 1,
        }
    }
    bytes
}

/// What stands in `<...>` behind a descriptor.
fn path(raw: &[u8]) -> Option<PathBuf> {
    let open = raw.iter().position(|byte| *byte == b'<')?;
    let close = open + raw[open..].iter().position(|byte| *byte == b'>')?;
    Some(PathBuf::from(OsString::from_vec(unescape(&raw[open..close]))))
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn microseconds(text: &[u8]) -> u64 {
    let mut parts = std::str::from_utf8(text).expect("a time").split('.');
    let mut part = || {
        parts
            .next()
            .and_then(|part| part.parse::<u64>().ok())
            .expect("a time")
    };
    part() * 1_000_000 + part()
}

/// A line of a trace, for tests: `{}` takes a string's place.
#[cfg(test)]
pub(crate) fn line(thread: u32, text: &str, strings: &[&[u8]]) -> String {
    let mut line = format!("{thread} 1.000001 ");
    let mut strings = strings.iter();
    for (index, part) in text.split("{}").enumerate() {
        if index > 0 {
            let string = strings.next().expect("as many strings as places");
            line.extend(string.iter().map(|byte| format!("\\x{byte:02x}")));
        }
        line.push_str(part);
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_with_their_descriptors_and_strings() {
        let trace = line(
            7,
            "pwrite64(3<{}>, \"{}\", 5, 8) = 5",
            &[b"/d/a, (b) = <1>", b"x = \n,\""],
        );
        let calls = parse(trace.as_bytes(), 0);
        assert_eq!(calls[0].descriptor(0), (3, PathBuf::from("/d/a, (b) = <1>")));
        assert_eq!(calls[0].bytes(1), b"x = \n,\"");
        assert_eq!(
            (calls[0].number(2), calls[0].number(3), calls[0].result),
            (5, 8, 5)
        );
    }

    #[test]
    fn a_call_that_others_interrupt_has_two_places() {
        let trace = [
            line(7, "fdatasync(3<{}> <unfinished ...>", &[b"/d/a"]),
            line(8, "sendto(5<{}>, \"{}\", 2, MSG_NOSIGNAL, NULL, 0) = 2", &[b"socket:[1]", b"ok"]),
            line(7, "<... fdatasync resumed>) = 0", &[]),
            line(8, "openat2(4<{}>, \"{}\", {flags=O_RDWR|O_CREAT, mode=0600, resolve=RESOLVE_BENEATH}, 24) = 9<{}>", &[b"/d", b"n", b"/d/n"]),
        ]
        .concat();
        let calls = parse(trace.as_bytes(), 100);
        let places: Vec<_> = calls
            .iter()
            .map(|call| (call.name.as_str(), call.entered, call.exited))
            .collect();
        assert_eq!(
            places,
            [
                ("sendto", 101, 101),
                ("fdatasync", 100, 102),
                ("openat2", 103, 103)
            ]
        );
        assert!(calls[2].has(2, "O_CREAT") && !calls[2].has(2, "O_TRUNC"));
        assert_eq!(calls[2].result_path, Some(PathBuf::from("/d/n")));
    }

    #[test]
    fn buffers_of_a_vector_are_put_together_and_errors_and_signals_are_told_apart() {
        let trace = [
            line(
                7,
                "writev(3<{}>, [{iov_base=\"{}\", iov_len=2}, {iov_base=\"{}\", iov_len=1}], 2) = 3",
                &[b"/d/a", b"ab", b"c"],
            ),
            line(
                7,
                "--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---",
                &[],
            ),
            line(
                7,
                "unlink(\"{}\")   = -1 ENOENT (No such file or directory)",
                &[b"/d/gone"],
            ),
            line(7, "<... recvfrom resumed>) = ?", &[]),
            line(7, "+++ exited with 0 +++", &[]),
        ]
        .concat();
        let calls = parse(trace.as_bytes(), 0);
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert_eq!(calls[0].bytes(1), b"abc");
        assert_eq!(calls[1].result, -1);
    }
}
