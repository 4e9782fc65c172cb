//! `landline share`: links for people without an account, followed with curl.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

#[path = "share/drop_box.rs"]
mod drop_box;
#[path = "share/fetched.rs"]
mod fetched;
#[path = "share/link.rs"]
mod link;
#[path = "share/listing.rs"]
mod listing;
#[path = "share/rights.rs"]
mod rights;
mod support;
