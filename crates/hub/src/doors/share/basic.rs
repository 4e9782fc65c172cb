//! HTTP Basic authentication (RFC 7617): the password of a share. What is said as the user's name does not matter.

use data_encoding::BASE64_NOPAD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use landline_model::protocol::people::{PASSWORD_MAX, Secret};

/// The longest field that can hold a password: a name as long as one, and both in base 64.
const FIELD_MAX: usize = 4 * PASSWORD_MAX;

/// The password that a request brings.
pub(super) fn password(headers: &HeaderMap) -> Option<Secret> {
    let field = headers.get(AUTHORIZATION)?.as_bytes();
    if field.len() > FIELD_MAX {
        return None;
    }
    let (scheme, credentials) = std::str::from_utf8(field).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = credentials.trim().trim_end_matches('=');
    let decoded = BASE64_NOPAD.decode(credentials.as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (_, password) = text.split_once(':')?;
    Some(Secret(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn the_password_is_what_stands_behind_the_first_colon() {
        let of = |field: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, field.parse().unwrap());
            password(&headers).map(|secret| secret.0)
        };
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
        assert_eq!(of(&basic(":s3cret")).as_deref(), Some("s3cret"));
        assert_eq!(of(&basic("anybody:a:b")).as_deref(), Some("a:b"));
        assert_eq!(of(&basic("x:é").replace("Basic", "bASIC")).as_deref(), Some("é"));
        for field in [
            "Basic",
            "Basic !!",
            "Bearer abc",
            &basic("nothing"),
            &format!("Basic {}", "A".repeat(FIELD_MAX)),
        ] {
            assert_eq!(of(field), None, "{field:.20}");
        }
        assert_eq!(password(&HeaderMap::new()).map(|secret| secret.0), None);
    }
}
