//! Datagrams to and from a protocol.

use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId};

/// The path to a peer on the first socket.
pub(crate) fn path(peer: &str) -> Path {
    let peer: SocketAddr = peer.parse().unwrap();
    Path {
        socket: SocketId(0),
        peer,
        local: None,
    }
}

/// Takes every datagram that a protocol wants to send, with its receiver.
pub(crate) fn transmitted<D: DatagramProtocol>(protocol: &mut D, now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut sent = Vec::new();
    let mut buffer = Vec::new();
    while let Some(transmit) = protocol.poll_transmit(8, &mut buffer, now) {
        match transmit.segment {
            None => sent.push((transmit.path.peer, buffer.clone())),
            Some(length) => {
                sent.extend(
                    buffer
                        .chunks(length)
                        .map(|datagram| (transmit.path.peer, datagram.to_vec())),
                );
            }
        }
        buffer.clear();
    }
    sent
}

/// Gives a protocol one datagram and takes what it answers.
pub(crate) fn exchange<D: DatagramProtocol>(
    protocol: &mut D,
    peer: &str,
    payload: &[u8],
    now: Instant,
) -> Vec<Vec<u8>> {
    protocol.received(path(peer), payload, now);
    transmitted(protocol, now)
        .into_iter()
        .map(|(_, datagram)| datagram)
        .collect()
}

/// Takes all work that a datagram protocol asks for.
pub(crate) fn works<D: DatagramProtocol>(protocol: &mut D) -> Vec<D::Work> {
    std::iter::from_fn(|| protocol.poll_event())
        .filter_map(|event| match event {
            DatagramEvent::Work(work) => Some(work),
            _ => None,
        })
        .collect()
}
