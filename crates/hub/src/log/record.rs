//! Writes whole records, with whatever could act on a terminal or forge a line escaped.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use landline_model::text::escape;

use crate::config::LogFormat;

/// Where records go: anything that is written to from several threads, one record at a time.
///
/// Records that it fails to take are lost; the next one that it takes is preceded by their count.
pub struct Output {
    state: Mutex<OutputState>,
}

struct OutputState {
    writer: Box<dyn Write + Send>,
    lost: u64,
}

/// Escapes records and passes them on. Each call of `write` is one whole record with the newline that ends it.
pub struct RecordWriter {
    format: LogFormat,
    output: Output,
}

impl Output {
    /// An output that writes each record with one call of `write_all`.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            state: Mutex::new(OutputState {
                writer: Box::new(writer),
                lost: 0,
            }),
        }
    }
}

impl RecordWriter {
    /// A writer of records that were formatted like that.
    pub fn new(format: LogFormat, output: Output) -> Self {
        Self { format, output }
    }
}

impl Write for &RecordWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut safe = match self.format {
            LogFormat::Human => escape(line),
            LogFormat::Json => escape_in_json(line),
        }
        .into_owned();
        safe.push('\n');
        self.state().write(self.format, &safe)?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state().writer.flush()
    }
}

impl RecordWriter {
    /// A thread that panicked while it wrote leaves at worst half a line behind.
    fn state(&self) -> MutexGuard<'_, OutputState> {
        self.output.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputState {
    fn write(&mut self, format: LogFormat, line: &str) -> io::Result<()> {
        let written = self
            .write_notice(format)
            .and_then(|()| self.writer.write_all(line.as_bytes()));
        if written.is_err() {
            self.lost = self.lost.saturating_add(1);
        }
        written
    }

    fn write_notice(&mut self, format: LogFormat) -> io::Result<()> {
        if self.lost > 0 {
            self.writer.write_all(notice(format, self.lost).as_bytes())?;
            self.lost = 0;
        }
        Ok(())
    }
}

fn notice(format: LogFormat, lost: u64) -> String {
    let message = "log records before this one could not be written and are lost";
    match format {
        LogFormat::Human => format!("{lost} {message}\n"),
        LogFormat::Json => {
            format!("{{\"level\":\"WARN\",\"fields\":{{\"message\":\"{message}\",\"lost\":{lost}}}}}\n")
        }
    }
}

/// JSON text with JSON's own escapes for what [`escape`] would escape: such characters stand only in its strings.
fn escape_in_json(line: &str) -> Cow<'_, str> {
    if escape(line) == line {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len() + 16);
    let mut bytes = [0; 4];
    let mut units = [0; 2];
    for character in line.chars() {
        let text: &str = character.encode_utf8(&mut bytes);
        if escape(text) == text {
            safe.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;

    /// Remembers what was written to it.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, record: &[u8]) -> String {
        let captured = Captured::default();
        (&RecordWriter::new(format, Output::new(captured.clone())))
            .write_all(record)
            .unwrap();
        captured.text()
    }

    #[test]
    fn only_the_last_newline_ends_a_record() {
        assert_eq!(written(LogFormat::Human, b"one\ntwo\x1b\n"), "one\\ntwo\\u{1b}\n");
        assert_eq!(written(LogFormat::Human, b"no newline"), "no newline\n");
    }

    #[test]
    fn json_stays_json() {
        let line = written(
            LogFormat::Json,
            "{\"a\":\"\u{9b}\u{202e}\u{e0001}\\n\"}\n".as_bytes(),
        );
        assert_eq!(line, "{\"a\":\"\\u009b\\u202e\\udb40\\udc01\\n\"}\n");
    }

    /// A disk that is full for the first records.
    struct FullAtFirst {
        refusals: usize,
        then: Captured,
    }

    impl Write for FullAtFirst {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.refusals.checked_sub(1) {
                Some(left) => {
                    self.refusals = left;
                    Err(io::ErrorKind::StorageFull.into())
                }
                None => self.then.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lost_records_are_counted_when_writing_works_again() {
        for (format, expected) in [
            (LogFormat::Human, "2 log records before"),
            (LogFormat::Json, "\"lost\":2}"),
        ] {
            let then = Captured::default();
            let writer = RecordWriter::new(
                format,
                Output::new(FullAtFirst {
                    refusals: 2,
                    then: then.clone(),
                }),
            );
            assert!((&writer).write_all(b"lost").is_err());
            assert!((&writer).write_all(b"lost").is_err());
            (&writer).write_all(b"kept").unwrap();
            let text = then.text();
            assert!(text.lines().next().unwrap().contains(expected), "{text}");
            assert!(text.ends_with("\nkept\n"), "{text}");
        }
    }
}
