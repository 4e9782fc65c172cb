//! The client against the servers, and against answers that students and strangers send.

use std::time::Duration;

use proptest::prelude::{any, prop};
use proptest::proptest;

use super::*;
use crate::link::{BareServer, pieces_of, seeded, whole};

fn commands() -> Vec<Vec<u8>> {
    [&b"both"[..], b"true", b"echo hi"].map(<[u8]>::to_vec).to_vec()
}

/// Every answer that a client shows, put together.
fn answers(events: Vec<ClientEvent>) -> Vec<Vec<u8>> {
    let mut answers = vec![Vec::new()];
    for event in events {
        match event {
            ClientEvent::Output(piece) => answers.last_mut().unwrap().extend(piece),
            ClientEvent::Answered(bytes) => {
                assert_eq!(bytes, answers.last().unwrap().len() as u64);
                answers.push(Vec::new());
            }
        }
    }
    assert_eq!(answers.pop(), Some(Vec::new()));
    answers
}

#[test]
fn client_and_server_understand_each_other_however_answers_are_cut() {
    let one = |style, form, expected: [&[u8]; 3]| {
        for pieces in [1, 2, 3, 5, 1000] {
            let mut link = served(style).with_pieces(whole(), pieces_of(pieces));
            let client = link.connect(ExecClient::new(form, commands(), Patience::default()));
            link.advance(Duration::from_secs(60));
            assert_eq!(answers(link.shown(client)), expected);
            assert_eq!(link.client_ended(client), Some(Ended::Finished));
        }
    };
    one(Style::Plain, Form::Plain, [b"err\nout\n", b"", b"hi\n"]);
    one(Style::Done, Form::Done, [b"out\nerr", b"Done.", b"hi"]);
    one(Style::Struct, Form::Struct, [b"err\n", b"", b"hi\n"]);
    one(Style::Header, Form::Header, [b"err\n", b"", b"hi\n"]);
}

#[test]
fn the_sized_client_reads_what_the_sized_server_sends() {
    let mut link = Link::new(ExecSized::new(true)).with_worker(worker);
    let client = link.connect(ExecClient::new(Form::Sized, commands(), Patience::default()));
    link.run();
    assert_eq!(answers(link.shown(client)), [&b"err\n"[..], b"", b"hi\n"]);
    assert_eq!(link.client_ended(client), Some(Ended::Finished));
}

/// A client against a server that sends `bytes` once, and then its end if `ends`.
fn told(form: Form, bytes: &[u8], ends: bool) -> Option<Ended> {
    let mut link = Link::new(BareServer::default());
    let client = link.connect(ExecClient::new(form, [b"ls".to_vec()], Patience::default()));
    link.run();
    link.server_command(client, bytes.to_vec());
    link.run();
    if ends {
        link.server_finish(client);
    }
    link.advance(Duration::from_secs(20));
    link.client_ended(client)
}

#[test]
fn a_client_refuses_broken_forms_short_answers_and_silence() {
    for (form, bytes) in [
        (Form::Struct, &b"\xff\xff\xff\xff"[..]),
        (Form::Header, b"\xff\xff\xff\x7f"),
        (Form::Header, b"\x02\0\0\0{}"),
        (Form::Sized, b"-1"),
        (Form::Sized, b"99999999999999999999"),
    ] {
        let ended = told(form, bytes, false);
        assert!(
            matches!(ended, Some(Ended::Aborted(why)) if why.contains("form")),
            "{bytes:?}: {ended:?}"
        );
    }
    for (form, bytes) in [
        (Form::Struct, &b"\x05\0\0\0abc"[..]),
        (Form::Header, b"\x0f\0\0\0{\"data_size\":4}er"),
        (Form::Sized, b"5"),
    ] {
        let ended = told(form, bytes, true);
        assert!(
            matches!(ended, Some(Ended::Aborted(why)) if why.contains("closed")),
            "{bytes:?}: {ended:?}"
        );
        let ended = told(form, bytes, false);
        assert!(
            matches!(ended, Some(Ended::Aborted(why)) if why.contains("in time")),
            "{bytes:?}: {ended:?}"
        );
    }
    for form in [Form::Plain, Form::Done] {
        assert_eq!(told(form, b"out", true), Some(Ended::Finished));
    }
}

#[test]
fn an_end_is_no_answer_and_silence_only_where_nothing_may_be_one() {
    for form in [Form::Plain, Form::Done, Form::Struct, Form::Header, Form::Sized] {
        let ended = told(form, b"", true);
        assert!(
            matches!(ended, Some(Ended::Aborted(why)) if why.contains("closed")),
            "{form:?}: {ended:?}"
        );
        let ended = told(form, b"", false);
        let may_be_silent = form == Form::Plain;
        assert!(
            match ended {
                Some(Ended::Finished) => may_be_silent,
                Some(Ended::Aborted(why)) => !may_be_silent && why.contains("in time"),
                _ => false,
            },
            "{form:?}: {ended:?}"
        );
    }
}

#[test]
fn a_client_tells_that_commands_are_off_from_what_one_printed_however_it_is_cut() {
    fn refused<S: Service>(service: impl Fn() -> S, form: Form) {
        // The length of `sized` is one read: two digits.
        for pieces in [2, 3, 1000] {
            let mut link = Link::new(service()).with_pieces(whole(), pieces_of(pieces));
            let client = link.connect(ExecClient::new(form, commands(), Patience::default()));
            link.advance(Duration::from_secs(60));
            assert_eq!(link.shown(client), [], "{form:?}");
            let ended = link.client_ended(client);
            assert_eq!(ended, Some(Ended::Aborted(COMMANDS_ARE_OFF)), "{form:?}");
        }
    }
    refused(|| Exec::new(Style::Plain, false), Form::Plain);
    refused(|| Exec::new(Style::Done, false), Form::Done);
    refused(|| Exec::new(Style::Struct, false), Form::Struct);
    refused(|| Exec::new(Style::Header, false), Form::Header);
    refused(|| ExecSized::new(false), Form::Sized);

    let words = COMMANDS_ARE_OFF.as_bytes();
    for printed in [&words[..5], &[words, b"!"].concat()] {
        let mut link = Link::new(BareServer::default());
        let client = link.connect(ExecClient::new(
            Form::Plain,
            [b"ls".to_vec()],
            Patience::default(),
        ));
        link.server_command(client, printed.to_vec());
        link.server_finish(client);
        link.run();
        assert_eq!(answers(link.shown(client)), [printed]);
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }
}

proptest! {
    #[test]
    fn hostile_answers_end_a_client_and_never_break_it(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        seed in any::<u64>(),
    ) {
        for form in [Form::Plain, Form::Done, Form::Struct, Form::Header, Form::Sized] {
            let mut link = Link::new(BareServer::default()).with_pieces(whole(), seeded(seed));
            let client = link.connect(ExecClient::new(form, [b"ls".to_vec()], Patience::default()));
            link.server_command(client, bytes.clone());
            link.server_finish(client);
            link.advance(Duration::from_secs(60));
            assert!(link.client_ended(client).is_some());
        }
    }
}
