//! The browser's place: one plain page and the certificate to install.

use super::patience::Patience;
use super::share;
use crate::services::Services;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tower_service::Service as _;

/// How long a browser may keep its connection after each request: what is here is fetched in one go. Who fetches or
/// sends a file has longer, as long as it goes on.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// How long a browser has for each request's head.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Nothing but this page's own style: no script, no frame, no other origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What the page door shows; made once at the start.
pub(crate) struct Page {
    router: Router,
}

impl Page {
    /// A page for the hub with this name, fingerprint and CA certificate (PEM).
    pub(crate) fn new(name: &str, fingerprint: &str, certificate: String) -> Self {
        let html: Arc<str> = include_str!("page.html")
            .replace("{{name}}", &escape_html(name))
            .replace("{{fingerprint}}", fingerprint)
            .into();
        let show = {
            let html = Arc::clone(&html);
            get(move || async move { page(StatusCode::OK, &html) })
        };
        let router = Router::new()
            .route("/", show.clone())
            .route("/join", show)
            .route(
                "/ca.crt",
                get(move || async move { certificate_file(certificate) }),
            )
            .fallback(move || async move { page(StatusCode::NOT_FOUND, &html) });
        Self { router }
    }
}

/// Serves a browser, or whoever follows the link of a share.
pub(super) async fn serve(stream: TlsStream<TcpStream>, services: Arc<Services>, peer: IpAddr) {
    let patience = Arc::new(Patience::new(CONNECTION_TIME));
    let stopping = services.stopping.clone();
    let service = service_fn({
        let patience = Arc::clone(&patience);
        move |request| answer(request, Arc::clone(&services), peer, Arc::clone(&patience))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(16);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let served = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopping.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    tokio::select! {
        ended = served => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a browser's connection ended");
            }
        }
        () = patience.is_over() => tracing::debug!(%peer, "a browser's connection was ended: nothing moved on it"),
    }
}

async fn answer(
    request: Request<Incoming>,
    services: Arc<Services>,
    peer: IpAddr,
    patience: Arc<Patience>,
) -> Result<Response<Body>, Infallible> {
    patience.extend(CONNECTION_TIME);
    if share::is_of_a_share(request.uri().path()) {
        return Ok(share::answer(request, services, peer, patience).await);
    }
    services.page.router.clone().call(request).await
}

pub(super) const SAFETY: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
];

fn page(status: StatusCode, html: &Arc<str>) -> impl IntoResponse + use<> {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (status, SAFETY, headers, html.to_string())
}

fn certificate_file(certificate: String) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/x-x509-ca-cert"),
        (CONTENT_DISPOSITION, "attachment; filename=\"landline-hub.crt\""),
    ];
    (SAFETY, headers, certificate)
}

pub(super) fn escape_html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in landline_model::text::escape(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hubs_name_cannot_become_markup() {
        assert_eq!(
            escape_html("<b>\"x\" & 'y'\u{1b}"),
            "&lt;b&gt;&quot;x&quot; &amp; &#39;y&#39;\\u{1b}"
        );
    }
}
