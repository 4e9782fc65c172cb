//! The gate: who knows the secret may go on.
//!
//! The server sends 32 random bytes; the client answers with their HMAC under the shared secret (RFC 2104), and nothing
//! around it. The random bytes come from the caller, who never uses them twice.
//!
//! An optional second round tests the server: the client, once let in, sends 32 random bytes of its own, and the server
//! answers with the HMAC of [`SERVER_LABEL`], both challenges in the order in which they were sent. The first round's
//! message is always 32 bytes and the second's always more, so no answer of one round is one of the other: a server
//! that knows no secret cannot get its answer by sending the challenge back, nor by asking another client.
//!
//! The gate proves the secret once. It neither encrypts nor signs what follows, and who listens can guess at a weak
//! secret at leisure.

use std::str::FromStr;

use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::Sha256;

use crate::framing::take;

/// The bytes of a challenge.
pub const CHALLENGE_LENGTH: usize = 32;

/// What one side asks: fresh random bytes.
pub type Challenge = [u8; CHALLENGE_LENGTH];

/// What stands before the two challenges in the server's proof, its zero byte included.
pub const SERVER_LABEL: &[u8] = b"Landline gate server v1\0";

/// The longest secret, in bytes.
pub const SECRET_MAX: usize = 4096;

/// The longest content of a secret file, in bytes: the longest secret and a newline.
pub const SECRET_FILE_MAX: usize = SECRET_MAX + b"\r\n".len();

/// The hash below the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// HMAC-MD5 (RFC 2104, RFC 1321), for peers that speak nothing else: Python's `hmac.new` had it as its default.
    Md5,
    /// HMAC-SHA-256 (RFC 4868 section 2, FIPS 180-4), not truncated.
    Sha256,
}

impl Digest {
    /// The bytes of an answer.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 => 32,
        }
    }
}

impl FromStr for Digest {
    type Err = UnknownDigest;

    fn from_str(name: &str) -> Result<Self, UnknownDigest> {
        match name {
            "md5" => Ok(Self::Md5),
            "sha256" => Ok(Self::Sha256),
            _ => Err(UnknownDigest(name.to_owned())),
        }
    }
}

/// A name that is no digest's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no digest is called {0:?}: use md5 or sha256")]
pub struct UnknownDigest(String);

/// The client's answer to a challenge.
#[must_use]
pub fn answer(digest: Digest, secret: &[u8], challenge: &Challenge) -> Vec<u8> {
    Keyed::new(digest, secret, &[challenge]).finish()
}

/// The server's answer in the second round, to the client's `second` challenge after its own `first`.
#[must_use]
pub fn server_answer(digest: Digest, secret: &[u8], first: &Challenge, second: &Challenge) -> Vec<u8> {
    Keyed::new(digest, secret, &[SERVER_LABEL, first, second]).finish()
}

/// Whether an answer was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The peer knows the secret.
    Right,
    /// It does not, or it garbled the answer.
    Wrong,
}

/// Waits for an answer and judges it, once.
#[derive(Clone, Debug)]
pub struct Verifier {
    digest: Digest,
    expected: Keyed,
}

impl Verifier {
    /// Judges a client's answer to `challenge`.
    #[must_use]
    pub fn of_client(digest: Digest, secret: &[u8], challenge: &Challenge) -> Self {
        Self {
            digest,
            expected: Keyed::new(digest, secret, &[challenge]),
        }
    }

    /// Judges a server's answer in the second round.
    #[must_use]
    pub fn of_server(digest: Digest, secret: &[u8], first: &Challenge, second: &Challenge) -> Self {
        Self {
            digest,
            expected: Keyed::new(digest, secret, &[SERVER_LABEL, first, second]),
        }
    }

    /// Takes the answer off the front of `input`, exactly its bytes, and judges it; what stands behind it stays.
    /// `None`: it is not whole yet, and `input` was left as it is. A stream that ends before is a wrong answer.
    pub fn decode(&self, input: &mut &[u8]) -> Option<Verdict> {
        if input.len() < self.digest.length() {
            return None;
        }
        let answer = take(input, self.digest.length());
        Some(self.judge(answer))
    }

    /// Judges a whole answer, in a time that does not depend on where it is wrong; one of another length is wrong.
    pub fn judge(&self, answer: &[u8]) -> Verdict {
        if self.expected.clone().verifies(answer) {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    }
}

/// The secret in the content of a file, without one newline at its end (LF or CR LF), which editors add.
///
/// # Errors
/// A secret that is empty or longer than [`SECRET_MAX`].
pub fn secret_from_file_bytes(content: &[u8]) -> Result<&[u8], SecretError> {
    let secret = match content.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => content,
    };
    match secret.len() {
        0 => Err(SecretError::Empty),
        1..=SECRET_MAX => Ok(secret),
        _ => Err(SecretError::TooLong),
    }
}

/// Why a secret cannot be used. Who wrote the file is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// There is nothing to know.
    #[error("the secret is empty")]
    Empty,
    /// More than [`SECRET_MAX`].
    #[error("the secret is longer than {SECRET_MAX} bytes")]
    TooLong,
}

/// An HMAC that was given its whole message.
#[derive(Clone, Debug)]
enum Keyed {
    Md5(Hmac<Md5>),
    Sha256(Hmac<Sha256>),
}

impl Keyed {
    fn new(digest: Digest, secret: &[u8], message: &[&[u8]]) -> Self {
        match digest {
            Digest::Md5 => Self::Md5(keyed(secret, message)),
            Digest::Sha256 => Self::Sha256(keyed(secret, message)),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(hmac) => hmac.finalize().into_bytes().to_vec(),
            Self::Sha256(hmac) => hmac.finalize().into_bytes().to_vec(),
        }
    }

    fn verifies(self, answer: &[u8]) -> bool {
        match self {
            Self::Md5(hmac) => hmac.verify_slice(answer),
            Self::Sha256(hmac) => hmac.verify_slice(answer),
        }
        .is_ok()
    }
}

fn keyed<M: Mac + hmac::digest::KeyInit>(secret: &[u8], message: &[&[u8]]) -> M {
    let hmac = <M as Mac>::new_from_slice(secret).expect("an HMAC takes a key of any length");
    message.iter().fold(hmac, |hmac, part| hmac.chain_update(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"egg";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hmac(digest: Digest, key: &[u8], message: &[u8]) -> String {
        hex(&Keyed::new(digest, key, &[message]).finish())
    }

    /// RFC 2202 section 2, cases 1, 2, 3 and 6.
    #[test]
    fn md5_matches_the_rfc() {
        let long: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 16], b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "750c783e6ab0b503eaa86e310a5db738",
            ),
            (&[0xaa; 16], &[0xdd; 50], "56be34521d144c88dbb8c733f0e8b3f6"),
            (&[0xaa; 80], long, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hmac(Digest::Md5, key, message), expected);
        }
    }

    /// RFC 4231 sections 4.2, 4.3, 4.4 and 4.7.
    #[test]
    fn sha256_matches_the_rfc() {
        let long: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let cases: [(&[u8], &[u8], &str); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &[0xaa; 131],
                long,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hmac(Digest::Sha256, key, message), expected);
        }
    }

    /// What Python prints for `hmac.new(b'egg', bytes(range(32)), 'md5').hexdigest()`, and with `'sha256'`.
    #[test]
    fn an_answer_is_what_a_student_s_client_sends() {
        let challenge: Challenge = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(
            hex(&answer(Digest::Md5, SECRET, &challenge)),
            "1ed02348787b0082e8c57bd068b01138"
        );
        assert_eq!(
            hex(&answer(Digest::Sha256, SECRET, &challenge)),
            "237a75c35b4b4052e92320ce3f09a146d1bafb6f443e7a4979bd87638fc9b0f8"
        );
    }

    #[test]
    fn exactly_the_answer_is_taken_and_what_follows_stays() {
        for digest in [Digest::Md5, Digest::Sha256] {
            let verifier = Verifier::of_client(digest, SECRET, &[7; 32]);
            let mut bytes = answer(digest, SECRET, &[7; 32]);
            assert_eq!(bytes.len(), digest.length());
            let mut short = &bytes[..digest.length() - 1];
            assert_eq!(verifier.decode(&mut short), None);
            assert_eq!(short.len(), digest.length() - 1);
            bytes.extend_from_slice(b"hello");
            let mut input = &bytes[..];
            assert_eq!(verifier.decode(&mut input), Some(Verdict::Right));
            assert_eq!(input, b"hello");
        }
    }

    #[test]
    fn every_wrong_byte_and_every_other_length_is_wrong() {
        let verifier = Verifier::of_client(Digest::Sha256, SECRET, &[7; 32]);
        let right = answer(Digest::Sha256, SECRET, &[7; 32]);
        for index in 0..right.len() {
            let mut wrong = right.clone();
            wrong[index] ^= 1;
            assert_eq!(verifier.decode(&mut &wrong[..]), Some(Verdict::Wrong));
            assert_eq!(verifier.judge(&right[..index]), Verdict::Wrong);
        }
        assert_eq!(verifier.judge(&[&right[..], b"x"].concat()), Verdict::Wrong);
        assert_eq!(
            verifier.judge(&answer(Digest::Sha256, b"egg\n", &[7; 32])),
            Verdict::Wrong
        );
        assert_eq!(
            verifier.judge(&answer(Digest::Sha256, SECRET, &[8; 32])),
            Verdict::Wrong
        );
    }

    #[test]
    fn the_server_s_proof_is_bound_to_both_challenges_and_cannot_be_reflected() {
        let (first, second) = ([1; 32], [2; 32]);
        for digest in [Digest::Md5, Digest::Sha256] {
            let judge = |answer: &[u8]| Verifier::of_server(digest, SECRET, &first, &second).judge(answer);
            assert_eq!(
                judge(&server_answer(digest, SECRET, &first, &second)),
                Verdict::Right
            );
            // What a client would answer to the same bytes, which an impostor could ask one for.
            assert_eq!(judge(&answer(digest, SECRET, &second)), Verdict::Wrong);
            assert_eq!(judge(&answer(digest, SECRET, &first)), Verdict::Wrong);
            // A proof from another connection, or with the roles turned.
            assert_eq!(
                judge(&server_answer(digest, SECRET, &[3; 32], &second)),
                Verdict::Wrong
            );
            assert_eq!(
                judge(&server_answer(digest, SECRET, &second, &first)),
                Verdict::Wrong
            );
            // And the other way about: a proof opens no gate.
            let client = Verifier::of_client(digest, SECRET, &second);
            assert_eq!(
                client.judge(&server_answer(digest, SECRET, &first, &second)),
                Verdict::Wrong
            );
        }
    }

    #[test]
    fn one_newline_is_not_part_of_a_secret() {
        let secret = secret_from_file_bytes;
        for content in [&b"egg"[..], b"egg\n", b"egg\r\n"] {
            assert_eq!(secret(content), Ok(SECRET));
        }
        assert_eq!(secret(b"egg\n\n"), Ok(&b"egg\n"[..]));
        assert_eq!(secret(b"egg\r"), Ok(&b"egg\r"[..]));
        assert_eq!(secret(b" egg "), Ok(&b" egg "[..]));
        for content in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(secret(content), Err(SecretError::Empty));
        }
        assert_eq!(secret(&[b'x'; SECRET_MAX + 1]), Err(SecretError::TooLong));
        assert!(secret(&[b'x'; SECRET_MAX]).is_ok());
    }

    #[test]
    fn digests_are_known_by_name() {
        assert_eq!("md5".parse(), Ok(Digest::Md5));
        assert_eq!("sha256".parse(), Ok(Digest::Sha256));
        assert!("sha1".parse::<Digest>().is_err());
    }
}
