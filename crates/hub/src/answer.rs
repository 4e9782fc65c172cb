//! What a request's handler gives back, and how it becomes a frame.

use bytes::{Bytes, BytesMut};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::{OutgoingEvent, OutgoingReply};
use serde::Serialize;

/// A reply with its body.
#[derive(Debug)]
pub(crate) struct Answer<R> {
    pub(crate) reply: R,
    pub(crate) body: Bytes,
}

/// What a handler gives back.
pub(crate) type Answered<R> = Result<Answer<R>, Refusal>;

impl<R> From<R> for Answer<R> {
    fn from(reply: R) -> Self {
        Self {
            reply,
            body: Bytes::new(),
        }
    }
}

/// The frame that answers request `id`.
pub(crate) fn encode_answer<R: Serialize>(id: u64, answer: Answered<R>) -> Bytes {
    match answer {
        Ok(Answer { reply, body }) => encode(&OutgoingReply::Ok { id, ok: reply }, &body, id),
        Err(refusal) => encode_refusal(id, refusal),
    }
}

/// The frame that refuses request `id`.
pub(crate) fn encode_refusal(id: u64, error: Refusal) -> Bytes {
    encode(&OutgoingReply::<()>::Error { id, error }, &[], id)
}

/// The frame of a piece of the answer to request `id`, appended to `out`.
pub(crate) fn encode_part<P: Serialize>(id: u64, part: P, body: &[u8], out: &mut BytesMut) {
    if let Err(error) = landline_wire::encode(&OutgoingReply::Part { id, part }, body, out) {
        tracing::error!(%error, "a piece of an answer cannot be sent");
    }
}

/// The frame of a piece of the answer to request `id` without its body of so many bytes, appended to `out`.
pub(crate) fn encode_part_header<P: Serialize>(id: u64, part: P, body: usize, out: &mut BytesMut) {
    if let Err(error) = landline_wire::encode_head(&OutgoingReply::Part { id, part }, body, out) {
        tracing::error!(%error, "a piece of an answer cannot be sent");
    }
}

/// The frame of an event.
pub(crate) fn encode_event<E: Serialize>(event: &'static str, args: &E, body: &[u8]) -> Bytes {
    encode(&OutgoingEvent { event, args }, body, 0)
}

/// Our own messages always fit; should one not, the peer hears so instead of nothing.
fn encode(header: &impl Serialize, body: &[u8], id: u64) -> Bytes {
    let mut out = BytesMut::new();
    if let Err(error) = landline_wire::encode(header, body, &mut out) {
        tracing::error!(%error, "an answer cannot be sent");
        let refusal = Refusal::new(
            ErrorCode::Internal,
            "the answer cannot be sent; the hub's log says why",
        );
        // This one is short and plain: it cannot fail for the same reasons.
        let _ = landline_wire::encode(&OutgoingReply::<()>::Error { id, error: refusal }, &[], &mut out);
    }
    out.freeze()
}

/// JSON lines for a listing's body, as many as fit into a page. The answer is how many that were.
pub(crate) fn json_lines<T: Serialize>(items: &[T], bytes_max: usize) -> Result<(Bytes, usize), Refusal> {
    let mut body = Vec::new();
    let mut count = 0;
    for item in items {
        let begin = body.len();
        json_line(item, &mut body)?;
        if body.len() > bytes_max && count > 0 {
            body.truncate(begin);
            break;
        }
        count += 1;
    }
    Ok((body.into(), count))
}

/// As [`json_lines`], but where not all fit it is the first ones that are left out.
pub(crate) fn last_json_lines<T: Serialize>(items: &[T], bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    for item in items.iter().rev() {
        let mut line = Vec::new();
        json_line(item, &mut line)?;
        bytes += line.len();
        if bytes > bytes_max && !lines.is_empty() {
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    Ok(lines.concat().into())
}

fn json_line(item: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    serde_json::to_writer(&mut *out, item).map_err(|error| {
        tracing::error!(%error, "an entry of a listing cannot be written");
        Refusal::new(
            ErrorCode::Internal,
            "the listing cannot be sent; the hub's log says why",
        )
    })?;
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_least_one_entry_and_no_more_than_fit() {
        let items = [111, 222, 333];
        for (bytes_max, first, last) in [
            (0, "111\n", "333\n"),
            (8, "111\n222\n", "222\n333\n"),
            (12, "111\n222\n333\n", "111\n222\n333\n"),
        ] {
            let (body, count) = json_lines(&items, bytes_max).unwrap();
            assert_eq!((&body[..], count), (first.as_bytes(), first.len() / 4));
            assert_eq!(last_json_lines(&items, bytes_max).unwrap(), last);
        }
    }
}
