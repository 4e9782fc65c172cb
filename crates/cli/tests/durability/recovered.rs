//! Opening what a crash left, and comparing it with what was promised.

use crate::disk::{Disk, Image};
use crate::recording::{DATA, Deed, Recording, files_below};
use landline_model::event::Salt;
use landline_model::hash::{Hash, Signature};
use landline_model::name::{AccountName, RoomName};
use landline_model::path::Component;
use landline_model::time::Timestamp;
use landline_store::chat::{Chat, ChatOptions, audit};
use landline_store::files::{Files, FilesOptions, Place, SpaceId};
use landline_store::people::People;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An inode that no file has.
const NO_INODE: i64 = i64::MAX;

/// What has to be there after a crash at some line.
pub(crate) struct Promises {
    /// Whether the hub had said that it serves.
    ready: bool,
    names: Vec<String>,
    room: bool,
    said: BTreeMap<String, u64>,
    /// Said, but not acknowledged: may be there, once.
    maybe_said: BTreeSet<String>,
    /// What may stand under each name; none: nothing. More than one where something was under way.
    files: BTreeMap<PathBuf, BTreeSet<Option<Hash>>>,
    directories: BTreeSet<PathBuf>,
    /// What is being moved: it stands somewhere all the time.
    moving: Vec<Hash>,
    /// What was replaced or removed.
    trashed: Vec<Hash>,
    /// Keys and certificates that a client may have seen.
    keys: BTreeMap<PathBuf, Vec<u8>>,
}

impl Promises {
    /// What had been promised at `line`. `disk` has been played up to there.
    pub(crate) fn at(recording: &Recording, disk: &Disk, line: usize) -> Self {
        let acknowledged: Vec<&Deed> = recording
            .done
            .iter()
            .filter(|done| done.acknowledged <= line)
            .map(|done| &done.deed)
            .collect();
        let under_way = recording
            .done
            .iter()
            .filter(|done| done.began <= line && done.acknowledged > line);
        let under_way: Vec<&Deed> = under_way.map(|done| &done.deed).collect();
        let mut state = Names::default();
        acknowledged.iter().for_each(|deed| state.apply(deed));
        let mut files: BTreeMap<PathBuf, BTreeSet<Option<Hash>>> = BTreeMap::new();
        let mut after: Vec<Names> = vec![state.clone()];
        after.extend(under_way.iter().map(|deed| {
            let mut state = state.clone();
            state.apply(deed);
            state
        }));
        let all: BTreeSet<&PathBuf> = after.iter().flat_map(|names| names.files.keys()).collect();
        for path in all {
            files.insert(
                path.clone(),
                after.iter().map(|names| names.files.get(path).copied()).collect(),
            );
        }
        let ready = line >= recording.ready;
        let tls = Path::new(DATA).join("tls");
        let keys = disk.tree(&tls).into_iter().filter(|_| ready);
        Self {
            ready,
            names: acknowledged.iter().filter_map(|deed| joined(deed)).collect(),
            room: acknowledged.iter().any(|deed| matches!(deed, Deed::Room)),
            said: acknowledged.iter().filter_map(|deed| said(deed)).collect(),
            maybe_said: under_way
                .iter()
                .filter_map(|deed| said(deed))
                .map(|(text, _)| text)
                .collect(),
            files,
            moving: under_way.iter().filter_map(|deed| moving(deed, &state)).collect(),
            directories: state.directories,
            trashed: state.trashed,
            keys: keys
                .filter_map(|(path, bytes)| Some((path, bytes?.to_vec())))
                .collect(),
        }
    }

    /// Opens the stores on a data directory, as a start of the hub does, and looks for everything.
    ///
    /// # Errors
    /// What is not as it was promised.
    pub(crate) fn check(&self, data: &Path) -> Result<(), String> {
        if !data.join("db").is_dir() || !data.join("files").is_dir() {
            return if self.ready {
                Err("the data directory has vanished".to_owned())
            } else {
                Ok(())
            };
        }
        self.check_keys(data)?;
        self.check_people(&data.join("db"))?;
        self.check_chat(&data.join("db"))?;
        self.check_files(data)
    }

    fn check_keys(&self, data: &Path) -> Result<(), String> {
        for (path, bytes) in &self.keys {
            if std::fs::read(data.join("tls").join(path)).ok().as_ref() != Some(bytes) {
                return Err(format!("tls/{} is not what clients were shown", path.display()));
            }
        }
        Ok(())
    }

    fn check_people(&self, databases: &Path) -> Result<(), String> {
        let people =
            People::open(databases, Arc::new(clock)).map_err(|error| format!("people.db: {error}"))?;
        for name in &self.names {
            let name: AccountName = name.parse().map_err(|_| "a name".to_owned())?;
            people
                .account_by_name(&name)
                .ok_or_else(|| format!("{name} has lost the account"))?;
        }
        if self.ready && self.names.is_empty() && !people.has_admin() {
            let there = block_on(people.open_admin_invite_exists()).map_err(|error| error.to_string())?;
            return there
                .then_some(())
                .ok_or_else(|| "the first invitation is lost".to_owned());
        }
        Ok(())
    }

    fn check_chat(&self, databases: &Path) -> Result<(), String> {
        let chat = Chat::open(databases, chat_options()).map_err(|error| format!("chat.db: {error}"))?;
        let found = audit(databases).map_err(|error| format!("audit: {error}"))?;
        if !found.intact() {
            return Err(format!("audit: {found:?}"));
        }
        let room: RoomName = crate::workload::ROOM
            .trim_start_matches('#')
            .parse()
            .map_err(|_| "a room".to_owned())?;
        let Some(record) = chat.room_by_name(&room) else {
            return if self.room {
                Err("the room is lost".to_owned())
            } else {
                Ok(())
            };
        };
        let events = chat
            .events(&record.genesis.room, 0, 10_000, usize::MAX)
            .map_err(|error| error.to_string())?;
        let mut there: BTreeMap<String, u64> = BTreeMap::new();
        for event in &events {
            let Some(content) = &event.content else { continue };
            if there.insert(content.body.clone(), event.sequence).is_some() {
                return Err(format!("{:?} is there twice", content.body));
            }
        }
        for (text, sequence) in &self.said {
            if there.remove(text) != Some(*sequence) {
                return Err(format!(
                    "{text:?} was acknowledged as {sequence}, and is not there"
                ));
            }
        }
        there.retain(|text, _| !self.maybe_said.contains(text) && !text.is_empty());
        if there.is_empty() {
            Ok(())
        } else {
            Err(format!("nobody said {there:?}"))
        }
    }

    fn check_files(&self, data: &Path) -> Result<(), String> {
        let (tree, databases) = (data.join("files"), data.join("db"));
        let files =
            Files::open(&tree, &databases, files_options()).map_err(|error| format!("files: {error}"))?;
        let shared = tree.join("shared");
        let there: BTreeMap<PathBuf, Hash> = if shared.is_dir() {
            files_below(&shared)
                .into_iter()
                .map(|(path, bytes)| (path, crate::workload::hash(&bytes)))
                .collect()
        } else {
            BTreeMap::new()
        };
        for (path, allowed) in &self.files {
            let found = there.get(path).copied();
            if !allowed.contains(&found) {
                return Err(format!("{} is {found:?}, not one of {allowed:?}", path.display()));
            }
            if let Some(hash) = found {
                told_as(&files, path, hash)?;
            }
        }
        if let Some(path) = there.keys().find(|path| !self.files.contains_key(*path)) {
            return Err(format!("nobody put {}", path.display()));
        }
        if let Some(lost) = self
            .moving
            .iter()
            .find(|hash| !there.values().any(|there| there == *hash))
        {
            return Err(format!("what was being moved is nowhere: {lost:?}"));
        }
        if let Some(lost) = self.directories.iter().find(|path| !shared.join(path).is_dir()) {
            return Err(format!("the directory {} is lost", lost.display()));
        }
        self.check_trash(data)?;
        check_partials(data)
    }

    /// F5, and that the trash knows of it, so that it goes when its time is over.
    fn check_trash(&self, data: &Path) -> Result<(), String> {
        let files = files_below(&data.join("files/trash"));
        let mut there: Vec<Hash> = files
            .iter()
            .map(|(_, bytes)| crate::workload::hash(bytes))
            .collect();
        for hash in &self.trashed {
            let at = there.iter().position(|there| there == hash);
            there.swap_remove(at.ok_or_else(|| format!("{hash:?} is not in the trash"))?);
        }
        let known = column(data, "SELECT id FROM trash")?;
        let found: BTreeSet<Vec<u8>> = files.iter().map(|(path, _)| id_of(path)).collect();
        if known == found {
            Ok(())
        } else {
            Err(format!("the trash has {found:?} and knows {known:?}"))
        }
    }
}

/// The names in the shared space.
#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, Hash>,
    directories: BTreeSet<PathBuf>,
    trashed: Vec<Hash>,
}

impl Names {
    fn apply(&mut self, deed: &Deed) {
        match deed {
            Deed::Put { path, hash } => self.trashed.extend(self.files.insert(path.clone(), *hash)),
            Deed::Remove { path } => self.trashed.extend(self.files.remove(path)),
            Deed::Move { from, to, .. } => {
                if let Some(hash) = self.files.remove(from) {
                    self.trashed.extend(self.files.insert(to.clone(), hash));
                }
            }
            Deed::MakeDirectory { path } => drop(self.directories.insert(path.clone())),
            Deed::Join { .. } | Deed::Room | Deed::Say { .. } => {}
        }
    }
}

/// A copy's files have other inodes than those that the journal noted: writes the new ones into it, so that it speaks
/// of the same files as on the disk that was recorded.
pub(crate) fn translate_inodes(recording: &Recording, disk: &Disk, image: &Image, data: &Path) {
    let database = data.join("db/files.db");
    if !database.is_file() {
        return;
    }
    let connection = Connection::open(&database).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('uploads', 'replacements')";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).unwrap();
    if tables < 2 {
        return;
    }
    let inode = |node: Option<&usize>| {
        node.and_then(|node| image.inodes.get(node))
            .map_or(NO_INODE, |inode| inode.cast_signed())
    };
    for (id, text) in rows(&connection, "SELECT id, lower(hex(id)) FROM uploads") {
        let made = disk.made_as(text.as_ref());
        let new = inode(made.first());
        connection
            .execute("UPDATE uploads SET inode = ?2 WHERE id = ?1", (&id, new))
            .unwrap();
    }
    for column in ["moved", "replaced"] {
        for (id, old) in rows(
            &connection,
            &format!("SELECT trash, CAST({column} AS TEXT) FROM replacements"),
        ) {
            let old: i64 = old.parse().unwrap();
            let new = inode(recording.inodes.get(&old.cast_unsigned()));
            let update = format!("UPDATE replacements SET {column} = ?2 WHERE trash = ?1");
            connection.execute(&update, (&id, new)).unwrap();
        }
    }
}

fn rows(connection: &Connection, query: &str) -> Vec<(Vec<u8>, String)> {
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// F2: every partial file belongs to an upload that may go on.
fn check_partials(data: &Path) -> Result<(), String> {
    let known = column(data, "SELECT id FROM uploads")?;
    let partial = data.join("files/partial");
    let found: BTreeSet<Vec<u8>> = files_below(&partial)
        .iter()
        .map(|(path, _)| id_of(path))
        .collect();
    if found == known {
        Ok(())
    } else {
        Err(format!("partial files {found:?} for the uploads {known:?}"))
    }
}

/// What the store says that a file's hash is.
fn told_as(files: &Files, path: &Path, hash: Hash) -> Result<(), String> {
    let names = path
        .components()
        .map(|name| Component::new(name.as_os_str().as_bytes()));
    let names: Vec<Component> = names
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let told = files
        .read(&Place::new(SpaceId::Shared, names))
        .and_then(|file| files.hash_of(&file))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if told == hash {
        Ok(())
    } else {
        Err(format!("{} is told as {told:?}", path.display()))
    }
}

fn column(data: &Path, query: &str) -> Result<BTreeSet<Vec<u8>>, String> {
    let connection = Connection::open(data.join("db/files.db")).map_err(|error| error.to_string())?;
    let mut statement = connection.prepare(query).map_err(|error| error.to_string())?;
    let rows = statement
        .query_map([], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    rows.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn id_of(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".blocks").unwrap_or(&name);
    name.parse().map_or_else(
        |_| name.as_bytes().to_vec(),
        |id: landline_model::id::UploadId| id.as_bytes().to_vec(),
    )
}

fn joined(deed: &Deed) -> Option<String> {
    match deed {
        Deed::Join { name } => Some(name.clone()),
        _ => None,
    }
}

fn moving(deed: &Deed, names: &Names) -> Option<Hash> {
    match deed {
        Deed::Move { from, .. } => names.files.get(from).copied(),
        _ => None,
    }
}

fn said(deed: &Deed) -> Option<(String, u64)> {
    match deed {
        Deed::Say { text, sequence } => Some((text.clone(), *sequence)),
        _ => None,
    }
}

fn chat_options() -> ChatOptions {
    ChatOptions {
        clock: Arc::new(clock),
        salt: Box::new(|| Salt::from_bytes([7; 16])),
        sign: Box::new(|_| Signature::from_bytes([0; 64])),
        deliver: Box::new(|_| {}),
        settled: Box::new(|| {}),
    }
}

fn files_options() -> FilesOptions {
    let fresh = std::sync::atomic::AtomicU64::new(1);
    let random = move || {
        let mut id = [0xab; 16];
        id[..8].copy_from_slice(
            &fresh
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
                .to_be_bytes(),
        );
        id
    };
    FilesOptions {
        // The power was cut: this is another start of the machine than the recorded one.
        boot: [0xb0; 16],
        ..FilesOptions::new(Arc::new(clock), Arc::new(random))
    }
}

/// The recording's day: nothing has expired.
fn clock() -> Timestamp {
    Timestamp(crate::recording::now() / 1000)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
