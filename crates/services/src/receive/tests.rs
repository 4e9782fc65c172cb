//! The server and its client against each other, and against bytes that students and strangers send.

mod client;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use landline_protocol::{ConnLimits, Ended};
use proptest::prelude::*;

use super::*;
use crate::link::{Bare, Link, Pieces, cut_at, pieces_of, seeded, whole};

/// A directory in memory, and a worker for one connection at a time.
#[derive(Clone, Default)]
struct Disk(Rc<RefCell<DiskState>>);

#[derive(Default)]
struct DiskState {
    files: BTreeMap<String, Vec<u8>>,
    partial: Option<(FileName, Vec<u8>)>,
    /// Everything that was asked, by the first letter of its kind.
    asked: String,
    /// Fails every block from now on.
    is_full: bool,
}

impl Disk {
    fn holding(name: &str, content: &[u8]) -> Self {
        let disk = Self::default();
        disk.0
            .borrow_mut()
            .files
            .insert(name.to_owned(), content.to_vec());
        disk
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.0.borrow().files.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.borrow().files.keys().cloned().collect()
    }

    fn has_partial(&self) -> bool {
        self.0.borrow().partial.is_some()
    }

    fn work(&self, work: FileWork) -> FileAnswer {
        let mut disk = self.0.borrow_mut();
        match work {
            FileWork::Open { name, .. } => {
                disk.asked.push('o');
                assert!(
                    disk.partial.replace((name, Vec::new())).is_none(),
                    "one at a time"
                );
            }
            FileWork::Block(block) => {
                disk.asked.push('b');
                assert!((1..=BLOCK_MAX).contains(&block.len()), "{} bytes", block.len());
                if disk.is_full {
                    disk.partial = None;
                    return FileAnswer::Failed(FileFailure::Full);
                }
                disk.partial.as_mut().unwrap().1.extend(block);
            }
            FileWork::Finish => {
                disk.asked.push('f');
                let (name, content) = disk.partial.take().unwrap();
                disk.files.insert(name.as_str().to_owned(), content);
            }
            FileWork::Abandon => {
                disk.asked.push('a');
                disk.partial = None;
            }
            FileWork::Find(name) => {
                disk.asked.push('g');
                return match disk.files.get(name.as_str()) {
                    Some(content) => FileAnswer::Found {
                        file: open(content),
                        length: content.len() as u64,
                    },
                    None => FileAnswer::Failed(FileFailure::Missing),
                };
            }
        }
        FileAnswer::Done
    }
}

fn open(content: &[u8]) -> Arc<std::fs::File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    Arc::new(file)
}

type Log = Rc<RefCell<Vec<Note>>>;
type Logger = Box<dyn FnMut(SocketAddr, &Note)>;

/// A server over `disk`, what it logs, and a client that sends what a test says.
fn serve<P: landline_protocol::StreamProtocol>(
    disk: &Disk,
    pieces: Pieces,
    client: P,
) -> (Link<Receive<Logger>, P>, Log) {
    let log = Log::default();
    let (lines, worker) = (Rc::clone(&log), disk.clone());
    let logger: Logger = Box::new(move |_, note| lines.borrow_mut().push(note.clone()));
    let link = Link::new(Receive::new(logger))
        .with_pieces(pieces, whole())
        .with_worker(move |work| Some(worker.work(work)));
    let mut link = link;
    link.connect(client);
    (link, log)
}

fn name(text: &str) -> FileName {
    FileName::base_of(text).unwrap()
}

fn header(json: &str) -> Vec<u8> {
    let mut bytes = i32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes
}

fn put_a(name: &str, content: &[u8]) -> Vec<u8> {
    let json = format!(
        r#"{{"cmd": "put", "filename": {name:?}, "filesize": {}}}"#,
        content.len()
    );
    [header(&json), content.to_vec()].concat()
}

fn put_b(name: &str, content: &[u8], md5: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"file_size": {}, "file_name": {name:?}, "md5": "{md5}"}}"#,
        content.len()
    );
    [header(&json), content.to_vec()].concat()
}

fn md5_of(content: &[u8]) -> Md5Digest {
    let mut md5 = ContentMd5::default();
    md5.update(content);
    md5.finish()
}

/// Content that is longer than a block, and not the same in any two places.
fn long() -> Vec<u8> {
    (0..40_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn files_of_both_kinds_land_one_behind_the_other_wherever_the_bytes_are_cut() {
    let content = b"hello\0\xff";
    let conversation = [
        put_a("a.txt", content),
        put_b("/x/y/b.txt", content, &md5_of(content).to_string()),
        put_a("empty", b""),
        put_a("C:\\x\\c.txt", b"c"),
    ]
    .concat();
    for cut in 1..=conversation.len() {
        let disk = Disk::default();
        let (mut link, log) = serve(&disk, cut_at(cut), Bare);
        link.say(0, &conversation);
        link.finish(0);
        link.run();
        assert_eq!(disk.names(), ["a.txt", "b.txt", "c.txt", "empty"], "cut at {cut}");
        assert_eq!(disk.file("a.txt").as_deref(), Some(&content[..]));
        assert_eq!(disk.file("b.txt").as_deref(), Some(&content[..]));
        assert_eq!(disk.file("empty").as_deref(), Some(&b""[..]));
        assert_eq!(log.borrow().len(), 4);
        assert!(log.borrow().iter().all(Note::is_success), "{:?}", log.borrow());
        assert_eq!(link.server_ended(0), Some(Ended::Finished));
        assert!(link.heard(0).is_empty(), "a put has no answer");
    }
}

#[test]
fn a_byte_at_a_time_is_as_good() {
    let disk = Disk::default();
    let (mut link, _log) = serve(&disk, pieces_of(1), Bare);
    link.say(
        0,
        &[put_a("a", b"first"), put_a("b", b""), put_a("a", b"second")].concat(),
    );
    assert_eq!(disk.file("a").as_deref(), Some(&b"second"[..]));
    assert_eq!(disk.0.borrow().asked, "obfofobf");
}

#[test]
fn a_long_file_is_written_in_whole_blocks_however_it_arrives() {
    let disk = Disk::default();
    let (mut link, _log) = serve(&disk, pieces_of(1460), Bare);
    link.say(0, &put_a("long", &long()));
    assert_eq!(disk.file("long"), Some(long()));
    assert_eq!(
        disk.0.borrow().asked,
        "obbbf",
        "160,000 bytes are two blocks and a rest"
    );
}

#[test]
fn nothing_is_read_while_the_disk_is_slow() {
    let mut link = Link::new(Receive::new(|_: SocketAddr, _: &Note| {}));
    link.connect(Bare);
    link.say(0, &put_a("a", b"content"));
    assert_eq!(link.server(0).room(), 0);
    link.done(0, FileAnswer::Done);
    link.run();
    assert_eq!(link.server(0).room(), 0, "the block is under way");
    link.done(0, FileAnswer::Done);
    link.run();
    assert_eq!(link.server(0).room(), 0, "the name is under way");
    link.done(0, FileAnswer::Done);
    assert!(link.server(0).room() > 0);
}

#[test]
fn many_unanswered_events_are_not_asked_even_where_they_were_allowed() {
    let works = Rc::new(RefCell::new(0));
    let counted = Rc::clone(&works);
    let mut link = Link::new(Receive::new(|_: SocketAddr, _: &Note| {}))
        .with_limits(ConnLimits {
            unanswered_max: 9,
            ..ConnLimits::default()
        })
        .with_worker(move |_| {
            *counted.borrow_mut() += 1;
            None
        });
    link.connect(Bare);
    link.say(0, &[put_a("a", b"1"), put_a("b", b"2")].concat());
    assert_eq!(*works.borrow(), 1);
}

#[test]
fn a_wrong_md5_publishes_nothing_and_the_next_file_lands() {
    let disk = Disk::holding("a", b"old");
    let (mut link, log) = serve(&disk, whole(), Bare);
    let wrong = md5_of(b"other").to_string();
    let right = md5_of(b"next").to_string().to_uppercase();
    link.say(
        0,
        &[put_b("a", b"new", &wrong), put_b("b", b"next", &right)].concat(),
    );
    assert_eq!(disk.file("a").as_deref(), Some(&b"old"[..]));
    assert_eq!(disk.file("b").as_deref(), Some(&b"next"[..]));
    assert_eq!(disk.0.borrow().asked, "obaobf");
    let corrupt = Note::Corrupt {
        name: name("a"),
        expected: md5_of(b"other"),
        actual: md5_of(b"new"),
    };
    assert_eq!(
        *log.borrow(),
        [
            corrupt,
            Note::Stored {
                name: name("b"),
                size: 4
            }
        ]
    );
}

#[test]
fn a_body_that_ends_short_publishes_nothing_at_any_place() {
    let bytes = put_a("a", b"content");
    let body = bytes.len() - b"content".len();
    for end in 1..bytes.len() {
        let disk = Disk::default();
        let (mut link, log) = serve(&disk, whole(), Bare);
        link.say(0, &bytes[..end]);
        link.finish(0);
        link.run();
        assert!(disk.names().is_empty() && !disk.has_partial(), "{end}");
        assert_eq!(log.borrow().len(), 1, "{end}: {:?}", log.borrow());
        let is_incomplete = matches!(log.borrow()[0], Note::Incomplete { size: 7, .. });
        assert_eq!(is_incomplete, end >= body, "{end}");
        assert!(link.server_ended(0).is_some());
    }
}

#[test]
fn a_broken_connection_leaves_nothing_and_is_logged_once() {
    let disk = Disk::default();
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(0, &put_a("a", &long())[..100_000]);
    assert!(disk.has_partial());
    link.reset(0);
    link.run();
    assert!(!disk.has_partial() && disk.names().is_empty());
    assert_eq!(
        *log.borrow(),
        [Note::Incomplete {
            name: name("a"),
            size: 160_000
        }]
    );
}

#[test]
fn a_connection_that_breaks_while_its_file_is_stored_says_that_nobody_knows() {
    let log = Log::default();
    let lines = Rc::clone(&log);
    let mut link = Link::new(Receive::new(move |_: SocketAddr, note: &Note| {
        lines.borrow_mut().push(note.clone())
    }));
    link.connect(Bare);
    link.say(0, &put_a("a", b""));
    link.done(0, FileAnswer::Done);
    link.run();
    link.reset(0);
    link.run();
    assert_eq!(*log.borrow(), [Note::Unconfirmed { name: name("a") }]);
}

#[test]
fn a_full_disk_is_logged_and_ends_the_connection() {
    let disk = Disk::default();
    disk.0.borrow_mut().is_full = true;
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(0, &put_a("a", &long()));
    assert_eq!(
        *log.borrow(),
        [Note::Failed {
            name: name("a"),
            failure: FileFailure::Full
        }]
    );
    assert_eq!(
        link.server_ended(0),
        Some(Ended::Aborted("a file that cannot be stored"))
    );
    assert_eq!(disk.0.borrow().asked, "ob");
}

#[test]
fn headers_that_lead_nowhere_end_the_connection_before_anything_is_asked() {
    let negative = (-1_i32).to_le_bytes().to_vec();
    let large = 65_537_i32.to_le_bytes().to_vec();
    for bytes in [
        0_i32.to_le_bytes().to_vec(),
        negative,
        large,
        i32::MIN.to_le_bytes().to_vec(),
        b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n".to_vec(),
        header("[]"),
        header("{}"),
        header(r#"{"cmd":"put","filename":"a","filesize":-1}"#),
        header(r#"{"cmd":"put","filename":"a","filesize":9223372036854775808.0}"#),
        header(r#"{"file_name":"a","file_size":18446744073709551616}"#),
        header(r#"{"cmd":"put","filename":"..","filesize":1}"#),
        header(r#"{"cmd":"put","filename":"a\u0000b","filesize":1}"#),
        header(r#"{"cmd":"put","filename":"","filesize":1}"#),
        header(&format!(r#"{{"file_name":"{}","file_size":1}}"#, "x".repeat(256))),
        header(r#"{"file_name":"a","file_size":1,"md5":"8f6f"}"#),
    ] {
        let disk = Disk::default();
        let (mut link, log) = serve(&disk, whole(), Bare);
        link.say(0, &bytes);
        assert_eq!(
            link.server_ended(0),
            Some(Ended::Aborted("a header that leads nowhere")),
            "{bytes:?}"
        );
        assert!(
            matches!(log.borrow()[..], [Note::BadHeader(_)]),
            "{:?}",
            log.borrow()
        );
        assert_eq!(disk.0.borrow().asked, "");
    }
}

#[test]
fn the_largest_header_is_taken() {
    let json = format!(
        r#"{{"file_name":"a","file_size":0,"x":"{}"}}"#,
        "x".repeat(65_536 - 38)
    );
    assert_eq!(json.len(), 65_536);
    let disk = Disk::default();
    let (mut link, _log) = serve(&disk, pieces_of(1000), Bare);
    link.say(0, &header(&json));
    assert_eq!(disk.names(), ["a"]);
}

#[test]
fn a_size_that_a_file_can_have_is_believed_until_the_disk_is_full() {
    let disk = Disk::default();
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(
        0,
        &header(r#"{"cmd":"put","filename":"a","filesize":9223372036854775807}"#),
    );
    link.say(0, &long());
    assert!(disk.has_partial() && log.borrow().is_empty());
}

#[test]
fn get_is_answered_with_a_header_of_kind_a_and_the_bytes() {
    let disk = Disk::holding("a.txt", &long());
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(0, &header(r#"{"cmd":"get","filename":"/x/a.txt"}"#));
    assert!(link.heard(0) == put(r#"{"cmd":"put","filename":"a.txt","filesize":160000}"#, &long()));
    assert_eq!(
        *log.borrow(),
        [Note::Sending {
            name: name("a.txt"),
            size: 160_000
        }]
    );
    link.say(0, &put_a("b", b"goes on"));
    assert_eq!(disk.file("b").as_deref(), Some(&b"goes on"[..]));
}

fn put(json: &str, content: &[u8]) -> Vec<u8> {
    [header(json), content.to_vec()].concat()
}

#[test]
fn a_missing_file_and_a_name_that_is_none_are_answered_with_an_error_and_the_connection_goes_on() {
    let disk = Disk::holding("a", b"");
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(0, &header(r#"{"cmd":"get","filename":"missing"}"#));
    assert_eq!(
        link.heard(0),
        header(r#"{"cmd":"error","message":"no such file"}"#)
    );
    link.say(0, &header(r#"{"cmd":"get","filename":".."}"#));
    assert_eq!(
        link.heard(0),
        header(r#"{"cmd":"error","message":"a file name that means a directory"}"#)
    );
    link.say(0, &header(r#"{"cmd":"get","filename":"a"}"#));
    assert_eq!(
        link.heard(0),
        header(r#"{"cmd":"put","filename":"a","filesize":0}"#)
    );
    let missing = Note::NotSent {
        name: name("missing"),
        failure: FileFailure::Missing,
    };
    assert_eq!(
        log.borrow()[..2],
        [missing, Note::BadName(FileNameError::Directory)]
    );
}

#[test]
fn an_unknown_cmd_is_answered_with_an_error_and_the_end() {
    let disk = Disk::default();
    let (mut link, log) = serve(&disk, whole(), Bare);
    link.say(0, &header(r#"{"cmd":"rm\u001b[2J"}"#));
    let heard = link.heard(0);
    assert!(heard.ends_with(br#"{"cmd":"error","message":"an unknown cmd: this server knows put and get"}"#));
    assert_eq!(log.borrow()[0].to_string(), r#"an unknown cmd "rm\u{1b}[2J""#);
    link.finish(0);
    link.run();
    assert_eq!(link.server_ended(0), Some(Ended::Finished));
}

#[test]
fn a_server_that_stops_lets_the_file_under_way_arrive_and_takes_no_other() {
    let disk = Disk::default();
    let (mut link, _log) = serve(&disk, whole(), Bare);
    let bytes = put_a("a", b"content");
    link.say(0, &bytes[..bytes.len() - 3]);
    link.drain();
    link.run();
    assert_eq!(link.server_ended(0), None);
    link.say(0, &[&bytes[bytes.len() - 3..], &put_a("b", b"late")[..]].concat());
    link.finish(0);
    link.run();
    assert_eq!(disk.names(), ["a"]);
    assert_eq!(link.server_ended(0), Some(Ended::Finished));
}

#[test]
fn a_server_that_stops_ends_a_client_that_does_nothing() {
    let (mut link, _log) = serve(&Disk::default(), whole(), Bare);
    link.drain();
    link.finish(0);
    link.run();
    assert_eq!(link.server_ended(0), Some(Ended::Finished));
}

proptest! {
    #[test]
    fn any_content_survives_any_cut(content in prop::collection::vec(any::<u8>(), 0..2000), seed in any::<u64>()) {
        let disk = Disk::default();
        let (mut link, _log) = serve(&disk, seeded(seed), Bare);
        link.say(0, &[put_a("a", &content), put_b("b", &content, &md5_of(&content).to_string())].concat());
        prop_assert_eq!(disk.file("a"), Some(content.clone()));
        prop_assert_eq!(disk.file("b"), Some(content));
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0_i32..200) {
        let disk = Disk::default();
        let (mut link, _log) = serve(&disk, whole(), Bare);
        link.say(0, &[&length.to_le_bytes()[..], &bytes].concat());
    }
}
