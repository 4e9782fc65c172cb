//! Listings, trees, copies and hashes on a native connection: what is answered in parts is sent as it comes.

use super::{Connection, Gone, arguments};
use crate::answer::{encode_answer, encode_part};
use crate::authorise::Identity;
use crate::files;
use crate::files::{Streamed, Streaming};
use bytes::Bytes;
use landline_model::error::Refusal;
use landline_model::path::RemotePath;
use landline_model::protocol::files::List;
use landline_model::protocol::trees::{Copy, HashFile, ListTree};
use landline_model::protocol::{Call as _, RequestHeader};
use serde::Serialize;

impl Connection {
    /// Answers a request about whole directories and trees; none: it is another one. The parts are sent here, the end of
    /// the answer is returned.
    pub(super) async fn tree(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
    ) -> Result<Option<Bytes>, Gone> {
        let id = header.id;
        let services = &self.services;
        Ok(Some(match &*header.name {
            List::NAME => {
                let answer = match arguments(header) {
                    Ok(call) => self.listing.list(services, who, call).await,
                    Err(refusal) => Err(refusal),
                };
                encode_answer(id, answer)
            }
            ListTree::NAME => match arguments::<ListTree>(header) {
                Ok(call) => {
                    let path = call.path.clone();
                    let tree = files::list_tree(services, who, call).await;
                    self.send_parts(id, Some(path), tree).await?
                }
                Err(refusal) => encode_answer::<()>(id, Err(refusal)),
            },
            HashFile::NAME => match arguments::<HashFile>(header) {
                Ok(call) => {
                    let path = call.path.clone();
                    let hashing = files::hash_file(services, who, call).await;
                    self.send_parts(id, Some(path), hashing).await?
                }
                Err(refusal) => encode_answer::<()>(id, Err(refusal)),
            },
            Copy::NAME => match arguments::<Copy>(header) {
                Ok(call) => {
                    let copying = files::copy(services, who, call).await;
                    self.send_parts(id, None, copying).await?
                }
                Err(refusal) => encode_answer::<()>(id, Err(refusal)),
            },
            _ => return Ok(None),
        }))
    }

    /// Sends the parts of an answer, as long as what stands at `path` may be read.
    async fn send_parts<P, R>(
        &mut self,
        id: u64,
        path: Option<RemotePath>,
        mut streaming: Streaming<P, R>,
    ) -> Result<Bytes, Gone>
    where
        P: Serialize + Send + 'static,
        R: Serialize + Send + 'static,
    {
        loop {
            let next = streaming.next().await;
            // Whoever is put out of the room, or loses the role, gets nothing more.
            if let Some(path) = &path
                && let Err(refusal) = self.may_still_read(path)
            {
                return Ok(encode_answer::<()>(id, Err(refusal)));
            }
            match next {
                Streamed::Part(part, body) => {
                    encode_part(id, part, &body, &mut self.output);
                    self.flush().await?;
                }
                Streamed::End(end) => return Ok(encode_answer(id, end.map(Into::into))),
            }
        }
    }

    fn may_still_read(&self, path: &RemotePath) -> Result<(), Refusal> {
        let who = self.session.identity(|account| self.services.role(account))?;
        files::still_readable(&self.services, &who, path)
    }
}
