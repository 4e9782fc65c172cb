//! One request of somebody who has a link: which share it is for, and whether it is still good.

use super::path::SharePath;
use super::reply::Failure;
use super::{basic, download, listing};
use crate::doors::patience::Patience;
use crate::services::{Services, blocking};
use crate::shares::uses::Use;
use crate::shares::{owner, passwords};
use crate::{files, refusals};
use axum::body::Body;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Response};
use landline_model::link::Token;
use landline_model::path::Component;
use landline_model::protocol::shares::ShareKind;
use landline_store::files::{Place, Share, Shared};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// What links that lead nowhere are counted as.
const LINKS: &str = "links";

/// Somebody with a link that is good, as of its beginning.
pub(super) struct Visit {
    pub(super) services: Arc<Services>,
    pub(super) share: Share,
    pub(super) path: SharePath,
    pub(super) used: Use,
    pub(super) patience: Arc<Patience>,
    pub(super) peer: IpAddr,
}

impl Visit {
    /// Finds the share that a request is for.
    pub(super) async fn begin(
        head: &Parts,
        services: Arc<Services>,
        peer: IpAddr,
        patience: Arc<Patience>,
    ) -> Result<Self, Failure> {
        let guesses = &services.share_guesses;
        let attempt = guesses
            .attempt_at(peer, LINKS.to_owned(), Instant::now())
            .map_err(Failure::too_soon)?;
        let path = SharePath::parse(head.uri.path())?;
        let found = match &path.token {
            Some(token) => find(&services, token.clone()).await?,
            None => None,
        };
        let Some((share, used)) = found else {
            attempt.failed(Instant::now());
            tracing::debug!(%peer, "a link of a share leads nowhere");
            return Err(Failure::nothing());
        };
        drop(attempt);
        let visit = Self {
            share,
            path,
            used,
            patience,
            peer,
            services: Arc::clone(&services),
        };
        if !visit.is_good() {
            return Err(Failure::nothing());
        }
        visit.require_password(&head.headers).await?;
        Ok(visit)
    }

    /// Answers GET and HEAD.
    pub(super) async fn show(mut self, head: &Parts) -> Result<Response<Body>, Failure> {
        let below = match self.share.kind {
            ShareKind::File => self.own_name_left_out()?,
            ShareKind::Directory => std::mem::take(&mut self.path.below),
            ShareKind::Drop if self.path.below.is_empty() => return Ok(listing::invitation(&self.share)),
            _ => return Err(Failure::nothing()),
        };
        if !owner::may(&self.services, &self.share, &self.share.below(&below)) {
            return Err(Failure::nothing());
        }
        let shared = files::blocking(&self.services, {
            let (share, below) = (self.share.clone(), below.clone());
            move |files| files.read_shared(&share, &below)
        })
        .await?;
        match shared {
            Shared::File(_) if self.path.directory => Err(Failure::nothing()),
            Shared::File(file) => download::send(self, head, file, &below).await,
            Shared::Directory if self.path.directory => listing::show(self, head, below).await,
            Shared::Directory => Ok(listing::redirect(&head.uri)),
        }
    }

    /// Whether the share is good now: its time is not over, it is not used up, and its owner may do what it is for.
    fn is_good(&self) -> bool {
        !self.share.is_over(self.services.now()) && owner::may(&self.services, &self.share, &self.share.place)
    }

    /// What asks later, and often, whether it still is.
    pub(super) fn watch(self, place: Place) -> Watch {
        Watch {
            services: self.services,
            share: self.share,
            place,
            used: self.used,
        }
    }

    /// A file may be asked for by its own name as well, so that a program that keeps it knows what to call it.
    fn own_name_left_out(&self) -> Result<Vec<Component>, Failure> {
        let below = &self.path.below;
        let own = self.share.place.components.last();
        if below.is_empty() || (below.len() == 1 && below.last() == own) {
            return Ok(Vec::new());
        }
        Err(Failure::nothing())
    }

    async fn require_password(&self, headers: &HeaderMap) -> Result<(), Failure> {
        if self.share.password.is_none() {
            return Ok(());
        }
        let Some(password) = basic::password(headers).filter(|password| !password.0.is_empty()) else {
            return Err(Failure::password());
        };
        let name = format!("password of {}", self.share.id);
        let attempt = self
            .services
            .share_guesses
            .attempt_at(self.peer, name, Instant::now())
            .map_err(Failure::too_soon)?;
        if passwords::is_right(&self.services, &self.share, password, self.peer).await? {
            attempt.succeeded();
            return Ok(());
        }
        attempt.failed(Instant::now());
        tracing::warn!(share = %self.share.id, peer = %self.peer, "a wrong password of a share");
        Err(Failure::password())
    }
}

/// A share in use.
pub(super) struct Watch {
    services: Arc<Services>,
    share: Share,
    place: Place,
    used: Use,
}

impl Watch {
    /// Whether it may go on: the share was not revoked, its time is not over, and its owner may still do what it is for.
    pub(super) fn may_go_on(&self) -> bool {
        !self.used.end().is_cancelled()
            && !self.share.is_over(self.services.now())
            && owner::may(&self.services, &self.share, &self.place)
    }

    /// What is cancelled when the share is revoked.
    pub(super) fn end(&self) -> tokio_util::sync::CancellationToken {
        self.used.end().clone()
    }

    pub(super) fn services(&self) -> &Arc<Services> {
        &self.services
    }

    pub(super) fn share(&self) -> &Share {
        &self.share
    }
}

/// The share of a token. It is entered as used before it is looked up for good: one that is revoked in between is not
/// found, and one that is revoked later ends.
async fn find(services: &Arc<Services>, token: Token) -> Result<Option<(Share, Use)>, Failure> {
    let services = Arc::clone(services);
    let found = blocking(move || {
        let failed = |error| refusals::from_files(&error);
        let Some(share) = services.files.share_of(&token).map_err(failed)? else {
            return Ok(None);
        };
        let used = services.share_uses.enter(share.id);
        let share = services.files.share(share.id).map_err(failed)?;
        Ok(share.map(|share| (share, used)))
    });
    Ok(found.await?)
}
