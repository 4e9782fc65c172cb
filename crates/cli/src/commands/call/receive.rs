//! The client of `receive`: sends a file, or fetches one.

use super::Call;
use crate::context::Usage;
use anyhow::{Context as _, Result, bail};
use landline_sockets::engine::protocol::{ConnId, FileSlice};
use landline_sockets::files::{FileWorker, content_md5, open_content};
use landline_sockets::services::receive::{FileName, Note, PutHeader, ReceiveClient, ReceiveEvent};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

impl Call {
    pub(super) fn receive(&self, address: SocketAddr) -> Result<()> {
        match (&self.get, &self.arguments[..]) {
            (Some(name), []) => self.get(address, name),
            (None, [path]) => self.put(address, Path::new(path)),
            _ => Err(Usage::new(
                "receive wants one file to send, or --get NAME",
                "landline textbook call receive HOST:PORT FILE",
            )
            .into()),
        }
    }

    fn put(&self, address: SocketAddr, path: &Path) -> Result<()> {
        let (file, length) =
            open_content(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = FileName::base_of(&path.to_string_lossy())?;
        let header = if self.header == "b" {
            let md5 = content_md5(&file, length);
            PutHeader::B(md5.with_context(|| format!("{} cannot be read", path.display()))?)
        } else {
            PutHeader::A
        };
        let slice = FileSlice {
            file: Arc::new(file),
            offset: 0,
            length,
        };
        let client = ReceiveClient::put(&name, header, slice)?;
        let mut failure = None;
        self.tell(address, client, |event, _| {
            if let ReceiveEvent::Note(note) = event {
                failure = Some(note);
            }
        })?;
        failure.map_or(Ok(()), |note| bail!("{note}"))
    }

    fn get(&self, address: SocketAddr, name: &str) -> Result<()> {
        let client = ReceiveClient::get(FileName::base_of(name)?)?;
        let worker = FileWorker::open(&self.dir)
            .with_context(|| format!("the directory {} cannot be used", self.dir.display()))?;
        let mut last: Option<Note> = None;
        self.ask(address, client, |event, handle| match event {
            ReceiveEvent::HeaderBegun => {}
            ReceiveEvent::Note(note) => last = Some(note),
            ReceiveEvent::Work(work) => {
                let handle = handle.clone();
                worker.submit(ConnId(0), work, move |answer| handle.answer(answer));
            }
        })?;
        match last {
            Some(note) if note.is_success() => Ok(()),
            Some(note) => bail!("{note}"),
            None => bail!("{address} ended before it had answered"),
        }
    }
}
