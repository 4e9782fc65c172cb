//! Sending one file, with all that is needed to go on after the hub died.

use crate::content::{content, hash};
use crate::storm::answered;
use bytes::Bytes;
use landline_client::{Answer, ClientError, Connection};
use landline_model::blocks::{BLOCK_BYTES, hash_block};
use landline_model::error::ErrorCode;
use landline_model::id::UploadId;
use landline_model::path::RemotePath;
use landline_model::protocol::files::Attributes;
use landline_model::protocol::files::{PutBlock, PutFinish, PutOpen, PutOpened, Resume};

/// An upload, as far as it got.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) path: RemotePath,
    /// Of its content.
    pub(crate) number: u64,
    pub(crate) overwrite: bool,
    /// Once the hub has said it.
    pub(crate) id: Option<UploadId>,
    /// How many bytes the hub has said to have.
    journaled: u64,
    /// The end was asked for: the file may have appeared.
    pub(crate) finishing: bool,
}

/// What became of an upload that was gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoneOn {
    /// It was finished just now.
    Now,
    /// The hub knows no such upload any more: it was finished before the hub died.
    Before,
}

impl Upload {
    pub(crate) fn new(path: RemotePath, number: u64, overwrite: bool) -> Self {
        Self {
            path,
            number,
            overwrite,
            id: None,
            journaled: 0,
            finishing: false,
        }
    }

    /// Sends it, and calls `saw` with every acknowledgement; false: the hub died before that of the file.
    pub(crate) async fn put(&mut self, connection: &Connection, saw: impl Fn()) -> bool {
        let Some(opened) = answered(self.open(connection).await) else {
            return false;
        };
        assert_eq!((opened.reply.offset, opened.body.len()), (0, 0), "a new upload");
        self.id = Some(opened.reply.upload);
        saw();
        answered(self.send(connection, saw).await).is_some()
    }

    /// Takes up what was cut. The hub still has all that it said to have, and what it has is right.
    pub(crate) async fn go_on(&mut self, connection: &Connection) -> GoneOn {
        let opened = match self.open(connection).await {
            Ok(opened) => opened,
            Err(error) => {
                let gone = matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Exists));
                assert!(self.finishing && gone, "{:?}: {error}", self.path);
                return GoneOn::Before;
            }
        };
        let offset = opened.reply.offset;
        assert_eq!(Some(opened.reply.upload), self.id);
        assert!(offset >= self.journaled, "{offset} of {} bytes", self.journaled);
        let whole = content(self.number);
        let sent = &whole[..usize::try_from(offset).unwrap()];
        let proof = (0..)
            .zip(sent.chunks(BLOCK_BYTES))
            .map(|(index, block)| hash_block(index, block).chaining_value);
        assert_eq!(
            opened.body,
            proof.collect::<Vec<_>>().concat(),
            "the blocks' chaining values"
        );
        self.journaled = offset;
        self.send(connection, || ()).await.unwrap();
        GoneOn::Now
    }

    async fn open(&self, connection: &Connection) -> Result<Answer<PutOpened>, ClientError> {
        let call = PutOpen {
            path: self.path.clone(),
            size: content(self.number).len() as u64,
            overwrite: self.overwrite,
            attributes: Attributes::default(),
            source: None,
            resume: self.id.map(Resume::Upload),
        };
        connection.exchange(&call, Bytes::new()).await
    }

    /// The blocks that the hub does not have, and the end.
    async fn send(&mut self, connection: &Connection, saw: impl Fn()) -> Result<(), ClientError> {
        let upload = self.id.unwrap();
        let whole = Bytes::from(content(self.number));
        let first = self.journaled;
        let mut waiting = Vec::new();
        for offset in (self.journaled..whole.len() as u64).step_by(BLOCK_BYTES) {
            let begin = usize::try_from(offset).unwrap();
            let block = whole.slice(begin..whole.len().min(begin + BLOCK_BYTES));
            waiting.push(connection.start(&PutBlock { upload, offset }, block).await?);
        }
        for (number, block) in (1..).zip(waiting) {
            let journaled = block.finished().await?.reply.offset;
            // One sync may have served several of them.
            let least = (first + number * BLOCK_BYTES as u64).min(whole.len() as u64);
            assert!((least.max(self.journaled)..=whole.len() as u64).contains(&journaled));
            self.journaled = journaled;
            saw();
        }
        let (size, hash) = (whole.len() as u64, hash(&whole));
        self.finishing = true;
        let entry = connection.call(&PutFinish { upload, size, hash }).await?;
        assert_eq!((entry.size, entry.hash), (size, Some(hash)));
        saw();
        Ok(())
    }
}
