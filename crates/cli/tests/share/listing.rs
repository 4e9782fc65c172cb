//! A shared directory.

use super::link::{fetch, share, status, url};
use super::support::{Hub, Person};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;

fn nasty() -> Vec<OsString> {
    let names: [&[u8]; 15] = [
        b"two words",
        b"line\nbreak",
        b"\x1b[31mred",
        "\u{1f6a2}".as_bytes(),
        b"\xd6\xd0\xce\xc4.txt",
        b"-rf",
        b"...",
        b"javascript:alert(1)",
        b"back\\slash",
        b"%2e%2e%2f",
        b"a?b#c&d=e;f",
        b"<script>alert(1)<",
        b"\"onmouseover='x'",
        b"&lt;",
        b"\xe2\x80\xaegnp.exe",
    ];
    let mut names: Vec<OsString> = names.map(|name| OsString::from_vec(name.to_vec())).into();
    names.push(OsString::from_vec(vec![b'x'; 255]));
    names
}

/// The directory `all` at the hub, with a file of each name, and in it what it is called.
fn put_all(alice: &Person) {
    let top = alice.work().join("all");
    fs::create_dir_all(top.join("in <b>here")).unwrap();
    for name in nasty() {
        fs::write(top.join(&name), name.as_bytes()).unwrap();
        fs::write(top.join("in <b>here").join(&name), b"below").unwrap();
    }
    alice.run(["put", "-r", "all", ":"]).succeeds();
}

/// The links of a page, without the query.
fn links(html: &str) -> Vec<String> {
    let parts = html.split("href=\"").skip(1);
    parts
        .map(|part| part.split_once('"').unwrap().0.to_owned())
        .collect()
}

#[test]
fn a_directory_is_listed_safely_and_each_of_its_links_leads_to_its_file() {
    let (hub, alice) = Hub::with_alice();
    put_all(&alice);
    let shared = share(&alice, "all", &["--name", "<i>mine</i>"]);
    let link = url(&shared);
    let page = fetch(&hub, &[link]);
    assert_eq!(
        (page.status, &*page.fields["content-type"]),
        (200, "text/html; charset=utf-8")
    );
    let policy = &page.fields["content-security-policy"];
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script"),
        "{policy}"
    );
    let html = page.text();
    for markup in [
        "<script",
        "<i>",
        "<b>",
        "\u{1b}",
        "\u{202e}",
        "\"onmouseover",
        "href=\"javascript",
    ] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("&lt;i&gt;mine&lt;/i&gt;"));
    let mut found = BTreeMap::new();
    for name in links(&html) {
        let to = name.strip_prefix("./").unwrap();
        if to.ends_with('/') {
            let below = fetch(&hub, &[&format!("{link}{to}")]);
            let below = links(&below.text());
            assert_eq!(below.len(), nasty().len() + 1, "and the way up");
            let one = format!("{link}{to}{}", below[1].strip_prefix("./").unwrap());
            assert_eq!(fetch(&hub, &[&one]).text(), "below");
        } else {
            found.insert(fetch(&hub, &[&format!("{link}{to}")]).body, ());
        }
    }
    let names: BTreeMap<Vec<u8>, ()> = nasty()
        .iter()
        .map(|name| (name.as_bytes().to_vec(), ()))
        .collect();
    assert!(found == names);
    // Without the '/' links would lead elsewhere.
    let bare = link.strip_suffix('/').unwrap();
    let page = fetch(&hub, &[bare]);
    assert_eq!(page.status, 308);
    assert!(link.ends_with(&page.fields["location"]));
}

#[test]
fn nothing_outside_of_what_is_shared_is_reached() {
    let (hub, alice) = Hub::with_alice();
    fs::create_dir(alice.work().join("all")).unwrap();
    fs::write(alice.work().join("all/file"), b"inside").unwrap();
    fs::write(alice.work().join("outside"), b"outside").unwrap();
    alice.run(["put", "-r", "all", "outside", ":"]).succeeds();
    let shared = share(&alice, "all", &[]);
    let link = url(&shared);
    for way in [
        "../outside",
        "%2e%2e/outside",
        "..%2foutside",
        "./file",
        "all/../../outside",
        "/etc/passwd",
        "%00",
    ] {
        let status = status(&hub, &[&format!("{link}{way}")]);
        assert!(matches!(status, 400 | 404), "{way}: {status}");
    }
    // What somebody has placed on the server itself.
    let account = alice.account()["id"].as_str().unwrap().to_owned();
    let here = hub.data().join("files/home").join(account);
    symlink(here.join("outside"), here.join("all/link")).unwrap();
    symlink(&here, here.join("all/up")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        here.join("all/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    for way in ["link", "up/", "up/outside", "pipe"] {
        assert_eq!(status(&hub, &[&format!("{link}{way}")]), 404, "{way}");
    }
    let html = fetch(&hub, &[link]).text();
    assert_eq!(links(&html), ["./file"], "{html}");
    // And another directory in its place.
    alice.run(["mv", ":all", ":before"]).succeeds();
    alice.run(["mkdir", ":all"]).succeeds();
    assert_eq!(status(&hub, &[link]), 404);
    alice.run(["rm", "-r", ":all"]).succeeds();
    alice.run(["mv", ":before", ":all"]).succeeds();
    assert_eq!(fetch(&hub, &[&format!("{link}file")]).text(), "inside");
}

#[test]
fn a_directory_of_many_names_has_several_pages() {
    let (hub, alice) = Hub::with_alice();
    let top = alice.work().join("many");
    fs::create_dir(&top).unwrap();
    for number in 0..1500 {
        fs::write(top.join(format!("file {number:04}")), b"").unwrap();
    }
    alice.run(["put", "-r", "many", ":"]).succeeds();
    let shared = share(&alice, "many", &[]);
    let first = links(&fetch(&hub, &[url(&shared)]).text());
    assert_eq!(first.len(), 1001);
    let next = format!("{}{}", url(&shared), first[1000]);
    let second = links(&fetch(&hub, &[&next]).text());
    assert_eq!(
        (second.len(), &*second[0], &*second[499]),
        (500, "./file%201000", "./file%201499")
    );
}
