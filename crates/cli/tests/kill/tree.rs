//! A tree that is rearranged all the time.

use crate::choice::Choice;
use crate::content::{content, fetch, fresh, path};
use crate::journal::Trash;
use crate::storm::{Acknowledged, Storm, answered};
use crate::upload::Upload;
use bytes::Bytes;
use landline_client::files::{make_directory, remove, rename};
use landline_client::{Connection, Hub, lines};
use landline_model::protocol::files::{Entry, EntryKind, List};
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

const ROOT: &str = "/shared/tree";
const DIRECTORIES: [&str; 3] = ["d0", "d1", "d2"];
const FILES: [&str; 4] = ["f0", "f1", "f2", "f3"];

/// What stands in it, by path below [`ROOT`].
type Model = BTreeMap<String, Node>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    /// With the content of this number.
    File(u64),
}

/// Something to do.
#[derive(Clone, Debug)]
enum Deed {
    Put(String, u64),
    MakeDirectory(String),
    /// In the place of what is there, where something is.
    Move(String, String),
    /// With all that is in it.
    Remove(String),
}

/// The tree.
#[derive(Default)]
pub(crate) struct Tree {
    work: Work,
    count: usize,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    model: Model,
    /// Files that lie in the trash now.
    buried: Vec<u64>,
    done: usize,
    /// What the hub died in.
    doubtful: Option<Deed>,
}

impl Tree {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) async fn storm(&mut self, storm: &Storm, hub: &Hub, choice: &mut Choice) -> JoinHandle<Work> {
        let connection = landline_client::connect(hub).await.unwrap();
        let (storm, mut choice, mut work) = (storm.clone(), choice.split(), self.work.clone());
        tokio::spawn(async move {
            storm.begun().await;
            loop {
                let deed = chosen(&work.model, &mut choice);
                if !deed.done(&connection, &storm).await {
                    work.doubtful = Some(deed);
                    return work;
                }
                work.note(&deed);
            }
        })
    }

    pub(crate) async fn done(&mut self, task: JoinHandle<Work>) {
        self.work = task.await.unwrap();
        self.count += std::mem::take(&mut self.work.done);
    }

    /// All that was acknowledged is done; what was not is done or not; what was removed or replaced is in the trash.
    pub(crate) async fn check(&mut self, connection: &Connection, trash: &Trash) {
        let found = found(connection).await;
        let doubtful = self.work.doubtful.take().expect("the hub died in something");
        if found != self.work.model {
            let before = self.work.model.clone();
            self.work.note(&doubtful);
            assert_eq!(
                found, self.work.model,
                "neither what it was nor what {doubtful:?} makes of it; it was {before:?}"
            );
        }
        for (name, node) in &found {
            if let Node::File(number) = node {
                let bytes = fetch(connection, &path(&full(name))).await.unwrap();
                assert!(bytes == content(*number), "{name}");
            }
        }
        for number in self.work.buried.drain(..) {
            assert!(
                trash.holds(number),
                "what was removed is not in the trash: {number}"
            );
        }
    }
}

impl Work {
    fn note(&mut self, deed: &Deed) {
        self.buried.extend(deed.apply(&mut self.model));
        self.done += 1;
    }
}

impl Deed {
    /// Does it; false: the hub died before it was acknowledged.
    async fn done(&self, connection: &Connection, storm: &Storm) -> bool {
        let saw = || storm.saw(Acknowledged::File);
        let result = match self {
            Self::Put(name, number) => {
                return Upload::new(path(&full(name)), *number, true)
                    .put(connection, saw)
                    .await;
            }
            Self::MakeDirectory(name) => make_directory(connection, &path(&full(name)), false).await,
            Self::Move(from, to) => rename(connection, &path(&full(from)), &path(&full(to)), true).await,
            Self::Remove(name) => remove(connection, &path(&full(name)), true).await,
        };
        let result = result.map_err(|error| match error {
            landline_client::files::FilesError::Hub(error) => error,
            error => panic!("{self:?}: {error}"),
        });
        let done = answered(result).is_some();
        if done {
            saw();
        }
        done
    }

    /// Does it to the model. Returns the files that go to the trash.
    fn apply(&self, model: &mut Model) -> Vec<u64> {
        let replaced = |node: Option<Node>| match node {
            Some(Node::File(number)) => vec![number],
            _ => Vec::new(),
        };
        match self {
            Self::Put(name, number) => replaced(model.insert(name.clone(), Node::File(*number))),
            Self::MakeDirectory(name) => replaced(model.insert(name.clone(), Node::Directory)),
            Self::Move(from, to) => {
                let buried = replaced(model.get(to).copied());
                for (name, node) in taken(model, from) {
                    model.insert(name.replacen(from.as_str(), to, 1), node);
                }
                buried
            }
            Self::Remove(name) => {
                let removed = taken(model, name);
                removed
                    .into_values()
                    .flat_map(|node| replaced(Some(node)))
                    .collect()
            }
        }
    }
}

/// Takes something out of the model with all that is below it.
fn taken(model: &mut Model, name: &str) -> Model {
    let below = format!("{name}/");
    model
        .extract_if(.., |other, _| other == name || other.starts_with(&below))
        .collect()
}

/// Something that can be done.
fn chosen(model: &Model, choice: &mut Choice) -> Deed {
    let directories: Vec<&str> = DIRECTORIES
        .into_iter()
        .filter(|name| model.contains_key(*name))
        .collect();
    let missing: Vec<&str> = DIRECTORIES
        .into_iter()
        .filter(|name| !model.contains_key(*name))
        .collect();
    let files: Vec<&String> = model
        .iter()
        .filter(|(_, node)| **node != Node::Directory)
        .map(|(name, _)| name)
        .collect();
    let place = |choice: &mut Choice| {
        let file = choice.one_of(&FILES);
        match choice.below(directories.len() + 1) {
            0 => (*file).to_owned(),
            index => format!("{}/{file}", directories[index - 1]),
        }
    };
    match choice.below(10) {
        0..=1 if !missing.is_empty() => Deed::MakeDirectory((*choice.one_of(&missing)).to_owned()),
        2 if !directories.is_empty() => Deed::Remove((*choice.one_of(&directories)).to_owned()),
        3 if !directories.is_empty() && !missing.is_empty() => Deed::Move(
            (*choice.one_of(&directories)).to_owned(),
            (*choice.one_of(&missing)).to_owned(),
        ),
        4..=5 if !files.is_empty() => Deed::Remove((*choice.one_of(&files)).clone()),
        6..=7 if !files.is_empty() => {
            let (from, to) = ((*choice.one_of(&files)).clone(), place(choice));
            if from == to {
                Deed::Remove(from)
            } else {
                Deed::Move(from, to)
            }
        }
        _ => Deed::Put(place(choice), fresh()),
    }
}

/// The tree as the hub has it. A file's content is told by its hash.
async fn found(connection: &Connection) -> Model {
    let mut model = Model::new();
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        for entry in list(connection, &directory).await {
            let name = entry.name.unwrap().to_string();
            let name = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            let node = match entry.kind {
                EntryKind::Directory => {
                    waiting.push(name.clone());
                    Node::Directory
                }
                EntryKind::File => Node::File(number_of(connection, &name).await),
                _ => panic!("{name} is neither file nor directory"),
            };
            model.insert(name, node);
        }
    }
    model
}

async fn list(connection: &Connection, directory: &str) -> Vec<Entry> {
    let call = List {
        path: path(&full(directory)),
        after: None,
        limit: 1000,
    };
    let page = connection.exchange(&call, Bytes::new()).await.unwrap();
    assert!(!page.reply.more);
    lines(&page.body, connection).unwrap()
}

/// The number of the content that a file begins with; that it is all of that content is checked elsewhere.
async fn number_of(connection: &Connection, name: &str) -> u64 {
    let bytes = fetch(connection, &path(&full(name))).await.unwrap();
    crate::content::number(&bytes)
}

fn full(name: &str) -> String {
    format!("{ROOT}/{name}")
}
