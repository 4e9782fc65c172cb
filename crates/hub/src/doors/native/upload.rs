//! Blocks of uploads on a native connection: while one is received, those before it are hashed and written, and those
//! before them are synced.
//!
//! A connection hands each whole block on and reads the next. One job appends what has arrived, as many blocks at once as
//! there are; another one makes durable what was appended, with one sync for all of it, and answers. Jobs end when they
//! find nothing to do. What has arrived whole is written and journaled even where the connection is gone by then. A
//! request of another kind waits for the blocks before it, since it may rest on them.

use super::{Connection, answered, arguments};
use crate::answer::{Answer, encode_answer, encode_refusal};
use crate::authorise::Identity;
use crate::files::{underway, upload};
use crate::outbox::Outbox;
use crate::refusals::from_files;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::UploadId;
use landline_model::protocol::files::{
    PutAbort, PutBlock, PutFinish, PutJournaled, PutOpen, PutOpened, PutValues,
};
use landline_model::protocol::{Call as _, RequestHeader};
use landline_store::files::{Appended, BATCH_MAX, Turn, UPLOADS_MAX};
use landline_wire::Frame;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many blocks of one connection, of at most 1 MiB each, may be under way; beyond it nothing more is read.
const BLOCKS_IN_FLIGHT: usize = 16;

/// The blocks of one connection.
pub(super) struct Blocks {
    pipeline: Arc<Pipeline>,
    room: Arc<Semaphore>,
    /// The turns of the uploads that were opened here.
    turns: BTreeMap<UploadId, Turn>,
}

/// What the jobs of one connection share.
struct Pipeline {
    services: Arc<Services>,
    outbox: Arc<Outbox>,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    /// Received, and not yet written.
    arrived: VecDeque<Arrived>,
    /// Written, and not yet durable.
    appended: VecDeque<(Appended, Vec<Asked>)>,
    /// Whether a job looks after each.
    is_appending: bool,
    is_syncing: bool,
}

/// A block, and the request that brought it.
struct Arrived {
    who: Identity,
    call: PutBlock,
    turn: Option<Turn>,
    body: Bytes,
    asked: Asked,
}

/// A request, its place among those in flight, and its block's room and place among those under way.
struct Asked {
    id: u64,
    place: OwnedSemaphorePermit,
    room: OwnedSemaphorePermit,
    underway: underway::Block,
}

impl Connection {
    /// Answers the requests of uploads; none: it is not one of them. An empty answer comes later, through the outbox.
    pub(super) async fn upload(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
        body: &Bytes,
    ) -> Option<Bytes> {
        let id = header.id;
        let services = Arc::clone(&self.services);
        Some(match &*header.name {
            PutBlock::NAME => self
                .take_block(who, header, body)
                .map_or_else(|refusal| encode_refusal(id, refusal), |()| Bytes::new()),
            PutOpen::NAME => answered(id, self.open_upload(who, header)).await,
            PutValues::NAME => {
                answered(id, async {
                    upload::put_values(&services, who, arguments(header)?).await
                })
                .await
            }
            PutFinish::NAME => {
                answered(id, async {
                    let call: PutFinish = arguments(header)?;
                    let finished = upload::put_finish(&services, who, call).await;
                    if finished.is_ok() {
                        self.blocks.turns.remove(&call.upload);
                    }
                    finished
                })
                .await
            }
            PutAbort::NAME => {
                answered(id, async {
                    let call: PutAbort = arguments(header)?;
                    self.blocks.turns.remove(&call.upload);
                    upload::put_abort(&services, who, call).await
                })
                .await
            }
            _ => return None,
        })
    }

    /// Takes the whole blocks that have arrived on a link on which nothing can be sent any more.
    pub(super) async fn take_what_arrived(&mut self) {
        while let Some(Frame { header, body }) = self.next_frame().await {
            let Ok(header) = serde_json::from_slice::<RequestHeader<'_>>(&header) else {
                return;
            };
            let who = self.session.identity(|account| self.services.role(account));
            let Some(who) = who.ok().filter(|_| header.name == PutBlock::NAME) else {
                return;
            };
            if self.blocks.is_full() || self.in_flight.available_permits() == 0 {
                self.blocks.settled().await;
            }
            // Nobody is left to be told.
            let _ = self.take_block(&who, &header, &body);
        }
    }

    /// The next whole message, as long as there is anything to read.
    async fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.input).ok()? {
                return Some(frame);
            }
            self.make_room_for_reading();
            if self.stream.read_buf(&mut self.input).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn open_upload(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
    ) -> Result<Answer<PutOpened>, Refusal> {
        let (answer, turn) = upload::put_open(&self.services, who, arguments(header)?).await?;
        let turns = &mut self.blocks.turns;
        // An account has no more uploads than that; what is over by now, or another's, makes room.
        while turns.len() as u64 >= UPLOADS_MAX && turns.pop_first().is_some() {}
        turns.insert(answer.reply.upload, turn);
        Ok(answer)
    }

    fn take_block(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
        body: &Bytes,
    ) -> Result<(), Refusal> {
        let call: PutBlock = arguments(header)?;
        let place = self.permit()?;
        // There is room: nothing is read while there is none.
        let room = Arc::clone(&self.blocks.room).try_acquire_owned();
        let room = room.map_err(|_| Refusal::new(ErrorCode::Busy, "too many blocks are under way"))?;
        let upload = call.upload;
        self.blocks.pipeline.push(Arrived {
            who: *who,
            turn: self.blocks.turns.get(&upload).copied(),
            call,
            body: body.clone(),
            asked: Asked {
                id: header.id,
                place,
                room,
                underway: self.services.underway.enter(upload),
            },
        });
        Ok(())
    }
}

impl Blocks {
    pub(super) fn new(services: &Arc<Services>, outbox: &Arc<Outbox>) -> Self {
        Self {
            pipeline: Arc::new(Pipeline {
                services: Arc::clone(services),
                outbox: Arc::clone(outbox),
                queues: Mutex::default(),
            }),
            room: Arc::new(Semaphore::new(BLOCKS_IN_FLIGHT)),
            turns: BTreeMap::new(),
        }
    }

    /// Whether no further block may be read.
    pub(super) fn is_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// Returns when all blocks that have arrived are durable or refused.
    pub(super) async fn settled(&self) {
        // The semaphore is never closed.
        let _ = self
            .room
            .acquire_many(u32::try_from(BLOCKS_IN_FLIGHT).unwrap_or(u32::MAX))
            .await;
    }
}

impl Pipeline {
    fn push(self: &Arc<Self>, block: Arrived) {
        let mut queues = self.lock();
        queues.arrived.push_back(block);
        if !std::mem::replace(&mut queues.is_appending, true) {
            let pipeline = Arc::clone(self);
            tokio::task::spawn_blocking(move || pipeline.append_all());
        }
    }

    fn append_all(self: &Arc<Self>) {
        while let Some(blocks) = self.next_blocks() {
            self.append(blocks);
        }
    }

    /// The next blocks that can be written at once; where there are none, the job is over.
    fn next_blocks(&self) -> Option<Vec<Arrived>> {
        let mut queues = self.lock();
        let mut blocks: Vec<Arrived> = Vec::new();
        while blocks.len() < BATCH_MAX
            && let Some(next) = queues.arrived.front()
            && blocks.last().is_none_or(|last| last.is_followed_by(next))
        {
            blocks.extend(queues.arrived.pop_front());
        }
        queues.is_appending = !blocks.is_empty();
        queues.is_appending.then_some(blocks)
    }

    fn append(self: &Arc<Self>, blocks: Vec<Arrived>) {
        let Some(Arrived { who, call, turn, .. }) = blocks.first() else {
            return;
        };
        let (who, call, turn) = (*who, *call, *turn);
        let (bodies, asked): (Vec<_>, Vec<_>) =
            blocks.into_iter().map(|block| (block.body, block.asked)).unzip();
        match upload::append(&self.services, &who, call.upload, turn, call.offset, &bodies) {
            Ok(appended) => self.sync_later(appended, asked),
            Err(refusal) if bodies.len() < 2 => self.refuse(asked, &refusal),
            // One of them is bad: each is answered for itself.
            Err(_) => {
                let mut offset = call.offset;
                for (body, asked) in bodies.into_iter().zip(asked) {
                    let length = body.len() as u64;
                    match upload::append(&self.services, &who, call.upload, turn, offset, &[body]) {
                        Ok(appended) => self.sync_later(appended, vec![asked]),
                        Err(refusal) => self.refuse(vec![asked], &refusal),
                    }
                    offset = offset.saturating_add(length);
                }
            }
        }
    }

    /// Leaves the sync to another job while there is more to write; else it is done here.
    fn sync_later(self: &Arc<Self>, appended: Appended, asked: Vec<Asked>) {
        let mut queues = self.lock();
        queues.appended.push_back((appended, asked));
        if std::mem::replace(&mut queues.is_syncing, true) {
            return;
        }
        if queues.arrived.is_empty() {
            drop(queues);
            self.sync_all();
        } else {
            let pipeline = Arc::clone(self);
            tokio::task::spawn_blocking(move || pipeline.sync_all());
        }
    }

    fn sync_all(&self) {
        while let Some((appended, asked)) = self.next_appended() {
            match self.services.files.make_durable(&appended) {
                Ok(offset) => self.answer(asked, |id| encode_answer(id, Ok(PutJournaled { offset }.into()))),
                Err(error) => self.refuse(asked, &from_files(&error)),
            }
        }
    }

    fn next_appended(&self) -> Option<(Appended, Vec<Asked>)> {
        let mut queues = self.lock();
        let next = queues.appended.pop_front();
        queues.is_syncing = next.is_some();
        next
    }

    fn refuse(&self, asked: Vec<Asked>, refusal: &Refusal) {
        self.answer(asked, |id| encode_refusal(id, refusal.clone()));
    }

    fn answer(&self, asked: Vec<Asked>, encode: impl Fn(u64) -> Bytes) {
        self.outbox.put_all(asked.into_iter().map(|asked| {
            // Whoever is woken finds the room.
            drop((asked.room, asked.underway));
            (encode(asked.id), asked.place)
        }));
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // It is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrived {
    /// Whether the other one is the same upload's next block, by the same person.
    fn is_followed_by(&self, other: &Self) -> bool {
        let end = self.call.offset.checked_add(self.body.len() as u64);
        (self.call.upload, self.turn, self.who) == (other.call.upload, other.turn, other.who)
            && end == Some(other.call.offset)
    }
}
