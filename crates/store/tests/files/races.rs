//! Several at once under one name: one after another, never a mix.

use super::hub::{ALICE, Hub, content, get, hash, put, request, send, shared};
use landline_model::blocks::BLOCK_BYTES;
use landline_store::files::FilesError;

const WRITERS: u8 = 8;

fn of(writer: u8) -> Vec<u8> {
    content(writer, BLOCK_BYTES + usize::from(writer))
}

#[test]
fn of_many_new_files_with_one_name_exactly_one_wins() {
    let hub = Hub::new();
    let files = hub.open();
    let uploads: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let bytes = of(writer);
            let upload = files
                .open_upload(ALICE, &shared("file"), &request(&bytes, false))
                .unwrap()
                .upload;
            send(&files, upload, 0, &bytes).unwrap();
            (upload, bytes)
        })
        .collect();
    let won: Vec<bool> = std::thread::scope(|scope| {
        let finishing: Vec<_> = uploads
            .iter()
            .map(|(upload, bytes)| {
                scope.spawn(
                    || match files.finish(ALICE, *upload, bytes.len() as u64, &hash(bytes)) {
                        Ok(_) => true,
                        Err(FilesError::Exists(_)) => false,
                        Err(error) => panic!("{error}"),
                    },
                )
            })
            .collect();
        finishing
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let winners: Vec<_> = uploads.iter().zip(&won).filter(|(_, won)| **won).collect();
    assert_eq!(winners.len(), 1);
    assert!(get(&files, &shared("file")).unwrap() == winners[0].0.1);
    assert!(hub.trash().is_empty());
    hub.assert_settled();
}

#[test]
fn of_many_replacements_the_last_one_stays_and_all_others_are_in_the_trash() {
    let hub = Hub::new();
    let files = hub.open();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let files = &files;
            scope.spawn(move || put(files, &shared("file"), &of(writer), true).unwrap());
        }
    });
    let mut everything = hub.trash();
    everything.push(get(&files, &shared("file")).unwrap());
    everything.sort();
    let mut sent: Vec<_> = (0..WRITERS).map(of).collect();
    sent.sort();
    assert!(everything == sent, "every content exists exactly once");
    hub.assert_settled();
    drop(files);
    hub.open();
    hub.assert_settled();
}

#[test]
fn uploads_and_renames_onto_one_name_lose_nothing() {
    let hub = Hub::new();
    let files = hub.open();
    for writer in 0..WRITERS {
        put(&files, &shared(&format!("source{writer}")), &of(writer), false).unwrap();
    }
    std::thread::scope(|scope| {
        let files = &files;
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let from = shared(&format!("source{writer}"));
                match files.rename(ALICE, &from, &shared("file"), true) {
                    Ok(()) | Err(FilesError::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            });
            scope.spawn(move || put(files, &shared("file"), &of(100 + writer), true).unwrap());
        }
    });
    let mut everything = hub.trash();
    for entry in std::fs::read_dir(hub.files().join("shared")).unwrap() {
        everything.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    everything.sort();
    let mut sent: Vec<_> = (0..WRITERS)
        .flat_map(|writer| [of(writer), of(100 + writer)])
        .collect();
    sent.sort();
    assert!(everything == sent, "every content exists exactly once");
    hub.assert_settled();
}

#[test]
fn a_reader_of_a_file_that_is_replaced_reads_the_old_one_to_its_end() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), &of(1), false).unwrap();
    let file = files.read(&shared("file")).unwrap();
    let mut head = vec![0; 1000];
    file.read_at(0, &mut head).unwrap();
    put(&files, &shared("file"), &of(2), true).unwrap();
    let mut rest = vec![0; of(1).len()];
    let read = file.read_at(1000, &mut rest).unwrap();
    assert!([&head, &rest[..read]].concat() == of(1));
    assert!(file.unchanged().unwrap());
    assert_eq!(file.read_at(u64::MAX, &mut head), Ok(0));
    assert_eq!(file.read_at(1 << 63, &mut head), Ok(0));
}
