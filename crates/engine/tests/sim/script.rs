//! A service that does what its peers' lines say.

use std::time::Instant;

use landline_engine::protocol::{
    Admission, ConnId, ConnLimits, Effects, Framed, Limited, Load, Output, Pace, Peer, Service,
    StreamProtocol,
};
use landline_engine::sim::{Sim, SimOptions, Split};
use landline_wire::{Lines, Newline};

/// The seeds that each rule is held under.
pub(crate) const SEEDS: u64 = 200;
/// The longest line.
pub(crate) const LINE_MAX: usize = 4096;

pub(crate) fn each_seed(rule: impl Fn(SimOptions)) {
    for seed in 0..SEEDS {
        rule(SimOptions {
            seed,
            ..SimOptions::default()
        });
    }
}

/// As [`each_seed`], but cut in one way.
pub(crate) fn each_seed_split(split: Split, rule: impl Fn(SimOptions)) {
    each_seed(|options| rule(SimOptions { split, ..options }));
}

pub(crate) fn limits(change: impl FnOnce(&mut ConnLimits)) -> ConnLimits {
    let mut limits = ConnLimits::default();
    change(&mut limits);
    limits
}

pub(crate) fn sim(options: SimOptions) -> Sim<Script> {
    Sim::new(Script::default(), options)
}

/// A line that the service answers by itself.
pub(crate) type Line = Vec<u8>;

/// What its connections share: a record.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) pace: Option<Pace>,
    pub(crate) came: Vec<ConnId>,
    pub(crate) left: Vec<ConnId>,
}

impl Script {
    pub(crate) fn paced(pace: Pace) -> Self {
        Self {
            pace: Some(pace),
            ..Self::default()
        }
    }
}

impl Service for Script {
    type Connection = Limited<Framed<Lines, Speaker>>;
    type Work = Line;

    fn admit(&mut self, id: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Self::Connection> {
        self.came.push(id);
        let framed = Framed::new(Lines::new(Newline::Lf, LINE_MAX), Speaker::default());
        Admission::Accept(Limited::new(self.pace.unwrap_or(Pace::UNBOUNDED), framed))
    }

    fn event(&mut self, from: ConnId, line: Line, effects: &mut Effects<Line, Line>, _: Instant) {
        match line.as_slice() {
            b"all" => self
                .came
                .iter()
                .for_each(|id| effects.command(*id, b"to all".to_vec())),
            _ => effects.work(from, line),
        }
    }

    fn left(&mut self, id: ConnId, _: &mut Effects<Line, Line>, _: Instant) {
        self.came.retain(|other| *other != id);
        self.left.push(id);
    }
}

/// Says each line again, but for those that are orders.
#[derive(Default)]
pub(crate) struct Speaker {
    stubborn: bool,
}

impl StreamProtocol for Speaker {
    type Event = Line;
    type Command = Line;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Line>, _: Instant) {
        let line = std::mem::take(input);
        let mut words = line.split(|byte| *byte == b' ');
        match (words.next().unwrap_or_default(), words.next()) {
            (b"ask", Some(what)) => out.ask(what.to_vec()),
            (b"emit", Some(what)) => out.emit(what.to_vec()),
            (b"many", Some(count)) => {
                let count: usize = std::str::from_utf8(count)
                    .expect("digits")
                    .parse()
                    .expect("a count");
                for _ in 0..count {
                    out.write(&[b'x'; 999]);
                }
            }
            (b"bye", _) => {
                out.write(b"bye");
                out.finish();
                out.write(b"never said");
            }
            (b"abort", _) => out.abort("told to"),
            (b"stubborn", _) => self.stubborn = true,
            _ => out.write(line),
        }
    }

    fn commanded(&mut self, answer: Line, out: &mut dyn Output<Line>, _: Instant) {
        out.write(&answer);
    }

    fn drain(&mut self, out: &mut dyn Output<Line>, _: Instant) {
        if !self.stubborn {
            out.write(b"goodbye");
            out.finish();
        }
    }
}
