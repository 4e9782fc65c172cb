//! A download by link, with curl, beside nginx.

use super::home_in;
use super::peers::{curl, succeed};
use super::tree::{compare, make_file};
use crate::cores::Cores;
use crate::goals::{Better, Goal, Goals};
use crate::options::Rounds;
use crate::place::settle;
use crate::servers::landline::LandlineHub;
use crate::servers::nginx::Nginx;
use crate::statistics::{Samples, rate};
use crate::table::{Table, ratio, spread};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::time::Instant;

const BYTES: u64 = 1024 * 1024 * 1024;
const BYTES_QUICKLY: u64 = 16 * 1024 * 1024;

const AGAINST_NGINX: Goal = Goal {
    better: Better::More,
    floor: 0.8,
    goal: 1.1,
};

/// Fetches the same file from both, in turns.
pub(super) fn measure(rounds: Rounds, goals: &mut Goals) -> Result<()> {
    let home = home_in(Path::new(super::MEMORY))?;
    let size = if rounds.quick { BYTES_QUICKLY } else { BYTES };
    let theirs = home.path().join("nginx");
    fs::create_dir_all(theirs.join("store"))?;
    let source = theirs.join("store/large.bin");
    make_file(&source, 1, size)?;
    let hub = LandlineHub::start(home.path(), Cores::all(), &[])?;
    hub.join_and_wait()?;
    succeed(hub.command()?.args(["put", "-q"]).arg(&source).arg(":/shared/"))?;
    let nginx = Nginx::start(&theirs, &theirs.join("store"))?;
    let ways = [("landline", link(&hub)?), ("nginx", nginx.remote("large.bin"))];
    let mut samples = [Samples::default(), Samples::default()];
    let fetched = home.path().join("fetched");
    for _ in 0..rounds.runs {
        for ((_, url), samples) in ways.iter().zip(&mut samples) {
            settle(home.path())?;
            let begin = Instant::now();
            succeed(curl().arg("--output").arg(&fetched).arg(url))?;
            samples.push(rate(size / 1_000_000, begin.elapsed()));
            compare(&source, &fetched)?;
            fs::remove_file(&fetched)?;
        }
    }
    let [ours, others] = &samples;
    let title = format!(
        "{} MiB over HTTPS with curl, MB/s, {} runs",
        size >> 20,
        rounds.runs
    );
    let mut table = Table::new(title, &["", "least", "median", "greatest", "landline is"]);
    for ((name, _), samples) in ways.iter().zip(&samples) {
        let mut row = vec![(*name).to_owned()];
        row.extend(spread(samples));
        row.push(format!("x {}", ratio(ours, samples)));
        table.row(row);
    }
    table.print()?;
    goals.figure(
        "download by link, of nginx",
        &ours.multiples_of(others),
        AGAINST_NGINX,
    );
    hub.server.stop()?;
    nginx.server.stop()
}

/// A link to the file.
fn link(hub: &LandlineHub) -> Result<String> {
    let output = hub
        .command()?
        .args(["share", "--json", ":/shared/large.bin"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "landline share: {said}");
    let shared: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let url = shared["url"].as_str().context("landline share names no url")?;
    Ok(url.to_owned())
}
