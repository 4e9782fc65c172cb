//! Servers against programs that only send and read, clients against likewise, and both against each other.

mod client;
mod datagram;
mod reverse;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landline_protocol::{Ended, Service, StreamProtocol};

use super::*;
use crate::link::{Bare, Link, exchange, origin};

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
