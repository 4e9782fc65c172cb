//! What `chat.db` looks like.

use crate::database::Schema;

/// The database of rooms and events.
pub(super) static SCHEMA: Schema = Schema {
    name: "chat.db",
    // "LLch"
    application_id: 0x4c4c_6368,
    migrations: &[FIRST],
};

const FIRST: &str = "
-- Times are milliseconds since 1970-01-01T00:00:00Z, ids 16 bytes, hashes 32 bytes.

CREATE TABLE rooms (
    -- Stands for the room in this file, because it is shorter than the id.
    room          INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,

    -- What the room began with. None of it ever changes: its hash is what event 1 is chained to.
    created       INTEGER NOT NULL,
    creator       BLOB NOT NULL,
    kind          TEXT NOT NULL,            -- 'public', 'direct'
    original_name TEXT NOT NULL,            -- '' for a direct conversation
    peer          BLOB,                     -- the other person of a direct conversation
    genesis_hash  BLOB NOT NULL,

    -- How it is found.
    name          TEXT,                     -- NULL for a direct conversation
    name_key      TEXT UNIQUE,              -- NFKC, lower case
    pair          BLOB UNIQUE,              -- both accounts of a direct conversation, the lesser id first

    -- The last event, or the beginning (0, genesis_hash, created). Written with every commit, so that a log that lost
    -- its end does not go unnoticed.
    head_sequence INTEGER NOT NULL,
    head_hash     BLOB NOT NULL,
    head_time     INTEGER NOT NULL
) STRICT;

-- A room's events lie side by side, in the order in which they are read.
CREATE TABLE events (
    room          INTEGER NOT NULL REFERENCES rooms (room),
    sequence      INTEGER NOT NULL,         -- 1, 2, 3, ... without a gap
    time          INTEGER NOT NULL,         -- never before the event in front
    sender        BLOB NOT NULL,
    client_id     BLOB NOT NULL,
    kind          TEXT NOT NULL,
    target        INTEGER,                  -- the sequence number of the event that this one acts on
    salt          BLOB,                     -- NULL, and so is the body, once erased
    body          TEXT,
    content_hash  BLOB NOT NULL,            -- H(salt, body): stays
    hash          BLOB NOT NULL,            -- the room's head after this event
    PRIMARY KEY (room, sequence)
) STRICT, WITHOUT ROWID;

-- What a sender sends again is found, whatever became of the first reply.
CREATE UNIQUE INDEX events_by_client_id ON events (sender, client_id);
";
