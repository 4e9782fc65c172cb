//! The clients that have commands run, and the one that runs them.

use super::Call;
use super::shown::Shown;
use crate::context::Usage;
use anyhow::{Context as _, Result};
use landline_sockets::Encoding;
use landline_sockets::engine::inbox;
use landline_sockets::exec::{Cancel, Commands, Options, Supervisor};
use landline_sockets::services::exec::{ClientEvent, ExecClient, Form, Patience, ReverseClient};
use landline_sockets::textbook::Row;
use std::net::SocketAddr;

impl Call {
    pub(super) fn exec(&self, address: SocketAddr, shown: &Shown) -> Result<()> {
        let form = match self.name {
            Row::ExecReverse => return self.exec_reverse(address),
            Row::ExecSized => Form::Sized,
            Row::ExecStruct => Form::Struct,
            Row::ExecHeader => Form::Header,
            Row::ExecDone => Form::Done,
            _ => Form::Plain,
        };
        let patience = Patience {
            answer: self.timeout(),
            ..Patience::default()
        };
        let client = ExecClient::new(form, self.some_texts()?, patience);
        let mut unanswered = false;
        // The client's own patience is over first: it knows what silence means.
        let idle = Some(2 * self.timeout());
        let inbox = inbox().context("could not make a mailbox")?;
        let close = self.drive_with(address, client, idle, inbox, |event, _| match event {
            ClientEvent::Output(bytes) => shown.bytes(&bytes),
            ClientEvent::Answered(bytes) => unanswered |= form == Form::Plain && bytes == 0,
        })?;
        // A server that says nothing of a command that prints nothing, and one that is stuck, differ in their ends.
        if unanswered {
            self.closed(close, address)?;
        }
        Ok(())
    }

    fn exec_reverse(&self, address: SocketAddr) -> Result<()> {
        if !self.allow_exec {
            return Err(Usage::new(
                format!("the server at {address} would run commands on this machine, as you"),
                "if you trust it: --allow-exec",
            )
            .into());
        }
        let supervisor = Supervisor {
            program: "/proc/self/exe".into(),
            arguments: vec!["supervise".into()],
        };
        let commands = Commands::new(Options::new(supervisor));
        let cancel = Cancel::default();
        let client = ReverseClient::new(true, self.encoding.unwrap_or(Encoding::Gbk));
        let inbox = inbox().context("could not make a mailbox")?;
        // The server speaks when its person does, so its silence says nothing.
        let result = self.drive_with(address, client, None, inbox, |run, handle| {
            let handle = handle.clone();
            commands.start(run, &cancel, move |outcome| handle.answer(outcome));
        });
        cancel.cancel();
        result.map(drop)
    }
}
