//! Joining by a short code: see [`landline_model::code`] for what both sides compute.
//!
//! Open codes stand in memory alone: they live for minutes, and a hub that is started anew has none. Whoever guesses is
//! held up three times: a code takes a few wrong proofs and is over, only one client at a time works on a code, and an
//! address that was wrong too often, or began too often and went, waits. Every refusal of a guess is the same one.

use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::people::backoff::network;
use crate::people::{InviteOf, make_invitation};
use crate::random;
use crate::refusals::denied;
use crate::services::Services;
use aws_lc_rs::hmac;
use landline_model::code::{Code, EXPORTER_BYTES, MESSAGE_BYTES, SLOTS, Side, identity, statement};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::link::Pin;
use landline_model::protocol::people::{CodeFinished, CodeMade, InviteCode};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use spake2::{Ed25519Group, Password, Spake2};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most codes that are open at once.
const CODES_MAX: usize = 16;

/// How long a code is good.
const CODE_LIFE: Duration = Duration::from_secs(10 * 60);

/// How many wrong proofs end a code.
const WRONG_MAX: u32 = 3;

/// How often an address may be wrong, or go without a proof, about whichever codes, within [`CODE_LIFE`].
const WRONG_OF_ADDRESS_MAX: u32 = 12;

/// The most addresses that were wrong which are remembered; beyond it the one that was wrong longest ago is forgotten.
const ADDRESSES_MAX: usize = 256;

/// How long the invitation is good that a code is exchanged for: the client redeems it at once.
const TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);

/// The open codes. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Codes {
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    /// At most [`CODES_MAX`], each in a slot of its own.
    open: Vec<Open>,
    /// The slot that was given out last; none: none yet.
    last_slot: Option<u16>,
    /// Counts codes, so that one is never taken for a later one in its slot.
    made: u64,
    /// At most [`ADDRESSES_MAX`].
    wrong: Vec<Wrong>,
}

/// A code that is open.
struct Open {
    number: u64,
    code: Code,
    role: Role,
    /// Who made it, and in which session.
    by: Identity,
    expires: Timestamp,
    /// Less than [`WRONG_MAX`].
    wrong: u32,
    /// True while a client works on it.
    is_busy: bool,
}

/// An address that was wrong.
struct Wrong {
    address: IpAddr,
    times: u32,
    /// The first of these times.
    since: Timestamp,
}

/// A client at work on a code; dropping it lets the next one try.
pub(crate) struct Attempt {
    codes: Codes,
    number: u64,
    slot: u16,
    key: hmac::Key,
    peer: IpAddr,
    begun: Timestamp,
    /// True once its proof was shown.
    is_judged: bool,
}

/// An attempt that was right: nobody else can use the code meanwhile.
pub(crate) struct Proven {
    attempt: Attempt,
    role: Role,
    by: Identity,
    proof: Hash,
}

/// Makes a code for whoever asks.
pub(crate) fn invite(services: &Services, who: &Identity, call: InviteCode) -> Answered<CodeMade> {
    let now = services.now();
    authorise(who, Action::Invite(call.role), Resource::Hub, now)
        .map_err(|why| denied(why, "inviting people"))?;
    let (code, expires) = services.codes.open(call.role, *who, now)?;
    tracing::info!(role = %call.role, slot = code.slot(), "a code was made");
    let code = code.reveal();
    Ok(CodeMade { code, expires }.into())
}

/// Exchanges a proof for an invitation, and ends the code with it.
pub(crate) async fn finish(
    services: &Services,
    attempt: Attempt,
    proof: &Hash,
    exporter: &[u8; EXPORTER_BYTES],
) -> Answered<CodeFinished> {
    let now = services.now();
    let proven = attempt.finish(proof, &services.pin, exporter, now)?;
    // Whoever made the code must still be somebody who may bring people in, and logged in as then.
    let role = services.role(&proven.by.account).ok_or_else(wrong)?;
    if !services.people.session_is_open(&proven.by.session) {
        return Err(wrong());
    }
    let by = Identity { role, ..proven.by };
    authorise(&by, Action::Invite(proven.role), Resource::Hub, now).map_err(|_| wrong())?;
    let invite = InviteOf {
        role: proven.role,
        uses: 1,
        lifetime: TOKEN_LIFE,
        by: Some(by),
    };
    let token = make_invitation(services, invite).await?.token;
    tracing::info!(slot = proven.attempt.slot, peer = %proven.attempt.peer, "a code was used");
    let proof = proven.spend();
    Ok(CodeFinished { proof, token }.into())
}

impl Codes {
    /// Opens a code.
    fn open(&self, role: Role, by: Identity, now: Timestamp) -> Result<(Code, Timestamp), Refusal> {
        let mut table = self.lock();
        table.forget_expired(now);
        if table.open.len() >= CODES_MAX {
            let message = format!("{CODES_MAX} codes are open already");
            return Err(Refusal::new(ErrorCode::Busy, message).with_hint(
                "each ends after 10 minutes, or when it is used; or make a link: landline invite",
            ));
        }
        let slot = table.free_slot();
        let code = Code::from_random(slot, u64::from_be_bytes(random::bytes()))
            .ok_or_else(|| Refusal::new(ErrorCode::Internal, "no code can be made"))?;
        table.made += 1;
        let open = Open {
            number: table.made,
            code,
            role,
            by,
            expires: now.plus(CODE_LIFE),
            wrong: 0,
            is_busy: false,
        };
        let expires = open.expires;
        table.open.push(open);
        Ok((code, expires))
    }

    /// Lets a client at `peer` begin to work on the code in `slot`; `message` is its SPAKE2 message. The answer is the
    /// hub's.
    pub(crate) fn begin(
        &self,
        slot: u16,
        message: &[u8],
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<(Attempt, Vec<u8>), Refusal> {
        let peer = network(peer);
        let mut table = self.lock();
        table.forget_expired(now);
        if table.times_wrong(peer) >= WRONG_OF_ADDRESS_MAX {
            let message = "too many wrong codes came from this address";
            return Err(Refusal::new(ErrorCode::TooSoon, message)
                .with_hint("wait 10 minutes, or ask for an invite link: landline invite"));
        }
        let Some(open) = table.open.iter_mut().find(|open| open.code.slot() == slot) else {
            table.was_wrong(peer, now);
            return Err(wrong());
        };
        if open.is_busy {
            let message = "somebody is joining with this code at the moment";
            return Err(Refusal::new(ErrorCode::Busy, message).with_hint("try again shortly"));
        }
        let (spake, ours) = Spake2::<Ed25519Group>::start_b(
            &Password::new(open.code.password()),
            &spake2::Identity::new(&identity(Side::Client, slot)),
            &spake2::Identity::new(&identity(Side::Hub, slot)),
        );
        let key = spake.finish(message).map_err(|_| unreadable())?;
        open.is_busy = true;
        let attempt = Attempt {
            codes: self.clone(),
            number: open.number,
            slot,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            peer,
            begun: now,
            is_judged: false,
        };
        Ok((attempt, ours))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // The table is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Judges the client's proof, in constant time.
    fn finish(
        mut self,
        proof: &Hash,
        pin: &Pin,
        exporter: &[u8; EXPORTER_BYTES],
        now: Timestamp,
    ) -> Result<Proven, Refusal> {
        self.is_judged = true;
        let said = statement(Side::Client, self.slot, pin, exporter);
        let is_right = hmac::verify(&self.key, &said, proof.as_bytes()).is_ok();
        let mut table = self.codes.lock();
        table.forget_expired(now);
        let Some(at) = table.open.iter().position(|open| open.number == self.number) else {
            return Err(wrong());
        };
        if !is_right {
            table.was_wrong(self.peer, now);
            let open = &mut table.open[at];
            open.wrong += 1;
            tracing::warn!(slot = self.slot, peer = %self.peer, times = open.wrong, "a wrong code was tried");
            if open.wrong >= WRONG_MAX {
                table.open.swap_remove(at);
            }
            return Err(wrong());
        }
        let (role, by) = (table.open[at].role, table.open[at].by);
        drop(table);
        let ours = hmac::sign(&self.key, &statement(Side::Hub, self.slot, pin, exporter));
        let proof = Hash::try_from(ours.as_ref())
            .map_err(|_| Refusal::new(ErrorCode::Internal, "the proof has not 32 bytes"))?;
        Ok(Proven {
            attempt: self,
            role,
            by,
            proof,
        })
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut table = self.codes.lock();
        let ours = table.open.iter_mut().find(|open| open.number == self.number);
        if let Some(open) = ours {
            open.is_busy = false;
        }
        if !self.is_judged {
            // It guessed nothing, but kept everybody else from the code: nobody does that again and again.
            table.was_wrong(self.peer, self.begun);
        }
    }
}

impl Proven {
    /// Ends the code; the answer is the hub's proof.
    fn spend(self) -> Hash {
        let number = self.attempt.number;
        self.attempt
            .codes
            .lock()
            .open
            .retain(|open| open.number != number);
        self.proof
    }
}

impl Table {
    fn forget_expired(&mut self, now: Timestamp) {
        self.open.retain(|open| now < open.expires);
        self.wrong.retain(|wrong| now < wrong.since.plus(CODE_LIFE));
    }

    /// The slot after the last one: a code that is over is not soon taken for another. The first one is any.
    fn free_slot(&mut self) -> u16 {
        let (first, last) = SLOTS.into_inner();
        let any = || first + u16::from_be_bytes(random::bytes()) % (last - first + 1);
        let mut slot = self.last_slot.unwrap_or_else(any);
        // Fewer codes are open than there are slots.
        loop {
            slot = if slot < last { slot + 1 } else { first };
            if self.open.iter().all(|open| open.code.slot() != slot) {
                self.last_slot = Some(slot);
                return slot;
            }
        }
    }

    fn times_wrong(&self, peer: IpAddr) -> u32 {
        let known = self.wrong.iter().find(|wrong| wrong.address == peer);
        known.map_or(0, |wrong| wrong.times)
    }

    fn was_wrong(&mut self, address: IpAddr, now: Timestamp) {
        if let Some(wrong) = self.wrong.iter_mut().find(|wrong| wrong.address == address) {
            wrong.times += 1;
            return;
        }
        if self.wrong.len() >= ADDRESSES_MAX {
            // They stand in the order in which they were wrong first.
            self.wrong.remove(0);
        }
        self.wrong.push(Wrong {
            address,
            times: 1,
            since: now,
        });
    }
}

/// The one refusal of every guess.
fn wrong() -> Refusal {
    let message = "there is no such code: it is mistyped, used up, or older than 10 minutes";
    Refusal::new(ErrorCode::WrongCredentials, message)
        .with_hint("compare it with what the hub showed, or ask for a new one: landline invite --code")
}

/// The refusal of a message that is none of SPAKE2.
pub(crate) fn unreadable() -> Refusal {
    let message = format!("the SPAKE2 message is not {MESSAGE_BYTES} bytes with a point of the curve");
    Refusal::new(ErrorCode::BadRequest, message)
}

#[cfg(test)]
mod tests;
