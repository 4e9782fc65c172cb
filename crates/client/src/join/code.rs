//! From a short code to an invite link: see [`landline_model::code`] for what both sides compute.

use crate::connection::Unverified;
use crate::error::{ClientError, CodeProblem};
use aws_lc_rs::hmac;
use landline_model::code::{Code, MESSAGE_BYTES, Side, identity, statement};
use landline_model::error::ErrorCode;
use landline_model::hash::Hash;
use landline_model::link::{HubAddress, JoinLink};
use landline_model::protocol::people::{CodeBegin, CodeFinish};
use spake2::{Ed25519Group, Identity, Password, Spake2};

/// Exchanges a code for the link that it stands for, at the hub that answers at one of `addresses`. Afterwards the hub is
/// known by its pin: [`super::join`] connects anew, and only to that one.
///
/// # Errors
/// [`ClientError::Code`] where the other side does not take the code or does not know it; also why no hub is reached.
pub async fn invitation(addresses: &[HubAddress], code: Code) -> Result<JoinLink, ClientError> {
    let hub = Unverified::open(addresses).await?;
    let address = hub.address().clone();
    let problem = |problem| ClientError::Code {
        address: address.to_string(),
        problem,
    };
    let slot = code.slot();
    let (spake, ours) = Spake2::<Ed25519Group>::start_a(
        &Password::new(code.password()),
        &Identity::new(&identity(Side::Client, slot)),
        &Identity::new(&identity(Side::Hub, slot)),
    );
    let message = data_encoding::HEXLOWER.encode(&ours);
    let begun = hub.begin(&CodeBegin { slot, message }).await;
    let theirs = begun.map_err(|error| judged(error, &address))?.message;
    let theirs = Some(theirs)
        .filter(|theirs| theirs.len() == 2 * MESSAGE_BYTES)
        .and_then(|theirs| data_encoding::HEXLOWER_PERMISSIVE.decode(theirs.as_bytes()).ok());
    let key = theirs.and_then(|theirs| spake.finish(&theirs).ok());
    let key = key.ok_or_else(|| problem(CodeProblem::NotKnown))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let said = |side| statement(side, slot, &hub.pin(), hub.exporter());
    let proof = Hash::try_from(hmac::sign(&key, &said(Side::Client)).as_ref())
        .map_err(|_| problem(CodeProblem::NotKnown))?;
    let finished = hub.finish(&CodeFinish { proof }).await;
    let finished = finished.map_err(|error| judged(error, &address))?;
    // Now, and not before, it is known who answers.
    hmac::verify(&key, &said(Side::Hub), finished.proof.as_bytes())
        .map_err(|_| problem(CodeProblem::NotKnown))?;
    Ok(JoinLink {
        address,
        token: finished.token,
        pin: hub.pin(),
    })
}

/// A refusal in our own words: nobody knows yet whose words it has.
fn judged(error: ClientError, address: &HubAddress) -> ClientError {
    let ClientError::Refused(refusal) = &error else {
        return error;
    };
    let problem = match refusal.code {
        ErrorCode::WrongCredentials => CodeProblem::Refused,
        ErrorCode::TooSoon => CodeProblem::TooOften,
        ErrorCode::Busy => CodeProblem::Busy,
        _ => CodeProblem::NotTaken,
    };
    ClientError::Code {
        address: address.to_string(),
        problem,
    }
}
