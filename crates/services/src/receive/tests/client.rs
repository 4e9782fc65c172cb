//! Our client, against our server and against the bytes of others.

use landline_protocol::{FileSlice, Service};

use super::*;
use crate::link::BareServer;

#[test]
fn our_client_puts_with_either_header() {
    for content in [&b""[..], b"content", &long()] {
        for kind in [PutHeader::A, PutHeader::B(md5_of(content))] {
            let disk = Disk::default();
            let file = FileSlice {
                file: open(content),
                offset: 0,
                length: content.len() as u64,
            };
            let client = ReceiveClient::put(&name("a"), kind, file).unwrap();
            let (mut link, log) = serve(&disk, pieces_of(1460), client);
            link.run();
            assert!(disk.file("a").as_deref() == Some(content));
            assert_eq!(
                *log.borrow(),
                [Note::Stored {
                    name: name("a"),
                    size: content.len() as u64
                }]
            );
            assert_eq!(link.client_ended(0), Some(Ended::Finished));
            assert!(link.shown(0).is_empty());
        }
    }
}

/// Does what a client asks of its own disk until all is quiet. Returns what it tells.
fn work_for<S: Service>(link: &mut Link<S, ReceiveClient>, disk: &Disk) -> Vec<Note> {
    let mut notes = Vec::new();
    loop {
        link.run();
        let events = link.shown(0);
        if events.is_empty() {
            return notes;
        }
        for event in events {
            match event {
                ReceiveEvent::Work(work) => link.answer(0, disk.work(work)),
                ReceiveEvent::Note(note) => notes.push(note),
                ReceiveEvent::HeaderBegun => panic!("this is the server's"),
            }
        }
    }
}

#[test]
fn our_client_gets_from_our_server() {
    let remote = Disk::holding("a", &long());
    let local = Disk::default();
    let (mut link, _log) = serve(&remote, whole(), ReceiveClient::get(name("a")).unwrap());
    assert_eq!(
        work_for(&mut link, &local),
        [Note::Stored {
            name: name("a"),
            size: 160_000
        }]
    );
    assert_eq!(local.file("a"), Some(long()));
    assert_eq!(link.client_ended(0), Some(Ended::Finished));
}

#[test]
fn our_client_says_what_the_server_refused() {
    let (mut link, _log) = serve(&Disk::default(), whole(), ReceiveClient::get(name("a")).unwrap());
    let notes = work_for(&mut link, &Disk::default());
    assert_eq!(notes, [Note::Refused("no such file".to_owned())]);
    assert_eq!(notes[0].to_string(), "the peer says: no such file");
}

/// What our client makes of a server's answer, however it is cut.
fn getting(answer: &[u8], pieces: Pieces) -> (Vec<Note>, Disk) {
    let local = Disk::default();
    let mut link = Link::new(BareServer::default()).with_pieces(whole(), pieces);
    link.connect(ReceiveClient::get(name("a")).unwrap());
    link.server_command(0, answer.to_vec());
    link.server_finish(0);
    let notes = work_for(&mut link, &local);
    assert_eq!(link.service.take(0), header(r#"{"cmd":"get","filename":"a"}"#));
    (notes, local)
}

#[test]
fn our_client_stores_under_the_name_that_it_asked_for() {
    for answer in [
        put_a(".bashrc", b"evil"),
        put_b("/etc/passwd", b"evil", &md5_of(b"evil").to_string()),
    ] {
        for cut in 1..=answer.len() {
            let (notes, local) = getting(&answer, cut_at(cut));
            assert_eq!(
                notes,
                [Note::Stored {
                    name: name("a"),
                    size: 4
                }]
            );
            assert_eq!(local.names(), ["a"]);
        }
    }
}

#[test]
fn our_client_keeps_nothing_of_an_answer_that_is_wrong() {
    let answer = put_a("a", b"content");
    let (notes, local) = getting(&answer[..answer.len() - 1], whole());
    assert_eq!(
        notes,
        [Note::Incomplete {
            name: name("a"),
            size: 7
        }]
    );
    assert!(local.names().is_empty());
    let (notes, local) = getting(&put_b("a", b"content", &md5_of(b"other").to_string()), whole());
    assert!(matches!(notes[..], [Note::Corrupt { .. }]), "{notes:?}");
    assert!(local.names().is_empty() && !local.has_partial());
    for answer in [
        &b""[..],
        b"\x02",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\xff\xff\xff\xff",
    ] {
        let (notes, _local) = getting(answer, whole());
        assert!(matches!(notes[..], [Note::BadHeader(_)]), "{notes:?}");
    }
}
