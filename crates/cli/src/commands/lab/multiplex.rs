//! `landline lab multiplex`: what select, poll and epoll cost when many connections are silent.

use super::plot;
use crate::context::{Context, Usage};
use crate::json;
use anyhow::Result;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use landline_sockets::engine::{Kind, ProcessCommand};
use landline_sockets::lab::descriptors::Descriptors;
use landline_sockets::lab::multiplex::{ACTIVE, ENGINES, IDLE_MAX, Plan, Point, REQUEST, descriptors};
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The bar, on a terminal: what was measured, how much is done.
const BAR: &str = "{msg:<40} [{bar:30}] {pos}/{len}";

/// The shortest and the longest time for a point, in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 0.01..=60.0;

/// Measure requests per second of select, poll and epoll against 10 to 10,000 mostly idle connections.
///
/// An echo server of this program, in a process of its own, serves 8 connections that ask one request of 64 bytes after
/// the other, and idle connections beside them. Load and server share this machine: compare engines, not machines.
#[derive(Debug, clap::Args)]
pub(super) struct Multiplex {
    /// How long each point is measured.
    #[arg(long, value_name = "SECONDS", default_value = "0.4", value_parser = seconds)]
    seconds: f64,
    /// How many idle connections, separated by commas.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "10,30,100,300,1000,3000,10000",
        value_parser = idle
    )]
    connections: Vec<usize>,
    /// One JSON object a point.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| SECONDS.contains(seconds));
    seconds.ok_or_else(|| format!("a time is {} to {} seconds", SECONDS.start(), SECONDS.end()))
}

fn idle(text: &str) -> Result<usize, String> {
    let idle = text.parse().ok().filter(|idle| (1..=IDLE_MAX).contains(idle));
    idle.ok_or_else(|| format!("a number of connections is 1 to {IDLE_MAX}, without separators"))
}

impl Multiplex {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let plan = Plan {
            server: ProcessCommand {
                program: "/proc/self/exe".into(),
                arguments: vec!["lab".into(), "multiplex-server".into()],
            },
            idle: self.allowed(Descriptors::raise())?,
            duration: Duration::from_secs_f64(self.seconds),
        };
        let mut output = io::stdout().lock();
        let bar = bar(plan.idle.len() * ENGINES.len(), context.quiet);
        let mut points = Vec::new();
        plan.run(|point| {
            bar.set_message(format!(
                "{}, {} idle: {}/s",
                point.engine,
                HumanCount(point.idle as u64),
                count(point.per_second())
            ));
            bar.inc(1);
            points.push(point);
        })?;
        bar.finish_and_clear();
        if self.json {
            for point in &points {
                writeln!(output, "{}", json::line(&PointLine::from(point))?)?;
            }
        } else {
            table(&points, &mut output)?;
            writeln!(output)?;
            for line in plot::plot(&points) {
                writeln!(output, "{line}")?;
            }
            writeln!(output)?;
            lessons(&points, &mut output)?;
        }
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// The numbers of idle connections, rising, that the limit of descriptors allows. Says what it changed and what it
    /// left out.
    fn allowed(&self, limit: Descriptors) -> Result<Vec<usize>, Usage> {
        let number = |limit: Option<u64>| limit.map_or("any number".to_owned(), |limit| limit.to_string());
        if limit.before != limit.after {
            crate::report::note(&format!(
                "raised the limit of open files from {} to {} (RLIMIT_NOFILE) for this run",
                number(limit.before),
                number(limit.after)
            ));
        }
        let mut wanted = self.connections.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let (allowed, left_out): (Vec<usize>, Vec<usize>) = wanted
            .into_iter()
            .partition(|idle| limit.allow(descriptors(*idle)));
        if !left_out.is_empty() {
            let left_out: Vec<_> = left_out.iter().map(usize::to_string).collect();
            crate::report::note(&format!(
                "left out {} idle connections: {} files may be open in a process (ulimit -Hn)",
                left_out.join(", "),
                number(limit.after)
            ));
        }
        if allowed.is_empty() {
            return Err(Usage::new(
                "the limit of open files leaves nothing to measure",
                "fewer connections (--connections 10,100), or a higher limit (ulimit -n)",
            ));
        }
        Ok(allowed)
    }
}

fn bar(points: usize, quiet: bool) -> ProgressBar {
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(points as u64)
    };
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

/// Engines side by side: requests per second, and the server's CPU time for each.
fn table(points: &[Point], output: &mut impl Write) -> io::Result<()> {
    writeln!(
        output,
        "{ACTIVE} connections echo {REQUEST} bytes, again and again, beside idle ones.\n\
         Requests answered per second, and the server's CPU time for each (us)."
    )?;
    write!(output, "\n{:>7}", "idle")?;
    for engine in ENGINES {
        write!(output, "{:>11}{:>7}", engine.to_string(), "us")?;
    }
    writeln!(output)?;
    for row in rows(points) {
        let idle = row.first().map_or(0, |point| point.idle);
        write!(output, "{:>7}", HumanCount(idle as u64).to_string())?;
        for point in row {
            write!(
                output,
                "{:>11}{:>7.1}",
                count(point.per_second()),
                point.cpu_microseconds()
            )?;
        }
        writeln!(output)?;
    }
    Ok(())
}

/// The points of each number of idle connections, in the order of the engines.
fn rows(points: &[Point]) -> Vec<Vec<Point>> {
    let mut idle: Vec<usize> = points.iter().map(|point| point.idle).collect();
    idle.sort_unstable();
    idle.dedup();
    let row = |idle| points.iter().filter(move |point| point.idle == idle).copied();
    idle.into_iter().map(|idle| row(idle).collect()).collect()
}

/// What the table shows, computed from it.
fn lessons(points: &[Point], output: &mut impl Write) -> io::Result<()> {
    let rows = rows(points);
    let (Some(few), Some(many)) = (rows.first(), rows.last()) else {
        return Ok(());
    };
    let idle = |row: &[Point]| HumanCount(row.first().map_or(0, |point| point.idle) as u64).to_string();
    if rows.len() > 1 {
        writeln!(
            output,
            "Requests per second with {few} idle connections, compared with {many}:\n{rates}.\n\
             The server's CPU time for each with {many}, compared with {few}:\n{costs}.",
            few = idle(few),
            many = idle(many),
            rates = ratios(few, many, "many", Point::per_second),
            costs = ratios(many, few, "much", Point::cpu_microseconds),
        )?;
    }
    writeln!(
        output,
        "select and poll show the kernel every connection at each wait, and it looks at\n\
         all of them; epoll remembers them and is told which are ready.\n\
         Load and server share this machine."
    )
}

/// How many times as much each engine has in `these` as in `those`.
fn ratios(these: &[Point], those: &[Point], much: &str, figure: impl Fn(&Point) -> f64) -> String {
    let ratio = |(this, that): (&Point, &Point)| {
        let ratio = figure(this) / figure(that).max(f64::MIN_POSITIVE);
        (this.engine, ratio)
    };
    let say = |(index, (engine, ratio)): (usize, (Kind, f64))| match index {
        0 => format!("{engine} {ratio:.1} times as {much}"),
        _ => format!("{engine} {ratio:.1}"),
    };
    let ratios = these.iter().zip(those).map(ratio).enumerate();
    ratios.map(say).collect::<Vec<_>>().join(", ")
}

/// A rounded number with separators.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^53"
)]
fn count(rate: f64) -> String {
    HumanCount(rate.round() as u64).to_string()
}

/// A point for programs.
#[derive(Serialize)]
struct PointLine {
    engine: String,
    idle: usize,
    active: usize,
    requests: u64,
    seconds: f64,
    per_second: f64,
    cpu_us: f64,
}

impl From<&Point> for PointLine {
    fn from(point: &Point) -> Self {
        Self {
            engine: point.engine.to_string(),
            idle: point.idle,
            active: ACTIVE,
            requests: point.requests,
            seconds: point.elapsed.as_secs_f64(),
            per_second: point.per_second(),
            cpu_us: point.cpu_microseconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<Point> {
        let point = |engine, idle, requests| Point {
            engine,
            idle,
            requests,
            elapsed: Duration::from_secs(1),
            cpu: Duration::from_millis(100),
        };
        let few = ENGINES.map(|engine| point(engine, 10, 7300));
        let many = [1000, 2920, 7300, 7300];
        let many = ENGINES
            .into_iter()
            .zip(many)
            .map(|(engine, requests)| point(engine, 10_000, requests));
        few.into_iter().chain(many).collect()
    }

    #[test]
    fn the_lesson_is_computed_from_the_table() {
        let mut output = Vec::new();
        lessons(&points(), &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        let wanted = "Requests per second with 10 idle connections, compared with 10,000:\n\
             select 7.3 times as many, poll 2.5, epoll 1.0, epoll-edge 1.0.\n\
             The server's CPU time for each with 10,000, compared with 10:\n\
             select 7.3 times as much, poll 2.5, epoll 1.0, epoll-edge 1.0.\n";
        assert!(text.starts_with(wanted), "{text}");
    }

    #[test]
    fn the_table_has_a_row_for_each_crowd_and_fits_a_terminal() {
        let mut output = Vec::new();
        table(&points(), &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("\n     10      7,300   13.7"), "{text}");
        assert!(text.contains("\n 10,000      1,000  100.0"), "{text}");
    }

    #[test]
    fn what_the_limit_does_not_allow_is_left_out() {
        let multiplex = Multiplex {
            seconds: 0.4,
            connections: vec![1000, 10, 10, 3000],
            json: false,
        };
        let limit = |after| Descriptors { before: after, after };
        assert_eq!(multiplex.allowed(limit(None)).unwrap(), [10, 1000, 3000]);
        assert_eq!(multiplex.allowed(limit(Some(2000))).unwrap(), [10, 1000]);
        assert!(multiplex.allowed(limit(Some(20))).is_err());
    }

    #[test]
    fn wrong_numbers_are_refused() {
        for wrong in ["0", "-1", "1e3", "25001", ""] {
            assert!(idle(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "-1", "nan", "inf", "61", "a"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("0.05"), Ok(0.05));
    }
}
