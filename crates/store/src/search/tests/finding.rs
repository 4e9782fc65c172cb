use super::*;
use crate::search::LOOKED_AT_MAX;

/// Messages 1, 2, 3, ... of room 1.
fn said(texts: &[&str]) -> (Log, Search) {
    let mut log = Log::new();
    for text in texts {
        log.say(1, text);
    }
    let search = log.search();
    (log, search)
}

/// The numbers of the messages of room 1 that have `wanted` in them, the oldest first.
fn with(search: &Search, wanted: &str) -> Vec<u64> {
    let mut found: Vec<u64> = found(search, &text(wanted))
        .into_iter()
        .map(|(_, number)| number)
        .collect();
    found.reverse();
    found
}

#[test]
fn chinese_is_found_by_one_two_three_and_more_characters() {
    let (_log, search) = said(&["今天天气很好", "天气预报说明天下雨", "我们明天见", "气"]);
    for (wanted, expected) in [
        ("气", &[1, 2, 4][..]),
        ("天气", &[1, 2]),
        ("明天", &[2, 3]),
        ("天天气", &[1]),
        ("天气预报", &[2]),
        ("天气预报说明天下雨", &[2]),
        ("天气很好吗", &[]),
        ("气天", &[]),
        ("雨", &[2]),
    ] {
        assert_eq!(with(&search, wanted), expected, "{wanted}");
    }
}

#[test]
fn words_letters_and_digits_are_found_wherever_they_stand() {
    let (_log, search) = said(&["The quick brown fox", "port 5263 is ours", "a", "ab", "xab"]);
    for (wanted, expected) in [
        ("quick", &[1][..]),
        ("uick br", &[1]),
        ("fox", &[1]),
        ("x", &[1, 5]),
        ("5263", &[2]),
        ("63", &[2]),
        ("ab", &[4, 5]),
        ("a", &[3, 4, 5]),
        ("foxx", &[]),
        ("quick fox", &[]),
    ] {
        assert_eq!(with(&search, wanted), expected, "{wanted}");
    }
}

#[test]
fn the_runs_of_a_text_alone_are_not_the_text() {
    let (_log, search) = said(&["abcd bcde cdef", "abcdef"]);
    assert_eq!(with(&search, "abcdef"), [2]);
}

#[test]
fn case_width_and_composition_do_not_matter() {
    let (_log, search) = said(&["Ärger in STRASSE", "ａｂｃ ＸＹＺ", "cafe\u{301}", "ПРИВЕТ"]);
    for (wanted, expected) in [
        ("äRGER", 1),
        ("strasse", 1),
        ("ABC", 2),
        ("xyz", 2),
        ("CAFÉ", 3),
        ("привет", 4),
    ] {
        assert_eq!(with(&search, wanted), [expected], "{wanted}");
    }
}

#[test]
fn emoji_and_their_joiners_are_characters() {
    let (_log, search) = said(&["ship 🚢", "👩\u{200d}🚀 up", "🚀", "❤\u{fe0f}"]);
    for (wanted, expected) in [
        ("🚢", &[1][..]),
        ("🚀", &[2, 3]),
        ("👩\u{200d}🚀", &[2]),
        ("p 🚢", &[1]),
        ("❤\u{fe0f}", &[4]),
    ] {
        assert_eq!(with(&search, wanted), expected, "{wanted}");
    }
}

#[test]
fn what_a_person_types_is_never_the_databases_language() {
    let texts = [
        "say \"hello\" now",
        "a*b",
        "NEAR(a b, 2)",
        "x AND y OR z NOT w",
        "words: ^caret {col} -minus",
        "it's 100% sure; DROP TABLE grams --",
        "back\\slash",
        "line one\nline two\ttab",
        "nul \0 byte",
        "private \u{f0020} use",
    ];
    let (_log, search) = said(&texts);
    for (wanted, expected) in [
        ("\"hello\"", &[1][..]),
        ("\"", &[1]),
        ("\"\"", &[]),
        ("*", &[2]),
        ("a*", &[2]),
        ("NEAR(", &[3]),
        ("near", &[3]),
        ("AND", &[4]),
        ("x AND y", &[4]),
        ("x y", &[]),
        ("NOT", &[4]),
        ("words:", &[5]),
        ("^c", &[5]),
        ("{col}", &[5]),
        ("-", &[5, 6]),
        ("--", &[6]),
        ("'", &[6]),
        ("100%", &[6]),
        ("%", &[6]),
        ("_", &[]),
        ("\\", &[7]),
        ("one\nline", &[8]),
        ("\t", &[8]),
        ("\0", &[9]),
        ("\u{f0020}", &[10]),
        ("room1", &[]),
        ("from", &[]),
    ] {
        assert_eq!(with(&search, wanted), expected, "{wanted:?}");
    }
    for each in texts.iter().zip(1..) {
        assert_eq!(with(&search, each.0), [each.1], "{each:?}");
    }
}

#[test]
fn the_longest_text_is_found_by_its_end() {
    let long = "汉字".repeat(landline_model::event::TEXT_MAX / 6 - 1) + "end";
    let (_log, search) = said(&[&long, "short"]);
    assert_eq!(with(&search, "字end"), [1]);
    assert_eq!(with(&search, &"汉字".repeat(42)), [1]);
}

#[test]
fn the_newest_comes_first_and_pages_go_on_where_the_last_one_ended() {
    let mut log = Log::new();
    for number in 0..10 {
        log.say(1 + number % 2, "tick");
        log.say(1, "tock");
    }
    let search = log.search();
    let all = found(&search, &text("tick"));
    assert_eq!(all.len(), 10);
    assert_eq!(all[..3], [(2, 5), (1, 13), (2, 4)]);
    let (mut pages, mut next) = (Vec::new(), None);
    loop {
        let query = Query {
            next,
            limit: 3,
            ..text("tick")
        };
        let page = page(&search, &query);
        pages.extend(numbers(&page));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(pages, all);
}

/// Message number n of 3000: in room 1 where n is even, else in room 2; by Bob where it is a multiple of 3, else by
/// Alice; at the time 10_001 + 10 n.
fn three_thousand() -> Search {
    let mut log = Log::new();
    log.connection.execute_batch("BEGIN").unwrap();
    for number in 0..3000_u64 {
        log.sender = if number.is_multiple_of(3) { BOB } else { ALICE };
        log.clock = 10_000 + number * 10;
        log.say(if number.is_multiple_of(2) { 1 } else { 2 }, "word");
    }
    log.connection.execute_batch("COMMIT").unwrap();
    let search = log.search();
    assert!(search.wait_until_indexed(PATIENCE));
    search
}

fn assert_count(search: &Search, query: Query, expected: usize) {
    let query = Query {
        limit: 10_000,
        ..query
    };
    assert_eq!(found(search, &query).len(), expected, "{query:?}");
}

#[test]
fn a_room_and_a_sender_narrow_what_is_found() {
    let search = three_thousand();
    for text in [text("word"), text("")] {
        for (room, from, expected) in [
            (None, None, 3000),
            (Some(id(1)), None, 1500),
            (Some(id(9)), None, 0),
            (None, Some(BOB), 1000),
            (Some(id(1)), Some(BOB), 500),
            (None, Some(AccountId::from_bytes([7; 16])), 0),
        ] {
            let query = Query {
                room,
                from,
                ..text.clone()
            };
            assert_count(&search, query, expected);
        }
    }
}

#[test]
fn times_narrow_what_is_found() {
    let search = three_thousand();
    for text in [text("word"), text("")] {
        for (since, before, expected, in_room) in [
            (Some(39_001), None, 100, 50),
            (Some(39_002), None, 99, 49),
            (None, Some(10_051), 5, 3),
            (Some(20_001), Some(20_101), 10, 5),
            (Some(1_000_000), None, 0, 0),
            (None, Some(10_000), 0, 0),
            (Some(20_000), Some(10_000), 0, 0),
        ] {
            let (since, before) = (since.map(time), before.map(time));
            let query = Query {
                since,
                before,
                ..text.clone()
            };
            assert_count(&search, query.clone(), expected);
            let room = Some(id(1));
            assert_count(&search, Query { room, ..query }, in_room);
        }
    }
}

#[test]
fn a_room_that_may_not_be_read_gives_nothing_and_is_asked_for_once() {
    let mut log = Log::new();
    for room in [1, 2, 1, 2, 2] {
        log.say(room, "secret");
    }
    let search = log.search();
    assert!(search.wait_until_indexed(PATIENCE));
    let mut asked = Vec::new();
    let mut readable = |room: &RoomId| {
        asked.push(*room);
        *room == id(1)
    };
    let page = search.query(&text("secret"), &mut readable).unwrap();
    assert_eq!(numbers(&page), [(1, 2), (1, 1)]);
    asked.sort_unstable();
    assert_eq!(asked, [id(1), id(2)]);
}

#[test]
fn a_page_looks_at_a_bounded_number_of_messages_and_says_where_to_go_on() {
    let mut log = Log::new();
    log.connection.execute_batch("BEGIN").unwrap();
    log.say(1, "needle");
    for _ in 0..LOOKED_AT_MAX {
        log.say(2, "needle");
    }
    log.connection.execute_batch("COMMIT").unwrap();
    let search = log.search();
    assert!(search.wait_until_indexed(PATIENCE));
    let mut query = text("needle");
    let first = search.query(&query, &mut |room| *room == id(1)).unwrap();
    assert_eq!(first.hits, []);
    query.next = first.next;
    assert!(query.next.is_some());
    let second = search.query(&query, &mut |room| *room == id(1)).unwrap();
    assert_eq!(numbers(&second), [(1, 1)]);
    assert_eq!(second.next, None);
}
