//! Takes files: a line `SIZE NAME`, then the bytes, and again. Each lands by its base name in the directory that is the
//! second argument, once it is whole.
//!
//! Disks are slow, so the bytes are written by a worker. The sender feels it: while a piece is being written nothing
//! more is read, so no file needs more memory than one piece.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use landline_engine::protocol::service::{Effects, Load, Peer};
use landline_engine::protocol::{Admission, ConnId, Output, Service, StreamProtocol};
use landline_engine::{Options, Reply, Signals, Worker, listen, serve};

/// A part of a file, and whether it is the last.
struct Piece {
    name: String,
    bytes: Vec<u8>,
    is_last: bool,
}

#[derive(Default)]
struct Receiving(Option<(String, u64)>);
struct Files;
struct Directory(PathBuf);

impl StreamProtocol for Receiving {
    type Event = Piece;
    type Command = String;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Piece>, _: Instant) {
        if let Some((name, left)) = &mut self.0 {
            let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
            let bytes = input.split_off(..count).unwrap_or_default().to_vec();
            *left -= bytes.len() as u64;
            let is_last = *left == 0;
            out.ask(Piece {
                name: name.clone(),
                bytes,
                is_last,
            });
            self.0 = self.0.take().filter(|_| !is_last);
        } else if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            match header(&input[..end]) {
                Some((name, 0)) => out.ask(Piece {
                    name,
                    bytes: Vec::new(),
                    is_last: true,
                }),
                Some(file) => self.0 = Some(file),
                None => out.abort("a header must be SIZE NAME"),
            }
            *input = &input[end + 1..];
        }
    }

    fn peer_finished(&mut self, _: &mut &[u8], out: &mut dyn Output<Piece>, _: Instant) {
        if self.0.is_some() {
            out.abort("the file is not whole")
        } else {
            out.finish()
        }
    }

    fn commanded(&mut self, answer: String, out: &mut dyn Output<Piece>, _: Instant) {
        out.write(answer.as_bytes());
    }
}

/// The base name, so that nothing lands outside the directory, and the size.
fn header(line: &[u8]) -> Option<(String, u64)> {
    let (size, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    Some((
        Path::new(name).file_name()?.to_str()?.to_owned(),
        size.parse().ok()?,
    ))
}

impl Service for Files {
    type Connection = Receiving;
    type Work = (ConnId, Piece);

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Receiving> {
        Admission::Accept(Receiving::default())
    }

    fn event(&mut self, from: ConnId, piece: Piece, effects: &mut Effects<String, Self::Work>, _: Instant) {
        effects.work(from, (from, piece));
    }
}

impl Worker<(ConnId, Piece), String> for Directory {
    fn start(&self, (from, piece): (ConnId, Piece), reply: Reply<String>) {
        // Two who send the same name at once do not meet before the end, and the last one wins.
        let partial = self.0.join(format!(".{}.{}", from.0, piece.name));
        let whole = self.0.join(&piece.name);
        std::thread::spawn(move || match store(&piece, &partial, &whole) {
            Ok(()) if piece.is_last => reply.answer("stored\n".to_owned()),
            Ok(()) => reply.answer(String::new()),
            // Unanswered, so the connection is broken off.
            Err(error) => println!("{}: {error}", whole.display()),
        });
    }
}

fn store(piece: &Piece, partial: &Path, whole: &Path) -> io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(partial)?
        .write_all(&piece.bytes)?;
    if piece.is_last {
        fs::rename(partial, whole)
    } else {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let directory = Directory(std::env::args_os().nth(2).unwrap_or_else(|| ".".into()).into());
    let options = Options::default();
    let running = serve(listen(address.parse()?, &options)?, Files, directory, &options)?;
    let stop = running.stopper();
    let _signals = Signals::on_stop(move || stop())?;
    println!("listening on {}", running.address());
    println!("{}", running.join());
    Ok(())
}
