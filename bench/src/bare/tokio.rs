//! What somebody writes with tokio, following its own example.

use super::say_listening;
use anyhow::Result;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes one read takes; each connection has so many.
const BUFFER_BYTES: usize = 4096;

/// Echoes, all on this thread.
pub(super) fn serve() -> Result<Infallible> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say_listening(listener.local_addr()?)?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(echo(connection));
        }
    })
}

/// Until the peer has finished, or is gone.
async fn echo(mut connection: TcpStream) {
    // As everybody here does whose messages are written whole.
    if connection.set_nodelay(true).is_err() {
        return;
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count @ 1..) = connection.read(&mut buffer).await {
        if connection.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
