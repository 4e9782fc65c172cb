//! `landline send`: says one thing to a room or a person.

use crate::context::{Context, heads};
use crate::report::note;
use crate::{json, show};
use anyhow::{Result, bail};
use bytes::Bytes;
use landline_client::chat::fresh_client_id;
use landline_client::doubt::{Doubt, PATIENCE};
use landline_client::{Answer, ClientError, Hub};
use landline_model::event::TEXT_MAX;
use landline_model::protocol::{Call, chat};
use landline_model::target::Target;
use serde::Serialize;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

/// Say one thing to a room or a person.
///
/// When this command has succeeded, the message is on the hub's disk.
#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// #room or @person.
    target: Target,
    /// What to say, or `-` to read it from standard input.
    #[arg(value_name = "TEXT|-", allow_hyphen_values = true)]
    text: String,
    /// The number of the message that it replies to; `landline history TARGET` shows numbers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    reply: Option<u64>,
    /// JSON: an object with `room`, `seq`, `time` and `id`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    room: &'a Target,
    seq: u64,
    time: String,
    /// The client id: what the message is called for ever.
    id: String,
}

impl Send {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let text = if self.text == "-" {
            read_input()?
        } else {
            self.text.into_bytes()
        };
        if text.len() > TEXT_MAX {
            bail!("the message has more than {TEXT_MAX} bytes; put it into a file: landline put FILE :PATH");
        }
        let hub = context.hub()?;
        let mut heads = heads(&hub)?;
        let call = chat::Send {
            target: self.target,
            client_id: fresh_client_id(),
            reply_to: self.reply,
        };
        let doubt = format!(
            "the message may have been said or not: landline history {} shows",
            call.target
        );
        let sent = until_answered(&hub, &call, &Bytes::from(text), &doubt)
            .await?
            .reply;
        let mut output = std::io::stdout().lock();
        if self.json {
            let (time, id) = (show::rfc3339(sent.time), call.client_id.to_string());
            writeln!(
                output,
                "{}",
                json::line(&Line {
                    room: &call.target,
                    seq: sent.sequence,
                    time,
                    id
                })?
            )?;
        } else if !context.quiet {
            writeln!(output, "{} {}", call.target, sent.sequence)?;
        }
        // The message is there all the same; that the log is not what it was is what the user has to know.
        if sent.private {
            heads.note_private(sent.room, &call.target);
        }
        heads.observe(sent.room, &sent.head).map_err(ClientError::from)?;
        heads.save()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks until there is an answer. Where the connection is lost before that, it may have been done or not: it is asked
/// again, and the client id keeps a second time from becoming a second event. `told` tells the user what to look at
/// where no answer comes.
pub(super) async fn until_answered<C: Call>(
    hub: &Hub,
    call: &C,
    body: &Bytes,
    told: &str,
) -> Result<Answer<C::Reply>, ClientError> {
    let mut doubt = Doubt::new(PATIENCE);
    loop {
        let error = match landline_client::connect(hub).await {
            Ok(connection) => match connection.exchange(call, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    doubt.asked(&error);
                    error
                }
            },
            Err(error) => error,
        };
        if let Err(error) = doubt.ask_again_after(error).await {
            if doubt.is_there() {
                note(told);
            }
            return Err(error);
        }
    }
}

fn read_input() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    // One byte more than is allowed, and the newline at the end that is not part of the message.
    std::io::stdin()
        .lock()
        .take(TEXT_MAX as u64 + 2)
        .read_to_end(&mut text)?;
    if text.last() == Some(&b'\n') && text.len() <= TEXT_MAX + 1 {
        text.pop();
    }
    if std::str::from_utf8(&text).is_err() && text.len() <= TEXT_MAX {
        bail!("standard input is not UTF-8 text; put it into a file: landline put FILE :PATH");
    }
    Ok(text)
}
