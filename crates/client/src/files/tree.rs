//! A whole remote tree, as it comes.

use super::FilesError;
use crate::{Connection, Parts, Streamed};
use bytes::{Buf as _, Bytes};
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::trees::{ListTree, TreeEntry, TreePart};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many bytes of entries are taken before anybody looks at them. A transfer may keep the one who looks busy for long, and
/// a hub does not wait for ever for somebody who takes nothing.
const AHEAD_BYTES: usize = 64 * 1024 * 1024;

/// Reads everything below a remote directory: what is in a directory follows the directory at once, and the names of each
/// are in the order of their bytes.
#[derive(Debug)]
pub struct Tree {
    path: RemotePath,
    parts: mpsc::UnboundedReceiver<Result<Taken, FilesError>>,
    body: Bytes,
    /// The names that lead to the last entry, its own included.
    way: Vec<Component>,
    ended: bool,
}

/// A part that was taken.
#[derive(Debug)]
enum Taken {
    Part {
        body: Bytes,
        /// Its bytes among those that were taken ahead.
        _room: OwnedSemaphorePermit,
    },
    End,
}

impl Tree {
    /// Asks for everything below a directory, or for so many levels of it; with `details` also for hashes that are known
    /// and for permissions. Until its end has come, the hub answers nothing else on this connection.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn open(
        connection: &Connection,
        path: &RemotePath,
        depth: Option<u32>,
        details: bool,
    ) -> Result<Self, FilesError> {
        let call = ListTree {
            path: path.clone(),
            depth,
            details,
        };
        let (sender, parts) = mpsc::unbounded_channel();
        let answer = connection.stream(&call).await?;
        tokio::spawn(take_ahead(answer, sender));
        Ok(Self {
            path: call.path,
            parts,
            body: Bytes::new(),
            way: Vec::new(),
            ended: false,
        })
    }

    /// The next entry; none behind the last one. [`way`](Self::way) says where it stands.
    ///
    /// # Errors
    /// The hub's refusal, how the connection ended, or [`FilesError::Protocol`] where the entries are no tree.
    pub async fn next(&mut self) -> Result<Option<TreeEntry>, FilesError> {
        while self.body.is_empty() {
            if self.ended {
                return Ok(None);
            }
            match self.parts.recv().await.ok_or(FilesError::Stopped)?? {
                Taken::Part { body, .. } => self.body = body,
                Taken::End => self.ended = true,
            }
        }
        let end = self.body.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| self.nonsense("a part that does not end with a line"))?;
        let line = self.body.split_to(end);
        self.body.advance(1);
        let entry: TreeEntry =
            serde_json::from_slice(&line).map_err(|_| self.nonsense("an entry that is none"))?;
        self.follow(&entry)?;
        Ok(Some(entry))
    }

    /// The names that lead from the directory that was asked about to the last entry, its own the last.
    #[must_use]
    pub fn way(&self) -> &[Component] {
        &self.way
    }

    /// Where the last entry stands.
    #[must_use]
    pub fn place(&self) -> RemotePath {
        let mut place = self.path.clone();
        place.components.extend(self.way.iter().cloned());
        place
    }

    /// Names only grow within a directory: so the tree comes to an end, and nothing comes twice.
    fn follow(&mut self, entry: &TreeEntry) -> Result<(), FilesError> {
        let above = usize::try_from(entry.depth)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        if above > self.way.len() {
            return Err(self.nonsense("an entry without the directory that it is in"));
        }
        // A directory that could not be read to its end is told of once more, with the error.
        let is_in_order =
            |last: &Component| *last < entry.name || (*last == entry.name && entry.error.is_some());
        if !self.way.get(above).is_none_or(is_in_order) {
            return Err(self.nonsense("names that are out of order"));
        }
        self.way.truncate(above);
        self.way.push(entry.name.clone());
        Ok(())
    }

    fn nonsense(&self, what: &'static str) -> FilesError {
        FilesError::Protocol {
            path: self.path.clone(),
            what,
        }
    }
}

/// Takes the parts of a tree as they come, as many as fit.
async fn take_ahead(mut answer: Parts<ListTree>, sender: mpsc::UnboundedSender<Result<Taken, FilesError>>) {
    let room = Arc::new(Semaphore::new(AHEAD_BYTES));
    loop {
        let taken = match answer.next_as::<TreePart>().await {
            Ok(Streamed::Part { body, .. }) => {
                // A body has at most 1 MiB.
                let bytes = u32::try_from(body.len()).unwrap_or(0);
                let Ok(permit) = Arc::clone(&room).acquire_many_owned(bytes).await else {
                    return;
                };
                Ok(Taken::Part { body, _room: permit })
            }
            Ok(Streamed::End(_)) => Ok(Taken::End),
            Err(error) => Err(error.into()),
        };
        let is_last = !matches!(taken, Ok(Taken::Part { .. }));
        if sender.send(taken).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these lines: depth, name, and whether it tells of an error.
    fn tree(lines: &[(u32, &str, bool)]) -> Tree {
        let (sender, parts) = mpsc::unbounded_channel();
        let line = |(depth, name, fails): &(u32, &str, bool)| {
            let error = if *fails { r#","error":"no""# } else { "" };
            format!(
                "{{\"depth\":{depth},\"name\":\"{name}\",\"kind\":\"directory\",\"modified\":1{error}}}\n"
            )
        };
        let body: String = lines.iter().map(line).collect();
        let room = Arc::new(Semaphore::new(1));
        let permit = room.try_acquire_owned().unwrap();
        let body = Bytes::from(body);
        sender.send(Ok(Taken::Part { body, _room: permit })).unwrap();
        sender.send(Ok(Taken::End)).unwrap();
        Tree {
            path: RemotePath::parse(b"~/t").unwrap(),
            parts,
            body: Bytes::new(),
            way: Vec::new(),
            ended: false,
        }
    }

    async fn places(lines: &[(u32, &str, bool)]) -> Result<Vec<String>, FilesError> {
        let mut tree = tree(lines);
        let mut places = Vec::new();
        while tree.next().await?.is_some() {
            places.push(tree.place().to_string());
        }
        Ok(places)
    }

    #[tokio::test]
    async fn entries_stand_where_those_before_them_say() {
        let lines = [
            (1, "a", false),
            (2, "b", false),
            (3, "c", false),
            (2, "b", true),
            (2, "d", false),
            (1, "e", false),
        ];
        let expected = ["a", "a/b", "a/b/c", "a/b", "a/d", "e"].map(|place| format!(":~/t/{place}"));
        assert_eq!(places(&lines).await.unwrap(), expected);
        assert!(places(&[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_tree_is_refused() {
        for lines in [
            &[(2, "a", false)][..],
            &[(1, "a", false), (3, "b", false)],
            &[(1, "b", false), (1, "a", false)],
            &[(1, "a", false), (1, "a", false)],
            &[(1, "b", false), (1, "a", true)],
            &[(1, "a", false), (2, "b", false), (1, "a", false)],
            &[(1, "..", false)],
            &[(1, "a/b", false)],
        ] {
            let refused = places(lines).await;
            assert!(matches!(refused, Err(FilesError::Protocol { .. })), "{lines:?}");
        }
    }
}
