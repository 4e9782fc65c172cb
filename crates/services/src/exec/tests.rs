//! Servers against programs that only send and read, clients against likewise, and both against each other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landline_protocol::datagram::DATAGRAM_MAX;
use landline_protocol::{
    Admission, CommandOf, ConnId, DatagramProtocol, Effects, Ended, EventOf, Load, Peer, Service,
    StreamProtocol,
};
use landline_wire::Encoding;
use proptest::prelude::{any, prop};
use proptest::proptest;

use super::*;
use crate::link::{Bare, BareServer, Link, exchange, origin, path, pieces_of, seeded, transmitted, works};

/// What the machine of these tests knows.
fn execute(run: &Run) -> Outcome {
    let (stdout, stderr) = match std::str::from_utf8(&run.command) {
        Ok("echo hi") => ("hi\n", ""),
        Ok("both") => ("out\n", "err\n"),
        Ok("true") => ("", ""),
        Ok("spaces") => (" \n\n", ""),
        Ok("回声") => ("中文\n", "错误\n"),
        _ => ("", "not found\n"),
    };
    let mut stdout = stdout.as_bytes().to_vec();
    let mut stderr = stderr.as_bytes().to_vec();
    if run.merge {
        stdout.append(&mut stderr);
    }
    Outcome {
        stdout,
        stderr,
        ended: Ending::Exited(0),
    }
}

fn worker(work: Work) -> Option<Outcome> {
    match work {
        Work::Run(run) => Some(execute(&run)),
        Work::Cancel => None,
    }
}

fn served<P: StreamProtocol>(style: Style) -> Link<Exec, P> {
    Link::new(Exec::new(style, true)).with_worker(worker)
}

fn answer(style: Style, command: &[u8]) -> Vec<u8> {
    let mut link = served(style);
    let client = link.connect(Bare);
    link.say(client, command);
    link.heard(client)
}

fn off(style: Style) -> Vec<u8> {
    let mut link = Link::new(Exec::new(style, false)).with_worker(|work| panic!("{work:?} was run"));
    let client = link.connect(Bare);
    link.say(client, b"both");
    link.heard(client)
}

#[test]
fn each_style_has_the_bytes_of_the_textbook() {
    assert_eq!(answer(Style::Plain, b"both"), b"err\nout\n");
    assert_eq!(answer(Style::Plain, b"true"), b"");
    assert_eq!(answer(Style::Struct, b"both"), b"\x04\0\0\0err\n");
    assert_eq!(answer(Style::Struct, b"echo hi"), b"\x03\0\0\0hi\n");
    assert_eq!(answer(Style::Struct, b"true"), b"\0\0\0\0");
    assert_eq!(
        answer(Style::Header, b"both"),
        b"\x0f\0\0\0{\"data_size\":4}err\n"
    );
    assert_eq!(answer(Style::Header, b"true"), b"\x0f\0\0\0{\"data_size\":0}");
    assert_eq!(answer(Style::Done, b"both"), b"out\nerr");
    assert_eq!(answer(Style::Done, b"true"), b"Done.");
    assert_eq!(answer(Style::Done, b"spaces\n"), b"Done.");
}

#[test]
fn where_commands_are_off_each_says_so_in_its_form() {
    let line = COMMANDS_ARE_OFF.as_bytes();
    assert_eq!(off(Style::Plain), line);
    assert_eq!(off(Style::Done), line);
    let length = u8::try_from(line.len()).unwrap();
    assert_eq!(off(Style::Struct), [&[length, 0, 0, 0], line].concat());
    let header = format!("{{\"data_size\":{length}}}");
    assert_eq!(
        off(Style::Header),
        [b"\x10\0\0\0", header.as_bytes(), line].concat()
    );
    let mut link = Link::new(ExecSized::new(false));
    let client = link.connect(Bare);
    link.say(client, b"ls");
    assert_eq!(link.heard(client), line.len().to_string().as_bytes());
    link.say(client, b"123");
    assert_eq!(link.heard(client), line);
    assert_eq!(
        exchange(&mut UdpServer::new(false), "127.0.0.1:40000", b"ls", origin()),
        [line, b""]
    );
}

#[test]
fn a_browser_gets_a_closed_connection_and_runs_nothing() {
    let mut link = Link::new(Exec::new(Style::Plain, true)).with_worker(|work| match work {
        Work::Run(run) => panic!("{run:?} was run"),
        Work::Cancel => None,
    });
    let client = link.connect(Bare);
    link.say(client, b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
    link.say(client, b"both");
    assert_eq!(link.heard(client), b"");
    link.finish(client);
    link.run();
    assert_eq!(link.server_ended(client), Some(Ended::Finished));
}

#[test]
fn a_command_runs_to_its_end_when_the_server_stops_or_the_client_half_closes() {
    let mut link = Link::new(Exec::new(Style::Plain, true));
    let client = link.connect(Bare);
    let quiet = link.connect(Bare);
    let closed = link.connect(Bare);
    link.say(client, b"both");
    link.say(closed, b"both");
    link.half_close(closed);
    link.drain();
    link.run();
    assert_eq!(link.heard(client), b"");
    for number in [client, closed] {
        link.done(
            number,
            execute(&Run {
                command: b"both".to_vec(),
                merge: false,
            }),
        );
    }
    link.finish(quiet);
    link.run();
    assert_eq!(link.heard(client), b"err\nout\n");
    assert_eq!(link.heard(closed), b"err\nout\n");
    link.finish(client);
    link.run();
    assert_eq!(link.server_ended(client), Some(Ended::Finished));
    assert_eq!(link.server_ended(quiet), Some(Ended::Finished));
}

#[test]
fn a_reset_cancels_what_runs() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let works = Arc::clone(&seen);
    let mut link = Link::new(Exec::new(Style::Plain, true)).with_worker(move |work| {
        works.lock().unwrap().push(work);
        None
    });
    let client = link.connect(Bare);
    link.say(client, b"sleep 1000");
    link.reset(client);
    link.run();
    let run = Work::Run(Run {
        command: b"sleep 1000".to_vec(),
        merge: false,
    });
    assert_eq!(*seen.lock().unwrap(), [run, Work::Cancel]);
}

#[test]
fn sized_waits_for_an_acknowledgement_half_a_second_and_takes_the_next_command_with_it() {
    let mut link = Link::new(ExecSized::new(true)).with_worker(worker);
    let client = link.connect(Bare);
    link.say(client, b"echo hi");
    assert_eq!(link.heard(client), b"3");
    link.say(client, b"recv_readyboth");
    assert_eq!(link.heard(client), b"hi\n4");
    link.advance(Duration::from_millis(499));
    assert_eq!(link.heard(client), b"");
    link.advance(Duration::from_millis(1));
    assert_eq!(link.heard(client), b"err\n");
    link.say(client, b"true");
    assert_eq!(link.heard(client), b"0");
    link.say(client, b"123\n");
    assert_eq!(link.heard(client), b"");
    link.say(client, b"echo hi");
    assert_eq!(link.heard(client), b"3");
    link.finish(client);
    link.run();
    assert_eq!(link.server_ended(client), Some(Ended::Finished));
}

#[test]
fn udp_answers_two_datagrams_each_cut_at_what_a_datagram_carries() {
    let now = origin();
    let mut server = UdpServer::new(true);
    for (command, answer) in [(&b"both\n"[..], [&b"err\n"[..], b"out\n"]), (b"true", [b"", b""])] {
        server.received(path("127.0.0.1:40000"), command, now);
        let work = works(&mut server).remove(0);
        assert!(!server.is_drained());
        server.commanded(
            UdpOutcome {
                path: work.path,
                outcome: execute(&work.run),
            },
            now,
        );
        let sent = transmitted(&mut server, now);
        assert_eq!(
            sent.iter().map(|(_, datagram)| &datagram[..]).collect::<Vec<_>>(),
            answer
        );
        assert!(server.is_drained());
    }
    let long = Outcome {
        stdout: vec![b'x'; DATAGRAM_MAX + 1],
        stderr: Vec::new(),
        ended: Ending::Exited(0),
    };
    server.commanded(
        UdpOutcome {
            path: path("127.0.0.1:40000"),
            outcome: long,
        },
        now,
    );
    let lengths: Vec<_> = transmitted(&mut server, now)
        .iter()
        .map(|(_, datagram)| datagram.len())
        .collect();
    assert_eq!(lengths, [0, DATAGRAM_MAX]);
}

#[test]
fn udp_runs_nothing_for_strangers_well_known_ports_and_a_flood() {
    let now = origin();
    let mut server = UdpServer::new(true);
    for peer in [
        "192.0.2.1:40000",
        "[2001:db8::1]:40000",
        "127.0.0.1:19",
        "127.0.0.1:0",
    ] {
        server.received(path(peer), b"both", now);
    }
    assert_eq!(works(&mut server), []);
    assert!(exchange(&mut UdpServer::new(false), "192.0.2.1:40000", b"ls", now).is_empty());
    for _ in 0..=UNDER_WAY_MAX {
        server.received(path("[::1]:40000"), b"both", now);
    }
    assert_eq!(works(&mut server).len(), UNDER_WAY_MAX);
    server.drain(now);
    server.received(path("127.0.0.1:40000"), b"both", now);
    assert_eq!(works(&mut server), []);
}

#[test]
fn the_udp_client_sends_each_command_when_the_one_before_is_answered() {
    let now = origin();
    let server = "127.0.0.1:8889".parse().unwrap();
    let commands = [b"a".to_vec(), b"b".to_vec()];
    let mut client = UdpClient::new(server, commands, Patience::default(), now);
    assert_eq!(transmitted(&mut client, now), [(server, b"a".to_vec())]);
    assert!(exchange(&mut client, "127.0.0.1:9", b"forged", now).is_empty());
    assert!(exchange(&mut client, "127.0.0.1:8889", b"", now).is_empty());
    assert_eq!(exchange(&mut client, "127.0.0.1:8889", b"out", now), [b"b"]);
    let answered = UdpClientEvent::Answered {
        stderr: Vec::new(),
        stdout: b"out".to_vec(),
    };
    assert_eq!(works(&mut client), [answered]);
    let deadline = client.deadline().unwrap();
    assert_eq!(deadline, now + Patience::default().answer);
    client.deadline_reached(deadline);
    assert_eq!(works(&mut client), [UdpClientEvent::Silent(None)]);
    assert!(client.is_drained());
}

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
            let mut link = served(style).with_pieces(crate::link::whole(), pieces_of(pieces));
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
            let mut link = Link::new(service()).with_pieces(crate::link::whole(), pieces_of(pieces));
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

#[test]
fn the_udp_client_stops_where_commands_are_off() {
    let now = origin();
    let server = "127.0.0.1:8889".parse().unwrap();
    let commands = [b"a".to_vec(), b"b".to_vec()];
    let mut client = UdpClient::new(server, commands, Patience::default(), now);
    transmitted(&mut client, now);
    let refusal = COMMANDS_ARE_OFF.as_bytes();
    assert!(exchange(&mut client, "127.0.0.1:8889", refusal, now).is_empty());
    assert!(exchange(&mut client, "127.0.0.1:8889", b"", now).is_empty());
    assert_eq!(works(&mut client), [UdpClientEvent::Refused(COMMANDS_ARE_OFF)]);
    assert!(client.is_drained());
}

/// The service around one side of exec-reverse.
struct Reverse(Encoding, AtEnd, Vec<ReverseEvent>);

impl Service for Reverse {
    type Connection = ReverseServer;
    type Work = std::convert::Infallible;

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: std::time::Instant) -> Admission<ReverseServer> {
        let commands = ["回声", "\u{1f600}", "echo hi"].map(str::to_owned);
        Admission::Accept(ReverseServer::new(commands, self.1, self.0))
    }

    fn event(
        &mut self,
        _: ConnId,
        event: EventOf<Self>,
        _: &mut Effects<CommandOf<Self>, Self::Work>,
        _: std::time::Instant,
    ) {
        self.2.push(event);
    }
}

fn reverse(at_end: AtEnd) -> Link<Reverse, Bare> {
    Link::new(Reverse(Encoding::Gbk, at_end, Vec::new()))
}

#[test]
fn the_reverse_server_speaks_gbk_asks_for_the_number_and_says_q() {
    let mut link = reverse(AtEnd::Quit);
    let client = link.connect(Bare);
    assert_eq!(link.heard(client), b"\xbb\xd8\xc9\xf9");
    link.say(client, b"6");
    assert_eq!(link.heard(client), b"get number");
    link.say(client, b"\xd6\xd0\xce");
    link.say(client, b"\xc4hi");
    assert_eq!(link.heard(client), b"echo hi");
    link.say(client, b"0");
    assert_eq!(link.heard(client), b"get numberq");
    let answered = |command: &str, output: &str| ReverseEvent::Answered {
        command: command.to_owned(),
        output: output.to_owned(),
    };
    assert_eq!(link.service.2[0], answered("回声", "中文hi"));
    assert!(
        matches!(link.service.2[1], ReverseEvent::Refused(unmappable) if unmappable.character == '\u{1f600}')
    );
    assert_eq!(link.service.2[2], answered("echo hi", ""));
    link.finish(client);
    link.run();
    assert_eq!(link.server_ended(client), Some(Ended::Finished));
}

#[test]
fn the_reverse_server_waits_for_orders_and_says_q_when_it_stops() {
    let mut link = reverse(AtEnd::Wait);
    let client = link.connect(Bare);
    for _ in 0..2 {
        link.heard(client);
        link.say(client, b"0");
    }
    assert_eq!(link.heard(client), b"get number");
    link.server_command(client, Order::Run("ls".to_owned()));
    link.run();
    assert_eq!(link.heard(client), b"ls");
    link.drain();
    link.say(client, b"0");
    assert_eq!(link.heard(client), b"get numberq");
}

fn reversed(client: ReverseClient) -> (Link<BareServer, ReverseClient>, usize) {
    let mut link = Link::new(BareServer::default());
    let number = link.connect(client);
    (link, number)
}

/// The server sends bytes; what the client asks for is run; what the client then says.
fn orders(link: &mut Link<BareServer, ReverseClient>, number: usize, bytes: &[u8]) -> Vec<u8> {
    link.server_command(number, bytes.to_vec());
    link.run();
    for run in link.shown(number) {
        link.answer(number, execute(&run));
    }
    link.run();
    link.service.take(number)
}

#[test]
fn the_reverse_client_transcodes_then_counts_and_ends_at_q() {
    let (mut link, number) = reversed(ReverseClient::new(true, Encoding::Gbk));
    // 中文 and 错误 are 6 bytes each in UTF-8, and 4 in GBK.
    assert_eq!(orders(&mut link, number, b"\xbb\xd8\xc9\xf9"), b"10");
    assert_eq!(
        orders(&mut link, number, b"get number"),
        b"\xd6\xd0\xce\xc4\n\xb4\xed\xce\xf3\n"
    );
    assert_eq!(orders(&mut link, number, b"echo hi"), b"3");
    assert_eq!(orders(&mut link, number, b"get numberq"), b"hi\n");
    assert_eq!(link.client_ended(number), Some(Ended::Finished));
}

#[test]
fn the_reverse_client_names_what_the_encoding_lacks_and_runs_nothing_unless_allowed() {
    let (mut link, number) = reversed(ReverseClient::new(true, Encoding::Gbk));
    link.server_command(number, b"smile".to_vec());
    link.run();
    assert_eq!(
        link.shown(number),
        [Run {
            command: b"smile".to_vec(),
            merge: false
        }]
    );
    let smile = Outcome {
        stdout: "a\u{1f600}b".into(),
        stderr: Vec::new(),
        ended: Ending::Exited(0),
    };
    link.answer(number, smile);
    link.run();
    let expected = b"a?b\ngbk has no character U+1F600: it is shown as ?\n";
    assert_eq!(link.service.take(number), expected.len().to_string().as_bytes());
    assert_eq!(orders(&mut link, number, b"get number"), expected);

    let (mut link, number) = reversed(ReverseClient::new(false, Encoding::Gbk));
    link.server_command(number, b"both".to_vec());
    link.run();
    assert_eq!(link.shown(number), []);
    assert_eq!(
        link.service.take(number),
        COMMANDS_ARE_OFF.len().to_string().as_bytes()
    );
    assert_eq!(
        orders(&mut link, number, b"get number"),
        COMMANDS_ARE_OFF.as_bytes()
    );
}

#[test]
fn a_reverse_server_that_ends_before_it_took_the_answer_is_an_error() {
    for (acknowledges, is_error) in [(false, true), (true, false)] {
        let (mut link, number) = reversed(ReverseClient::new(true, Encoding::Utf8));
        assert_eq!(orders(&mut link, number, b"echo hi"), b"3");
        if acknowledges {
            assert_eq!(orders(&mut link, number, b"get number"), b"hi\n");
        }
        link.server_finish(number);
        link.run();
        let ended = link.client_ended(number);
        assert_eq!(matches!(ended, Some(Ended::Aborted(_))), is_error, "{ended:?}");
    }
}

proptest! {
    #[test]
    fn hostile_answers_end_a_client_and_never_break_it(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        seed in any::<u64>(),
    ) {
        for form in [Form::Plain, Form::Done, Form::Struct, Form::Header, Form::Sized] {
            let mut link = Link::new(BareServer::default()).with_pieces(crate::link::whole(), seeded(seed));
            let client = link.connect(ExecClient::new(form, [b"ls".to_vec()], Patience::default()));
            link.server_command(client, bytes.clone());
            link.server_finish(client);
            link.advance(Duration::from_secs(60));
            assert!(link.client_ended(client).is_some());
        }
    }
}
