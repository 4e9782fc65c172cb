//! Datagrams: whole or not at all, and each answer from the address that was asked.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use landline_engine::protocol::datagram::DATAGRAM_MAX;

use super::client::{PATIENCE, pattern};
use super::engine::Engine;
use super::oracle::{Client, Server};

fn local(ip: [u8; 4], port: u16) -> SocketAddr {
    (ip, port).into()
}

pub(super) fn every_size_comes_back(engine: Engine) {
    let server = Server::start(engine, ([127, 0, 0, 1], 0));
    let client = server.client();
    for size in [0, 1, 1472, 1473, 0, DATAGRAM_MAX, 0] {
        let payload = pattern(size);
        assert!(
            client.ask(&payload, local([127, 0, 0, 1], server.port)) == payload,
            "{size} bytes"
        );
    }
}

pub(super) fn many_peers_each_get_their_own(engine: Engine) {
    let server = Server::start(engine, ([127, 0, 0, 1], 0));
    let clients: Vec<Client> = (0..150).map(|_| server.client()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send(
            format!("to {number}").as_bytes(),
            local([127, 0, 0, 1], server.port),
        );
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(client.receive().0, format!("to {number}").into_bytes());
    }
}

/// On a socket for every address the system would choose one, mostly another than the one that was asked.
pub(super) fn an_answer_leaves_from_the_address_that_was_asked(engine: Engine) {
    let server = Server::start(engine, (Ipv4Addr::UNSPECIFIED, 0));
    let client = server.client();
    for last in [2, 1, 99] {
        assert_eq!(client.ask(b"you", local([127, 0, 0, last], server.port)), b"you");
    }
    let server = Server::start(engine, (Ipv6Addr::UNSPECIFIED, 0));
    let six = Client::bind(Ipv6Addr::LOCALHOST);
    assert_eq!(six.ask(b"six", (Ipv6Addr::LOCALHOST, server.port).into()), b"six");
    // The same socket has IPv4 peers as well.
    assert_eq!(client.ask(b"four", local([127, 0, 0, 2], server.port)), b"four");
}

pub(super) fn a_fresh_port_has_the_address_that_was_asked(engine: Engine) {
    let server = Server::start(engine, (Ipv4Addr::UNSPECIFIED, 0));
    let client = server.client();
    client.send(b"port", local([127, 0, 0, 3], server.port));
    let (answer, fresh) = client.receive();
    assert_eq!(answer, b"here");
    assert_eq!(fresh.ip(), Ipv4Addr::new(127, 0, 0, 3));
    assert_ne!(fresh.port(), server.port);
    assert_eq!(client.ask(b"on the fresh one", fresh), b"on the fresh one");
    client.send(b"unbind", fresh);
    // Acted upon before this is read, or in the same turn, after which the port is free.
    assert_eq!(client.ask(b"first", local([127, 0, 0, 3], server.port)), b"first");
    assert_eq!(client.ask(b"again", local([127, 0, 0, 3], server.port)), b"again");
    drop(UdpSocket::bind(fresh).expect("the port is free again"));
}

pub(super) fn segments_of_one_buffer_are_datagrams(engine: Engine) {
    let server = Server::start(engine, ([127, 0, 0, 1], 0));
    let client = server.client();
    client.send(b"segments", local([127, 0, 0, 1], server.port));
    let all: Vec<u8> = [[b'1'; 500], [b'2'; 500], [b'3'; 500]].concat();
    for part in all.chunks(600) {
        assert_eq!(client.receive().0, part);
    }
}

/// Together they are longer than any datagram.
pub(super) fn segments_that_the_kernel_does_not_cut_are_datagrams_too(engine: Engine) {
    // On a socket for every address, so that the address that was asked goes with each.
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        let server = Server::start(engine, (address, 0));
        let client = server.client();
        let to = local([127, 0, 0, 1], server.port);
        client.send(b"long segments", to);
        for byte in [b'1', b'2'] {
            assert!(client.receive() == (vec![byte; 40_000], to), "segment {byte}");
        }
    }
}

pub(super) fn slow_work_is_answered_and_others_meanwhile(engine: Engine) {
    let server = Server::start(engine, ([127, 0, 0, 1], 0));
    let to = local([127, 0, 0, 1], server.port);
    let phone = server.phone();
    let client = server.client();
    let order = phone.order();
    client.send(order.as_bytes(), to);
    let mut call = phone.call();
    assert_eq!(client.ask(b"meanwhile", to), b"meanwhile");
    call.say("at last");
    drop(call);
    assert_eq!(client.receive().0, b"at last");
    // Work that comes to nothing ends nothing.
    client.send(order.as_bytes(), to);
    drop(phone.call());
    assert_eq!(client.ask(b"still there", to), b"still there");
    assert_eq!(client.ask(b"wait 50", to), b"waited");
    assert!(server.draining.try_recv().is_err(), "nobody has stopped it");
}

pub(super) fn a_stop_waits_for_what_is_under_way(engine: Engine) {
    let server = Server::start(engine, ([127, 0, 0, 1], 0));
    let to = local([127, 0, 0, 1], server.port);
    let phone = server.phone();
    let client = server.client();
    let order = phone.order();
    client.send(order.as_bytes(), to);
    let mut call = phone.call();
    server.stop();
    server
        .draining
        .recv_timeout(PATIENCE)
        .expect("the protocol is told");
    call.say("the last");
    drop(call);
    assert_eq!(client.receive().0, b"the last");
    if let Some(report) = server.join() {
        assert_eq!(report.accepted, 1, "{report}");
    }
}
