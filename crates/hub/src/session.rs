//! What a native connection is allowed to ask, and in which order: pure states, no I/O.
//!
//! ```text
//! Greeting --hello--> Anonymous --join, login, resume--> LoggedIn --logout--> the connection closes
//!                         |                                 ^
//!                         +--token_challenge--> Challenged --token_login
//! ```
//!
//! A request out of its place is refused; the connection goes on. Which requests an account may make is not decided
//! here but by [`crate::authorise`].

use crate::authorise::Identity;
use crate::people::tokens::Challenge;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::people::{
    CodeBegin, CodeFinish, Hello, Join, Login, Resume, TokenChallenge, TokenLogin,
};
use landline_model::protocol::{Call as _, VERSION};
use landline_model::role::Role;
use landline_model::time::Timestamp;

/// The longest name of a client that is kept for the log, in characters.
const CLIENT_MAX: usize = 64;

/// The requests that log somebody in, or lead there.
const LOG_IN: [&str; 7] = [
    Join::NAME,
    Login::NAME,
    Resume::NAME,
    CodeBegin::NAME,
    CodeFinish::NAME,
    TokenChallenge::NAME,
    TokenLogin::NAME,
];

/// One connection's session.
#[derive(Debug, Default)]
pub(crate) enum Session {
    /// Nothing was said yet.
    #[default]
    Greeting,
    /// Greeted, but nobody is logged in.
    Anonymous,
    /// The same, and a login with a token has begun.
    Challenged(Box<Challenge>),
    /// Somebody is.
    LoggedIn(LoggedInAs),
}

/// Who is logged in on a connection. The role is not here: it is looked up for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoggedInAs {
    /// The account.
    pub(crate) account: AccountId,
    /// The session.
    pub(crate) session: SessionId,
    /// When it ends whatever happens.
    pub(crate) ends: Timestamp,
}

impl Session {
    /// Says whether the request of this name has its place now.
    pub(crate) fn admit(&self, request: &str) -> Result<(), Refusal> {
        let logs_in = LOG_IN.contains(&request);
        match self {
            Self::Greeting if request == Hello::NAME => Ok(()),
            Self::Greeting => Err(Refusal::new(ErrorCode::BadRequest, "the first request is hello")),
            _ if request == Hello::NAME => Err(Refusal::new(ErrorCode::BadRequest, "hello was said already")),
            Self::Anonymous | Self::Challenged(_) if logs_in => Ok(()),
            Self::Anonymous | Self::Challenged(_) => Err(Refusal::new(
                ErrorCode::Unauthenticated,
                "nobody is logged in on this connection",
            )
            .with_hint("landline login, or landline join LINK")),
            Self::LoggedIn(_) if logs_in => Err(Refusal::new(
                ErrorCode::BadRequest,
                "somebody is logged in on this connection already",
            )),
            Self::LoggedIn(_) => Ok(()),
        }
    }

    /// Takes a greeting; the answer is what to call the client in the log.
    pub(crate) fn greet(&mut self, hello: &Hello) -> Result<String, Refusal> {
        if hello.protocol != VERSION {
            return Err(Refusal::new(
                ErrorCode::Version,
                format!(
                    "this hub speaks version {VERSION} of the protocol, the client version {}",
                    hello.protocol
                ),
            )
            .with_hint("use the same release of landline on both sides"));
        }
        *self = Self::Anonymous;
        Ok(hello.client.chars().take(CLIENT_MAX).collect())
    }

    /// Begins a login with a token, in the place of one that was begun before.
    pub(crate) fn challenged(&mut self, challenge: Challenge) {
        *self = Self::Challenged(Box::new(challenge));
    }

    /// Takes the login with a token that was begun: it is good for one try.
    pub(crate) fn take_challenge(&mut self) -> Result<Challenge, Refusal> {
        match std::mem::replace(self, Self::Anonymous) {
            Self::Challenged(challenge) => Ok(*challenge),
            session => {
                *self = session;
                let message = "token_login comes after token_challenge, once";
                Err(Refusal::new(ErrorCode::BadRequest, message))
            }
        }
    }

    /// Who is logged in, with the role that the account has now.
    pub(crate) fn identity(
        &self,
        role: impl FnOnce(&AccountId) -> Option<Role>,
    ) -> Result<Identity, Refusal> {
        let Self::LoggedIn(login) = self else {
            return Err(Refusal::new(
                ErrorCode::Unauthenticated,
                "nobody is logged in on this connection",
            ));
        };
        let Some(role) = role(&login.account) else {
            return Err(Refusal::new(
                ErrorCode::Unauthenticated,
                "nobody gets into the account any more",
            ));
        };
        Ok(Identity {
            account: login.account,
            role,
            session: login.session,
            session_ends: login.ends,
        })
    }

    /// True once somebody is logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        matches!(self, Self::LoggedIn(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(protocol: u32) -> Hello {
        Hello {
            protocol,
            client: "test".to_owned(),
        }
    }

    fn login() -> LoggedInAs {
        LoggedInAs {
            account: AccountId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            ends: Timestamp(9),
        }
    }

    #[test]
    fn requests_have_their_places() {
        let mut session = Session::default();
        let codes = |session: &Session| {
            ["hello", "login", "send", "no such request"]
                .map(|name| session.admit(name).err().map(|no| no.code))
        };
        use ErrorCode::{BadRequest, Unauthenticated};
        assert_eq!(
            codes(&session),
            [None, Some(BadRequest), Some(BadRequest), Some(BadRequest)]
        );
        session.greet(&hello(VERSION)).unwrap();
        assert_eq!(
            codes(&session),
            [
                Some(BadRequest),
                None,
                Some(Unauthenticated),
                Some(Unauthenticated)
            ]
        );
        session = Session::LoggedIn(login());
        assert_eq!(codes(&session), [Some(BadRequest), Some(BadRequest), None, None]);
    }

    #[test]
    fn a_token_login_that_was_not_begun_changes_nothing() {
        let mut session = Session::LoggedIn(login());
        assert_eq!(session.take_challenge().unwrap_err().code, ErrorCode::BadRequest);
        assert!(session.is_logged_in());
        let mut session = Session::Anonymous;
        assert!(session.take_challenge().is_err() && session.admit("token_challenge").is_ok());
    }

    #[test]
    fn another_version_is_refused_and_changes_nothing() {
        let mut session = Session::default();
        assert_eq!(
            session.greet(&hello(VERSION + 1)).unwrap_err().code,
            ErrorCode::Version
        );
        assert!(matches!(session, Session::Greeting));
    }

    #[test]
    fn the_role_is_the_one_of_now() {
        let session = Session::LoggedIn(login());
        assert_eq!(session.identity(|_| Some(Role::Guest)).unwrap().role, Role::Guest);
        assert_eq!(
            session.identity(|_| None).unwrap_err().code,
            ErrorCode::Unauthenticated
        );
    }
}
