//! Files, sent as they lie on the disk.

use std::io::{Read as _, Write as _};

use tempfile::NamedTempFile;

use super::client::{Ending, pattern};
use super::engine::Engine;
use super::lab::Lab;

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(content).expect("it is written");
    file
}

pub(super) fn a_file_arrives_whole_between_what_was_written(engine: Engine) {
    let content = pattern(5_000_000);
    let file = file(&content);
    let part = &content[1000..4_999_000];
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    let order = format!("file 1000 {} {}\n", part.len(), file.path().display());
    // The second waits until the first is sent.
    client.send(order.repeat(2));
    client.send(format!("file 0 0 {}\n", file.path().display()));
    for _ in 0..2 {
        assert_eq!(client.line(), "before");
        let mut received = vec![0; part.len()];
        client.stream.read_exact(&mut received).expect("the whole file");
        assert!(received == part);
        assert_eq!(client.line(), "after");
    }
    assert_eq!(
        (client.line(), client.line()),
        ("before".to_owned(), "after".to_owned())
    );
    client.is_served();
}

pub(super) fn a_file_that_is_shorter_than_promised_ends_the_connection(engine: Engine) {
    let file = file(b"0123456789");
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    client.send(format!("file 0 11 {}\n", file.path().display()));
    // A reset may throw away what has not been read yet.
    let (received, ending) = client.rest();
    assert!(
        b"before\n0123456789".starts_with(&received),
        "{}",
        String::from_utf8_lossy(&received)
    );
    assert_eq!(ending, Ending::Cut);
    let report = lab.end();
    assert_eq!(
        (report.finished, report.broken + report.stopped),
        (0, 1),
        "{report}"
    );
}
