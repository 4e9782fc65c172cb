//! The pages of this door: a directory's listing, and what a drop box says of itself. Plain HTML without any script; names
//! are shown escaped, and stand in links byte for byte.

use super::field::short_date;
use super::path::{component, encode};
use super::reply::{Failure, PAGE, finish, safe};
use super::visit::Visit;
use crate::doors::page::escape_html;
use crate::files;
use axum::body::Body;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use landline_model::path::Component;
use landline_model::protocol::PAGE_BYTES_MAX;
use landline_model::protocol::files::{Entry, EntryKind};
use landline_store::files::{ListRequest, Listing, Share};
use std::fmt::Write as _;

/// The most names on a page; the others are on the next one.
const NAMES_MAX: usize = 1000;

/// The style of the pages.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
                     table{border-collapse:collapse;width:100%}td{padding:.2em .8em .2em 0;vertical-align:top}\
                     td.n{text-align:right;white-space:nowrap;color:#666}a{overflow-wrap:anywhere}";

/// Answers GET and HEAD for a directory.
pub(super) async fn show(
    visit: Visit,
    head: &Parts,
    below: Vec<Component>,
) -> Result<Response<Body>, Failure> {
    if visit.share.left == Some(0) {
        return Err(Failure::nothing());
    }
    let after = match head.uri.query().and_then(|query| query.strip_prefix("after=")) {
        Some(name) => Some(component(name).ok_or_else(Failure::nothing)?),
        None => None,
    };
    let is_top = below.is_empty();
    let title = title(&visit.share, &below);
    let share = visit.share.clone();
    let listing = files::blocking(&visit.services, move |files| {
        let request = ListRequest {
            after: after.as_ref(),
            limit: NAMES_MAX,
            byte_limit: PAGE_BYTES_MAX,
        };
        files.list_shared(&share, &below, &request)
    })
    .await?;
    let html = page(&title, &rows(&listing, is_top));
    Ok(answer(html, head.method == Method::HEAD))
}

/// What a drop box says of itself: not what is in it.
pub(super) fn invitation(share: &Share) -> Response<Body> {
    let text = "<p>Files can be put here, and nobody who has only this link sees what is here:</p>\
                <pre>curl -T FILE https://.../s/.../</pre><p>with the address of this page, and the / behind it.</p>";
    answer(page(&title(share, &[]), text), false)
}

/// To the same path with a '/' behind it: what a directory's links begin at.
pub(super) fn redirect(uri: &Uri) -> Response<Body> {
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let builder = safe(StatusCode::PERMANENT_REDIRECT, PAGE)
        .header(LOCATION, format!("{}/{query}", uri.path()))
        .header(CONTENT_LENGTH, 0);
    finish(builder, Body::empty())
}

fn answer(html: String, is_head: bool) -> Response<Body> {
    let builder = safe(StatusCode::OK, PAGE)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_LENGTH, html.len());
    finish(builder, if is_head { Body::empty() } else { Body::from(html) })
}

/// What its owner calls the share, else its own name; and the names below it.
fn title(share: &Share, below: &[Component]) -> String {
    let own = share.place.components.last().map(ToString::to_string);
    let mut title = if share.name.is_empty() {
        own.unwrap_or_else(|| "files".to_owned())
    } else {
        share.name.clone()
    };
    for name in below {
        title.push('/');
        title.push_str(&name.to_string());
    }
    title
}

fn page(title: &str, content: &str) -> String {
    let title = escape_html(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>{content}</body></html>\n"
    )
}

fn rows(listing: &Listing, is_top: bool) -> String {
    let mut html = String::from("<table>");
    if !is_top {
        html.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>");
    }
    for entry in &listing.entries {
        row(&mut html, entry);
    }
    html.push_str("</table>");
    if listing.entries.is_empty() {
        html.push_str("<p>Nothing is here.</p>");
    }
    let last = listing.entries.last().and_then(|entry| entry.name.as_ref());
    if let (true, Some(last)) = (listing.more, last) {
        let after = encode(last.as_bytes());
        // Writing to a String cannot fail.
        let _ = write!(html, "<p><a href=\"?after={after}\">more</a></p>");
    }
    html
}

fn row(html: &mut String, entry: &Entry) {
    let Some(name) = &entry.name else {
        return;
    };
    let (link, shown) = (encode(name.as_bytes()), escape_html(&name.to_string()));
    let modified = short_date(entry.modified.seconds());
    let size = entry.size;
    // Links begin with "./": a name with a ':' in it must not look like another address.
    let _ = match entry.kind {
        EntryKind::Directory => write!(
            html,
            "<tr><td><a href=\"./{link}/\">{shown}/</a></td><td></td><td class=\"n\">{modified}</td></tr>"
        ),
        EntryKind::File => write!(
            html,
            "<tr><td><a href=\"./{link}\">{shown}</a></td><td class=\"n\">{size}</td>\
             <td class=\"n\">{modified}</td></tr>"
        ),
        // What stands here by other means than Landline's, and is not opened.
        _ => write!(html, "<tr><td>{shown}</td><td></td><td></td></tr>"),
    };
}
