//! Waits for a socket and for the keyboard at once, with `select`: what is typed goes to the peer, what the peer says
//! comes to the screen. `select_sockets_and_stdin HOST:PORT`

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;

use landline_engine::selector::{Interest, Select, Selector as _};

const KEYBOARD: u64 = 0;
const SOCKET: u64 = 1;

fn main() -> io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9999".to_owned());
    let mut socket = TcpStream::connect(address)?;
    // Not through io::stdin: bytes that wait in its buffer are none that select could tell of.
    let mut keyboard = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut selector = Select::new();
    selector.add(keyboard.as_fd(), KEYBOARD, Interest::READ)?;
    selector.add(socket.as_fd(), SOCKET, Interest::READ)?;
    let mut ready = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        selector.wait(&mut ready, None)?;
        for news in &ready {
            match news.token {
                KEYBOARD => match keyboard.read(&mut buffer)? {
                    0 => {
                        selector.remove(keyboard.as_fd())?;
                        // The peer may still have much to say.
                        socket.shutdown(Shutdown::Write)?;
                    }
                    count => socket.write_all(&buffer[..count])?,
                },
                _ => match socket.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => io::stdout().write_all(&buffer[..count])?,
                },
            }
        }
        io::stdout().flush()?;
    }
}
