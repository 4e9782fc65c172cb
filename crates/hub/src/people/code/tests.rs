//! Codes with a clock of their own.

use super::*;
use landline_model::id::{AccountId, SessionId};

const PIN: Pin = Pin::from_bytes([1; 32]);
const EXPORTER: [u8; EXPORTER_BYTES] = [2; EXPORTER_BYTES];
const START: Timestamp = Timestamp(1_000_000);

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn admin() -> Identity {
    Identity {
        account: AccountId::from_bytes([1; 16]),
        role: Role::Admin,
        session: SessionId::from_bytes([2; 16]),
        session_ends: Timestamp(u64::MAX),
    }
}

fn open(codes: &Codes, now: Timestamp) -> Code {
    codes.open(Role::Member, admin(), now).unwrap().0
}

/// Another code in the same slot.
fn mistyped(code: Code) -> Code {
    let secret: u64 = code.password().parse().unwrap();
    Code::from_random(code.slot(), secret + 1).unwrap()
}

/// What a client with this code does up to its proof.
fn begun(codes: &Codes, code: Code, peer: IpAddr, now: Timestamp) -> Result<(Attempt, hmac::Key), Refusal> {
    let (spake, message) = Spake2::<Ed25519Group>::start_a(
        &Password::new(code.password()),
        &spake2::Identity::new(&identity(Side::Client, code.slot())),
        &spake2::Identity::new(&identity(Side::Hub, code.slot())),
    );
    assert_eq!(message.len(), MESSAGE_BYTES);
    let (attempt, ours) = codes.begin(code.slot(), &message, peer, now)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &spake.finish(&ours).unwrap());
    Ok((attempt, key))
}

fn proof(key: &hmac::Key, side: Side, slot: u16, pin: &Pin, exporter: &[u8; EXPORTER_BYTES]) -> Hash {
    Hash::try_from(hmac::sign(key, &statement(side, slot, pin, exporter)).as_ref()).unwrap()
}

/// Everything that a client with this code does.
fn tried(codes: &Codes, code: Code, peer: IpAddr, now: Timestamp) -> Result<Proven, Refusal> {
    let (attempt, key) = begun(codes, code, peer, now)?;
    let theirs = proof(&key, Side::Client, code.slot(), &PIN, &EXPORTER);
    let proven = attempt.finish(&theirs, &PIN, &EXPORTER, now)?;
    assert_eq!(
        proven.proof,
        proof(&key, Side::Hub, code.slot(), &PIN, &EXPORTER),
        "the client must be able to believe the hub"
    );
    Ok(proven)
}

fn refused<T>(result: Result<T, Refusal>) -> ErrorCode {
    result.err().expect("a refusal").code
}

#[test]
fn the_right_code_is_good_once() {
    let codes = Codes::default();
    let code = open(&codes, START);
    let proven = tried(&codes, code, address(1), START).ok().unwrap();
    assert_eq!((proven.role, proven.by), (Role::Member, admin()));
    proven.spend();
    assert_eq!(
        refused(tried(&codes, code, address(1), START)),
        ErrorCode::WrongCredentials
    );
}

#[test]
fn what_was_proven_but_not_handed_over_can_be_proven_again() {
    let codes = Codes::default();
    let code = open(&codes, START);
    drop(tried(&codes, code, address(1), START).ok().unwrap());
    assert!(tried(&codes, code, address(1), START).is_ok());
}

#[test]
fn after_three_wrong_ones_the_right_one_is_refused_with_the_same_words() {
    let codes = Codes::default();
    let (code, other) = (open(&codes, START), open(&codes, START));
    let wrongs: Vec<Refusal> = (0..WRONG_MAX)
        .map(|_| tried(&codes, mistyped(code), address(1), START).err().unwrap())
        .collect();
    let right = tried(&codes, code, address(2), START).err().unwrap();
    assert_eq!(right.code, ErrorCode::WrongCredentials);
    assert!(wrongs.iter().all(|wrong| *wrong == right), "{wrongs:?}");
    assert!(
        tried(&codes, other, address(1), START).is_ok(),
        "another code stands"
    );
}

#[test]
fn two_wrong_ones_leave_the_code_good() {
    let codes = Codes::default();
    let code = open(&codes, START);
    for _ in 1..WRONG_MAX {
        assert_eq!(
            refused(tried(&codes, mistyped(code), address(1), START)),
            ErrorCode::WrongCredentials
        );
    }
    assert!(tried(&codes, code, address(1), START).is_ok());
}

#[test]
fn a_code_ends_with_its_time_even_in_the_middle_of_an_attempt() {
    let codes = Codes::default();
    let code = open(&codes, START);
    let last = Timestamp(START.plus(CODE_LIFE).0 - 1);
    drop(tried(&codes, code, address(1), last).ok().unwrap());
    let (attempt, key) = begun(&codes, code, address(1), last).ok().unwrap();
    let theirs = proof(&key, Side::Client, code.slot(), &PIN, &EXPORTER);
    let over = START.plus(CODE_LIFE);
    assert_eq!(
        refused(attempt.finish(&theirs, &PIN, &EXPORTER, over)),
        ErrorCode::WrongCredentials
    );
    assert_eq!(
        refused(tried(&codes, code, address(1), over)),
        ErrorCode::WrongCredentials
    );
}

#[test]
fn a_proof_for_another_connection_or_authority_or_direction_is_wrong_and_counts() {
    let codes = Codes::default();
    let code = open(&codes, START);
    let cases = [
        (Side::Client, PIN, [9; EXPORTER_BYTES]),
        (Side::Client, Pin::from_bytes([9; 32]), EXPORTER),
        (Side::Hub, PIN, EXPORTER),
    ];
    for (side, pin, exporter) in cases {
        let (attempt, key) = begun(&codes, code, address(1), START).ok().unwrap();
        let theirs = proof(&key, side, code.slot(), &pin, &exporter);
        assert_eq!(
            refused(attempt.finish(&theirs, &PIN, &EXPORTER, START)),
            ErrorCode::WrongCredentials
        );
    }
    assert_eq!(
        refused(tried(&codes, code, address(1), START)),
        ErrorCode::WrongCredentials
    );
}

#[test]
fn one_client_at_a_time_works_on_a_code_and_one_that_goes_makes_room() {
    let codes = Codes::default();
    let (code, other) = (open(&codes, START), open(&codes, START));
    let first = begun(&codes, code, address(1), START).ok().unwrap();
    assert_eq!(refused(begun(&codes, code, address(2), START)), ErrorCode::Busy);
    assert!(tried(&codes, other, address(2), START).is_ok());
    drop(first);
    assert!(tried(&codes, code, address(2), START).is_ok());
}

#[test]
fn an_attempt_at_a_code_that_is_over_does_not_touch_the_next_one_in_its_slot() {
    let codes = Codes::default();
    let old = open(&codes, START);
    let attempt = begun(&codes, old, address(1), START).ok().unwrap();
    let later = START.plus(CODE_LIFE);
    codes.lock().last_slot = Some(old.slot() - 1)
        .filter(|slot| SLOTS.contains(slot))
        .or(Some(999));
    let new = open(&codes, later);
    assert_eq!(new.slot(), old.slot());
    let held = begun(&codes, new, address(2), later).ok().unwrap();
    drop(attempt);
    assert_eq!(refused(begun(&codes, new, address(3), later)), ErrorCode::Busy);
    drop(held);
}

#[test]
fn an_address_that_was_wrong_too_often_waits_and_no_other_does() {
    let codes = Codes::default();
    let code = open(&codes, START);
    let slot = if code.slot() == 999 { 100 } else { code.slot() + 1 };
    let nowhere = Code::from_random(slot, 7).unwrap();
    for _ in 0..WRONG_OF_ADDRESS_MAX {
        assert_eq!(
            refused(tried(&codes, nowhere, address(1), START)),
            ErrorCode::WrongCredentials
        );
    }
    assert_eq!(
        refused(tried(&codes, code, address(1), START)),
        ErrorCode::TooSoon
    );
    drop(tried(&codes, code, address(2), START).ok().unwrap());
    let later = START.plus(CODE_LIFE);
    let code = open(&codes, later);
    assert!(tried(&codes, code, address(1), later).is_ok());
}

#[test]
fn an_address_that_only_keeps_others_from_a_code_waits_too() {
    let codes = Codes::default();
    let code = open(&codes, START);
    for _ in 0..WRONG_OF_ADDRESS_MAX {
        drop(begun(&codes, code, address(1), START).ok().unwrap());
    }
    assert_eq!(
        refused(begun(&codes, code, address(1), START)),
        ErrorCode::TooSoon
    );
    let proven = tried(&codes, code, address(2), START);
    assert!(proven.is_ok(), "the code is as good as before");
}

#[test]
fn a_network_of_ipv6_counts_as_one_address() {
    let one = network("2001:db8::1".parse().unwrap());
    assert_eq!(one, network("2001:db8::ffff:1".parse().unwrap()));
    assert_ne!(one, network("2001:db8:0:1::1".parse().unwrap()));
    assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), address(1));
}

#[test]
fn no_more_codes_than_the_limit_and_no_more_addresses() {
    let codes = Codes::default();
    for _ in 0..CODES_MAX {
        open(&codes, START);
    }
    assert_eq!(refused(codes.open(Role::Member, admin(), START)), ErrorCode::Busy);
    let later = START.plus(CODE_LIFE);
    let code = open(&codes, later);
    assert_eq!(codes.lock().open.len(), 1);
    let slot = if code.slot() == 999 { 100 } else { code.slot() + 1 };
    for number in 0..300_u32 {
        let peer = IpAddr::from(number.to_be_bytes());
        drop(codes.begin(slot, &[], peer, later));
    }
    assert_eq!(codes.lock().wrong.len(), ADDRESSES_MAX);
}

#[test]
fn a_message_that_is_none_is_refused_and_leaves_the_code_free() {
    let codes = Codes::default();
    let code = open(&codes, START);
    // There is no point of the curve with y = 2.
    let mut off_the_curve = [0; MESSAGE_BYTES];
    off_the_curve[..2].copy_from_slice(&[b'A', 2]);
    for message in [&[][..], &[0; MESSAGE_BYTES], &[0x41; 1000], &off_the_curve] {
        assert_eq!(
            refused(codes.begin(code.slot(), message, address(1), START)),
            ErrorCode::BadRequest
        );
    }
    assert!(tried(&codes, code, address(1), START).is_ok());
}

#[test]
fn slots_come_one_after_another_and_begin_again() {
    let codes = Codes::default();
    codes.lock().last_slot = Some(998);
    let slots = [(); 3].map(|()| open(&codes, START).slot());
    assert_eq!(slots, [999, 100, 101]);
}
