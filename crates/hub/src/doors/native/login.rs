//! Greeting and logging in on a native connection.

use super::{Connection, answered, arguments};
use crate::answer::{Answered, encode_answer};
use crate::people;
use crate::refusals::from_store;
use crate::session::{LoggedInAs, Session};
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::people::{
    Account, CodeBegin, CodeFinish, Hello, Join, LoggedIn, Login, Logout, Resume, TokenChallenge,
    TokenChallenged, TokenLogin, Welcome,
};
use landline_model::protocol::{Call as _, Done, RequestHeader, VERSION};
use landline_model::token::{EXPORTER_BYTES, EXPORTER_LABEL};
use landline_store::StoreError;

impl Connection {
    /// Answers the requests that change the session of this connection; none: it is not one of them.
    pub(super) async fn log_in_or_greet(&mut self, header: &RequestHeader<'_>) -> Option<Bytes> {
        let id = header.id;
        Some(match &*header.name {
            Hello::NAME => encode_answer(
                id,
                arguments(header).and_then(|hello| Ok(self.greet(&hello)?.into())),
            ),
            Join::NAME => answered(id, self.join(header)).await,
            Login::NAME => answered(id, self.log_in(header)).await,
            CodeBegin::NAME => encode_answer(id, self.begin_code(header)),
            CodeFinish::NAME => answered(id, self.finish_code(header)).await,
            Resume::NAME => answered(id, self.resume(header)).await,
            TokenChallenge::NAME => encode_answer(id, self.challenge(header)),
            TokenLogin::NAME => answered(id, self.log_in_with_token(header)).await,
            Logout::NAME => answered(id, self.log_out(header)).await,
            _ => return None,
        })
    }

    fn greet(&mut self, hello: &Hello) -> Result<Welcome, Refusal> {
        let client = self.session.greet(hello)?;
        tracing::debug!(peer = %self.admission.peer(), %client, "a client said hello");
        Ok(Welcome {
            protocol: VERSION,
            hub: self.services.config.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pin: self.services.pin,
            head_key: self.services.head_key,
            time: self.services.now(),
        })
    }

    async fn join(&mut self, header: &RequestHeader<'_>) -> Answered<LoggedIn> {
        let (answer, ends) =
            people::join(&self.services, arguments::<Join>(header)?, self.admission.peer()).await?;
        self.enter(LoggedInAs {
            account: answer.account.id,
            session: answer.session,
            ends,
        })?;
        Ok(answer.into())
    }

    async fn log_in(&mut self, header: &RequestHeader<'_>) -> Answered<LoggedIn> {
        let (answer, ends) =
            people::log_in(&self.services, arguments::<Login>(header)?, self.admission.peer()).await?;
        self.enter(LoggedInAs {
            account: answer.account.id,
            session: answer.session,
            ends,
        })?;
        Ok(answer.into())
    }

    async fn resume(&mut self, header: &RequestHeader<'_>) -> Answered<Account> {
        let (account, who) = people::resume(&self.services, &arguments::<Resume>(header)?).await?;
        self.enter(who)?;
        Ok(account.into())
    }

    fn challenge(&mut self, header: &RequestHeader<'_>) -> Answered<TokenChallenged> {
        let call = arguments::<TokenChallenge>(header)?;
        let (challenge, answer) = people::tokens::challenge(&self.services, &call, &self.exporter()?)?;
        self.session.challenged(challenge);
        Ok(answer.into())
    }

    async fn log_in_with_token(&mut self, header: &RequestHeader<'_>) -> Answered<Account> {
        let call = arguments::<TokenLogin>(header)?;
        let challenge = self.session.take_challenge()?;
        let peer = self.admission.peer();
        let (account, who) = people::tokens::log_in(&self.services, challenge, &call.proof, peer).await?;
        self.enter(who)?;
        Ok(account.into())
    }

    /// What no other TLS connection has (RFC 8446, section 7.5).
    fn exporter(&self) -> Result<[u8; EXPORTER_BYTES], Refusal> {
        let tls = self.stream.get_ref().1;
        tls.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, None)
            .map_err(|error| {
                tracing::error!(%error, "a TLS connection has no exporter");
                let message = "the login cannot be bound to the connection; the hub's log says why";
                Refusal::new(ErrorCode::Internal, message)
            })
    }

    /// Logs in, unless the session was ended since it was looked up: whoever ended it did not find this connection
    /// among the live ones then.
    fn enter(&mut self, who: LoggedInAs) -> Result<(), Refusal> {
        self.logged_in(who);
        if self.services.people.session_is_open(&who.session) {
            return Ok(());
        }
        self.leave();
        Err(from_store(&StoreError::SessionUnknown))
    }

    /// What a login has opened is closed, and then the connection: what is allowed before a login is not what it was.
    pub(super) fn leave(&mut self) {
        self.place = None;
        self.cursors.clear();
        self.session = Session::Anonymous;
        self.closing = true;
    }

    async fn log_out(&mut self, header: &RequestHeader<'_>) -> Answered<Done> {
        arguments::<Logout>(header)?;
        let who = self.session.identity(|account| self.services.role(account))?;
        people::log_out(&self.services, who.session, self.admission.number()).await?;
        self.leave();
        Ok(Done {}.into())
    }
}
