//! Takes files: a line `SIZE NAME`, then the bytes, and again. Each lands by its base name in the directory that is the
//! second argument, once it is whole. While a piece is written nothing more is read, so no file needs more memory.
#![allow(clippy::print_stdout, reason = "a program speaks to whoever started it")]

use std::{env, fs, io, io::Write as _, path::Path, time::Instant};

use landline_engine::protocol::{ConnId, Output, StreamProtocol};
use landline_engine::{Blocking, EachAlone, Options, run};

/// A file's name, its size, how much of it came before, and what comes now.
type Piece = (String, u64, u64, Vec<u8>);
struct Receiving(Option<(String, u64, u64)>);

impl StreamProtocol for Receiving {
    type Event = Piece;
    type Command = &'static str;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Piece>, _: Instant) {
        if self.0.is_none()
            && let Some(end) = input.iter().position(|byte| *byte == b'\n')
        {
            self.0 = header(&input[..end]);
            if self.0.is_none() {
                return out.abort("a header must be SIZE NAME");
            }
            *input = &input[end + 1..];
        }
        if let Some((name, size, at)) = &mut self.0 {
            let left = usize::try_from(*size - *at).unwrap_or(usize::MAX);
            let piece = input.split_off(..left.min(input.len())).unwrap_or_default();
            out.ask((name.clone(), *size, *at, piece.to_vec()));
            *at += piece.len() as u64;
        }
        self.0.take_if(|(_, size, at)| at == size);
    }

    fn commanded(&mut self, answer: &'static str, out: &mut dyn Output<Piece>, _: Instant) {
        out.write(answer.as_bytes());
    }
}

/// Takes the base name, so that nothing lands outside the directory.
fn header(line: &[u8]) -> Option<(String, u64, u64)> {
    let (size, path) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let name = Path::new(path).file_name()?.to_str()?;
    Some((name.to_owned(), size.parse().ok()?, 0))
}

/// Two who send the same name at once do not meet before the end, and the last one wins.
fn store(to: &str, who: ConnId, (name, size, at, piece): Piece) -> io::Result<&'static str> {
    let partial = format!("{to}/.{}.{name}", who.0);
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).append(at > 0).truncate(at == 0);
    options.open(&partial)?.write_all(&piece)?;
    if at + (piece.len() as u64) < size {
        return Ok("");
    }
    fs::rename(partial, format!("{to}/{name}")).map(|()| "stored\n")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let directory = env::args().nth(2).unwrap_or_else(|| ".".to_owned());
    // What fails is not answered, which breaks the connection off.
    let disk = Blocking::new(4, move |who, piece| store(&directory, who, piece).ok());
    let serving = |address| println!("listening on {address}");
    let receiver = EachAlone::new(|| Receiving(None));
    println!("{}", run(address, receiver, disk, &Options::default(), serving)?);
    Ok(())
}
