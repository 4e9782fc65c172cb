//! One file that several people overwrite again and again while somebody reads it.

use crate::content::{content, fetch, fresh, hash, path};
use crate::journal::Trash;
use crate::storm::{Acknowledged, Storm, answered};
use crate::upload::{GoneOn, Upload};
use landline_client::{Connection, Hub};
use landline_model::hash::Hash;
use std::collections::HashMap;
use tokio::task::JoinHandle;

const NAME: &str = "/shared/again";

/// The file.
pub(crate) struct Again {
    /// What it may be.
    versions: Vec<Version>,
    /// What it was after the last check.
    current: u64,
    /// What it was, and what was acknowledged and is replaced: by number.
    replaced: Vec<u64>,
    cut: Vec<(usize, Upload)>,
    reads: Vec<Read>,
    count: usize,
}

/// A content of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    number: u64,
    /// The moment before the hub heard of it.
    begun: u64,
    /// The moment after its acknowledgement.
    acknowledged: Option<u64>,
}

/// What somebody read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    /// The moment before.
    begun: u64,
    found: Hash,
}

pub(crate) enum Did {
    Overwrote(usize, Vec<Version>, Upload),
    Saw(Vec<Read>),
}

impl Again {
    pub(crate) async fn begin(hub: &Hub) -> Self {
        let connection = landline_client::connect(hub).await.unwrap();
        let mut first = new();
        assert!(first.put(&connection, || ()).await);
        Self {
            versions: vec![Version::settled(first.number)],
            current: first.number,
            replaced: Vec::new(),
            cut: Vec::new(),
            reads: Vec::new(),
            count: 1,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) async fn storm(&self, storm: &Storm, hubs: &[Hub]) -> Vec<JoinHandle<Did>> {
        let mut tasks = Vec::new();
        for (person, hub) in hubs.iter().enumerate() {
            let connection = landline_client::connect(hub).await.unwrap();
            tasks.push(tokio::spawn(overwrite(storm.clone(), connection, person)));
        }
        let connection = landline_client::connect(&hubs[0]).await.unwrap();
        tasks.push(tokio::spawn(read(storm.clone(), connection)));
        tasks
    }

    pub(crate) async fn done(&mut self, tasks: Vec<JoinHandle<Did>>) {
        for task in tasks {
            match task.await.unwrap() {
                Did::Overwrote(person, versions, cut) => {
                    self.count += versions.len();
                    self.versions.extend(versions);
                    self.cut.push((person, cut));
                }
                Did::Saw(reads) => self.reads = reads,
            }
        }
    }

    /// The file is a version that nothing has replaced for sure; so was all that was read; what was replaced lies in
    /// the trash.
    pub(crate) async fn check(&mut self, hubs: &[Hub], trash: &Trash) {
        let by_hash: HashMap<Hash, Version> = self
            .versions
            .iter()
            .map(|version| (hash(&content(version.number)), *version))
            .collect();
        for read in std::mem::take(&mut self.reads) {
            let version = by_hash
                .get(&read.found)
                .expect("what was read is one of the versions, not a mix");
            self.assert_may_be(version, read.begun);
        }
        let connection = landline_client::connect(&hubs[0]).await.unwrap();
        let found = fetch(&connection, &path(NAME)).await.unwrap();
        let current = by_hash
            .get(&hash(&found))
            .expect("the file is one of the versions, not a mix");
        self.assert_may_be(current, u64::MAX);
        let acknowledged = self
            .versions
            .iter()
            .filter(|version| version.acknowledged.is_some());
        self.replaced.extend(acknowledged.map(|version| version.number));
        self.replaced.retain(|number| *number != current.number);
        for number in self.replaced.drain(..) {
            assert!(
                trash.holds(number),
                "what was replaced is not in the trash: {number}"
            );
        }
        self.current = current.number;
        self.versions = vec![Version::settled(self.current)];
        self.ask_for_what_was_published(hubs, trash).await;
    }

    /// Where only the answer was lost, the hub says that there is nothing to go on with. What it gave no id for cannot be
    /// gone on with either.
    async fn ask_for_what_was_published(&mut self, hubs: &[Hub], trash: &Trash) {
        for (person, mut upload) in std::mem::take(&mut self.cut) {
            if upload.number == self.current || trash.holds(upload.number) {
                let connection = landline_client::connect(&hubs[person]).await.unwrap();
                assert!(upload.finishing, "{upload:?}");
                assert_eq!(upload.go_on(&connection).await, GoneOn::Before, "{upload:?}");
            } else if upload.id.is_some() {
                self.cut.push((person, upload));
            }
        }
    }

    /// Takes up what was cut: each is the newest version when it is finished.
    pub(crate) async fn go_on(&mut self, hubs: &[Hub]) {
        for (person, mut upload) in std::mem::take(&mut self.cut) {
            let connection = landline_client::connect(&hubs[person]).await.unwrap();
            assert_eq!(upload.go_on(&connection).await, GoneOn::Now, "{upload:?}");
            let found = fetch(&connection, &path(NAME)).await.unwrap();
            assert!(found == content(upload.number), "{upload:?}");
            self.replaced.push(self.current);
            self.current = upload.number;
            self.count += 1;
        }
        self.versions = vec![Version::settled(self.current)];
    }

    /// Whether the file can be this version at `moment` or later: not where another one was begun after this one was
    /// acknowledged, and was acknowledged itself before `moment`.
    fn assert_may_be(&self, version: &Version, moment: u64) {
        let Some(acknowledged) = version.acknowledged else {
            return;
        };
        let newer = self.versions.iter().find(|other| {
            other.begun > acknowledged
                && other
                    .acknowledged
                    .is_some_and(|acknowledged| acknowledged < moment)
        });
        assert!(newer.is_none(), "{version:?} is there again, after {newer:?}");
    }
}

impl Version {
    /// The one from which a round begins.
    const fn settled(number: u64) -> Self {
        Self {
            number,
            begun: 0,
            acknowledged: Some(0),
        }
    }
}

async fn overwrite(storm: Storm, connection: Connection, person: usize) -> Did {
    storm.begun().await;
    let mut versions = Vec::new();
    loop {
        let mut upload = new();
        let begun = storm.moment();
        let done = upload.put(&connection, || storm.saw(Acknowledged::File)).await;
        versions.push(Version {
            number: upload.number,
            begun,
            acknowledged: done.then(|| storm.moment()),
        });
        if !done {
            return Did::Overwrote(person, versions, upload);
        }
    }
}

async fn read(storm: Storm, connection: Connection) -> Did {
    storm.begun().await;
    let mut reads = Vec::new();
    loop {
        let begun = storm.moment();
        let Some(bytes) = answered(fetch(&connection, &path(NAME)).await) else {
            return Did::Saw(reads);
        };
        reads.push(Read {
            begun,
            found: hash(&bytes),
        });
    }
}

fn new() -> Upload {
    Upload::new(path(NAME), fresh(), true)
}
