//! A link, and curl that follows it.

use super::support::{Hub, Person, bare};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// What curl got.
#[derive(Debug)]
pub(crate) struct Page {
    /// 0 where there was no answer.
    pub(crate) status: u16,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// curl's own exit code.
    pub(crate) exit: i32,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Bytes that repeat nowhere near.
pub(crate) fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| u8::try_from((index * 7 + index / 4096 * 13 + index / 1_048_576) % 251).unwrap())
        .collect()
}

/// Puts a file of this content at the hub.
pub(crate) fn put(person: &Person, name: &str, content: &[u8]) {
    fs::write(person.work().join("source"), content).unwrap();
    person.run(["put", "source", &format!(":{name}")]).succeeds();
}

/// Shares a path, and says what `--json` says.
pub(crate) fn share(person: &Person, path: &str, options: &[&str]) -> Value {
    let path = format!(":{path}");
    let arguments = [&["share", &path, "--json"], options].concat();
    serde_json::from_str(&person.run(arguments).succeeds()).unwrap()
}

/// The link alone.
pub(crate) fn url(share: &Value) -> &str {
    share["url"].as_str().unwrap()
}

/// curl without any configuration of the machine's; it trusts the hub's authority alone.
pub(crate) fn curl(hub: &Hub) -> Command {
    let mut command = bare("curl");
    command
        .args([
            "--disable",
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--path-as-is",
            "--globoff",
        ])
        .arg("--cacert")
        .arg(hub.data().join("tls/ca.crt"));
    command
}

/// Runs curl to its end.
pub(crate) fn fetch(hub: &Hub, arguments: &[&str]) -> Page {
    let place = tempfile::tempdir().unwrap();
    let [head, body] = ["head", "body"].map(|name| place.path().join(name));
    let output = curl(hub)
        .arg("--dump-header")
        .arg(&head)
        .arg("--output")
        .arg(&body)
        .args(arguments)
        .output()
        .expect("curl is one of the packages of `cargo xtask setup`");
    let head = fs::read_to_string(head).unwrap_or_default();
    // The last one: an answer to `Expect` may stand before it.
    let last = head.trim_end().rsplit("\r\n\r\n").next().unwrap();
    let mut lines = last.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let fields = lines.filter_map(|line| line.split_once(": "));
    Page {
        status: status.map_or(0, |status| status.parse().unwrap()),
        fields: fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_end().to_owned()))
            .collect(),
        body: fs::read(body).unwrap_or_default(),
        exit: output.status.code().unwrap(),
    }
}

/// The status alone.
pub(crate) fn status(hub: &Hub, arguments: &[&str]) -> u16 {
    fetch(hub, arguments).status
}
