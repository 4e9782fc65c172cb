//! A link between client and hub that counts bytes, and is cut when it has carried as many as it may.

use anyhow::{Context as _, Result};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const BUFFER_BYTES: usize = 64 * 1024;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToHub,
    FromHub,
}

/// The link. It takes connections as long as the program runs.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    to_hub: AtomicU64,
    from_hub: AtomicU64,
    /// What is carried one way before all connections are cut, once.
    cut: Mutex<Option<(Way, u64)>>,
    /// What is waited for: a way, a count, and when it was reached.
    mark: Mutex<Option<(Way, u64)>>,
    reached: Mutex<Option<Instant>>,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Carries whatever connects to it to `hub`.
    pub(super) fn start(hub: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the link")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(hub) else {
                    continue;
                };
                // Where one of them is gone by now, the other soon is.
                let _ = shared.carry(&client, &server);
            }
        });
        Ok(Self { address, state })
    }

    /// What was carried so far.
    pub(super) fn carried(&self, way: Way) -> u64 {
        self.state.counter(way).load(Ordering::Relaxed)
    }

    /// Cuts everything once, as soon as this much more was carried that way.
    pub(super) fn cut_after(&self, way: Way, bytes: u64) {
        *lock(&self.state.cut) = Some((way, self.carried(way) + bytes));
    }

    /// Notes the moment at which this much more was carried that way.
    pub(super) fn mark_after(&self, way: Way, bytes: u64) {
        *lock(&self.state.reached) = None;
        *lock(&self.state.mark) = Some((way, self.carried(way) + bytes));
    }

    /// How long after `begin` the mark was reached.
    pub(super) fn reached_after(&self, begin: Instant) -> Option<Duration> {
        lock(&self.state.reached).map(|reached| reached.saturating_duration_since(begin))
    }
}

impl State {
    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::ToHub => &self.to_hub,
            Way::FromHub => &self.from_hub,
        }
    }

    fn carry(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) -> Result<()> {
        for stream in [client, server] {
            stream.set_nodelay(true)?;
            lock(&self.connections).push(stream.try_clone()?);
        }
        for (way, from, to) in [(Way::ToHub, client, server), (Way::FromHub, server, client)] {
            let (mut from, mut to, state) = (from.try_clone()?, to.try_clone()?, Arc::clone(self));
            std::thread::spawn(move || {
                let mut buffer = vec![0; BUFFER_BYTES];
                while let Ok(length @ 1..) = from.read(&mut buffer) {
                    let length = state.allowed(way, length);
                    if to.write_all(&buffer[..length]).is_err() || state.count(way, length) {
                        break;
                    }
                }
                for stream in [&from, &to] {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            });
        }
        Ok(())
    }

    /// How many of so many bytes go before the cut.
    fn allowed(&self, way: Way, length: usize) -> usize {
        match *lock(&self.cut) {
            Some((cut, at)) if cut == way => {
                let left = at.saturating_sub(self.counter(way).load(Ordering::Relaxed));
                length.min(usize::try_from(left).unwrap_or(length))
            }
            _ => length,
        }
    }

    /// Counts; true: the link is cut now.
    fn count(&self, way: Way, length: usize) -> bool {
        let carried = self.counter(way).fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        if lock(&self.mark)
            .take_if(|(mark, at)| *mark == way && carried >= *at)
            .is_some()
        {
            *lock(&self.reached) = Some(Instant::now());
        }
        let is_cut = lock(&self.cut)
            .take_if(|(cut, at)| *cut == way && carried >= *at)
            .is_some();
        if is_cut {
            for stream in lock(&self.connections).drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        is_cut
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
