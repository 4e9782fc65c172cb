use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Whether a text stands anywhere in the index's files.
fn is_kept(log: &Log, needle: &str) -> bool {
    ["search.db", "search.db-wal"].iter().any(|name| {
        let bytes = fs::read(log.directory.path().join(name)).unwrap_or_default();
        bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
    })
}

/// What SQLite and FTS5 themselves say of the index.
fn is_sound(log: &Log) {
    let connection = Connection::open(log.index_file()).unwrap();
    connection
        .execute("INSERT INTO grams (grams) VALUES ('integrity-check')", [])
        .unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn what_is_said_while_it_runs_is_found() {
    let mut log = Log::new();
    let search = log.search();
    assert_eq!(found(&search, &text("hello")), []);
    log.say(1, "hello");
    assert_eq!(found(&search, &text("hello")), [(1, 1)]);
    log.make_room(3);
    log.say(3, "hello there");
    assert_eq!(found(&search, &text("hello")), [(3, 1), (1, 1)]);
    let mode = fs::metadata(log.index_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn who_searches_finds_what_was_announced_before() {
    let mut log = Log::new();
    let search = log.search();
    for number in 1..=50 {
        log.say(1, &format!("number {number}."));
        search.wait_for_the_last();
        let page = search
            .query(&text(&format!("number {number}.")), &mut |_| true)
            .unwrap();
        assert_eq!((numbers(&page), page.behind), (vec![(1, number)], 0));
    }
}

#[test]
fn an_edit_puts_the_new_text_in_the_place_of_the_old() {
    let mut log = Log::new();
    let message = log.say(1, "first draft");
    log.say(1, "other");
    let search = log.search();
    log.edit(1, message, "第二稿");
    assert_eq!(found(&search, &text("draft")), []);
    assert_eq!(found(&search, &text("第二")), [(1, 1)]);
    log.edit(1, message, "Third DRAFT");
    assert_eq!(found(&search, &text("third draft")), [(1, 1)]);
    assert_eq!(found(&search, &text("二")), []);
    // An edit is no message, and keeps its message's place and sender.
    assert_eq!(found(&search, &text("")), [(1, 2), (1, 1)]);
    drop(search);
    is_sound(&log);
}

#[test]
fn a_deleted_message_is_not_found_and_nothing_of_it_stays() {
    let mut log = Log::new();
    log.say(1, "keep this");
    let message = log.say(1, "zanzibar");
    log.edit(1, message, "xylophone");
    let search = log.search();
    assert_eq!(found(&search, &text("xylo")), [(1, 2)]);
    assert!(is_kept(&log, "xylophone"));
    log.delete(1, message);
    assert_eq!(found(&search, &text("xylo")), []);
    assert_eq!(found(&search, &text("x")), []);
    assert_eq!(found(&search, &text("")), [(1, 1)]);
    // Neither the text nor a run of it that nothing else has.
    for run in ["xylophone", "xyl", "hon", "zan", "zanzibar"] {
        assert!(!is_kept(&log, run), "{run}");
    }
    assert_eq!(found(&search, &text("keep")), [(1, 1)]);
    drop(search);
    is_sound(&log);
}

#[test]
fn what_was_deleted_before_it_was_indexed_never_is() {
    let mut log = Log::new();
    let message = log.say(1, "zanzibar");
    log.edit(1, message, "xylophone");
    log.delete(1, message);
    log.say(1, "end");
    let search = log.search();
    assert_eq!(found(&search, &text("")), [(1, 4)]);
    assert!(!is_kept(&log, "zan") && !is_kept(&log, "xyl"));
}

#[test]
fn an_index_that_was_closed_goes_on_where_it_was() {
    let mut log = Log::new();
    log.say(1, "before");
    let search = log.search();
    assert_eq!(found(&search, &text("before")), [(1, 1)]);
    drop(search);
    let files = fs::read_dir(log.directory.path()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "search.db-wal"), "{names:?}");
    log.say(2, "after");
    log.edit(1, 1, "before, edited");
    let search = log.search();
    assert_eq!(found(&search, &text("after")), [(2, 1)]);
    assert_eq!(found(&search, &text("edited")), [(1, 1)]);
    assert_eq!(found(&search, &text("")), [(2, 1), (1, 1)]);
}

#[test]
fn an_index_whose_program_was_killed_goes_on_without_a_gap_or_a_second_time() {
    let mut log = Log::new();
    for number in 0..500 {
        log.say(1, &format!("message {number}"));
    }
    let search = log.search();
    assert!(search.wait_until_indexed(PATIENCE));
    // As a kill leaves it: the database with its write-ahead log, not moved into it, and the log beyond it.
    let killed = tempfile::tempdir().unwrap();
    for name in ["search.db", "search.db-wal"] {
        fs::copy(log.directory.path().join(name), killed.path().join(name)).unwrap();
    }
    drop(search);
    for name in ["search.db", "search.db-wal"] {
        fs::copy(killed.path().join(name), log.directory.path().join(name)).unwrap();
    }
    log.say(1, "message 500");
    let search = log.search();
    let query = Query {
        limit: 1000,
        ..text("message")
    };
    let expected: Vec<(u8, u64)> = (1..=501).rev().map(|number| (1, number)).collect();
    assert_eq!(found(&search, &query), expected);
    drop(search);
    is_sound(&log);
}

#[test]
fn a_missing_or_foreign_or_older_index_is_made_anew() {
    let mut log = Log::new();
    log.say(1, "hello");
    log.index_all();
    let damages: [fn(&Log); 4] = [
        |log| fs::remove_file(log.index_file()).unwrap(),
        |log| {
            fs::write(
                log.index_file(),
                "not a database, but long enough to look like one",
            )
            .unwrap()
        },
        |log| {
            let other = Connection::open(log.index_file()).unwrap();
            other.pragma_update(None, "user_version", 99).unwrap();
        },
        |log| {
            let other = Connection::open(log.index_file()).unwrap();
            other.execute("UPDATE folded SET unicode = 'older'", []).unwrap();
        },
    ];
    for damage in damages {
        damage(&log);
        let search = log.search();
        assert_eq!(found(&search, &text("hello")), [(1, 1)]);
    }
}

#[test]
fn an_index_of_another_log_is_made_anew() {
    let mut log = Log::new();
    log.say(1, "one");
    log.say(1, "two");
    log.index_all();
    // The log was restored from a copy of before, and went on in another way.
    for change in [
        "DELETE FROM events WHERE sequence = 2",
        "UPDATE rooms SET head_sequence = 1 WHERE room = 1",
    ] {
        log.connection.execute(change, []).unwrap();
    }
    log.say(1, "three");
    let search = log.search();
    assert_eq!(found(&search, &text("two")), []);
    assert_eq!(found(&search, &text("t")), [(1, 2)]);
    drop(search);
    log.connection
        .execute("DELETE FROM events WHERE room = 1", [])
        .unwrap();
    log.connection
        .execute("UPDATE rooms SET importing = 1 WHERE room = 1", [])
        .unwrap();
    assert_eq!(found(&log.search(), &text("")), []);
}

#[test]
fn an_index_that_is_damaged_while_it_runs_is_made_anew() {
    let mut log = Log::new();
    for number in 0..2_000 {
        log.say(1, &format!("hello number {number}"));
    }
    log.index_all();
    let other = Connection::open(log.index_file()).unwrap();
    // All but what is read when it is opened.
    let damage = "UPDATE grams_data SET block = zeroblob(length(block)) WHERE id > 10";
    assert!(other.execute(damage, []).unwrap() > 0);
    drop(other);
    let search = log.search();
    let query = Query {
        limit: 10_000,
        ..text("hello")
    };
    search.wait_for_the_last();
    let first = search.query(&query, &mut |_| true).unwrap();
    assert!(
        first.behind > 0,
        "the damage is noticed: {} hits",
        first.hits.len()
    );
    assert_eq!(found(&search, &query).len(), 2_000);
}

#[test]
fn a_room_that_is_being_brought_here_is_not_searched_until_it_is_whole() {
    let mut log = Log::new();
    log.connection
        .execute("UPDATE rooms SET importing = 1 WHERE room = 1", [])
        .unwrap();
    log.say(1, "hidden");
    log.say(2, "shown");
    let search = log.search();
    assert_eq!(found(&search, &text("")), [(2, 1)]);
    log.connection
        .execute("UPDATE rooms SET importing = 0 WHERE room = 1", [])
        .unwrap();
    log.append(1, "import", None, Some(""));
    assert_eq!(found(&search, &text("hidden")), [(1, 1)]);
}

#[test]
fn an_index_that_is_made_anew_has_the_messages_of_all_rooms_in_the_order_of_their_times() {
    let mut log = Log::new();
    for room in 3..40 {
        log.make_room(room);
    }
    let mut said = Vec::new();
    for number in 0..2_000_usize {
        let room = u8::try_from(1 + number * number % 39).unwrap();
        said.push((room, log.say(room, "x")));
    }
    said.reverse();
    let query = Query {
        limit: 5_000,
        ..text("x")
    };
    assert_eq!(found(&log.search(), &query), said);
}
