//! Both sides of exec-reverse, where the server sends the commands.

use landline_protocol::{Admission, CommandOf, ConnId, Effects, EventOf, Load, Peer};
use landline_wire::Encoding;

use super::*;
use crate::link::BareServer;

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
