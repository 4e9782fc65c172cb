//! How transfers are done and told: what `get` and `put` have in common.

use super::report::Report;
use crate::context::Context;
use anyhow::Result;
use landline_client::files::{FilesError, Link, Retry};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The most connections of one command.
const CONNECTIONS_MAX: u8 = 16;

/// Options of every transfer.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Transfer over so many connections at a time, at most 16; each file goes over one of them.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(CONNECTIONS_MAX)))]
    parallel: u8,
    /// One JSON object a line for everything that happens.
    #[arg(long)]
    pub(super) json: bool,
    /// Begin every file anew, even where a part of it is there from an earlier try.
    #[arg(long)]
    pub(super) no_resume: bool,
    /// How long to go on trying when the link is lost; 0s: not at all.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = crate::duration::parse_any)]
    retry: Duration,
}

impl How {
    /// The connections, at least one, each with the way to another one.
    pub(super) async fn connect(&self, context: &Context) -> Result<Vec<Link>> {
        let hub = context.hub()?;
        let mut links = Vec::with_capacity(usize::from(self.parallel));
        for _ in 0..self.parallel.max(1) {
            let connection = landline_client::connect(&hub).await?;
            links.push(Link::new(connection, Some(Retry::new(&hub, self.retry))));
        }
        Ok(links)
    }

    /// Who tells of it.
    pub(super) fn report(&self, context: &Context) -> Report {
        Report::of(context.quiet, self.json)
    }
}

/// What several connections work off.
pub(super) struct Queue<'a, T> {
    items: &'a [T],
    next: AtomicUsize,
    /// Set when there is no way to go on.
    ended: AtomicBool,
}

impl<'a, T> Queue<'a, T> {
    pub(super) fn new(items: &'a [T]) -> Self {
        Self {
            items,
            next: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Does one thing after the other until there is no more; failures are told.
    pub(super) async fn work(
        &self,
        report: &Report,
        work: impl AsyncFn(&T) -> Result<(), FilesError>,
    ) -> Result<()> {
        while !self.ended.load(Ordering::Relaxed)
            && let Some(item) = self.items.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = work(item).await
                && !report.survives(&error)
            {
                self.ended.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
