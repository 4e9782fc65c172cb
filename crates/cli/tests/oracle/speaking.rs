//! Doing things: all requests are sent without waiting, and the answers are taken as they come.

use crate::model::Person;
use crate::shared::{Moment, Shared};
use bytes::Bytes;
use landline_client::{ClientError, Connection, Pending};
use landline_model::error::ErrorCode;
use landline_model::protocol::chat::{Do, Send, Sent};
use landline_model::room::Act;
use std::sync::Arc;

/// A request to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    /// Which deed.
    pub(crate) deed: usize,
    /// Where: which of the seed's rooms.
    pub(crate) room: usize,
    /// What.
    pub(crate) call: Do,
    /// By the short way that messages have.
    pub(crate) short: bool,
    /// The text beside it.
    pub(crate) text: Bytes,
}

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Which deed.
    pub(crate) deed: usize,
    /// The connection's number.
    pub(crate) connection: u64,
    /// When it was sent.
    pub(crate) sent: Moment,
    /// How many events its room had then, at least.
    pub(crate) known: u64,
    /// The answer; none: it was lost.
    pub(crate) answer: Option<Answer>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// When it came.
    pub(crate) came: Moment,
    /// The acknowledgement or the refusal.
    pub(crate) says: Result<Sent, (ErrorCode, String)>,
}

/// A connection on which somebody does things.
pub(crate) struct Speaker {
    /// Who.
    pub(crate) person: Person,
    /// No two have the same.
    pub(crate) number: u64,
    /// The connection.
    pub(crate) connection: Connection,
}

enum Waiting {
    Short(Pending<Send>),
    Long(Pending<Do>),
}

impl Speaker {
    /// Sends all, and takes the answers. With `hang_up`, only so many are sent, and no answer is waited for; the others
    /// were never sent, and are told as such: without an answer. Returns itself if its connection still lives.
    pub(crate) async fn does(
        self,
        shared: Arc<Shared>,
        requests: Vec<Request>,
        hang_up: Option<usize>,
    ) -> (Vec<Attempt>, Option<Self>) {
        let mut attempts = Vec::new();
        let mut waiting = Vec::new();
        let mut alive = true;
        for request in requests.iter().take(hang_up.unwrap_or(usize::MAX)) {
            attempts.push(Attempt {
                deed: request.deed,
                connection: self.number,
                known: shared.known(request.room),
                sent: shared.moment(),
                answer: None,
            });
            match self.start(request).await {
                Ok(pending) => waiting.push(pending),
                Err(error) => {
                    lost(&error);
                    alive = false;
                    break;
                }
            }
        }
        if hang_up.is_some() {
            return (attempts, None);
        }
        for (index, pending) in waiting.into_iter().enumerate() {
            match pending.finished().await {
                Ok(sent) => {
                    shared.acknowledged(requests[index].room, sent.sequence);
                    attempts[index].answer = Some(Answer {
                        came: shared.moment(),
                        says: Ok(sent),
                    });
                }
                Err(ClientError::Refused(refusal)) => {
                    attempts[index].answer = Some(Answer {
                        came: shared.moment(),
                        says: Err((refusal.code, refusal.message)),
                    });
                }
                Err(error) => {
                    lost(&error);
                    alive = false;
                }
            }
        }
        (attempts, alive.then_some(self))
    }

    async fn start(&self, request: &Request) -> Result<Waiting, ClientError> {
        if let (true, Act::Say { reply_to }) = (request.short, &request.call.act) {
            let call = Send {
                target: request.call.target.clone(),
                client_id: request.call.client_id,
                reply_to: *reply_to,
            };
            let pending = self.connection.start(&call, request.text.clone()).await?;
            return Ok(Waiting::Short(pending));
        }
        let pending = self.connection.start(&request.call, request.text.clone()).await?;
        Ok(Waiting::Long(pending))
    }
}

impl Waiting {
    async fn finished(self) -> Result<Sent, ClientError> {
        Ok(match self {
            Self::Short(pending) => pending.finished().await?.reply,
            Self::Long(pending) => pending.finished().await?.reply,
        })
    }
}

/// A hub may die; anything else it may not do.
fn lost(error: &ClientError) {
    assert!(matches!(error, ClientError::Lost { .. }), "{error}");
}
