//! Datagrams: lost, doubled, overtaken.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use landline_engine::protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};
use landline_engine::sim::{DatagramSim, DatagramSimOptions};

use crate::script::SEEDS;

/// Says each datagram again. "bind" is answered from a fresh port, "work" after work, "later" after a second.
#[derive(Default)]
struct Echo {
    queued: VecDeque<(Path, Vec<u8>)>,
    events: VecDeque<DatagramEvent<Path>>,
    later: Option<(Instant, Path)>,
    waiting: usize,
    drains: u32,
}

impl DatagramProtocol for Echo {
    type Work = Path;
    type Command = Path;

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        match payload {
            b"bind" => self.events.push_back(DatagramEvent::Bind {
                request: 7,
                beside: path,
            }),
            b"work" => {
                self.waiting += 1;
                self.events.push_back(DatagramEvent::Work(path));
            }
            b"later" => self.later = Some((now + Duration::from_secs(1), path)),
            _ => self.queued.push_back((path, payload.to_vec())),
        }
    }

    fn poll_transmit(&mut self, _: usize, buffer: &mut Vec<u8>, _: Instant) -> Option<Transmit> {
        let (path, payload) = self.queued.pop_front()?;
        buffer.extend(payload);
        Some(Transmit { path, segment: None })
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<Path>> {
        self.events.pop_front()
    }

    fn bound(&mut self, request: u64, socket: Option<SocketId>, _: Instant) {
        let path = Path {
            socket: socket.unwrap_or_default(),
            peer: PEER,
            local: None,
        };
        let said = if socket.is_some() {
            format!("bound {request}")
        } else {
            "no socket".to_owned()
        };
        self.queued.push_back((path, said.into_bytes()));
    }

    fn commanded(&mut self, path: Path, _: Instant) {
        self.waiting -= 1;
        self.queued.push_back((path, b"worked".to_vec()));
    }

    fn deadline(&self) -> Option<Instant> {
        self.later.map(|(at, _)| at)
    }

    fn deadline_reached(&mut self, _: Instant) {
        if let Some((_, path)) = self.later.take() {
            self.queued.push_back((path, b"now".to_vec()));
        }
    }

    fn drain(&mut self, _: Instant) {
        self.drains += 1;
    }

    fn is_drained(&self) -> bool {
        self.waiting == 0
    }
}

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 999);
const FIRST: SocketId = SocketId(0);

fn sim(options: DatagramSimOptions) -> DatagramSim<Echo> {
    DatagramSim::new(Echo::default(), options)
}

fn payloads(sim: &mut DatagramSim<Echo>) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| sim.receive())
        .map(|datagram| datagram.payload)
        .collect()
}

/// What comes back of a hundred different datagrams.
fn hundred(options: DatagramSimOptions) -> Vec<Vec<u8>> {
    let mut sim = sim(options);
    for number in 0..100_u8 {
        sim.send(PEER, FIRST, &[number]);
    }
    sim.run();
    payloads(&mut sim)
}

#[test]
fn without_loss_each_comes_once_in_any_order() {
    let in_order: Vec<_> = (0..100_u8).map(|number| vec![number]).collect();
    for seed in 0..SEEDS {
        let mut back = hundred(DatagramSimOptions {
            seed,
            ..Default::default()
        });
        assert_ne!(back, in_order, "some were overtaken");
        back.sort();
        assert_eq!(back, in_order);
    }
}

#[test]
fn without_latency_the_order_is_kept() {
    let back = hundred(DatagramSimOptions {
        latency: Duration::ZERO,
        ..Default::default()
    });
    assert!(back.is_sorted());
}

#[test]
fn loss_and_duplication_are_as_often_as_asked_and_the_same_for_the_same_seed() {
    let mut counts = (0, 0);
    for seed in 0..SEEDS {
        let loss = DatagramSimOptions {
            seed,
            loss: 200,
            ..Default::default()
        };
        let duplication = DatagramSimOptions {
            seed,
            duplication: 500,
            ..Default::default()
        };
        counts.0 += hundred(loss).len();
        counts.1 += hundred(duplication).len();
        assert_eq!(hundred(loss), hundred(loss));
    }
    let sent = usize::try_from(SEEDS).unwrap() * 100;
    // Both ways: 0.8 x 0.8 of all come back, and 1.5 x 1.5.
    assert!(
        (sent * 62 / 100..sent * 66 / 100).contains(&counts.0),
        "{} of {sent}",
        counts.0
    );
    assert!(
        (sent * 220 / 100..sent * 230 / 100).contains(&counts.1),
        "{} of {sent}",
        counts.1
    );
    assert_eq!(
        hundred(DatagramSimOptions {
            loss: 1000,
            ..Default::default()
        })
        .len(),
        0
    );
}

#[test]
fn a_fresh_socket_answers_and_one_too_many_is_refused() {
    for seed in 0..SEEDS {
        let mut sim = sim(DatagramSimOptions {
            seed,
            sockets_max: 1,
            ..Default::default()
        });
        sim.send(PEER, FIRST, b"bind");
        sim.run();
        let answer = sim.receive().unwrap();
        assert_eq!(
            (answer.from, answer.payload.as_slice()),
            (SocketId(1), &b"bound 7"[..])
        );
        sim.send(PEER, SocketId(1), b"hello");
        sim.send(PEER, SocketId(2), b"nobody has this one");
        sim.run();
        assert_eq!(payloads(&mut sim), [b"hello"]);
        sim.send(PEER, FIRST, b"bind");
        sim.run();
        assert_eq!(payloads(&mut sim), [b"no socket"]);
    }
}

#[test]
fn a_deadline_is_met_when_it_comes_and_work_when_it_is_done() {
    for seed in 0..SEEDS {
        let mut sim = sim(DatagramSimOptions {
            seed,
            ..Default::default()
        });
        sim.send(PEER, FIRST, b"later");
        sim.send(PEER, FIRST, b"work");
        sim.run();
        assert_eq!(payloads(&mut sim), Vec::<Vec<u8>>::new());
        let work = sim.work().unwrap();
        sim.answer(work);
        sim.run();
        assert_eq!(payloads(&mut sim), [b"worked"]);
        sim.advance(Duration::from_millis(1100));
        assert_eq!(payloads(&mut sim), [b"now"]);
    }
}

#[test]
fn a_stopping_one_waits_for_what_is_under_way_within_its_grace() {
    let grace = Duration::from_secs(5);
    let begin = |seed| {
        let mut sim = sim(DatagramSimOptions {
            seed,
            grace,
            ..Default::default()
        });
        sim.send(PEER, FIRST, b"work");
        sim.run();
        sim.stop();
        sim.run();
        assert!(!sim.is_stopped());
        sim
    };
    for seed in 0..SEEDS {
        let mut answered = begin(seed);
        let work = answered.work().unwrap();
        answered.answer(work);
        answered.run();
        assert!(answered.is_stopped());
        assert_eq!(payloads(&mut answered), [b"worked"]);

        let mut again = begin(seed);
        again.stop();
        again.run();
        assert!(again.is_stopped());
        assert_eq!(again.protocol().drains, 2);

        let mut late = begin(seed);
        late.advance(grace - Duration::from_millis(1));
        assert!(!late.is_stopped());
        late.advance(Duration::from_millis(1));
        assert!(late.is_stopped());
        late.send(PEER, FIRST, b"hello?");
        late.run();
        assert_eq!(payloads(&mut late), Vec::<Vec<u8>>::new());
    }
}
