//! The texts that people bring with what they do. What else may stand in an act is the store's to say.

use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::TEXT_MAX;
use landline_model::room::{Act, TOPIC_MAX};

/// The text of an act that has one; empty for the others.
pub(super) fn text_of<W>(act: &Act<W>, body: &Bytes) -> Result<String, Refusal> {
    let (what, max) = match act {
        Act::Say { .. } | Act::Edit { .. } if body.is_empty() => {
            return Err(bad_request("the message is empty"));
        }
        Act::Say { .. } | Act::Edit { .. } => ("the message", TEXT_MAX),
        Act::Topic {} => ("the topic", TOPIC_MAX),
        _ if body.is_empty() => return Ok(String::new()),
        _ => return Err(bad_request("this is done without a text")),
    };
    if body.len() > max {
        let message = format!("{what} has {} bytes; at most {max} are allowed", body.len());
        return Err(Refusal::new(ErrorCode::TooLarge, message)
            .with_hint("put it into a file: landline put FILE :/rooms/NAME/"));
    }
    match std::str::from_utf8(body) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(bad_request(&format!("{what} is not UTF-8 text"))),
    }
}

fn bad_request(message: &str) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Named = Act<u8>;

    #[test]
    fn texts_stand_where_they_belong_and_within_their_limits() {
        use ErrorCode::{BadRequest, TooLarge};
        let of = |act: &Named, text: &[u8]| {
            let text = text_of(act, &Bytes::copy_from_slice(text));
            text.err().map(|refusal| refusal.code)
        };
        let say = || Named::Say { reply_to: None };
        for (act, text, expected) in [
            (say(), &b"x"[..], None),
            (say(), b"", Some(BadRequest)),
            (say(), b"\xff", Some(BadRequest)),
            (say(), &[b'x'; TEXT_MAX], None),
            (say(), &[b'x'; TEXT_MAX + 1], Some(TooLarge)),
            (Named::Edit { message: 1 }, b"", Some(BadRequest)),
            (Named::Topic {}, b"", None),
            (Named::Topic {}, &[b'x'; TOPIC_MAX], None),
            (Named::Topic {}, &[b'x'; TOPIC_MAX + 1], Some(TooLarge)),
            (Named::Topic {}, b"\xff", Some(BadRequest)),
            (Named::Join {}, b"", None),
            (Named::Join {}, b"x", Some(BadRequest)),
        ] {
            assert_eq!(of(&act, text), expected, "{act:?}, {} bytes", text.len());
        }
    }
}
