//! How failures reach the user and the shell.

use crate::context::Usage;
use anyhow::Error;
use landline_client::ClientError;
use landline_client::files::FilesError;
use landline_hub::config::ConfigErrors;
use landline_model::text::escape;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// The exit code of wrong usage; clap's own.
const USAGE: u8 = 2;

/// Tells the error on standard error and turns it into an exit code. That nobody reads our output any more is no
/// error: `landline history ... | head` has what it wanted.
pub(crate) fn report(error: &Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    complain(&message(error), hint(error).as_deref());
    if error.is::<Usage>() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::FAILURE
    }
}

/// Tells an error of the client in the middle of something that goes on.
pub(crate) fn complain_of(error: &ClientError) {
    complain(&lines(error), error.hint().as_deref());
}

/// Tells something on standard error that is not the end.
pub(crate) fn note(message: &str) {
    complain(&[message.to_owned()], None);
}

fn complain(message: &[String], hint: Option<&str>) {
    let mut errors = std::io::stderr().lock();
    let lead = std::iter::once("landline: ").chain(std::iter::repeat(""));
    // Where even this cannot be written, nobody is left to tell.
    for (lead, line) in lead.zip(message) {
        let _ = writeln!(errors, "{lead}{}", escape(line));
    }
    if let Some(hint) = hint {
        let _ = writeln!(errors, "  {}", escape(hint));
    }
}

fn message(error: &Error) -> Vec<String> {
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return lines(error);
    }
    if error.is::<ConfigErrors>() {
        return error.to_string().lines().map(str::to_owned).collect();
    }
    vec![format!("{error:#}")]
}

/// One line, unless the line breaks are our own: a peer's must not make it look as if we said more.
fn lines(error: &ClientError) -> Vec<String> {
    match error {
        ClientError::PinChanged { .. } => error.to_string().lines().map(str::to_owned).collect(),
        _ => vec![error.to_string()],
    }
}

fn hint(error: &Error) -> Option<String> {
    if let Some(error) = error.downcast_ref::<ClientError>() {
        error.hint()
    } else if let Some(error) = error.downcast_ref::<FilesError>() {
        error.hint()
    } else {
        error.downcast_ref::<Usage>().map(|usage| usage.hint.clone())
    }
}

/// Whether an error says only that nobody reads our output any more.
pub(crate) fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::error::{ErrorCode, Refusal};

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let pipe = Error::from(std::io::Error::from(ErrorKind::BrokenPipe)).context("printing");
        assert!(is_broken_pipe(&pipe));
        assert!(!is_broken_pipe(&Error::from(std::io::Error::from(
            ErrorKind::StorageFull
        ))));
    }

    #[test]
    fn a_hubs_words_stay_on_one_line() {
        let refusal = Refusal::new(ErrorCode::NotFound, "no\nlandline: all is well");
        assert_eq!(message(&ClientError::from(refusal).into()).len(), 1);
    }
}
