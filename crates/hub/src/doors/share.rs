//! The share door: `/s/TOKEN` and what is below it, for whoever has the link.
//!
//! ```text
//! GET, HEAD  /s/TOKEN               the file, or the directory's listing
//! GET, HEAD  /s/TOKEN/a/b           what is below a directory
//! PUT        /s/TOKEN/NAME          into a drop box
//! ```
//!
//! Whatever is done here is done with the rights that the share's owner has at that moment; a share that has ended, one
//! whose owner lost the right, and one that never was look the same from outside.

mod basic;
mod deposit;
mod download;
mod field;
mod listing;
mod path;
mod range;
mod reply;
mod visit;

pub(super) use path::is_of_a_share;

use super::patience::Patience;
use crate::services::Services;
use axum::body::Body;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use reply::Failure;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use visit::Visit;

/// So many links that lead nowhere, or wrong passwords of one share, an address may try before it has to wait: more than
/// of logins, because a page that has many dead links is no attack, and a token cannot be guessed anyway.
pub(crate) const GUESSES_FREE: u32 = 16;

/// How much of what somebody sends is taken and thrown away before they are told that it is not wanted. Some programs look
/// for an answer only when all is sent, and take one that comes before for an error of the connection.
const UNWANTED_MAX: usize = 1024 * 1024;

/// Answers one request.
pub(super) async fn answer(
    request: Request<Incoming>,
    services: Arc<Services>,
    peer: IpAddr,
    patience: Arc<Patience>,
) -> Response<Body> {
    let (head, mut body) = request.into_parts();
    match try_answer(&head, &mut body, services, peer, patience).await {
        Ok(response) => response,
        Err(failure) => {
            // Who asks first whether to send at all has not begun to.
            if !head.headers.contains_key(EXPECT) {
                take_unwanted(body).await;
            }
            failure.response(head.method == Method::HEAD)
        }
    }
}

async fn try_answer(
    head: &Parts,
    body: &mut Incoming,
    services: Arc<Services>,
    peer: IpAddr,
    patience: Arc<Patience>,
) -> Result<Response<Body>, Failure> {
    let visit = Visit::begin(head, services, peer, patience).await?;
    match head.method {
        Method::GET | Method::HEAD => visit.show(head).await,
        Method::PUT => deposit::take(visit, head, body).await,
        _ => Err(Failure::method(visit.share.kind)),
    }
}

/// Whoever is slow about it meets the connection's patience.
async fn take_unwanted(mut body: Incoming) {
    let mut taken = 0;
    while taken < UNWANTED_MAX {
        match next_frame(&mut body).await {
            Some(Ok(frame)) => taken += frame.data_ref().map_or(0, bytes::Bytes::len),
            _ => return,
        }
    }
}

/// The next piece of what somebody sends.
async fn next_frame(body: &mut Incoming) -> Option<hyper::Result<Frame<bytes::Bytes>>> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}
