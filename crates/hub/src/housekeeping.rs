//! What a hub does by the clock: it follows the machine's addresses, and sweeps out what has expired.

use crate::hub::spell_out_on;
use crate::live::Live;
use crate::services::Services;
use crate::tls::{self, Authority, TlsError};
use landline_store::chat::Chat;
use landline_store::people::People;
use landline_store::writer::completion;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::MissedTickBehavior;

/// How often the hub looks whether the machine has other addresses, and whether its leaf certificate is getting old.
const ADDRESS_LOOK: Duration = Duration::from_secs(30);

/// How often expired sessions and invitations are swept out: a session's end shows on its open connections that soon.
const SWEEP_PEOPLE: Duration = Duration::from_secs(60);

/// How often expired uploads and trash are swept out.
const SWEEP_FILES: Duration = Duration::from_secs(60 * 60);

/// How often read marks are written: so much of them a power cut may cost.
const FLUSH_MARKS: Duration = Duration::from_secs(2);

/// How often texts that were deleted are looked for in the write-ahead log: so long they may stand on the disk.
const SCRUB: Duration = Duration::from_secs(60);

/// Looks after addresses and certificates, and sweeps out what has expired.
pub(crate) async fn keep_house(services: Arc<Services>, authority: Arc<Authority>, bound: Vec<SocketAddr>) {
    tokio::spawn(crate::spaces::count_the_uncounted(Arc::clone(&services)));
    let mut look = tokio::time::interval(ADDRESS_LOOK);
    let mut people = tokio::time::interval(SWEEP_PEOPLE);
    let mut files = tokio::time::interval(SWEEP_FILES);
    let mut marks = tokio::time::interval(FLUSH_MARKS);
    // A disk that is slow to sync is not asked twice at once for it.
    marks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut erased = tokio::time::interval(SCRUB);
    erased.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => refresh(&services, &authority, &bound).await,
            _ = people.tick() => {
                sweep_people(&services.people, &services.live, services.config.sessions.idle).await;
            }
            _ = files.tick() => sweep_files(&services).await,
            _ = marks.tick() => flush_marks(&services.chat).await,
            _ = erased.tick() => scrub(&services.chat).await,
        }
    }
}

/// Writes the read marks that have moved.
pub(crate) async fn flush_marks(chat: &Chat) {
    let (done, outcome) = completion();
    chat.flush_marks(done).await;
    if let Err(error) = outcome.await {
        tracing::error!(%error, "how far people have read cannot be written");
    }
}

/// Takes what was deleted out of the write-ahead log, too.
async fn scrub(chat: &Chat) {
    let chat = chat.clone();
    match tokio::task::spawn_blocking(move || chat.scrub()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "deleted texts stay in the write-ahead log for now"),
        Err(error) => tracing::error!(%error, "the look for deleted texts did not end"),
    }
}

/// Follows the machine's addresses: those that invitations name, and those that the leaf certificate names.
async fn refresh(services: &Arc<Services>, authority: &Arc<Authority>, bound: &[SocketAddr]) {
    let (authority, bound) = (Arc::clone(authority), bound.to_vec());
    let looked = tokio::task::spawn_blocking(move || {
        let machine = tls::addresses()?;
        Ok::<_, TlsError>((
            spell_out_on(&bound, &machine),
            authority.refresh(SystemTime::now())?,
        ))
    });
    match looked.await {
        Ok(Ok((reachable, reissued))) => {
            if reissued {
                tracing::info!(addresses = ?reachable, "the leaf certificate was re-issued");
            }
            let mut addresses = services.addresses.write().unwrap_or_else(PoisonError::into_inner);
            *addresses = reachable.iter().map(ToString::to_string).collect();
        }
        Ok(Err(error)) => tracing::error!(%error, "the addresses of this machine cannot be followed"),
        Err(error) => tracing::error!(%error, "the look at the addresses did not end"),
    }
}

/// Ends sessions whose time is over, and their connections.
async fn sweep_people(people: &People, live: &Live, idle: Duration) {
    // A session with an open connection is in use, however long ago that was opened.
    match people.sweep(idle, live.sessions()).await {
        Ok(ended) => ended.iter().for_each(|session| live.end(session, None)),
        Err(error) => tracing::error!(%error, "expired sessions cannot be swept out"),
    }
}

async fn sweep_files(services: &Services) {
    let swept = crate::files::blocking(services, {
        let now = services.now();
        move |files| files.sweep(now)
    })
    .await;
    match swept {
        Ok(swept) if swept.uploads + swept.trash > 0 => {
            tracing::info!(
                uploads = swept.uploads,
                trash = swept.trash,
                "expired files were swept out"
            );
        }
        Ok(_) => {}
        Err(refusal) => tracing::error!(why = %refusal.message, "expired files cannot be swept out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::tests::line;
    use landline_model::event::RoomKind;
    use landline_model::id::{AccountId, ClientId, RoomId, SessionId};
    use landline_model::link::Token;
    use landline_model::protocol::people::SessionSecret;
    use landline_model::role::Role;
    use landline_model::room::Act;
    use landline_model::time::Timestamp;
    use landline_store::chat::{Append, NewRoom, Place};
    use landline_store::people::{NewAccount, NewInvite, NewSession, secret_hash, token_hash};
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio_util::sync::CancellationToken;

    const IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// Somebody new with a session of this number that may last so long.
    async fn joined(people: &People, number: u8, lifetime: Duration) -> SessionId {
        let token = token_hash(&Token::from_bytes([number; 16]));
        let invite = NewInvite {
            token_hash: token,
            role: Role::Member,
            uses: 1,
            lifetime: HOUR,
            created_by: None,
        };
        people.create_invite(invite).await.unwrap();
        let account = NewAccount {
            id: AccountId::from_bytes([number; 16]),
            name: format!("person{number}").parse().unwrap(),
            password: None,
        };
        let session = NewSession {
            id: SessionId::from_bytes([number; 16]),
            secret_hash: secret_hash(&SessionSecret::from_bytes([number; 32])),
            device: String::new(),
            lifetime,
        };
        people.join(token, account, session, IDLE).await.unwrap().session
    }

    #[tokio::test]
    async fn a_sweep_spares_sessions_in_use_until_their_time_is_over_and_then_ends_their_connections() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let pass = |time: Duration| {
            clock.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        };
        let now = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp(now.load(Ordering::SeqCst)));
        let (people, live) = (People::open(directory.path(), now).unwrap(), Live::default());

        let in_use = joined(&people, 1, IDLE * 9).await;
        let unused = joined(&people, 2, IDLE * 9).await;
        let short = joined(&people, 3, IDLE * 2 - HOUR * 2).await;
        let ends = [(); 3].map(|()| CancellationToken::new());
        // Two connections of one session: both have to hear of its end.
        let account = AccountId::from_bytes([1; 16]);
        let _places = [(in_use, 0), (short, 1), (short, 2)]
            .map(|(session, end)| live.enter(session, account, line(end as u64, ends[end].clone())));
        let ended = || ends.each_ref().map(CancellationToken::is_cancelled);

        pass(IDLE - HOUR);
        sweep_people(&people, &live, IDLE).await;
        assert!(
            [in_use, unused, short]
                .iter()
                .all(|session| people.session_is_open(session))
        );
        assert_eq!(ended(), [false; 3]);

        pass(IDLE - HOUR);
        sweep_people(&people, &live, IDLE).await;
        assert!(people.session_is_open(&in_use), "in use, and so not idle");
        assert!(!people.session_is_open(&unused) && !people.session_is_open(&short));
        assert_eq!(ended(), [false, true, true]);
    }

    #[tokio::test]
    async fn what_was_deleted_leaves_the_disk_while_the_hub_runs() {
        let place = tempfile::tempdir().unwrap();
        let services = Services::in_an_empty(place.path());
        let (creator, room) = (AccountId::from_bytes([1; 16]), RoomId::from_bytes([1; 16]));
        let (done, made) = completion();
        let new = NewRoom {
            id: room,
            name: "lab".parse().unwrap(),
            creator,
            kind: RoomKind::Public,
        };
        services.chat.create_room(new, done).await;
        made.await.unwrap();
        scrub(&services.chat).await;
        for (number, act, text) in [
            (1, Act::Say { reply_to: None }, "the combination is 4711"),
            (2, Act::Delete { message: 1 }, ""),
        ] {
            let (done, outcome) = completion();
            let append = Append {
                place: Place::Room(room),
                sender: creator,
                client_id: ClientId::from_bytes([number; 16]),
                act,
                text: text.to_owned(),
                permit: Box::new(|_, _| Ok(())),
            };
            services.chat.append(append, done).await;
            outcome.await.unwrap();
        }
        let kept = || {
            let directory = services.config.data.join("db");
            let files = std::fs::read_dir(directory)
                .unwrap()
                .map(|file| file.unwrap().path());
            let chat = files.filter(|file| file.display().to_string().contains("chat.db"));
            chat.map(|file| std::fs::read(file).unwrap())
                .any(|bytes| bytes.windows(23).any(|part| part == b"the combination is 4711"))
        };
        assert!(kept(), "in the write-ahead log");
        scrub(&services.chat).await;
        assert!(!kept());
    }
}
