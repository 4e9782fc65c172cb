//! A remote directory, page by page.

use super::FilesError;
use crate::Connection;
use bytes::Bytes;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::files::{Entry, List};

/// Reads a remote directory page by page, in the byte order of its names.
#[derive(Debug)]
pub struct Listing {
    path: RemotePath,
    after: Option<Component>,
    ended: bool,
}

impl Listing {
    /// Of this directory, from its beginning.
    #[must_use]
    pub const fn new(path: RemotePath) -> Self {
        Self {
            path,
            after: None,
            ended: false,
        }
    }

    /// The next page, every entry with its name; `None` behind the last one.
    ///
    /// # Errors
    /// The hub's refusal, or [`FilesError::Protocol`] where a page could not lead to an end.
    pub async fn next_page(
        &mut self,
        connection: &Connection,
    ) -> Result<Option<Vec<(Component, Entry)>>, FilesError> {
        if self.ended {
            return Ok(None);
        }
        let list = List {
            path: self.path.clone(),
            after: self.after.clone(),
            limit: PAGE_MAX,
        };
        let answer = connection.exchange(&list, Bytes::new()).await?;
        let page = self.read_page(&answer.body)?;
        if answer.reply.more && page.is_empty() {
            return Err(self.nonsense("an empty page that is not the last"));
        }
        self.ended = !answer.reply.more;
        Ok(Some(page))
    }

    fn read_page(&mut self, body: &[u8]) -> Result<Vec<(Component, Entry)>, FilesError> {
        let mut page = Vec::new();
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry: Entry =
                serde_json::from_slice(line).map_err(|_| self.nonsense("a page that is no list"))?;
            let name = entry
                .name
                .clone()
                .ok_or_else(|| self.nonsense("an entry without a name"))?;
            // Names that only grow come to an end, and none comes twice.
            if self.after.as_ref().is_some_and(|last| *last >= name) {
                return Err(self.nonsense("names that are out of order"));
            }
            self.after = Some(name.clone());
            page.push((name, entry));
        }
        Ok(page)
    }

    fn nonsense(&self, what: &'static str) -> FilesError {
        FilesError::Protocol {
            path: self.path.clone(),
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: &[&str]) -> String {
        names
            .iter()
            .map(|name| format!("{{\"name\":{name:?},\"kind\":\"file\",\"size\":1,\"modified\":2}}\n"))
            .collect()
    }

    #[test]
    fn pages_go_on_where_the_one_before_ended() {
        let mut listing = Listing::new(RemotePath::parse(b"~").unwrap());
        assert_eq!(listing.read_page(page(&["a", "b"]).as_bytes()).unwrap().len(), 2);
        assert_eq!(listing.after.as_ref().unwrap().as_bytes(), b"b");
        assert!(listing.read_page(page(&["c"]).as_bytes()).is_ok());
    }

    #[test]
    fn names_that_repeat_or_leave_the_directory_are_refused() {
        for names in [&["b", "a"][..], &["a", "a"], &[".."], &["a/b"], &[""]] {
            let mut listing = Listing::new(RemotePath::parse(b"~").unwrap());
            assert!(listing.read_page(page(names).as_bytes()).is_err(), "{names:?}");
        }
    }
}
