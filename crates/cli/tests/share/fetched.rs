//! Fetching a shared file.

use super::link::{Page, content, curl, fetch, put, share, status, url};
use super::support::Hub;
use std::fs;
use std::thread;

const SIZE: usize = 3 * 1024 * 1024 + 4711;

#[test]
fn a_file_is_fetched_whole_in_parts_and_gone_on_with_where_it_was_cut() {
    let (hub, alice) = Hub::with_alice();
    let content = content(SIZE);
    put(&alice, "plan \"b\".bin", &content);
    let share = share(&alice, "plan \"b\".bin", &[]);
    let link = url(&share);
    for version in ["--http1.1", "--http2"] {
        let page = fetch(&hub, &[version, link]);
        assert_eq!((page.status, page.exit), (200, 0));
        assert!(page.body == content);
        let hash = blake3::hash(&content).to_string();
        assert_eq!(page.fields["etag"], format!("\"{hash}\""));
        assert_eq!(page.fields["accept-ranges"], "bytes");
        assert_eq!(page.fields["content-length"], SIZE.to_string());
        assert_eq!(
            page.fields["content-disposition"],
            "attachment; filename=\"plan _b_.bin\"; filename*=UTF-8''plan%20%22b%22.bin"
        );
        let head = fetch(&hub, &[version, "--head", link]);
        assert_eq!(head.status, 200);
        let plain = |page: &Page| {
            let mut fields = page.fields.clone();
            fields.remove("date");
            fields
        };
        assert_eq!(plain(&head), plain(&page));
        let part = fetch(&hub, &[version, "--range", "1048570-1048580", link]);
        assert_eq!(part.status, 206);
        assert!(part.body == content[1_048_570..=1_048_580]);
        assert_eq!(
            part.fields["content-range"],
            format!("bytes 1048570-1048580/{SIZE}")
        );
        let end = fetch(&hub, &[version, "--range", "-17", link]);
        assert!(end.status == 206 && end.body == content[SIZE - 17..]);
    }
    // By its own name as well.
    let named = format!("{link}/plan%20%22b%22.bin");
    assert!(fetch(&hub, &[&named]).body == content);
    assert_eq!(status(&hub, &[&format!("{link}/other")]), 404);
    for kept in [1, 262_144, SIZE - 1] {
        let file = alice.work().join("cut");
        fs::write(&file, &content[..kept]).unwrap();
        let gone_on = curl(&hub)
            .args(["-C", "-", "--output"])
            .arg(&file)
            .arg(link)
            .output();
        assert!(gone_on.unwrap().status.success());
        assert!(fs::read(&file).unwrap() == content, "{kept}");
    }
}

#[test]
fn a_part_of_what_the_file_has_not_or_not_any_more_is_not_given() {
    let (hub, alice) = Hub::with_alice();
    let content = content(1000);
    put(&alice, "file", &content);
    put(&alice, "empty", b"");
    let shared = share(&alice, "file", &[]);
    let link = url(&shared);
    for range in ["1000-", "9223372036854775808-", "18446744073709551616-", "-0"] {
        let page = fetch(&hub, &["--range", range, link]);
        assert_eq!(
            (page.status, &*page.fields["content-range"]),
            (416, "bytes */1000"),
            "{range}"
        );
    }
    let first = fetch(&hub, &[link]);
    let conditional = |value: &str| {
        let field = format!("If-Range: {value}");
        fetch(&hub, &["--header", &field, "--range", "10-19", link])
    };
    for same in [&first.fields["etag"], &first.fields["last-modified"]] {
        let page = conditional(same);
        assert!(page.status == 206 && page.body == content[10..20], "{same}");
    }
    let other = format!("\"{}\"", "0".repeat(64));
    for other in [&*other, "W/\"x\"", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"] {
        let page = conditional(other);
        assert!(page.status == 200 && page.body == content, "{other}");
    }
    let empty = share(&alice, "empty", &[]);
    let page = fetch(&hub, &[url(&empty)]);
    assert_eq!((page.status, page.body.len()), (200, 0));
    // Another file in its place is not what was shared.
    put(&alice, "file", b"another");
    assert_eq!(status(&hub, &[link]), 404);
}

#[test]
fn what_a_user_has_put_here_runs_nothing_in_a_browser() {
    let (hub, alice) = Hub::with_alice();
    put(&alice, "page.html", b"<script>alert(1)</script>");
    let shared = share(&alice, "page.html", &[]);
    for link in [url(&shared), &url(&shared)[..30]] {
        let page = fetch(&hub, &[link]);
        let policy = &page.fields["content-security-policy"];
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("script"),
            "{policy}"
        );
        assert!(policy.contains("sandbox"), "{policy}");
        assert_eq!(page.fields["x-content-type-options"], "nosniff");
        assert_eq!(page.fields["referrer-policy"], "no-referrer");
        assert_eq!(page.fields["cache-control"], "private, no-store");
        let kind = &page.fields["content-type"];
        assert!(page.status == 404 || kind == "application/octet-stream", "{kind}");
    }
    let page = fetch(&hub, &[url(&shared)]);
    assert!(page.fields["content-disposition"].starts_with("attachment;"));
    for method in ["POST", "DELETE", "PATCH"] {
        assert_eq!(status(&hub, &["--request", method, url(&shared)]), 405);
    }
    let put = fetch(
        &hub,
        &["--upload-file", "/dev/null", &format!("{}/x", url(&shared))],
    );
    assert_eq!((put.status, &*put.fields["allow"]), (405, "GET, HEAD"));
}

#[test]
fn of_a_share_that_is_good_for_three_downloads_three_begin_however_many_ask_at_once() {
    let (hub, alice) = Hub::with_alice();
    let content = content(300_000);
    put(&alice, "file", &content);
    let shared = share(&alice, "file", &["--count", "3"]);
    let link = url(&shared);
    // Looking costs nothing.
    assert_eq!(status(&hub, &["--head", link]), 200);
    let pages: Vec<Page> = thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| fetch(&hub, &[link]))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let got = pages
        .iter()
        .filter(|page| page.status == 200 && page.body == content);
    assert_eq!(got.count(), 3);
    assert_eq!(pages.iter().filter(|page| page.status == 404).count(), 5);
    let left = |person: &super::support::Person| {
        let line = person.run(["share", "ls", "--json"]).succeeds();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["left"].clone()
    };
    assert_eq!(left(&alice), 0);
    // Whoever has begun goes on all the same, and that is not another one.
    let rest = fetch(&hub, &["--range", "1000-", link]);
    assert!(rest.status == 206 && rest.body == content[1000..]);
    assert_eq!(status(&hub, &["--range", "0-", link]), 404);
    // Who has not begun does not get everything but the first byte.
    let fresh = share(&alice, "file", &["--count", "1"]);
    assert_eq!(status(&hub, &["--range", "1-", url(&fresh)]), 206);
    assert_eq!(status(&hub, &[url(&fresh)]), 404);
}

#[test]
fn a_password_is_asked_for_and_wrong_ones_are_held_up() {
    let (hub, alice) = Hub::with_alice();
    put(&alice, "file", b"secret");
    let made = alice.run_with(["share", ":file", "--password", "-", "--json"], "corr:ect\n");
    let shared: serde_json::Value = serde_json::from_str(&made.succeeds()).unwrap();
    assert_eq!(shared["password"], true);
    let link = url(&shared);
    let page = fetch(&hub, &[link]);
    assert_eq!(page.status, 401);
    assert!(page.fields["www-authenticate"].starts_with("Basic realm="));
    for _ in 0..2 {
        let page = fetch(&hub, &["--user", "whoever:corr:ect", link]);
        assert_eq!((page.status, page.text()), (200, "secret".to_owned()));
    }
    let mut statuses = Vec::new();
    for _ in 0..18 {
        statuses.push(status(&hub, &["--user", ":wrong", link]));
    }
    assert_eq!(statuses[..17], [401; 17]);
    assert_eq!(statuses[17], 429);
    let held_up = fetch(&hub, &["--user", ":corr:ect", link]);
    assert!(held_up.status == 429 && held_up.fields["retry-after"].parse::<u64>().unwrap() > 0);
    // Nobody else waits, and no other share.
    let other = share(&alice, "file", &[]);
    assert_eq!(status(&hub, &[url(&other)]), 200);
    assert!(
        !fs::read_to_string(hub.data().join("db/files.db-wal")).is_ok_and(|log| log.contains("corr:ect"))
    );
}

#[test]
fn links_are_not_guessed_and_who_tries_waits() {
    let (hub, alice) = Hub::with_alice();
    put(&alice, "file", b"content");
    let shared = share(&alice, "file", &[]);
    let (top, token) = url(&shared).rsplit_once('/').unwrap();
    let changed = if token.starts_with('A') { "B" } else { "A" };
    let near = format!("{top}/{changed}{}", &token[1..]);
    let unknown = fetch(&hub, &[&near]);
    let nonsense = fetch(&hub, &[&format!("{top}/x")]);
    assert_eq!((unknown.status, nonsense.status), (404, 404));
    assert_eq!(unknown.text(), nonsense.text());
    let mut last = 404;
    for _ in 0..16 {
        assert_eq!(last, 404);
        last = status(&hub, &[&near]);
    }
    assert_eq!(last, 429);
    assert!(!hub.errors().contains(token), "a token stands in the log");
}
