//! How connections come to their end.

use super::script::{Bench, Script, secs};
use crate::conn::Ended;

fn plain() -> Bench {
    Bench::new(|_| {})
}

fn stubborn() -> Bench {
    Bench::with(
        Script {
            stubborn: true,
            ..Script::new()
        },
        |_| {},
    )
}

/// Our end is sent, the peer's is not there.
fn lingering() -> Bench {
    let mut bench = plain();
    bench.feed("f.");
    bench.shut_down();
    bench
}

#[test]
fn a_finish_sends_what_is_queued_then_the_end_and_waits_for_the_peers() {
    let mut bench = plain();
    bench.feed("w5.f.w7.");
    assert_eq!((bench.said().as_str(), bench.pending().as_str()), ("w5 f", "5"));
    bench.wrote(5);
    assert_eq!((bench.pending().as_str(), bench.conn.ended()), ("shutdown", None));
    bench.shut_down();
    assert_eq!((bench.pending().as_str(), bench.conn.ended()), ("", None));
    bench.end_of_input();
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));
    assert_eq!((bench.conn.room(), bench.conn.deadline()), (0, None));
}

#[test]
fn what_is_written_after_the_finish_is_not_sent() {
    let mut bench = plain();
    bench.feed("w5.b.");
    bench.wrote(5);
    assert_eq!(bench.pending(), "shutdown");
}

#[test]
fn who_is_finished_from_outside_is_neither_woken_nor_given_more() {
    let mut full = Bench::new(|limits| limits.output_high = 40);
    full.feed("w41.");
    full.conn.finish();
    full.wrote(41);
    assert_eq!(full.said(), "w41");
    let mut busy = Bench::new(|limits| limits.messages_a_turn = 1);
    busy.feed("e1.e2.");
    assert!(busy.conn.has_work());
    busy.conn.finish();
    assert!(!busy.conn.has_work());
}

#[test]
fn a_peer_that_ended_first_is_not_waited_for() {
    let mut bench = plain();
    bench.feed("w5.");
    bench.end_of_input();
    assert_eq!((bench.said().as_str(), bench.conn.room()), ("w5 end:", 0));
    bench.wrote(5);
    bench.shut_down();
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));
}

#[test]
fn a_peer_that_ends_while_we_flush_is_not_waited_for_either() {
    let mut bench = plain();
    bench.feed("w5.f.");
    bench.end_of_input();
    assert_eq!((bench.conn.ended(), bench.conn.room()), (None, 0));
    bench.wrote(5);
    bench.shut_down();
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));
}

#[test]
fn the_service_can_finish_a_connection() {
    let mut bench = plain();
    bench.command("w5");
    bench.conn.finish();
    assert_eq!(bench.pending(), "5");
    bench.wrote(5);
    assert_eq!(bench.pending(), "shutdown");
}

#[test]
fn a_shutdown_that_nobody_asked_for_changes_nothing() {
    let mut bench = plain();
    bench.shut_down();
    bench.feed("e1.");
    assert_eq!(bench.events(), [1]);
}

#[test]
fn after_our_end_what_arrives_is_thrown_away() {
    let mut bench = plain();
    bench.feed("f.e1.e");
    bench.feed("2.e3.");
    assert_eq!(bench.said(), "f");
    assert_eq!(bench.conn.input.capacity(), 0);
    bench.shut_down();
    bench.feed("e4.");
    bench.command("w1");
    bench.answer("w1");
    bench.go_on();
    assert_eq!((bench.said().as_str(), bench.pending().as_str()), ("f", ""));
    assert_eq!(bench.conn.ended(), None);
}

#[test]
fn a_peer_that_talks_on_is_given_its_bytes_and_then_the_end() {
    let mut bench = Bench::new(|limits| limits.linger_bytes = 10);
    bench.feed("f.");
    bench.feed("123456");
    bench.feed("789012");
    assert_eq!(bench.conn.ended(), None, "what is queued is sent all the same");
    bench.shut_down();
    assert!(bench.conn.room() > 0);
    bench.feed("3");
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));

    let mut bench = Bench::new(|limits| limits.linger_bytes = 10);
    bench.feed("f.");
    bench.shut_down();
    bench.feed("123456789");
    assert_eq!(bench.conn.ended(), None);
    bench.feed("0");
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));
}

#[test]
fn a_peer_that_stays_silent_is_given_its_time_and_then_the_end() {
    let mut bench = plain();
    bench.feed("f.");
    bench.pass(secs(1));
    bench.shut_down();
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(2)));
    bench.pass(secs(1));
    bench.feed("e1.");
    bench.pass(secs(1));
    assert_eq!(bench.conn.ended(), Some(Ended::Finished), "talking gains no time");
}

#[test]
fn who_does_not_take_our_last_bytes_is_idle() {
    let mut bench = plain();
    bench.feed("w5.f.");
    bench.pass(secs(9));
    bench.wrote(1);
    bench.pass(secs(9));
    assert_eq!(bench.conn.ended(), None);
    bench.pass(secs(1));
    assert_eq!(bench.conn.ended(), Some(Ended::Idle));
}

#[test]
fn an_abort_a_reset_and_a_stop_throw_away_what_is_queued() {
    let mut aborted = plain();
    aborted.feed("w5.x.");
    let mut reset = plain();
    reset.feed("w5.");
    reset.conn.close(Ended::Reset);
    let mut finishing = plain();
    finishing.feed("w5.f.");
    finishing.conn.close(Ended::Stopped);
    for (mut bench, why) in [
        (aborted, Ended::Aborted("told to")),
        (reset, Ended::Reset),
        (finishing, Ended::Stopped),
    ] {
        assert_eq!(bench.conn.ended(), Some(why));
        assert_eq!(
            (bench.pending().as_str(), bench.conn.room(), bench.conn.deadline()),
            ("", 0, None)
        );
        assert!(bench.conn.shell.outbox.is_empty(), "its memory is free at once");
        bench.conn.close(Ended::Idle);
        assert_eq!(bench.conn.ended(), Some(why), "the first reason counts");
    }
}

#[test]
fn a_reset_while_lingering_ends_it() {
    let mut bench = lingering();
    bench.conn.close(Ended::Reset);
    assert_eq!(bench.conn.ended(), Some(Ended::Reset));
}

#[test]
fn nothing_wakes_the_dead() {
    let mut bench = plain();
    bench.feed("d3.k1.x.");
    bench.answer("w1");
    bench.conn.close(Ended::Reset);
    let said = bench.said();
    bench.conn.feed(b"e1.", bench.now);
    bench.end_of_input();
    bench.command("w1");
    bench.answer("w1");
    bench.conn.drain(bench.now);
    bench.conn.finish();
    bench.shut_down();
    bench.pass(secs(60));
    bench.go_on();
    assert_eq!((bench.said(), bench.pending()), (said, String::new()));
    assert_eq!(bench.conn.ended(), Some(Ended::Aborted("told to")));
    assert_eq!(bench.events(), [1], "what it said before is still to be heard");
}

#[test]
fn the_end_comes_after_what_came_before_it() {
    let mut bench = plain();
    bench.feed("k1.e2.e3");
    bench.end_of_input();
    assert_eq!(bench.said(), "k1");
    bench.answer("");
    assert_eq!(bench.said(), "k1 command: e2 end:e3 end:");
    assert_eq!(bench.events(), [1, 2, 3]);
    assert_eq!(bench.pending(), "shutdown");
}

#[test]
fn a_last_message_that_asks_is_answered_before_the_end_is_told() {
    let mut bench = plain();
    bench.feed("k1");
    bench.end_of_input();
    assert_eq!((bench.said().as_str(), bench.pending().as_str()), ("end:k1", ""));
    bench.answer("w3");
    assert_eq!(
        (bench.said().as_str(), bench.pending().as_str()),
        ("end:k1 command:w3 end:", "3")
    );
}

#[test]
fn the_end_is_told_once_everything_is_answered_though_more_might_be_asked() {
    let mut bench = Bench::new(|limits| limits.unanswered_max = 5);
    bench.feed("k1.k2.");
    bench.end_of_input();
    bench.answer("");
    assert!(!bench.said().contains("end"));
    bench.answer("");
    assert!(bench.said().ends_with("end:"));
}

#[test]
fn the_end_waits_behind_a_full_outbox_and_unwelcome_input() {
    let mut full = Bench::new(|limits| limits.output_high = 40);
    full.feed("w41.e1.");
    full.end_of_input();
    assert_eq!(full.said(), "w41");
    full.wrote(41);
    assert_eq!(full.said(), "w41 writable e1 end:");
    let mut unwelcome = plain();
    unwelcome.feed("-.e1.");
    unwelcome.end_of_input();
    assert_eq!(unwelcome.said(), "-");
    unwelcome.command("+");
    assert_eq!(unwelcome.said(), "- command:+ e1 end:");
}

#[test]
fn a_protocol_may_go_on_after_the_peers_end_which_is_told_once() {
    let mut bench = stubborn();
    bench.end_of_input();
    bench.go_on();
    bench.command("w5");
    assert_eq!(
        (bench.said().as_str(), bench.pending().as_str()),
        ("end: command:w5", "5")
    );
    assert_eq!((bench.conn.ended(), bench.conn.room()), (None, 0));
    bench.command("f");
    bench.wrote(5);
    bench.shut_down();
    assert_eq!(bench.conn.ended(), Some(Ended::Finished));
}

#[test]
fn the_peers_end_is_progress() {
    let mut bench = stubborn();
    bench.pass(secs(9));
    bench.end_of_input();
    assert_eq!(bench.conn.deadline(), Some(bench.now + secs(10)));
}

#[test]
fn a_drain_asks_the_protocol_and_finishes_unless_it_knows_better() {
    let mut bench = plain();
    bench.feed("w5.");
    bench.conn.drain(bench.now);
    assert_eq!(
        (bench.said().as_str(), bench.pending().as_str()),
        ("w5 drain", "5")
    );
    bench.wrote(5);
    assert_eq!(bench.pending(), "shutdown");
    let mut bench = stubborn();
    bench.feed("-.e1.");
    bench.conn.drain(bench.now);
    assert_eq!(
        bench.said(),
        "- drain e1",
        "what the drain makes welcome is handed over at once"
    );
    assert_eq!((bench.pending().as_str(), bench.conn.ended()), ("", None));
}

#[test]
fn a_drain_of_who_finishes_already_tells_it_nothing() {
    let mut bench = lingering();
    bench.conn.drain(bench.now);
    assert_eq!(bench.said(), "f");
}
