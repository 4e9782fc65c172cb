//! Putting a file into a drop box: by way of the same journal as every upload, with the rights and the space of the share's
//! owner. Nothing of it is seen before all of it is there; what is cut off is given up.

mod arrival;
mod name;
mod upload;

use super::reply::{Failure, SANDBOX, finish, safe};
use super::visit::{Visit, Watch};
use crate::doors::MESSAGE_TIME;
use crate::doors::patience::Patience;
use crate::files;
use arrival::Arrival;
use axum::body::Body;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use landline_model::hash::Hash;
use landline_model::path::Component;
use landline_model::protocol::files::Entry;
use landline_model::protocol::shares::ShareKind;
use landline_store::files::{BATCH_MAX, FILE_SIZE_MAX};
use std::sync::Arc;
use upload::Upload;

/// How many blocks are gathered before they are written: one sync serves them all.
const BLOCKS_TOGETHER: usize = if BATCH_MAX < 4 { BATCH_MAX } else { 4 };

/// Answers PUT.
pub(super) async fn take(
    mut visit: Visit,
    head: &Parts,
    body: &mut Incoming,
) -> Result<Response<Body>, Failure> {
    if visit.share.kind != ShareKind::Drop {
        return Err(Failure::method(visit.share.kind));
    }
    let name = name(&mut visit)?;
    if head.headers.contains_key(CONTENT_RANGE) {
        // RFC 9110, section 14.5: who does not know parts must not take them for the whole.
        let message = "files are put here as a whole, not in parts";
        return Err(Failure::new(StatusCode::BAD_REQUEST, message));
    }
    let size = body.size_hint().exact();
    if size.is_some_and(|size| size > FILE_SIZE_MAX) {
        let message = "no file is that large";
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    if !visit.used.puts() {
        let message = "too many files are being put here now; try again shortly";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    let counted = Counted::count(&visit).await?;
    let (share, peer, patience) = (visit.share.clone(), visit.peer, Arc::clone(&visit.patience));
    let watch = visit.watch(share.below(std::slice::from_ref(&name)));
    let entry = receive(&watch, &patience, name, size, body).await?;
    counted.came_of_it();
    tracing::info!(share = %share.id, %peer, size = entry.size, "a file was put into a drop box");
    Ok(created(&entry))
}

/// The name under which a file is to appear: one, in the drop box itself.
fn name(visit: &mut Visit) -> Result<Component, Failure> {
    let mut below = std::mem::take(&mut visit.path.below);
    match (below.pop(), below.is_empty(), visit.path.directory) {
        (Some(name), true, false) => Ok(name),
        _ => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "say a name: curl -T FILE LINK/ with the / behind it, or LINK/NAME",
        )),
    }
}

/// Takes a whole file in, and publishes it. What is read next arrives while what came before is written.
async fn receive(
    watch: &Watch,
    patience: &Arc<Patience>,
    name: Component,
    size: Option<u64>,
    body: &mut Incoming,
) -> Result<Entry, Failure> {
    let mut arrival = Arrival::new(body);
    let mut upload = Upload::new(watch, name, size);
    patience.extend(MESSAGE_TIME);
    loop {
        let block = tokio::select! {
            biased;
            () = upload.end().cancelled() => return Err(Failure::nothing()),
            block = arrival.block() => block?,
        };
        // A block is what has to be whole in time; a byte a minute is none.
        patience.extend(MESSAGE_TIME);
        if !watch.may_go_on() {
            return Err(Failure::nothing());
        }
        let Some(block) = block else {
            break;
        };
        upload.add(block).await?;
        patience.extend(MESSAGE_TIME);
    }
    let entry = upload.finish().await;
    patience.extend(MESSAGE_TIME);
    entry
}

/// A file that counts. Where nothing comes of it, it does not.
struct Counted {
    services: Arc<crate::services::Services>,
    share: landline_model::id::ShareId,
    counts: bool,
}

impl Counted {
    async fn count(visit: &Visit) -> Result<Self, Failure> {
        let (share, counts) = (visit.share.id, visit.share.left.is_some());
        if counts {
            // Each file is one of its own.
            let file = Hash::from_bytes(crate::random::bytes());
            let may = files::blocking(&visit.services, move |files| {
                files.count_share(share, &[], &file, false)
            })
            .await?;
            if !may {
                return Err(Failure::nothing());
            }
        }
        Ok(Self {
            services: Arc::clone(&visit.services),
            share,
            counts,
        })
    }

    fn came_of_it(mut self) {
        self.counts = false;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.counts {
            return;
        }
        let (files, share) = (self.services.files.clone(), self.share);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = files.uncount_share(share) {
                tracing::warn!(%share, %error, "a file that did not arrive counts all the same");
            }
        });
    }
}

fn created(entry: &Entry) -> Response<Body> {
    let name = entry.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let hash = entry.hash.map(|hash| hash.to_string()).unwrap_or_default();
    let text = format!("{name}  {} bytes  BLAKE3 {hash}\n", entry.size);
    let builder = safe(StatusCode::CREATED, SANDBOX)
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(CONTENT_LENGTH, text.len());
    finish(builder, Body::from(text))
}
