//! Transfers against a hub that is made of a few lines, and so can do what a hub must not.

use super::{Destination, Directory, FilesError, Source, Unwatched, WINDOW_BLOCKS, get, put};
use crate::Connection;
use bytes::BytesMut;
use landline_model::blocks::{BLOCK_BYTES, hash_block};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::link::HubAddress;
use landline_model::path::RemotePath;
use landline_model::protocol::{OutgoingReply, RequestHeader};
use landline_wire::FrameDecoder;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

/// The hub's end of a connection.
struct FakeHub {
    stream: DuplexStream,
    input: BytesMut,
    decoder: FrameDecoder,
}

/// A request as it came.
struct Asked {
    id: u64,
    name: String,
    args: Value,
    body: usize,
}

fn connected() -> (Connection, FakeHub) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let address = HubAddress {
        host: "hub".to_owned(),
        port: 1,
    };
    let hub = FakeHub {
        stream: theirs,
        input: BytesMut::new(),
        decoder: FrameDecoder::default(),
    };
    (Connection::over(ours, &address), hub)
}

impl FakeHub {
    /// The next request; `None` when the client is gone.
    async fn asked(&mut self) -> Option<Asked> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.input).unwrap() {
                let header: RequestHeader<'_> = serde_json::from_slice(&frame.header).unwrap();
                let args = header
                    .args
                    .map_or(Value::Null, |args| serde_json::from_str(args.get()).unwrap());
                return Some(Asked {
                    id: header.id,
                    name: header.name.into(),
                    args,
                    body: frame.body.len(),
                });
            }
            if self.stream.read_buf(&mut self.input).await.unwrap() == 0 {
                return None;
            }
        }
    }

    async fn send(&mut self, reply: OutgoingReply<Value>, body: &[u8]) {
        let mut bytes = BytesMut::new();
        landline_wire::encode(&reply, body, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn accept(&mut self, id: u64, ok: Value) {
        self.send(OutgoingReply::Ok { id, ok }, b"").await;
    }

    /// Sends a piece of a file of five bytes that can be gone on with.
    async fn piece(&mut self, id: u64, offset: u64, bytes: &[u8]) {
        let part = json!({ "offset": offset, "size": 5, "version": version() });
        self.send(OutgoingReply::Part { id, part }, bytes).await;
    }

    /// Answers a fetch with these pieces (offset, size, bytes) and this end.
    async fn serve(&mut self, pieces: &[(u64, u64, &[u8])], size: u64, hash: Hash) {
        let id = self.asked().await.unwrap().id;
        for (offset, size, bytes) in pieces {
            self.send(
                OutgoingReply::Part {
                    id,
                    part: json!({ "offset": offset, "size": size }),
                },
                bytes,
            )
            .await;
        }
        self.accept(id, json!({ "size": size, "hash": hash })).await;
    }
}

fn path() -> RemotePath {
    RemotePath::parse(b"~/a").unwrap()
}

/// Fetches over an old file, and says what then stands in the directory and in the file.
async fn fetched(
    pieces: &[(u64, u64, &[u8])],
    size: u64,
    hash: Hash,
) -> (Result<(), FilesError>, usize, Vec<u8>) {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a"), b"old").unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let destination = Destination {
        directory,
        name: "a".into(),
    };
    let (connection, mut hub) = connected();
    let from = path();
    let (result, ()) = tokio::join!(
        get(&connection, &from, &destination, true, &Unwatched),
        hub.serve(pieces, size, hash)
    );
    let names = fs::read_dir(place.path()).unwrap().count();
    (result.map(drop), names, fs::read(place.path().join("a")).unwrap())
}

#[tokio::test]
async fn what_arrives_whole_takes_the_old_files_place() {
    let hash = blake3::hash(b"hello").into();
    let (result, names, content) = fetched(&[(0, 5, b"hel"), (3, 5, b"lo")], 5, hash).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!((names, &content[..]), (1, &b"hello"[..]));
}

#[tokio::test]
async fn an_empty_file_arrives_without_pieces() {
    let (result, names, content) = fetched(&[], 0, blake3::hash(b"").into()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!((names, &content[..]), (1, &b""[..]));
}

#[tokio::test]
async fn whatever_is_not_the_file_leaves_the_old_one_and_nothing_beside_it() {
    let hash = blake3::hash(b"hello").into();
    for (what, pieces, size) in [
        ("another content", &[(0, 5, &b"hellO"[..])][..], 5),
        ("too short", &[(0, 5, b"hell")], 5),
        ("too long", &[(0, 5, b"hello"), (5, 5, b"!")], 5),
        ("a gap", &[(0, 5, b"he"), (3, 5, b"lo")], 5),
        ("a piece twice", &[(0, 5, b"he"), (0, 5, b"hello")], 5),
        ("a size that changes", &[(0, 5, b"he"), (2, 6, b"llo")], 5),
    ] {
        let (result, names, content) = fetched(pieces, size, hash).await;
        assert!(
            matches!(
                result,
                Err(FilesError::Mismatch { .. } | FilesError::Protocol { .. })
            ),
            "{what}: {result:?}"
        );
        assert_eq!((names, &content[..]), (1, &b"old"[..]), "{what}");
    }
}

#[tokio::test]
async fn a_hub_that_goes_away_leaves_the_old_file_and_nothing_beside_it() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a"), b"old").unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let destination = Destination {
        directory,
        name: "a".into(),
    };
    let (connection, mut hub) = connected();
    let from = path();
    let (result, ()) = tokio::join!(get(&connection, &from, &destination, true, &Unwatched), async {
        let id = hub.asked().await.unwrap().id;
        hub.send(
            OutgoingReply::Part {
                id,
                part: json!({ "offset": 0, "size": 9 }),
            },
            b"half",
        )
        .await;
        drop(hub);
    });
    assert!(matches!(result, Err(FilesError::Hub(_))), "{result:?}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    assert_eq!(fs::read(place.path().join("a")).unwrap(), b"old");
}

#[tokio::test]
async fn a_download_that_somebody_gives_up_leaves_nothing_beside_the_old_file() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a"), b"old").unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let destination = Destination {
        directory,
        name: "a".into(),
    };
    let (connection, mut hub) = connected();
    let from = path();
    let fetching = get(&connection, &from, &destination, true, &Unwatched);
    let asked = tokio::select! {
        _ = fetching => None,
        asked = hub.asked() => asked,
    };
    assert_eq!(asked.unwrap().name, "get");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

/// Fetches a file of two pieces whose hub goes away behind the first, and again from `second`.
async fn fetched_again(second: impl AsyncFn(&mut FakeHub)) -> (Result<(), FilesError>, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a"), b"old").unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let destination = Destination {
        directory,
        name: "a".into(),
    };
    let from = path();
    let (connection, mut hub) = connected();
    let (cut, ()) = tokio::join!(get(&connection, &from, &destination, true, &Unwatched), async {
        let asked = hub.asked().await.unwrap();
        assert_eq!(asked.args["offset"], 0);
        hub.piece(asked.id, 0, b"hel").await;
        drop(hub);
    });
    assert!(cut.is_err());
    assert_eq!(fs::read(place.path().join("a")).unwrap(), b"old");
    let (connection, mut hub) = connected();
    let (result, ()) = tokio::join!(
        get(&connection, &from, &destination, true, &Unwatched),
        second(&mut hub)
    );
    (result.map(drop), place)
}

fn whole(place: &tempfile::TempDir) -> bool {
    fs::read_dir(place.path()).unwrap().count() == 1 && fs::read(place.path().join("a")).unwrap() == b"hello"
}

#[tokio::test]
async fn what_has_come_before_the_link_was_cut_is_not_asked_for_again() {
    let (result, place) = fetched_again(async |hub| {
        let asked = hub.asked().await.unwrap();
        assert_eq!(
            (&asked.args["offset"], &asked.args["version"]),
            (&json!(3), &json!(version()))
        );
        hub.piece(asked.id, 3, b"lo").await;
        hub.accept(asked.id, json!({ "size": 5, "hash": hello() })).await;
    })
    .await;
    assert!(result.is_ok() && whole(&place), "{result:?}");
}

#[tokio::test]
async fn a_file_that_is_another_by_now_is_fetched_from_its_beginning() {
    let (result, place) = fetched_again(async |hub| {
        let id = hub.asked().await.unwrap().id;
        let error = Refusal::new(ErrorCode::Mismatch, "it has changed");
        hub.send(OutgoingReply::Error { id, error }, b"").await;
        let asked = hub.asked().await.unwrap();
        assert_eq!(
            (&asked.args["offset"], asked.args.get("version")),
            (&json!(0), None)
        );
        hub.piece(asked.id, 0, b"hello").await;
        hub.accept(asked.id, json!({ "size": 5, "hash": hello() })).await;
    })
    .await;
    assert!(result.is_ok() && whole(&place), "{result:?}");
}

#[tokio::test]
async fn a_hash_that_does_not_fit_what_was_kept_has_all_of_it_fetched_once_more_and_only_once() {
    for (content, is_right) in [(b"hello", true), (b"jello", false)] {
        let (result, place) = fetched_again(async |hub| {
            let id = hub.asked().await.unwrap().id;
            hub.piece(id, 3, b"!!").await;
            hub.accept(id, json!({ "size": 5, "hash": hello() })).await;
            let asked = hub.asked().await.unwrap();
            assert_eq!(asked.args["offset"], 0);
            hub.piece(asked.id, 0, content).await;
            hub.accept(asked.id, json!({ "size": 5, "hash": hello() })).await;
        })
        .await;
        assert_eq!(
            (result.is_ok(), whole(&place)),
            (is_right, is_right),
            "{result:?}"
        );
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}

fn hello() -> Hash {
    blake3::hash(b"hello").into()
}

fn version() -> Hash {
    Hash::from_bytes([9; 32])
}

/// A file of this many blocks and one byte.
fn blocks(count: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![5; count * BLOCK_BYTES + 1]).unwrap();
    file
}

const UPLOAD: &str = "000102030405060708090a0b0c0d0e0f";

#[tokio::test(start_paused = true)]
async fn a_window_of_blocks_is_sent_before_the_first_is_acknowledged_and_no_more() {
    // Short enough to be read to its end while nothing is acknowledged: then everybody waits, and virtual time goes on.
    let file = blocks(WINDOW_BLOCKS + 1);
    let (connection, mut hub) = connected();
    let to = path();
    let source = Source::open(file.path()).unwrap();
    let size = source.size();
    let sending = put(&connection, source, &to, true, &Unwatched);
    let serving = async {
        let open = hub.asked().await.unwrap();
        assert_eq!(
            (open.name.as_str(), &open.args["size"]),
            ("put_open", &json!(size))
        );
        hub.accept(open.id, json!({ "upload": UPLOAD, "offset": 0 }))
            .await;
        let mut waiting = VecDeque::new();
        let mut offset = 0;
        while offset < size {
            while let Ok(block) = timeout(Duration::from_secs(1), hub.asked()).await {
                let block = block.unwrap();
                assert_eq!(
                    (block.name.as_str(), &block.args["offset"]),
                    ("put_block", &json!(offset))
                );
                offset += block.body as u64;
                waiting.push_back((block.id, offset));
            }
            assert_eq!(waiting.len(), WINDOW_BLOCKS);
            let (id, end) = waiting.pop_front().unwrap();
            hub.accept(id, json!({ "offset": end })).await;
        }
        for (id, end) in waiting {
            hub.accept(id, json!({ "offset": end })).await;
        }
        let finish = hub.asked().await.unwrap();
        assert_eq!(finish.name, "put_finish");
        let hash: Hash = blake3::hash(&fs::read(file.path()).unwrap()).into();
        assert_eq!(
            (&finish.args["size"], &finish.args["hash"]),
            (&json!(size), &json!(hash))
        );
        hub.accept(
            finish.id,
            json!({ "name": "a", "kind": "file", "size": size, "modified": 1 }),
        )
        .await;
    };
    let (entry, ()) = tokio::join!(sending, serving);
    assert_eq!(entry.unwrap().size, size);
}

/// Sends a file of two blocks to a hub that answers the first with `answer`; says the error and what was asked afterwards.
async fn refused(answer: OutgoingReply<Value>) -> (FilesError, String) {
    let file = blocks(1);
    let (connection, mut hub) = connected();
    let to = path();
    let sending = put(
        &connection,
        Source::open(file.path()).unwrap(),
        &to,
        true,
        &Unwatched,
    );
    let serving = async {
        let open = hub.asked().await.unwrap();
        hub.accept(open.id, json!({ "upload": UPLOAD, "offset": 0 }))
            .await;
        for _ in 0..2 {
            assert_eq!(hub.asked().await.unwrap().name, "put_block");
        }
        hub.send(answer, b"").await;
        let last = hub.asked().await.unwrap();
        hub.accept(last.id, json!({})).await;
        last.name
    };
    let (result, last) = tokio::join!(sending, serving);
    (result.unwrap_err(), last)
}

#[tokio::test]
async fn a_block_that_is_refused_gives_the_upload_up() {
    // The client counts its requests from 1: the open, then the block.
    let full = Refusal::new(ErrorCode::StorageFull, "the disk is full");
    let (error, last) = refused(OutgoingReply::Error { id: 2, error: full }).await;
    assert_eq!(
        (error.code(), last.as_str()),
        (Some(ErrorCode::StorageFull), "put_abort")
    );
}

#[tokio::test]
async fn a_hub_that_journals_another_number_of_bytes_is_not_trusted() {
    for offset in [0, 2 * BLOCK_BYTES] {
        let (error, last) = refused(OutgoingReply::Ok {
            id: 2,
            ok: json!({ "offset": offset }),
        })
        .await;
        assert!(matches!(error, FilesError::Protocol { .. }), "{error}");
        assert_eq!(last, "put_abort");
    }
}

#[tokio::test]
async fn a_file_that_grows_while_it_is_sent_is_given_up() {
    let file = blocks(WINDOW_BLOCKS + 8);
    let (connection, mut hub) = connected();
    let to = path();
    let sending = put(
        &connection,
        Source::open(file.path()).unwrap(),
        &to,
        true,
        &Unwatched,
    );
    let serving = async {
        let open = hub.asked().await.unwrap();
        // Nothing is read before this is answered.
        use std::io::Write as _;
        fs::OpenOptions::new()
            .append(true)
            .open(file.path())
            .unwrap()
            .write_all(b"more")
            .unwrap();
        hub.accept(open.id, json!({ "upload": UPLOAD, "offset": 0 }))
            .await;
        let mut end = 0;
        loop {
            let asked = hub.asked().await.unwrap();
            match asked.name.as_str() {
                "put_block" => {
                    end += asked.body;
                    hub.accept(asked.id, json!({ "offset": end })).await;
                }
                name => {
                    let name = name.to_owned();
                    hub.accept(asked.id, json!({})).await;
                    return name;
                }
            }
        }
    };
    let (result, last) = tokio::join!(sending, serving);
    assert!(
        matches!(result, Err(FilesError::SourceChanged { .. })),
        "{result:?}"
    );
    assert_eq!(last, "put_abort");
}

/// The chaining values of the first blocks of a file of [`blocks`].
fn values(count: u64) -> Vec<[u8; 32]> {
    let block = vec![5; BLOCK_BYTES];
    (0..count)
        .map(|number| hash_block(number, &block).chaining_value)
        .collect()
}

/// Sends a file of three blocks to a hub that says to have `offset` bytes of it, with these values in the body and those
/// in what it is asked for afterwards; says how it went, and all requests.
async fn resumed(offset: usize, pages: [&[[u8; 32]]; 2]) -> (Result<(), FilesError>, Vec<String>) {
    let file = blocks(2);
    let (connection, mut hub) = connected();
    let to = path();
    let source = Source::open(file.path()).unwrap();
    let sending = async {
        let result = put(&connection, source, &to, true, &Unwatched).await;
        drop(connection);
        result.map(drop)
    };
    let serving = async {
        let mut names = Vec::new();
        let mut end = offset;
        while let Some(asked) = hub.asked().await {
            let (ok, body) = match asked.name.as_str() {
                "put_open" if asked.args["resume"] == true => (
                    json!({ "upload": UPLOAD, "offset": offset }),
                    pages[0].as_flattened(),
                ),
                "put_open" => {
                    end = 0;
                    (json!({ "upload": UPLOAD, "offset": 0 }), &b""[..])
                }
                "put_values" => (json!({}), pages[1].as_flattened()),
                "put_block" => {
                    assert_eq!(asked.args["offset"], end);
                    end += asked.body;
                    (json!({ "offset": end }), &b""[..])
                }
                "put_finish" => {
                    let hash: Hash = blake3::hash(&fs::read(file.path()).unwrap()).into();
                    assert_eq!(asked.args["hash"], json!(hash));
                    let entry = json!({ "name": "a", "kind": "file", "size": end, "modified": 1 });
                    (entry, &b""[..])
                }
                _ => (json!({}), &b""[..]),
            };
            names.push(asked.name);
            hub.send(OutgoingReply::Ok { id: asked.id, ok }, body).await;
        }
        names
    };
    tokio::join!(sending, serving)
}

#[tokio::test]
async fn what_the_hub_has_is_proven_page_by_page_and_not_sent_again() {
    let values = values(2);
    let (result, asked) = resumed(2 * BLOCK_BYTES, [&values[..1], &values[1..]]).await;
    result.unwrap();
    assert_eq!(asked, ["put_open", "put_values", "put_block", "put_finish"]);
}

#[tokio::test]
async fn what_the_hub_has_of_another_file_is_given_up_and_all_of_it_is_sent() {
    let (result, asked) = resumed(2 * BLOCK_BYTES, [&[[1; 32]; 2], &[]]).await;
    result.unwrap();
    let expected = [
        "put_open",
        "put_abort",
        "put_open",
        "put_block",
        "put_block",
        "put_block",
        "put_finish",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_hub_that_says_to_have_what_cannot_be_is_not_trusted() {
    let three = values(3);
    let size = 2 * BLOCK_BYTES + 1;
    for (offset, pages) in [
        (1, [&three[..1], &[]]),
        (size + BLOCK_BYTES, [&three[..], &three[..1]]),
        (BLOCK_BYTES, [&three[..2], &[]]),
        (2 * BLOCK_BYTES, [&three[..1], &[]]),
        (2 * BLOCK_BYTES, [&[], &[]]),
    ] {
        let (result, asked) = resumed(offset, pages).await;
        assert!(matches!(result, Err(FilesError::Protocol { .. })), "{result:?}");
        assert_eq!(asked.last().unwrap(), "put_abort", "{offset}");
    }
}
