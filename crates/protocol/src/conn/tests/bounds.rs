//! What holds a connection back, and what wakes it.

use std::time::Duration;

use super::script::{Bench, Script, secs};
use crate::conn::Ended;

fn plain() -> Bench {
    Bench::new(|_| {})
}

#[test]
fn messages_are_handed_over_whole_and_a_part_waits_for_its_rest() {
    let mut bench = plain();
    assert_eq!(bench.conn.room(), 100);
    bench.feed("e1.e2.e");
    assert_eq!(bench.said(), "e1 e2");
    assert_eq!(bench.conn.room(), 99);
    bench.feed("3.");
    assert_eq!(bench.said(), "e1 e2 e3");
    assert_eq!(bench.events(), [1, 2, 3]);
    assert_eq!(bench.conn.room(), 100);
    assert_eq!(
        bench.conn.input.capacity(),
        0,
        "an idle connection owns no memory"
    );
}

#[test]
fn above_the_high_mark_nothing_is_read_until_a_quarter_is_left() {
    let mut bench = Bench::new(|limits| limits.output_high = 40);
    bench.feed("w40.e1.");
    assert_eq!(bench.said(), "w40 e1", "at the mark is not above it");
    bench.feed("w1.e2.");
    assert_eq!(bench.conn.room(), 0);
    bench.wrote(30);
    assert_eq!((bench.said().as_str(), bench.conn.room()), ("w40 e1 w1", 0));
    bench.wrote(1);
    assert_eq!(bench.said(), "w40 e1 w1 writable e2");
    assert_eq!(bench.conn.room(), 100);
    bench.wrote(10);
    assert_eq!(bench.said(), "w40 e1 w1 writable e2", "it is told once");
}

#[test]
fn who_goes_on_when_there_is_space_is_stopped_again_before_more_is_read() {
    let mut bench = Bench::with(
        Script {
            on_writable: "w41",
            ..Script::new()
        },
        |limits| limits.output_high = 40,
    );
    bench.feed("w41.e1.");
    bench.wrote(41);
    assert_eq!(
        (bench.said().as_str(), bench.pending().as_str()),
        ("w41 writable", "41")
    );
    assert_eq!(bench.conn.room(), 0);
}

#[test]
fn a_file_holds_reading_back_until_it_is_gone() {
    let mut bench = plain();
    bench.feed("w2.s3.e1.");
    assert_eq!((bench.said().as_str(), bench.conn.room()), ("w2 s3", 0));
    assert_eq!(bench.pending(), "2");
    bench.wrote(2);
    assert_eq!(bench.pending(), "file 3");
    bench.wrote(2);
    assert_eq!((bench.pending().as_str(), bench.conn.room()), ("file 1", 0));
    bench.wrote(1);
    assert_eq!(bench.said(), "w2 s3 writable e1");
    assert_eq!(bench.pending(), "");
}

#[test]
fn as_many_events_as_may_be_wait_for_an_answer_and_then_nothing_is_read() {
    for max in 1..4_usize {
        let mut bench = Bench::new(|limits| limits.unanswered_max = u16::try_from(max).unwrap());
        bench.feed("k1.k2.k3.k4.");
        assert_eq!(bench.events().len(), max);
        assert_eq!(bench.conn.room(), 0);
        bench.answer("");
        assert_eq!(bench.events().len(), 1, "one more for the one that was answered");
    }
    let mut bench = Bench::new(|limits| limits.unanswered_max = 0);
    assert_eq!(
        bench.conn.room(),
        100,
        "none at all would be a connection that never reads"
    );
    bench.feed("k1.k2.");
    assert_eq!(bench.events(), [1]);
}

#[test]
fn a_command_answers_nothing() {
    let mut bench = plain();
    bench.feed("k1.e2.");
    bench.command("w1");
    assert_eq!((bench.said().as_str(), bench.conn.room()), ("k1 command:w1", 0));
    bench.answer("w1");
    assert_eq!(bench.said(), "k1 command:w1 command:w1 e2");
    bench.answer("");
    bench.feed("k3.");
    assert_eq!(bench.conn.room(), 0, "an answer to nothing is not kept for later");
}

#[test]
fn no_idle_time_passes_while_an_answer_is_waited_for_and_it_begins_anew_then() {
    let mut bench = plain();
    bench.feed("k1.");
    assert_eq!(bench.conn.deadline(), None);
    bench.pass(secs(60));
    bench.go_on();
    assert_eq!(bench.conn.ended(), None);
    bench.answer("");
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(10)));
    bench.pass(secs(10));
    assert_eq!(bench.conn.ended(), Some(Ended::Idle));
}

#[test]
fn who_waits_for_an_answer_and_does_not_read_is_idle() {
    let mut bench = plain();
    bench.feed("w5.k1.");
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(10)));
    bench.wrote(4);
    bench.pass(secs(10));
    assert_eq!(bench.conn.ended(), Some(Ended::Idle));
}

#[test]
fn more_unconsumed_than_the_protocol_holds_is_an_overflow() {
    let mut bench = plain();
    bench.feed(&"y".repeat(99));
    assert_eq!((bench.conn.ended(), bench.conn.room()), (None, 1));
    bench.feed("y");
    assert_eq!(bench.conn.ended(), Some(Ended::Overflow));
    let mut bench = plain();
    bench.feed(&format!("{}.", "y".repeat(99)));
    assert_eq!(bench.conn.ended(), None, "the hundredth made it whole");
}

#[test]
fn input_that_is_held_back_is_no_overflow() {
    let mut bench = plain();
    bench.feed(&format!("-.{}", "y".repeat(98)));
    assert_eq!((bench.conn.ended(), bench.conn.room()), (None, 0));
    bench.command("+");
    assert_eq!(bench.conn.ended(), None);
    assert_eq!(bench.conn.room(), 2);
}

#[test]
fn input_that_is_not_welcome_waits() {
    let mut bench = plain();
    bench.feed("-.e1.");
    assert_eq!((bench.said().as_str(), bench.conn.room()), ("-", 0));
    bench.command("+");
    assert_eq!(bench.said(), "- command:+ e1");
}

#[test]
fn a_command_to_who_does_not_read_ends_the_connection() {
    let mut bench = Bench::new(|limits| limits.output_max = 100);
    bench.command("w100");
    bench.command("w1");
    assert_eq!((bench.conn.ended(), bench.pending().as_str()), (None, "101"));
    bench.answer("w1");
    assert_eq!(bench.conn.ended(), None, "an answer is bounded by what was asked");
    bench.command("w1");
    assert_eq!(bench.conn.ended(), Some(Ended::Overrun));
    assert_eq!(bench.pending(), "");
}

#[test]
fn a_command_to_who_is_finishing_breaks_nothing_off() {
    let mut bench = Bench::new(|limits| limits.output_max = 100);
    bench.command("w200");
    bench.conn.finish();
    bench.command("w1");
    assert_eq!((bench.conn.ended(), bench.pending().as_str()), (None, "200"));
}

#[test]
fn progress_in_either_direction_begins_the_idle_time_anew() {
    let mut bench = plain();
    bench.feed("w20.");
    for _ in 0..5 {
        bench.pass(secs(9));
        bench.wrote(1);
        bench.pass(secs(9));
        bench.feed("y");
    }
    assert_eq!(bench.conn.ended(), None);
    bench.pass(secs(9));
    bench.wrote(0);
    assert_eq!(
        bench.conn.deadline(),
        Some(bench.now + secs(1)),
        "nothing written is no progress"
    );
    bench.pass(secs(1));
    assert_eq!(bench.conn.ended(), Some(Ended::Idle));
}

#[test]
fn a_handshake_has_its_own_time() {
    let mut bench = plain();
    bench.feed("a.");
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(5)));
    let mut through = plain();
    through.feed("a.");
    through.feed("o.");
    assert_eq!(through.conn.deadline(), Some(through.now + secs(10)));
    bench.pass(secs(5) - Duration::from_nanos(1));
    assert_eq!(bench.conn.ended(), None);
    bench.pass(Duration::from_nanos(1));
    assert_eq!(bench.conn.ended(), Some(Ended::Handshake));
}

#[test]
fn times_without_an_end_have_none() {
    let for_ever = Bench::new(|limits| limits.idle = None);
    let too_long = Bench::new(|limits| limits.idle = Some(Duration::MAX));
    for bench in [for_ever, too_long] {
        assert_eq!(bench.conn.deadline(), None);
    }
}

#[test]
fn a_turn_has_its_budget_and_the_rest_goes_on_in_the_next() {
    let mut bench = Bench::new(|limits| limits.messages_a_turn = 2);
    bench.feed("e1.e2.");
    assert!(!bench.conn.has_work(), "two are just enough");
    bench.feed("e3.e4.e5.e6.e7.");
    assert_eq!(bench.said(), "e1 e2 e3 e4");
    assert!(bench.conn.has_work());
    bench.go_on();
    assert_eq!(bench.said(), "e1 e2 e3 e4 e5 e6");
    assert!(bench.conn.has_work());
    bench.go_on();
    assert_eq!(bench.said(), "e1 e2 e3 e4 e5 e6 e7");
    assert!(!bench.conn.has_work());
}

#[test]
fn the_end_waits_until_every_turn_is_done() {
    let mut bench = Bench::new(|limits| limits.messages_a_turn = 1);
    bench.feed("e1.e2.e3.");
    bench.end_of_input();
    assert_eq!(bench.said(), "e1 e2");
    bench.go_on();
    assert_eq!(bench.said(), "e1 e2 e3 end:");
}

#[test]
fn who_is_held_back_has_no_work() {
    let mut bench = Bench::new(|limits| limits.messages_a_turn = 1);
    bench.feed("k1.e2.e3.");
    assert!(!bench.conn.has_work());
    let mut finished = Bench::new(|limits| limits.messages_a_turn = 1);
    finished.feed("f.e2.e3.");
    assert!(!finished.conn.has_work());
}

#[test]
fn a_deadline_of_the_protocol_is_met_once() {
    let mut bench = plain();
    bench.feed("d3.");
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(3)));
    bench.go_on();
    assert_eq!(bench.said(), "d3", "not before it is time");
    bench.pass(secs(3));
    assert_eq!(bench.said(), "d3 deadline");
    assert_eq!(
        bench.conn.deadline(),
        Some(bench.now + secs(7)),
        "then the idle time is next"
    );
}

#[test]
fn a_buffer_is_lent_for_a_turn_and_a_huge_one_is_cut_down() {
    let mut bench = Bench::new(|limits| limits.output_high = 4 << 20);
    let mut spare = Vec::with_capacity(3 << 20);
    bench.conn.borrow_buffer(&mut spare);
    bench.feed("w9.");
    bench.wrote(9);
    bench.conn.return_buffer(&mut spare);
    assert_eq!(spare.len(), 0);
    assert!(
        (1..=super::super::SPARE_MAX).contains(&spare.capacity()),
        "{}",
        spare.capacity()
    );
}

#[test]
fn a_buffer_of_its_own_is_let_go_once_it_is_empty() {
    let mut bench = plain();
    bench.feed("w9.");
    bench.wrote(9);
    let mut spare = Vec::with_capacity(100);
    bench.conn.return_buffer(&mut spare);
    assert_eq!(spare.capacity(), 100);
    bench.conn.borrow_buffer(&mut spare);
    assert_eq!(spare.capacity(), 0, "it has none, so it takes this one");
}
