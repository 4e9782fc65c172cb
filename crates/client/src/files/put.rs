//! Sending one file: read once, hashed on the way, several blocks under way at a time; and going on with what the hub
//! has of it already, after whatever end.

use super::link::Link;
use super::reading::Reading;
use super::small::{SMALL_MAX, SmallFile, put_small};
use super::window::Window;
use super::{Direction, FilesError, Phase, Progress, Source, Transfer, blocking};
use crate::{Answer, ClientError, Connection};
use bytes::Bytes;
use landline_model::blocks::{BLOCK_BYTES, FileHash};
use landline_model::error::ErrorCode;
use landline_model::hash::Hash;
use landline_model::id::UploadId;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{
    Entry, PutAbort, PutFinish, PutOpen, PutOpened, PutValues, Resume, Stat,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Blocks that are read and hashed but not yet sent.
const READ_AHEAD_BLOCKS: usize = 4;

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOptions {
    /// Whether it takes the place of a file that is there.
    pub overwrite: bool,
    /// Whether it goes on with what the hub has of it already.
    pub resume: bool,
}

/// As [`put_over`], over this connection alone.
///
/// # Errors
/// As [`put_over`].
pub async fn put(
    connection: &Connection,
    source: Source,
    path: &RemotePath,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    let options = PutOptions {
        overwrite,
        resume: true,
    };
    let link = Link::new(connection.clone(), None);
    put_over(&link, source, path, options, progress).await
}

/// Sends a file, a small one in one message. It appears at the hub once all of it is there and right; what stood there
/// stays until then. When the link is lost, or this is dropped, the hub keeps what it has of a large file, and the next
/// call goes on with it; where the source has changed or the hub refuses, the upload is given up.
///
/// # Errors
/// Any [`FilesError`] but `Mismatch` and `Path`.
pub async fn put_over(
    link: &Link,
    source: Source,
    path: &RemotePath,
    options: PutOptions,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    if source.size() > SMALL_MAX {
        return put_blocks(link, source, path, options, progress).await;
    }
    let file = blocking(move || SmallFile::read(source)).await?;
    let mut outage = None;
    loop {
        match put_small(&link.connection(), &file, path, options.overwrite, progress).await {
            // What was sent may have arrived: then it is the same file again, and nothing is lost by it.
            Err(FilesError::Hub(why)) if is_passing(&why) => link.reconnect(&mut outage, why).await?,
            result => return result,
        }
    }
}

/// As [`put_over`], block by block.
pub(super) async fn put_blocks(
    link: &Link,
    source: Source,
    path: &RemotePath,
    options: PutOptions,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    let (size, local) = (source.size(), source.path().to_owned());
    let (name, attributes) = (source.name(), source.attributes());
    let named = name.clone();
    let reading = Arc::new(blocking(move || Ok(Reading::new(source, &named))).await?);
    let mut sending = Sending {
        open: PutOpen {
            path: path.clone(),
            size,
            overwrite: options.overwrite,
            attributes,
            source: Some(name),
            resume: Some(Resume::Source(true)),
        },
        reading,
        local,
        progress,
        goes_on: options.resume,
        told: AtomicU64::new(0),
        finishing: None,
    };
    sending.progress.begins(&sending.transfer());
    let mut outage = None;
    loop {
        let before = sending.told.load(Ordering::Relaxed);
        let error = match sending.attempt(&link.connection()).await {
            Ok(entry) => {
                sending.reading.forget();
                sending.progress.done(&sending.transfer());
                return Ok(entry);
            }
            Err(error) => error,
        };
        let FilesError::Hub(why) = error else {
            return Err(error);
        };
        if !is_passing(&why) {
            return Err(why.into());
        }
        if sending.told.load(Ordering::Relaxed) > before {
            // It is another outage.
            outage = None;
        }
        // From now on there is something of our own to go on with.
        sending.goes_on = true;
        progress.phase(Phase::Waiting);
        link.reconnect(&mut outage, why).await?;
    }
}

struct Sending<'a> {
    open: PutOpen,
    reading: Arc<Reading>,
    local: PathBuf,
    progress: &'a dyn Progress,
    /// Whether what the hub has already counts.
    goes_on: bool,
    /// How many bytes were told to be safe.
    told: AtomicU64,
    /// The hash, once the hub was asked to publish.
    finishing: Option<Hash>,
}

impl Sending<'_> {
    fn transfer(&self) -> Transfer<'_> {
        Transfer {
            direction: Direction::Put,
            local: &self.local,
            remote: &self.open.path,
            size: self.open.size,
        }
    }

    /// Sends what the hub does not have.
    async fn attempt(&mut self, connection: &Connection) -> Result<Entry, FilesError> {
        if let Some(entry) = self.published(connection).await? {
            return Ok(entry);
        }
        let (upload, hash) = self.begin(connection).await?;
        let offset = hash
            .blocks()
            .saturating_mul(BLOCK_BYTES as u64)
            .min(self.open.size);
        self.tell(offset);
        self.progress.phase(Phase::Sending);
        match self.send(connection, upload, offset, hash).await {
            Err(error) if gives_up(&error) => Err(self.give_up(connection, upload, error).await),
            result => result,
        }
    }

    /// The file, where the hub was asked to publish it, did, and its answer was lost.
    async fn published(&self, connection: &Connection) -> Result<Option<Entry>, FilesError> {
        let Some(hash) = self.finishing else {
            return Ok(None);
        };
        let stat = Stat {
            path: self.open.path.clone(),
        };
        match connection.call(&stat).await {
            Ok(entry) => Ok((entry.hash == Some(hash) && entry.size == self.open.size).then_some(entry)),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the upload, and proves what the hub has of it; where that is not the same, it is given up for another one.
    async fn begin(&self, connection: &Connection) -> Result<(UploadId, FileHash), FilesError> {
        let opened = connection.exchange(&self.open, Bytes::new()).await?;
        let upload = opened.reply.upload;
        if opened.reply.offset == 0 {
            return Ok((upload, FileHash::default()));
        }
        if self.goes_on {
            self.progress.phase(Phase::Checking);
            match self.proven(connection, opened).await {
                Ok(Some(hash)) => return Ok((upload, hash)),
                Ok(None) => {}
                Err(error) if gives_up(&error) => return Err(self.give_up(connection, upload, error).await),
                Err(error) => return Err(error),
            }
        }
        connection.call(&PutAbort { upload }).await?;
        let anew = PutOpen {
            resume: None,
            ..self.open.clone()
        };
        match connection.call(&anew).await? {
            PutOpened { upload, offset: 0 } => Ok((upload, FileHash::default())),
            _ => Err(self.nonsense("a new upload that does not begin at its beginning")),
        }
    }

    /// The hash of what the hub has, if that is what the source has; in pages.
    async fn proven(
        &self,
        connection: &Connection,
        Answer {
            reply: PutOpened { upload, offset },
            mut body,
        }: Answer<PutOpened>,
    ) -> Result<Option<FileHash>, FilesError> {
        let count = offset.div_ceil(BLOCK_BYTES as u64);
        let is_whole = offset == self.open.size || offset.is_multiple_of(BLOCK_BYTES as u64);
        if offset > self.open.size || !is_whole {
            return Err(self.nonsense("an upload that goes on where no block begins"));
        }
        let mut hash = FileHash::default();
        loop {
            let (values, rest) = body.as_chunks::<32>();
            let left = count - hash.blocks();
            if !rest.is_empty() || values.is_empty() || values.len() as u64 > left {
                return Err(self.nonsense("another number of chaining values than blocks"));
            }
            let (values, reading) = (values.to_vec(), Arc::clone(&self.reading));
            let (proven, so_far) = blocking(move || {
                let proven = reading.proves(&mut hash, &values)?;
                Ok((proven, hash))
            })
            .await?;
            hash = so_far;
            if !proven {
                return Ok(None);
            }
            if hash.blocks() == count {
                return Ok(Some(hash));
            }
            let next = PutValues {
                upload,
                first: hash.blocks(),
            };
            body = connection.exchange(&next, Bytes::new()).await?.body;
        }
    }

    async fn send(
        &mut self,
        connection: &Connection,
        upload: UploadId,
        offset: u64,
        hash: FileHash,
    ) -> Result<Entry, FilesError> {
        let path = self.open.path.clone();
        let (blocks, mut queue) = mpsc::channel(READ_AHEAD_BLOCKS);
        let reading = Arc::clone(&self.reading);
        let reader = tokio::spawn(blocking(move || reading.read(hash, &blocks)));
        let mut window = Window::new(connection, &path, upload, offset);
        while let Some(block) = queue.recv().await {
            window.send(block).await?;
            self.tell(window.journaled());
        }
        // The reader ends before the last blocks are acknowledged; where the file changed, they are not waited for.
        let hash = reader.await.map_err(|_| FilesError::Stopped)??;
        while window.acknowledged().await? {
            self.tell(window.journaled());
        }
        self.finishing = Some(hash);
        let finish = PutFinish {
            upload,
            size: window.sent(),
            hash,
        };
        Ok(connection.call(&finish).await?)
    }

    /// So many bytes are safe; what was told before is not told again.
    fn tell(&self, safe: u64) {
        let told = self.told.fetch_max(safe, Ordering::Relaxed);
        if safe > told {
            self.progress.moved(safe - told);
        }
    }

    async fn give_up(&self, connection: &Connection, upload: UploadId, why: FilesError) -> FilesError {
        // Where the hub cannot be told, it finds out by itself when the upload's time is over.
        let _ = connection.call(&PutAbort { upload }).await;
        self.reading.forget();
        why
    }

    fn nonsense(&self, what: &'static str) -> FilesError {
        FilesError::Protocol {
            path: self.open.path.clone(),
            what,
        }
    }
}

/// Whether nothing is to be gained by going on with the same upload later.
fn gives_up(error: &FilesError) -> bool {
    match error {
        FilesError::SourceChanged { .. } | FilesError::Protocol { .. } => true,
        // Somebody else goes on with it, or the session ended.
        FilesError::Hub(error) => error.code().is_some_and(|code| {
            !matches!(
                code,
                ErrorCode::Conflict | ErrorCode::Busy | ErrorCode::Stopping | ErrorCode::Unauthenticated
            )
        }),
        _ => false,
    }
}

fn is_passing(error: &ClientError) -> bool {
    super::retry::is_passing(error)
}
