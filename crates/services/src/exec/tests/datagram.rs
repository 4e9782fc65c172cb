//! Commands in datagrams.

use landline_protocol::DatagramProtocol;
use landline_protocol::datagram::DATAGRAM_MAX;

use super::*;
use crate::link::{exchange, origin, path, transmitted, works};

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
