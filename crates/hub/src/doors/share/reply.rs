//! What goes back: fields that every answer has, and what is said where there is nothing to give.

use axum::body::Body;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::response::Builder;
use hyper::{Response, StatusCode};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::shares::ShareKind;
use std::borrow::Cow;

/// For what a user has put here: it runs nothing, and is nobody's page.
pub(super) const SANDBOX: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// For the pages of this door: their own style and nothing else.
pub(super) const PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                               frame-ancestors 'none'";

/// Why there is no answer but this.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: Cow<'static, str>,
    field: Option<(hyper::header::HeaderName, HeaderValue)>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
        }
    }

    /// Nothing is here, or is here any more, or was ever here.
    pub(super) fn nothing() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing here: the link is wrong, or it is no longer good",
        )
    }

    /// A password is missing or wrong.
    pub(super) fn password() -> Self {
        let challenge = HeaderValue::from_static("Basic realm=\"shared by Landline\", charset=\"UTF-8\"");
        Self {
            field: Some((WWW_AUTHENTICATE, challenge)),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "this link has a password; the user's name does not matter",
            )
        }
    }

    /// Too many guesses.
    pub(super) fn too_soon(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self {
            field: Some((RETRY_AFTER, HeaderValue::from(seconds))),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("too many wrong links or passwords from this address; wait {seconds} s"),
            )
        }
    }

    /// What is asked is not done to a share of this kind.
    pub(super) fn method(kind: ShareKind) -> Self {
        let (allowed, message) = if kind == ShareKind::Drop {
            ("GET, HEAD, PUT", "files are put here: curl -T FILE LINK/")
        } else {
            ("GET, HEAD", "this is for fetching")
        };
        Self {
            field: Some((ALLOW, HeaderValue::from_static(allowed))),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
        }
    }

    /// Of the part that is asked for the file has nothing.
    pub(super) fn range(size: u64) -> Self {
        let field = HeaderValue::try_from(format!("bytes */{size}")).ok();
        Self {
            field: field.map(|size| (CONTENT_RANGE, size)),
            ..Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "the file is not that long")
        }
    }

    pub(super) fn response(self, is_head: bool) -> Response<Body> {
        let text = format!("{}\n", self.message);
        let mut builder = safe(self.status, SANDBOX)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_LENGTH, text.len());
        if let Some((name, value)) = self.field {
            builder = builder.header(name, value);
        }
        finish(builder, if is_head { Body::empty() } else { Body::from(text) })
    }
}

impl From<Refusal> for Failure {
    /// What the store says names places of the owner's: strangers hear what kind of trouble it is, and no more.
    fn from(refusal: Refusal) -> Self {
        match refusal.code {
            ErrorCode::NotFound | ErrorCode::WrongKind | ErrorCode::Forbidden => Self::nothing(),
            ErrorCode::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the hub is busy; try again in a few seconds",
            ),
            ErrorCode::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping"),
            ErrorCode::StorageFull | ErrorCode::Quota => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "there is no room for it at the hub",
            ),
            ErrorCode::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "that is too large or too long"),
            ErrorCode::Conflict | ErrorCode::Mismatch | ErrorCode::Exists => {
                Self::new(StatusCode::CONFLICT, "it changed meanwhile; try again")
            }
            ErrorCode::BadRequest => Self::new(StatusCode::BAD_REQUEST, "the request is not one"),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "something went wrong inside the hub; its log says more",
            ),
        }
    }
}

/// An answer with the fields that all have.
pub(super) fn safe(status: StatusCode, policy: &'static str) -> Builder {
    Response::builder()
        .status(status)
        .header(CONTENT_SECURITY_POLICY, policy)
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(REFERRER_POLICY, "no-referrer")
        .header(CACHE_CONTROL, "private, no-store")
        .header("cross-origin-resource-policy", "same-origin")
}

/// The answer. What this door writes into fields are always fields; should it not be so, nothing is given.
pub(super) fn finish(builder: Builder, body: Body) -> Response<Body> {
    builder.body(body).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer of the share door cannot be sent");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
