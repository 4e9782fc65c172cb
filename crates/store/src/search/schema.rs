//! What `search.db` looks like.

use crate::database::Schema;

/// The database of what can be searched. All of it is made from `chat.db`, and is made again where it is damaged, or
/// by another version: there is nothing in it to migrate.
pub(super) static SCHEMA: Schema = Schema {
    name: "search.db",
    // "LLse"
    application_id: 0x4c4c_7365,
    migrations: &[FIRST],
};

const FIRST: &str = "
-- How far each room is indexed. The key stands for the room in chat.db and here; that the id, and the hash of the
-- event, are the same there shows that both databases speak of one log.
CREATE TABLE rooms (
    room     INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    sequence INTEGER NOT NULL,
    hash     BLOB NOT NULL
) STRICT;

-- Messages as they are now, numbered in the order in which they were indexed.
CREATE TABLE messages (
    message  INTEGER PRIMARY KEY,
    room     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    sender   BLOB NOT NULL,
    text     TEXT NOT NULL,
    UNIQUE (room, sequence)
) STRICT;

-- The times of the messages whose numbers, divided by SPAN, are `span`: where in the index a time is.
CREATE TABLE spans (
    span     INTEGER PRIMARY KEY,
    least    INTEGER NOT NULL,
    greatest INTEGER NOT NULL
) STRICT;

-- Which messages have a word; what a word is here, is told in grams.rs. Nothing but this is kept of the text, and a
-- word that is taken out leaves nothing behind.
CREATE VIRTUAL TABLE grams USING fts5 (words, content = '', detail = 'none', columnsize = 0, tokenize = 'ascii');
INSERT INTO grams (grams, rank) VALUES ('secure-delete', 1);

-- What decided on upper and lower case.
CREATE TABLE folded (unicode TEXT NOT NULL) STRICT;
";
