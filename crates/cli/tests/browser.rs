//! What browsers and other TLS and HTTP clients get at the hub's port: curl and openssl ask.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use support::Hub;

/// A page as curl got it.
struct Page {
    /// `HTTP/2 200`
    status: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Runs curl without any configuration of the machine's; it trusts the hub's authority alone.
fn curl(hub: &Hub, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--noproxy", "*"]);
    command.arg("--cacert").arg(hub.data().join("tls/ca.crt"));
    command.args(arguments).env_remove("SSLKEYLOGFILE");
    command
        .output()
        .expect("curl is one of the packages of `cargo xtask setup`")
}

fn fetch(hub: &Hub, arguments: &[&str]) -> Page {
    let output = curl(hub, &[&["--include"], arguments].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().trim_end().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Page {
        status,
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

fn https(hub: &Hub, path: &str) -> String {
    format!("https://{}{path}", hub.address())
}

/// An openssl client that finishes its handshake and goes. It knows the hub's authority, and checks.
fn openssl(hub: &Hub, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-connect",
        hub.address(),
        "-verify_return_error",
        "-verify_ip",
        "127.0.0.1",
    ]);
    command
        .arg("-CAfile")
        .arg(hub.data().join("tls/ca.crt"))
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("openssl is one of the packages of `cargo xtask setup`");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_page_says_what_this_is_in_http_1_1_and_http_2() {
    let hub = Hub::start();
    for (version, status) in [("--http1.1", "HTTP/1.1 200 OK"), ("--http2", "HTTP/2 200")] {
        for path in ["/", "/join"] {
            let page = fetch(&hub, &[version, &https(&hub, path)]);
            assert_eq!(page.status, status);
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
            let fingerprint = hub.ready()["fingerprint"].as_str().unwrap();
            assert!(
                page.body.contains("Landline") && page.body.contains(fingerprint),
                "{}",
                page.body
            );
            assert!(page.body.contains("/ca.crt"), "{}", page.body);
            assert!(!page.body.contains("<script"), "{}", page.body);
        }
    }
}

#[test]
fn every_answer_forbids_what_a_browser_need_not_do() {
    let hub = Hub::start();
    for path in ["/", "/ca.crt", "/no/such/page", "/..%2f..%2fetc/passwd"] {
        let page = fetch(&hub, &["--path-as-is", &https(&hub, path)]);
        let policy = &page.headers["content-security-policy"];
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script"), "{policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
    }
    assert!(
        fetch(&hub, &[&https(&hub, "/no/such/page")])
            .status
            .ends_with("404")
    );
    for method in ["POST", "PUT", "DELETE"] {
        let page = fetch(&hub, &["--request", method, &https(&hub, "/")]);
        assert!(page.status.ends_with("405"), "{method}: {}", page.status);
    }
}

#[test]
fn the_authoritys_certificate_is_there_to_install_and_its_key_is_not() {
    let hub = Hub::start();
    let page = fetch(&hub, &[&https(&hub, "/ca.crt")]);
    assert_eq!(page.headers["content-type"], "application/x-x509-ca-cert");
    assert!(page.headers["content-disposition"].starts_with("attachment"));
    assert_eq!(
        page.body,
        fs::read_to_string(hub.data().join("tls/ca.crt")).unwrap()
    );
    assert!(!page.body.contains("PRIVATE"));
}

#[test]
fn without_the_authority_a_browser_is_warned() {
    let hub = Hub::start();
    let output = curl(&hub, &["--cacert", "/dev/null", &https(&hub, "/")]);
    assert!(!output.status.success());
}

#[test]
fn plain_http_is_sent_to_https() {
    let hub = Hub::start();
    let page = fetch(&hub, &[&format!("http://{}/join?x=1", hub.address())]);
    assert_eq!(page.status, "HTTP/1.1 308 Permanent Redirect");
    assert_eq!(page.headers["location"], https(&hub, "/join?x=1"));
    let page = fetch(
        &hub,
        &["--header", "Host: evil/@x", &format!("http://{}/", hub.address())],
    );
    assert_eq!(page.status, "HTTP/1.1 400 Bad Request");
    let page = fetch(&hub, &["--location", &format!("http://{}/", hub.address())]);
    assert!(page.body.contains("Landline"), "the redirect leads to the page");
}

#[test]
fn a_request_without_an_end_is_cut_off() {
    let hub = Hub::start();
    let endless = format!("X-Endless: {}", "x".repeat(1024 * 1024));
    let place = tempfile::tempdir().unwrap();
    let headers = place.path().join("header");
    fs::write(&headers, endless).unwrap();
    let header = format!("@{}", headers.display());
    for url in [https(&hub, "/"), format!("http://{}/", hub.address())] {
        for version in ["--http1.1", "--http2"] {
            let output = curl(&hub, &[version, "--include", "--header", &header, &url]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                !output.status.success() || text.contains(" 431"),
                "{url} {version}: {text}"
            );
        }
    }
    assert!(fetch(&hub, &[&https(&hub, "/")]).status.ends_with("200"));
}

#[test]
fn tls_1_3_is_spoken_and_nothing_older() {
    let hub = Hub::start();
    let (done, text) = openssl(&hub, &["-tls1_3", "-alpn", "landline/1"]);
    assert!(
        done && text.contains("TLSv1.3") && text.contains("ALPN protocol: landline/1"),
        "{text}"
    );
    assert!(text.contains("Verification: OK"), "{text}");
    for version in ["-tls1_2", "-tls1_1", "-tls1"] {
        let (done, text) = openssl(&hub, &[version]);
        assert!(!done, "{version}: {text}");
    }
    let (done, text) = openssl(&hub, &["-alpn", "imap"]);
    assert!(!done && text.contains("no application protocol"), "{text}");
}
