//! Plain HTTP on the TLS port: a redirect to the same host by https, and nothing else.

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The most bytes of a request that are read.
const REQUEST_MAX: usize = 8 * 1024;

/// Answers one request and closes.
pub(super) async fn serve(stream: TcpStream, deadline: Instant) {
    let service =
        service_fn(|request: Request<Incoming>| async move { Ok::<_, Infallible>(redirect(&request)) });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST_MAX)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if !matches!(timeout_at(deadline, connection).await, Ok(Ok(()))) {
        tracing::debug!("a plain HTTP request was not one");
    }
}

fn redirect(request: &Request<Incoming>) -> Response<String> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| is_host(host))
        .and_then(|host| HeaderValue::try_from(format!("https://{host}{path}")).ok());
    let mut response = Response::new(String::new());
    match location {
        Some(location) => {
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, location);
        }
        None => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn only_what_can_be_a_host_is_sent_back() {
        for host in ["hub", "hub.local:5263", "[::1]:5263"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a/b", "a@b", "a b", "a\"b", "a?b", "a#b"] {
            assert!(!is_host(host), "{host}");
        }
    }
}
