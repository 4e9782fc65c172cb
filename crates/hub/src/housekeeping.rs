//! What a hub does by the clock: it follows the machine's addresses, and sweeps out what has expired.

use crate::hub::spell_out_on;
use crate::live::Live;
use crate::services::Services;
use crate::tls::{self, Authority, TlsError};
use landline_store::people::People;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

/// How often the hub looks whether the machine has other addresses, and whether its leaf certificate is getting old.
const ADDRESS_LOOK: Duration = Duration::from_secs(30);

/// How often expired sessions and invitations are swept out: a session's end shows on its open connections that soon.
const SWEEP_PEOPLE: Duration = Duration::from_secs(60);

/// How often expired uploads and trash are swept out.
const SWEEP_FILES: Duration = Duration::from_secs(60 * 60);

/// Looks after addresses and certificates, and sweeps out what has expired.
pub(crate) async fn keep_house(services: Arc<Services>, authority: Arc<Authority>, bound: Vec<SocketAddr>) {
    let mut look = tokio::time::interval(ADDRESS_LOOK);
    let mut people = tokio::time::interval(SWEEP_PEOPLE);
    let mut files = tokio::time::interval(SWEEP_FILES);
    loop {
        tokio::select! {
            _ = look.tick() => refresh(&services, &authority, &bound).await,
            _ = people.tick() => {
                sweep_people(&services.people, &services.live, services.config.sessions.idle).await;
            }
            _ = files.tick() => sweep_files(&services).await,
        }
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
    use landline_model::id::{AccountId, SessionId};
    use landline_model::link::Token;
    use landline_model::protocol::people::SessionSecret;
    use landline_model::role::Role;
    use landline_model::time::Timestamp;
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
        let _places = [(in_use, 0), (short, 1), (short, 2)]
            .map(|(session, end)| live.enter(session, end as u64, ends[end].clone()));
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
}
