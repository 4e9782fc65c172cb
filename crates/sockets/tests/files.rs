//! `receive` over real sockets and a real directory, on every engine that shares this process.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up fails, loudly"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};

use landline_engine::protocol::{ConnId, ConnLimits, Ended, FileSlice};
use landline_engine::{Kind, Options, Reply, Running, Worker, drive, inbox, serve};
use landline_services::receive::{
    FileAnswer, FileName, FileWork, Note, PutHeader, Receive, ReceiveClient, ReceiveEvent,
};
use landline_sockets::files::{FileWorker, content_md5, open_content};
use tempfile::TempDir;

const KINDS: [Kind; 6] = [
    Kind::Select,
    Kind::Poll,
    Kind::Epoll,
    Kind::EpollEdge,
    Kind::Threads,
    Kind::Sharded(2),
];

/// Says when something was abandoned, once it is.
struct Watched(FileWorker, mpsc::Sender<()>);

impl Worker<FileWork, FileAnswer> for Watched {
    fn start(&self, work: FileWork, reply: Reply<FileAnswer>) {
        let told = (work == FileWork::Abandon).then(|| self.1.clone());
        self.0.submit(reply.connection(), work, move |answer| {
            reply.answer(answer);
            told.into_iter().for_each(|told| told.send(()).unwrap());
        });
    }
}

struct Site {
    directory: TempDir,
    server: Running,
    notes: mpsc::Receiver<Note>,
    abandoned: mpsc::Receiver<()>,
}

impl Site {
    fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (told, notes) = mpsc::channel();
        let (tells, abandoned) = mpsc::channel();
        let service = Receive::new(move |_: SocketAddr, note: &Note| {
            // A test that has seen enough hears no more.
            let _ = told.send(note.clone());
        });
        let worker = Watched(FileWorker::open(directory.path()).unwrap(), tells);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = Options {
            kind,
            ..Options::default()
        };
        let server = serve(listener, service, worker, &options).unwrap();
        Self {
            directory,
            server,
            notes,
            abandoned,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address()).unwrap()
    }

    fn note(&self) -> Note {
        self.notes.recv().unwrap()
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.directory.path()).unwrap().count() == 0
    }

    fn stop(self) {
        self.server.stop();
        let _report = self.server.join();
    }
}

fn name(text: &str) -> FileName {
    FileName::base_of(text).unwrap()
}

fn header(json: &str) -> Vec<u8> {
    [
        &i32::try_from(json.len()).unwrap().to_le_bytes()[..],
        json.as_bytes(),
    ]
    .concat()
}

fn read_header(stream: &mut TcpStream) -> String {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut json = vec![0; usize::try_from(i32::from_le_bytes(length)).unwrap()];
    stream.read_exact(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn content() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_student_puts_and_gets_on_one_connection_on_every_engine() {
    for kind in KINDS {
        let site = Site::new(kind);
        let mut student = site.connect();
        student
            .write_all(&header(
                r#"{"cmd": "put", "filename": "a.txt", "filesize": 400000}"#,
            ))
            .unwrap();
        student.write_all(&content()).unwrap();
        student
            .write_all(&header(r#"{"file_size": 0, "file_name": "/x/empty"}"#))
            .unwrap();
        student
            .write_all(&header(r#"{"cmd": "get", "filename": "a.txt"}"#))
            .unwrap();
        assert_eq!(
            read_header(&mut student),
            r#"{"cmd":"put","filename":"a.txt","filesize":400000}"#
        );
        let mut got = vec![0; 400_000];
        student.read_exact(&mut got).unwrap();
        assert!(got == content());
        student
            .write_all(&header(r#"{"cmd": "get", "filename": "b"}"#))
            .unwrap();
        assert_eq!(
            read_header(&mut student),
            r#"{"cmd":"error","message":"no such file"}"#
        );
        student.shutdown(Shutdown::Write).unwrap();
        assert_eq!(student.read_to_end(&mut got).unwrap(), 0);
        assert_eq!(
            site.note(),
            Note::Stored {
                name: name("a.txt"),
                size: 400_000
            }
        );
        assert!(fs::read(site.directory.path().join("a.txt")).unwrap() == content());
        assert_eq!(fs::read(site.directory.path().join("empty")).unwrap(), b"");
        site.stop();
    }
}

#[test]
fn a_connection_that_breaks_leaves_nothing_on_every_engine() {
    for kind in KINDS {
        let site = Site::new(kind);
        let mut student = site.connect();
        student
            .write_all(&header(r#"{"cmd": "put", "filename": "a", "filesize": 400001}"#))
            .unwrap();
        student.write_all(&content()).unwrap();
        drop(student);
        assert_eq!(
            site.note(),
            Note::Incomplete {
                name: name("a"),
                size: 400_001
            }
        );
        site.abandoned.recv().unwrap();
        assert!(site.is_empty(), "{kind}");
        site.stop();
    }
}

#[test]
fn a_wrong_md5_leaves_nothing() {
    let site = Site::new(Kind::Epoll);
    let mut student = site.connect();
    let json = r#"{"file_size": 2, "file_name": "a", "md5": "d41d8cd98f00b204e9800998ecf8427e"}"#;
    student.write_all(&[&header(json)[..], b"hi"].concat()).unwrap();
    assert!(matches!(site.note(), Note::Corrupt { .. }));
    site.abandoned.recv().unwrap();
    assert!(site.is_empty());
    site.stop();
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_ends_the_connection() {
    const SIZE: u64 = 64 * 1024 * 1024;
    let site = Site::new(Kind::Epoll);
    let file = fs::File::create(site.directory.path().join("a")).unwrap();
    file.set_len(SIZE).unwrap();
    let mut student = site.connect();
    student
        .write_all(&header(r#"{"cmd": "get", "filename": "a"}"#))
        .unwrap();
    assert_eq!(
        read_header(&mut student),
        r#"{"cmd":"put","filename":"a","filesize":67108864}"#
    );
    file.set_len(1).unwrap();
    let mut got = Vec::new();
    // Whether the end is orderly or not does not matter: it comes too soon.
    let _ = student.read_to_end(&mut got);
    assert!((got.len() as u64) < SIZE, "{} bytes", got.len());
    site.stop();
}

/// Drives our client against the server, with a worker of its own for what it is sent.
fn call(site: &Site, client: ReceiveClient, directory: &Path) -> (Ended, Vec<Note>) {
    let worker = FileWorker::open(directory).unwrap();
    let (handle, inbox) = inbox().unwrap();
    let mut notes = Vec::new();
    let ended = drive(
        site.connect(),
        client,
        ConnLimits::default(),
        &inbox,
        |event| match event {
            ReceiveEvent::Work(work) => {
                let handle = handle.clone();
                worker.submit(ConnId(0), work, move |answer| handle.answer(answer));
            }
            ReceiveEvent::Note(note) => notes.push(note),
            ReceiveEvent::HeaderBegun => {}
        },
    );
    (ended.unwrap(), notes)
}

#[test]
fn our_client_puts_and_gets() {
    let site = Site::new(Kind::Epoll);
    let local = tempfile::tempdir().unwrap();
    let path = local.path().join("-rf \n🎉");
    fs::write(&path, content()).unwrap();
    let (file, length) = open_content(&path).unwrap();
    let md5 = content_md5(&file, length).unwrap();
    let file = Arc::new(file);
    for kind in [PutHeader::A, PutHeader::B(md5)] {
        let slice = FileSlice {
            file: Arc::clone(&file),
            offset: 0,
            length,
        };
        let client = ReceiveClient::put(&name("-rf \n🎉"), kind, slice).unwrap();
        assert_eq!(call(&site, client, local.path()), (Ended::Finished, Vec::new()));
        assert_eq!(
            site.note(),
            Note::Stored {
                name: name("-rf \n🎉"),
                size: 400_000
            }
        );
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let client = ReceiveClient::get(name("-rf \n🎉")).unwrap();
    let stored = Note::Stored {
        name: name("-rf \n🎉"),
        size: 400_000,
    };
    assert_eq!(
        call(&site, client, elsewhere.path()),
        (Ended::Finished, vec![stored])
    );
    assert!(fs::read(elsewhere.path().join("-rf \n🎉")).unwrap() == content());
    let client = ReceiveClient::get(name("missing")).unwrap();
    let refused = Note::Refused("no such file".to_owned());
    assert_eq!(
        call(&site, client, elsewhere.path()),
        (Ended::Finished, vec![refused])
    );
    site.stop();
}

/// Set for the process that is to be killed: the directory that it works in.
const VICTIM: &str = "LANDLINE_TEST_FILES_VICTIM";

#[test]
fn what_a_killed_server_left_is_gone_when_the_next_one_starts() {
    if let Some(directory) = std::env::var_os(VICTIM) {
        wait_to_be_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), b"old").unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "what_a_killed_server_left_is_gone_when_the_next_one_starts",
            "--nocapture",
        ])
        .env(VICTIM, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("written")));
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old");
    let _worker = FileWorker::open(directory.path()).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// The victim: half a file is written, and nothing more happens.
fn wait_to_be_killed(directory: &Path) -> ! {
    let worker = FileWorker::open(directory).unwrap();
    let (sender, receiver) = mpsc::channel();
    for work in [
        FileWork::Open {
            name: name("a"),
            size: 9,
        },
        FileWork::Block(b"new".to_vec()),
    ] {
        let sender = sender.clone();
        worker.submit(ConnId(0), work, move |answer| sender.send(answer).unwrap());
        assert!(matches!(receiver.recv().unwrap(), FileAnswer::Done));
    }
    println!("written");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(1)
}

/// Set for the process that is watched while it stores a file: the directory that it works in.
const WATCHED: &str = "LANDLINE_TEST_FILES_WATCHED";

#[test]
fn a_file_is_durable_before_it_has_its_name_and_its_name_before_that_is_said() {
    if let Some(directory) = std::env::var_os(WATCHED) {
        return store_one_file(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    // -y shows the path behind each descriptor as it is at that moment.
    let traced = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "99",
            "-e",
            "trace=write,fsync,fdatasync,rename,renameat,renameat2",
            "-o",
        ])
        .arg(trace.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_file_is_durable_before_it_has_its_name_and_its_name_before_that_is_said",
            "--nocapture",
        ])
        .env(WATCHED, directory.path())
        .output()
        .unwrap();
    assert!(traced.status.success(), "{traced:?}");
    let trace = fs::read_to_string(trace.path()).unwrap();
    let is_one = |line: &&str| {
        [".partial", "stored\\n", "rename"]
            .iter()
            .any(|part| line.contains(part))
            || (line.contains("fsync(") && line.contains(directory.path().to_str().unwrap()))
    };
    let calls: Vec<_> = trace
        .lines()
        .filter(|line| !line.contains(" resumed>"))
        .filter(is_one)
        .collect();
    let steps = ["write(", "fsync(", "renameat", "fsync(", "write("];
    assert_eq!(calls.len(), steps.len(), "{trace}");
    assert!(
        calls.iter().zip(steps).all(|(call, step)| call.contains(step)),
        "{trace}"
    );
    assert!(calls[1].contains(".partial>"), "the file: {trace}");
    assert!(
        calls[3].contains(&format!("{}>", directory.path().display())),
        "the directory: {trace}"
    );
}

/// The watched one: says so when a file is stored.
fn store_one_file(directory: &Path) {
    let worker = FileWorker::open(directory).unwrap();
    let (sender, receiver) = mpsc::channel();
    let open = FileWork::Open {
        name: name("a"),
        size: 3,
    };
    for work in [open, FileWork::Block(b"new".to_vec()), FileWork::Finish] {
        let sender = sender.clone();
        worker.submit(ConnId(0), work, move |answer| sender.send(answer).unwrap());
        assert!(matches!(receiver.recv().unwrap(), FileAnswer::Done));
    }
    println!("stored");
}
