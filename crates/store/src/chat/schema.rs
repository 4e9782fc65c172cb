//! What `chat.db` looks like.

use crate::database::Schema;

/// The database of rooms and events.
pub(crate) static SCHEMA: Schema = Schema {
    name: "chat.db",
    // "LLch"
    application_id: 0x4c4c_6368,
    migrations: &[FIRST, MEMBERS],
};

pub(super) const FIRST: &str = "
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

const MEMBERS: &str = "
ALTER TABLE rooms ADD COLUMN topic        TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN slow_seconds INTEGER NOT NULL DEFAULT 0;
-- 1 while the room is brought here from another hub: until it is whole, it is not there. Dropped when the hub starts.
ALTER TABLE rooms ADD COLUMN importing    INTEGER NOT NULL DEFAULT 0;

-- Whom a room knows. Nobody else stands in any way to it.
CREATE TABLE members (
    room          INTEGER NOT NULL REFERENCES rooms (room),
    account       BLOB NOT NULL,
    standing      TEXT NOT NULL,            -- 'stranger', 'invited', 'asked', 'member', 'kicked', 'banned'
    role          TEXT,                     -- of a member: 'member', 'moderator', 'owner'
    muted_until   INTEGER,                  -- outlives leaving
    spoke         INTEGER,                  -- the last message while slow mode was on
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;

INSERT INTO members (room, account, standing, role)
    SELECT room, creator, 'member', 'owner' FROM rooms WHERE kind = 'public';

-- The edits of a message lie side by side: the last one is its text, and all go with it.
CREATE INDEX events_edits ON events (room, target, sequence) WHERE kind = 'edit';

-- The reactions that nobody took back, and how many they are.
CREATE TABLE reactions (
    room          INTEGER NOT NULL REFERENCES rooms (room),
    message       INTEGER NOT NULL,
    account       BLOB NOT NULL,
    reaction      TEXT NOT NULL,
    PRIMARY KEY (room, message, account, reaction)
) STRICT, WITHOUT ROWID;

CREATE TABLE reaction_counts (
    room          INTEGER NOT NULL REFERENCES rooms (room),
    message       INTEGER NOT NULL,
    reaction      TEXT NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (room, message, reaction)
) STRICT, WITHOUT ROWID;

-- Up to where somebody has read a room.
CREATE TABLE read_marks (
    account       BLOB NOT NULL,
    room          INTEGER NOT NULL REFERENCES rooms (room),
    sequence      INTEGER NOT NULL,
    PRIMARY KEY (account, room)
) STRICT, WITHOUT ROWID;

-- What people of other hubs were called, whose rooms were brought here.
CREATE TABLE sender_names (
    account       BLOB PRIMARY KEY,
    name          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";
