//! Ways in, and what happens meanwhile.

use super::*;
use aws_lc_rs::hmac;
use landline_model::link::Token;
use landline_model::protocol::people::{Nonce, Secret, TokenChallenge, TokenCreated};
use landline_model::role::Role;
use landline_model::token::{EXPORTER_BYTES, Side, statement};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn joining(token: &Token, secret: Option<SessionSecret>) -> Join {
    Join {
        token: token.clone(),
        name: "bob".parse().unwrap(),
        password: Some(Secret("correct horse".to_owned())),
        device: String::new(),
        secret,
    }
}

/// A queue without a free place refuses whoever wants a password hashed: who is told anything else had none.
#[tokio::test]
async fn who_has_no_good_invitation_gets_no_password_hashed() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let invite = InviteOf {
        role: Role::Member,
        uses: 1,
        lifetime: Duration::from_secs(60),
        by: None,
    };
    let good = make_invitation(&services, invite).await.unwrap().token;
    let made_up = Token::from_bytes([7; 16]);
    let try_with = async |token: &Token| join(&services, joining(token, None), PEER).await;

    let places = services.passwords.fill();
    assert_eq!(try_with(&good).await.err().unwrap().code, ErrorCode::Busy);
    assert_eq!(
        try_with(&made_up).await.err().unwrap().code,
        ErrorCode::InviteUnknown
    );
    drop(places);
    let secret = || SessionSecret::from_bytes([5; 32]);
    let (first, ends) = join(&services, joining(&good, Some(secret())), PEER)
        .await
        .ok()
        .unwrap();
    // Used up by now; nor does the same join again cost another hash.
    let _places = services.passwords.fill();
    assert_eq!(try_with(&good).await.err().unwrap().code, ErrorCode::InviteUsed);
    let again = join(&services, joining(&good, Some(secret())), PEER).await;
    let (again, still) = again.ok().unwrap();
    assert_eq!(
        (again.session, again.account, still),
        (first.session, first.account, ends)
    );
}

const EXPORTER: [u8; EXPORTER_BYTES] = [3; EXPORTER_BYTES];

fn password(text: &str) -> Secret {
    Secret(text.to_owned())
}

/// Somebody of this role with the password "correct horse", and their session.
async fn somebody(services: &Services, name: &str, role: Role) -> Identity {
    let invite = InviteOf {
        role,
        uses: 1,
        lifetime: Duration::from_secs(60),
        by: None,
    };
    let token = make_invitation(services, invite).await.unwrap().token;
    let call = Join {
        name: name.parse().unwrap(),
        ..joining(&token, None)
    };
    let (joined, session_ends) = join(services, call, PEER).await.ok().unwrap();
    Identity {
        account: joined.account.id,
        role,
        session: joined.session,
        session_ends,
    }
}

/// Makes a token for the person of this name.
async fn token_of(services: &Services, who: &Identity, name: &str) -> Result<TokenCreated, Refusal> {
    let call = TokenCreate {
        name: name.parse().unwrap(),
        create: None,
        device: String::new(),
        expires: 60,
    };
    Ok(tokens::create(services, who, call).await?.reply)
}

/// Logs in with a token; without its secret where `secret` is another one.
async fn log_in_with(
    services: &Services,
    session: SessionId,
    secret: &SessionSecret,
) -> Result<LoggedInAs, Refusal> {
    let nonce = Nonce::from_bytes([1; 32]);
    let call = TokenChallenge { session, nonce };
    let (challenge, challenged) = tokens::challenge(services, &call, &EXPORTER)?;
    let said = statement(Side::Client, &session, &nonce, &challenged.nonce, &EXPORTER);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let shown = Hash::try_from(hmac::sign(&key, &said).as_ref()).unwrap();
    Ok(tokens::log_in(services, challenge, &shown, PEER).await?.1)
}

async fn guess(services: &Services, text: &str) -> ErrorCode {
    let call = Login {
        name: "Alice".parse().unwrap(),
        password: password(text),
        device: String::new(),
    };
    log_in(services, call, PEER).await.err().unwrap().code
}

#[tokio::test]
async fn who_has_a_token_guesses_the_password_no_more_often_than_who_has_none() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let alice = somebody(&services, "alice", Role::Member).await;
    let token = token_of(&services, &alice, "alice").await.ok().unwrap();
    for _ in 0..3 {
        assert_eq!(guess(&services, "wrong").await, ErrorCode::WrongCredentials);
    }
    let right = log_in_with(&services, token.session, &token.secret).await;
    assert_eq!(right.ok().unwrap().account, alice.account);
    assert_eq!(guess(&services, "wrong").await, ErrorCode::WrongCredentials);
    let _nothing_is_hashed = services.passwords.fill();
    assert_eq!(guess(&services, "wrong").await, ErrorCode::TooSoon);
}

#[tokio::test]
async fn whose_token_it_is_is_not_said_to_who_cannot_show_the_secret() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let alice = somebody(&services, "alice", Role::Member).await;
    let token = token_of(&services, &alice, "alice").await.ok().unwrap();
    let other = SessionSecret::from_bytes([9; 32]);
    let mut refusals = Vec::new();
    for _ in 0..5 {
        refusals.push(log_in_with(&services, token.session, &other).await.unwrap_err());
    }
    assert_eq!(refusals[4].code, ErrorCode::TooSoon);
    assert!(
        refusals.iter().all(|refusal| !refusal.message.contains("alice")),
        "{refusals:?}"
    );
}

#[tokio::test]
async fn what_is_made_with_a_token_does_not_outlive_it() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let alice = somebody(&services, "alice", Role::Admin).await;
    somebody(&services, "bob", Role::Member).await;
    let token = token_of(&services, &alice, "alice").await.ok().unwrap();
    let robot = Identity {
        session: token.session,
        ..alice
    };
    let another = token_of(&services, &robot, "ALICE").await;
    assert_eq!(another.err().unwrap().code, ErrorCode::Forbidden);
    assert!(
        token_of(&services, &robot, "bob").await.is_ok(),
        "an admin's may make others'"
    );
    let call = SetPassword {
        old: Some(password("correct horse")),
        new: password("battery staple"),
    };
    let set = set_password(&services, &robot, call, 0, PEER).await;
    assert_eq!(set.err().unwrap().code, ErrorCode::Forbidden);
}

#[tokio::test]
async fn who_is_in_guesses_the_old_password_no_faster_than_who_is_not() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let alice = somebody(&services, "alice", Role::Member).await;
    let with = async |old: &str| {
        let call = SetPassword {
            old: Some(password(old)),
            new: password("battery staple"),
        };
        let set = set_password(&services, &alice, call, 0, PEER).await;
        set.err().map(|refusal| refusal.code)
    };
    for _ in 0..4 {
        assert_eq!(with("wrong").await, Some(ErrorCode::WrongCredentials));
    }
    let _nothing_is_hashed = services.passwords.fill();
    assert_eq!(with("correct horse").await, Some(ErrorCode::TooSoon));
    assert_eq!(guess(&services, "correct horse").await, ErrorCode::TooSoon);
}

#[tokio::test]
async fn an_invitation_is_worth_what_its_maker_may_do_when_it_is_used() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let alice = somebody(&services, "alice", Role::Admin).await;
    let bob = somebody(&services, "bob", Role::Member).await;
    let made_by = async |maker: &Identity, last: u8| {
        let token = Token::from_bytes([last; 16]);
        let invite = NewInvite {
            token_hash: token_hash(&token),
            role: Role::Member,
            uses: 1,
            lifetime: Duration::from_secs(60),
            created_by: Some(maker.account),
        };
        services.people.create_invite(invite).await.unwrap();
        let call = Join {
            name: format!("guest{last}").parse().unwrap(),
            ..joining(&token, None)
        };
        join(&services, call, PEER).await
    };
    assert!(made_by(&alice, 1).await.is_ok());
    let refused = made_by(&bob, 2).await.err().unwrap();
    assert_eq!(refused.code, ErrorCode::InviteUsed);
    assert!(
        services
            .people
            .account_by_name(&"guest2".parse().unwrap())
            .is_none()
    );
}

#[tokio::test]
async fn an_admin_who_is_demoted_while_a_password_is_made_does_not_get_it() {
    let place = tempfile::tempdir().unwrap();
    let services = Services::in_an_empty(place.path());
    let (alice, mallory) = (
        somebody(&services, "alice", Role::Admin).await,
        somebody(&services, "mallory", Role::Admin).await,
    );
    let pause = services.passwords.pause();
    let call = UserReset {
        name: "alice".parse().unwrap(),
    };
    let demote = async {
        let role = UserRole {
            name: "mallory".parse().unwrap(),
            role: Role::Member,
        };
        assert!(keep::set_role(&services, &alice, role).await.is_ok());
        drop(pause);
    };
    // In this order: the reset waits for its hash when the other begins.
    let (reset, ()) = tokio::join!(biased; keep::reset(&services, &mallory, call, 0), demote);
    assert_eq!(reset.err().unwrap().code, ErrorCode::Forbidden);
    assert!(services.people.session_is_open(&alice.session));
}
