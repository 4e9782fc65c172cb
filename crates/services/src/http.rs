//! Who speaks HTTP or TLS: the one judge of every service that keeps web browsers out.

/// The methods of HTTP that a page or a tool may begin with (IANA's registry of methods, the common ones).
const METHODS: [&[u8]; 18] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
];

/// With what the target of a request begins, behind the method and a space (RFC 9112, section 3.2).
const TARGETS: [&[u8]; 3] = [b"/", b"*", b"http"];

/// With what a client of HTTP/2 begins (RFC 9113, section 3.4).
const HTTP_2: &[u8] = b"PRI * HTTP/2";

/// How many bytes tell whether a beginning is [`Verdict::Foreign`]: the longest method, a space and the longest target.
pub(crate) const TELLING: usize = 16;

/// What a beginning is, from the harmless to the certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Neither HTTP nor TLS. What follows can make it suspect, but nothing worse.
    Welcome,
    /// Not known yet.
    Open,
    /// It may be a request: enough where what is let in is run, and too little where people talk, who write
    /// `PUT it down` and quote ` HTTP/1.1`.
    Suspect,
    /// HTTP or TLS.
    Foreign,
}

/// Judges the first bytes of a peer.
pub(crate) fn judge(bytes: &[u8]) -> Verdict {
    METHODS
        .iter()
        .map(|method| judge_request(bytes, method))
        .chain([
            judge_start(bytes, HTTP_2),
            judge_client_hello(bytes),
            judge_version(bytes),
        ])
        .max()
        .unwrap_or(Verdict::Welcome)
}

/// Whether `bytes` begin with `start`.
fn judge_start(bytes: &[u8], start: &[u8]) -> Verdict {
    if bytes.starts_with(start) {
        Verdict::Foreign
    } else if start.starts_with(bytes) {
        Verdict::Open
    } else {
        Verdict::Welcome
    }
}

/// Whether `bytes` begin a request with this method.
fn judge_request(bytes: &[u8], method: &[u8]) -> Verdict {
    match bytes.strip_prefix(method) {
        None if method.starts_with(bytes) => Verdict::Open,
        Some([]) => Verdict::Open,
        Some([b' ', target @ ..]) if TARGETS.iter().any(|start| target.starts_with(start)) => {
            Verdict::Foreign
        }
        Some([b' ', ..]) => Verdict::Suspect,
        None | Some(_) => Verdict::Welcome,
    }
}

/// Whether the first line names a version of HTTP, with whatever method.
fn judge_version(bytes: &[u8]) -> Verdict {
    let version = b" HTTP/";
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.windows(version.len()).any(|window| window == version) {
        Verdict::Suspect
    } else {
        Verdict::Welcome
    }
}

/// Whether `bytes` begin a TLS record (RFC 8446, section 5.1) of type handshake, 22, and any version 3.x, in which
/// there is a ClientHello, 1 (section 4).
fn judge_client_hello(bytes: &[u8]) -> Verdict {
    let expected = |(index, byte): (usize, &u8)| match index {
        0 => *byte == 22,
        1 => *byte == 3,
        2 => *byte <= 4,
        5 => *byte == 1,
        _ => true,
    };
    match bytes.iter().enumerate().take(6).all(expected) {
        false => Verdict::Welcome,
        true if bytes.len() >= 6 => Verdict::Foreign,
        true => Verdict::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_judged_by_what_it_is_and_may_become() {
        for (verdict, beginnings) in [
            (
                Verdict::Foreign,
                &[
                    &b"GET /"[..],
                    b"OPTIONS *",
                    b"PROPPATCH http",
                    b"PRI * HTTP/2",
                    b"\x16\x03\x01\x02\x00\x01",
                ][..],
            ),
            (
                Verdict::Suspect,
                &[
                    b"GET ",
                    b"GET it",
                    b"DELETE htt",
                    b"BREW /pot HTTP/1.1\r\n",
                    b"say: GET / HTTP/1.1",
                ],
            ),
            (Verdict::Open, &[b"", b"G", b"GET", b"PRI *", b"\x16\x03\x01"]),
            (
                Verdict::Welcome,
                &[
                    b"get / HTML",
                    b"GETTING /",
                    b"ls\nGET / HTTP/1.1",
                    b"\x16\x00\x00\x00{\"",
                ],
            ),
        ] {
            for bytes in beginnings {
                assert_eq!(judge(bytes), verdict, "{:?}", bytes.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn as_many_bytes_as_are_said_to_tell_do() {
        for method in METHODS {
            for target in TARGETS {
                let request = [method, b" ", target].concat();
                assert!(request.len() <= TELLING);
                assert_eq!(judge(&request), Verdict::Foreign);
                let begun = (1..request.len()).map(|length| judge(&request[..length]));
                assert!(begun.into_iter().all(|verdict| verdict > Verdict::Welcome));
            }
        }
        assert!(HTTP_2.len() <= TELLING);
    }
}
