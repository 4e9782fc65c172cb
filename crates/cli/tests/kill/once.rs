//! Files that are put once, under names of their own.

use crate::choice::Choice;
use crate::content::{content, fetch, fresh, path};
use crate::storm::{Acknowledged, Storm};
use crate::upload::{GoneOn, Upload};
use landline_client::{Connection, Hub};
use landline_model::error::ErrorCode;
use landline_model::id::UploadId;
use tokio::task::JoinHandle;

/// How many files of earlier rounds are looked at after each one; the last round looks at all.
const OLD_ONES: usize = 8;

/// All of them.
#[derive(Default)]
pub(crate) struct Once {
    /// The numbers of those that were acknowledged, or found.
    files: Vec<u64>,
    /// How many of them were acknowledged before this round.
    old: usize,
    /// Those that were cut, and who put them.
    cut: Vec<(usize, Upload)>,
}

/// What one of the people did: what was acknowledged, and what was cut.
type Did = (usize, Vec<u64>, Upload);

impl Once {
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    pub(crate) async fn storm(&mut self, storm: &Storm, hubs: &[Hub]) -> Vec<JoinHandle<Did>> {
        let mut tasks = Vec::new();
        for (person, hub) in hubs.iter().enumerate() {
            let connection = landline_client::connect(hub).await.unwrap();
            let storm = storm.clone();
            tasks.push(tokio::spawn(async move {
                storm.begun().await;
                let mut done = Vec::new();
                loop {
                    let mut upload = new();
                    if !upload.put(&connection, || storm.saw(Acknowledged::File)).await {
                        return (person, done, upload);
                    }
                    done.push(upload.number);
                }
            }));
        }
        tasks
    }

    pub(crate) async fn done(&mut self, tasks: Vec<JoinHandle<Did>>) {
        self.old = self.files.len();
        for task in tasks {
            let (person, done, cut) = task.await.unwrap();
            self.files.extend(done);
            self.cut.push((person, cut));
        }
    }

    /// What was acknowledged is there; what was not is there in full or not at all.
    pub(crate) async fn check(&mut self, connection: &Connection, choice: &mut Choice) {
        for number in &self.files[self.old..] {
            assert_there(connection, *number).await;
        }
        if self.old > 0 {
            for _ in 0..OLD_ONES {
                assert_there(connection, *choice.one_of(&self.files[..self.old])).await;
            }
        }
        for (person, upload) in std::mem::take(&mut self.cut) {
            match fetch(connection, &upload.path).await {
                Ok(bytes) => {
                    assert!(upload.finishing && bytes == content(upload.number), "{upload:?}");
                    self.files.push(upload.number);
                }
                Err(error) => {
                    assert_eq!(error.code(), Some(ErrorCode::NotFound), "{upload:?}");
                    self.cut.push((person, upload));
                }
            }
        }
        // What the hub gave no id for cannot be gone on with.
        self.cut.retain(|(_, upload)| upload.id.is_some());
    }

    /// Takes most of what was cut up again, and says what it leaves for later.
    pub(crate) async fn go_on(&mut self, hubs: &[Hub], choice: &mut Choice) -> Vec<UploadId> {
        let mut left = Vec::new();
        for (person, mut upload) in std::mem::take(&mut self.cut) {
            if choice.below(4) == 0 {
                left.extend(upload.id);
                self.cut.push((person, upload));
                continue;
            }
            let connection = landline_client::connect(&hubs[person]).await.unwrap();
            assert_eq!(upload.go_on(&connection).await, GoneOn::Now, "{upload:?}");
            assert_there(&connection, upload.number).await;
            self.files.push(upload.number);
        }
        left
    }

    /// Takes everything up that was cut, and looks at all there is.
    pub(crate) async fn finish(&mut self, connection: &Connection, hubs: &[Hub]) {
        for (person, mut upload) in std::mem::take(&mut self.cut) {
            let connection = landline_client::connect(&hubs[person]).await.unwrap();
            assert_eq!(upload.go_on(&connection).await, GoneOn::Now, "{upload:?}");
            self.files.push(upload.number);
        }
        for number in &self.files {
            assert_there(connection, *number).await;
        }
    }
}

fn new() -> Upload {
    let number = fresh();
    Upload::new(path(&name(number)), number, false)
}

fn name(number: u64) -> String {
    format!("/shared/once/{number}")
}

async fn assert_there(connection: &Connection, number: u64) {
    let bytes = fetch(connection, &path(&name(number))).await;
    let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", name(number)));
    assert!(
        bytes == content(number),
        "{} is not what was acknowledged",
        name(number)
    );
}
