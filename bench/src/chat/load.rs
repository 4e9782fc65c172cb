//! Sending so many messages, for those who measure something else than how fast that is.

use super::PATIENCE;
use super::ground::Ground;
use crate::clients::hub::HubSender;
use crate::clients::{Dialect as _, Link};
use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Messages on the way at most, of each sender.
const WINDOW: u64 = 64;

/// How many fill a room together: their messages share commits.
const FILLERS: u64 = 32;

/// Messages that are sent in one go, within the time that things may take.
const BATCH: u64 = 100_000;

/// Sends so many messages and waits for all acknowledgements.
pub(crate) async fn say_all((link, sender): &mut (Link, HubSender), count: u64) -> Result<()> {
    let (mut said, mut acknowledged) = (0, 0);
    while acknowledged < count {
        while said < count && said - acknowledged < WINDOW {
            sender.say(&mut link.out)?;
            said += 1;
        }
        link.flush().await?;
        link.receive().await?;
        acknowledged += sender.hear(&mut link.input, &mut link.out)?;
    }
    Ok(())
}

/// Those who fill a room.
pub(crate) struct Fillers(Vec<(Link, HubSender)>);

impl Fillers {
    pub(crate) async fn join(ground: &Ground) -> Result<Self> {
        let mut fillers = Vec::new();
        for number in 0..FILLERS {
            fillers.push(ground.door.sender(&format!("filler{number}")).await?);
        }
        Ok(Self(fillers))
    }

    /// Sends so many messages, by all of them together.
    pub(crate) async fn fill(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let batch = count.min(BATCH);
            timeout(PATIENCE, self.send(batch))
                .await
                .context("messages are not acknowledged in time")??;
            count -= batch;
        }
        Ok(())
    }

    async fn send(&mut self, count: u64) -> Result<()> {
        let (share, rest) = (count / FILLERS, count % FILLERS);
        let mut tasks = JoinSet::new();
        for (number, mut filler) in (0..).zip(self.0.drain(..)) {
            tasks.spawn_local(async move {
                say_all(&mut filler, share + u64::from(number < rest)).await?;
                anyhow::Ok(filler)
            });
        }
        while let Some(filler) = tasks.join_next().await {
            self.0.push(filler??);
        }
        Ok(())
    }
}
