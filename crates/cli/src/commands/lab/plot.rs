//! A plot in letters: requests per second over the number of idle connections.

use indicatif::HumanCount;
use landline_sockets::engine::Kind;
use landline_sockets::lab::multiplex::{ENGINES, Point};

/// The plot's area, in characters.
const WIDTH: usize = 66;
const HEIGHT: usize = 14;
/// Free columns on both sides of the area, for the engines that stand beside each other.
const MARGIN: usize = 4;
/// Where several engines stand on the same spot.
const SEVERAL: char = '*';

/// The lines of the plot: at most 80 columns, no colours. The x axis is logarithmic.
pub(super) fn plot(points: &[Point]) -> Vec<String> {
    let top = round_up(points.iter().map(Point::per_second).fold(1.0, f64::max));
    let scale = Scale::new(points);
    let mut area = vec![vec![' '; WIDTH]; HEIGHT];
    for point in points {
        let spot = &mut area[row(point.per_second(), top)]
            [scale.column(point.idle) + place(point.engine) - ENGINES.len() / 2];
        *spot = if *spot == ' ' { mark(point.engine) } else { SEVERAL };
    }
    let mut lines = vec!["requests per second".to_owned()];
    for (index, row) in area.iter().enumerate() {
        let label = match index {
            0 => label(top),
            index if index == HEIGHT / 2 => label(top / 2.0),
            _ => String::new(),
        };
        let row: String = row.iter().collect();
        lines.push(format!("{label:>10} |{}", row.trim_end()));
    }
    lines.push(format!("{:>10} +{}", 0, "-".repeat(WIDTH)));
    lines.push(format!("{:12}{}", "", scale.ticks(points)));
    lines.push(legend());
    lines
}

fn legend() -> String {
    let marks: Vec<_> = ENGINES
        .iter()
        .map(|engine| format!("{} {engine}", mark(*engine)))
        .collect();
    format!("{:12}idle connections;  {}", "", marks.join("  "))
}

/// An engine's letter.
fn mark(engine: Kind) -> char {
    match engine {
        Kind::Select => 's',
        Kind::Poll => 'p',
        Kind::Epoll => 'e',
        _ => 'E',
    }
}

/// Engines stand beside each other, so that equal ones can all be seen.
fn place(engine: Kind) -> usize {
    ENGINES.iter().position(|other| *other == engine).unwrap_or(0)
}

/// The row of a rate, counted from the top.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of a small height"
)]
fn row(rate: f64, top: f64) -> usize {
    let height = (rate / top * HEIGHT as f64).ceil() as usize;
    HEIGHT - height.clamp(1, HEIGHT)
}

/// The next number of the form 1, 2, 4, 6 or 8 times a power of ten.
fn round_up(rate: f64) -> f64 {
    let power = 10_f64.powf(rate.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= rate)
        .unwrap_or(rate)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^53"
)]
fn label(rate: f64) -> String {
    HumanCount(rate.round() as u64).to_string()
}

/// The logarithmic x axis.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn new(points: &[Point]) -> Self {
        let logarithms = || points.iter().map(|point| logarithm(point.idle));
        Self {
            low: logarithms().fold(f64::INFINITY, f64::min),
            high: logarithms().fold(0.0, f64::max),
        }
    }

    /// The column of a number of connections; the middle where there is only one number.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a small width"
    )]
    fn column(&self, idle: usize) -> usize {
        let room = WIDTH - 2 * MARGIN - 1;
        let part = (logarithm(idle) - self.low) / (self.high - self.low);
        let part = if part.is_finite() { part } else { 0.5 };
        MARGIN + ((part * room as f64).round() as usize).min(room)
    }

    /// The numbers below the axis, as far as they do not touch.
    fn ticks(&self, points: &[Point]) -> String {
        let mut idle: Vec<usize> = points.iter().map(|point| point.idle).collect();
        idle.sort_unstable();
        idle.dedup();
        let mut text = String::new();
        for idle in idle {
            let label = HumanCount(idle as u64).to_string();
            let begin = self.column(idle).saturating_sub(label.len() / 2);
            if text.is_empty() || begin > text.len() {
                text = format!("{text:<begin$}{label}");
            }
        }
        text
    }
}

/// To the base of ten; of 0 as of 1.
#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn logarithm(idle: usize) -> f64 {
    (idle.max(1) as f64).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn points(idle: &[usize]) -> Vec<Point> {
        let point = |engine, idle| Point {
            engine,
            idle,
            requests: 1 + 1_000_000 / idle as u64,
            elapsed: Duration::from_secs(1),
            cpu: Duration::ZERO,
        };
        ENGINES
            .iter()
            .flat_map(|engine| idle.iter().map(move |idle| point(*engine, *idle)))
            .collect()
    }

    #[test]
    fn every_point_is_seen_and_no_line_is_too_long() {
        for idle in [
            &[10, 30, 100, 300, 1000, 3000, 10_000][..],
            &[1],
            &[25_000],
            &[1, 25_000],
        ] {
            let lines = plot(&points(idle));
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
            let area = lines[1..=HEIGHT].concat();
            for engine in ENGINES {
                assert_eq!(area.matches(mark(engine)).count(), idle.len(), "{lines:#?}");
            }
        }
    }

    #[test]
    fn what_falls_on_one_spot_is_marked() {
        let lines = plot(&points(&[1100, 1150, 1_000_000]));
        assert!(lines.concat().contains(SEVERAL), "{lines:#?}");
    }

    #[test]
    fn the_axis_ends_at_a_round_number_above_everything() {
        for (rate, top) in [
            (1.0, 1.0),
            (10.1, 20.0),
            (41_234.0, 60_000.0),
            (99_999.0, 100_000.0),
        ] {
            assert!((round_up(rate) - top).abs() < 1e-6, "{rate}");
        }
    }
}
