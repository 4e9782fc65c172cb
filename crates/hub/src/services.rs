//! What all doors share.

use crate::background::Background;
use crate::chat::feed::Feeds;
use crate::chat::{Pace, Watchers, Writers};
use crate::config::Config;
use crate::doors::Page;
use crate::files::underway::Underway;
use crate::live::Live;
use crate::people::backoff::Backoff;
use crate::people::code::Codes;
use crate::people::passwords::Passwords;
use crate::shares::passwords::Remembered;
use crate::shares::uses::Uses;
use crate::steady::Steady;
use crate::tls::{HeadKey as Signer, TokenKey};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::HeadKey;
use landline_model::id::AccountId;
use landline_model::link::Pin;
use landline_model::role::Role;
use landline_model::time::Timestamp;
use landline_store::chat::Chat;
use landline_store::files::Files;
use landline_store::people::People;
use landline_store::search::Search;
use std::sync::{Arc, RwLock};
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

/// The hub behind its doors. One for each hub; doors hold it in an `Arc`.
pub(crate) struct Services {
    pub(crate) config: Config,
    pub(crate) people: People,
    // Before the messages that it reads: the connection that closes last moves their write-ahead log into the database.
    pub(crate) search: Arc<Search>,
    pub(crate) background: Background,
    pub(crate) chat: Chat,
    pub(crate) files: Files,
    /// The blocks of uploads that have arrived and are not durable yet.
    pub(crate) underway: Underway,
    pub(crate) passwords: Passwords,
    pub(crate) codes: Codes,
    /// Who failed to log in.
    pub(crate) backoff: Backoff,
    /// Who followed links that lead nowhere, or said a wrong password of a share.
    pub(crate) share_guesses: Backoff,
    /// What is being done by shares.
    pub(crate) share_uses: Uses,
    pub(crate) share_passwords: Remembered,
    /// Seals the secrets of tokens.
    pub(crate) token_key: TokenKey,
    pub(crate) feeds: Feeds,
    pub(crate) live: Live,
    pub(crate) watchers: Watchers,
    pub(crate) writers: Writers,
    /// Who comes to rooms and goes.
    pub(crate) pace: Pace,
    pub(crate) page: Page,
    pub(crate) pin: Pin,
    pub(crate) head_key: HeadKey,
    /// The key of which that is the public half. It signs receipts, too.
    pub(crate) signer: Arc<Signer>,
    /// What time it is.
    pub(crate) clock: Steady,
    /// Where the hub can be reached, best first: `host:port`. It follows the machine's addresses.
    pub(crate) addresses: RwLock<Vec<String>>,
    /// Cancelled when the hub begins to stop.
    pub(crate) stopping: CancellationToken,
}

impl Services {
    /// The clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The role that an account has now; none where nobody gets into it any more.
    pub(crate) fn role(&self, account: &AccountId) -> Option<Role> {
        self.people.role(account)
    }
}

/// The time of day of this machine, right or wrong: what [`Services::now`] judges. Only certificates go by the time of
/// day itself, because their readers do.
pub(crate) fn time_of_day() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

/// Runs work that may block on a thread made for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "work on the store did not end");
            Err(went_wrong())
        }
    }
}

/// What is said where there is nothing better to say.
pub(crate) fn went_wrong() -> Refusal {
    Refusal::new(
        ErrorCode::Internal,
        "something went wrong inside the hub; its log says more",
    )
}

#[cfg(test)]
impl Services {
    /// Those of a hub with an empty data directory, below `place`; it has no doors.
    pub(crate) fn in_an_empty(place: &std::path::Path) -> Arc<Self> {
        use crate::config::{Flags, load};
        use crate::data_directory::DataDirectory;
        use crate::tls::{Authority, HeadKey, HostNames};
        let home = ("HOME".into(), place.as_os_str().to_owned());
        let config = load(&Flags::default(), [home].into_iter()).unwrap().config;
        let data = DataDirectory::open(&config.data).unwrap();
        let names = HostNames::of_this_machine().unwrap();
        let authority = Authority::open(&data.tls(), "test", &names, SystemTime::now()).unwrap();
        let head_key = HeadKey::open(&data.tls()).unwrap();
        crate::hub::open_services(config, &data, &authority, head_key, &[]).unwrap()
    }
}
