//! Joining by code on a native connection: the part before anybody is logged in.

use super::{Connection, arguments};
use crate::answer::Answered;
use crate::people::code::{Attempt, finish, unreadable};
use landline_model::code::{EXPORTER_BYTES, EXPORTER_LABEL, MESSAGE_BYTES};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::RequestHeader;
use landline_model::protocol::people::{CodeBegin, CodeBegun, CodeFinish, CodeFinished};

/// How far a connection is in joining by code. It may begin once: a handshake costs whoever guesses more than us.
#[derive(Default)]
pub(super) enum ByCode {
    #[default]
    NotYet,
    // In a box: hardly any connection ever has one.
    Begun(Box<Attempt>),
    Over,
}

impl Connection {
    pub(super) fn begin_code(&mut self, header: &RequestHeader<'_>) -> Answered<CodeBegun> {
        let call: CodeBegin = arguments(header)?;
        if !matches!(self.by_code, ByCode::NotYet) {
            let message = "a connection tries one code; open another";
            return Err(Refusal::new(ErrorCode::BadRequest, message));
        }
        if call.message.len() != 2 * MESSAGE_BYTES {
            return Err(unreadable());
        }
        let message = data_encoding::HEXLOWER_PERMISSIVE
            .decode(call.message.as_bytes())
            .map_err(|_| unreadable())?;
        self.by_code = ByCode::Over;
        let (attempt, ours) =
            self.services
                .codes
                .begin(call.slot, &message, self.admission.peer(), self.services.now())?;
        self.by_code = ByCode::Begun(Box::new(attempt));
        let message = data_encoding::HEXLOWER.encode(&ours);
        Ok(CodeBegun { message }.into())
    }

    pub(super) async fn finish_code(&mut self, header: &RequestHeader<'_>) -> Answered<CodeFinished> {
        let call: CodeFinish = arguments(header)?;
        let ByCode::Begun(attempt) = std::mem::replace(&mut self.by_code, ByCode::Over) else {
            let message = "code_finish comes after code_begin";
            return Err(Refusal::new(ErrorCode::BadRequest, message));
        };
        let tls = self.stream.get_ref().1;
        let exporter = tls
            .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, None)
            .map_err(|error| {
                tracing::error!(%error, "a TLS connection has no exporter");
                Refusal::new(ErrorCode::Internal, "the connection cannot be named")
            })?;
        finish(&self.services, *attempt, &call.proof, &exporter).await
    }
}
