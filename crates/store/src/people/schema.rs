//! What `people.db` looks like.

use crate::database::Schema;

/// The database of accounts, invitations and sessions.
pub(super) static SCHEMA: Schema = Schema {
    name: "people.db",
    // "LLpe"
    application_id: 0x4c4c_7065,
    migrations: &[FIRST],
};

const FIRST: &str = "
-- Times are milliseconds since 1970-01-01T00:00:00Z, ids 16 bytes, hashes 32 bytes.

CREATE TABLE accounts (
    id          BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,       -- NFKC, lower case
    role        TEXT NOT NULL,              -- 'guest', 'member', 'admin'
    password    TEXT,                       -- a PHC string; NULL: sessions are the only way in
    created     INTEGER NOT NULL,
    disabled    INTEGER NOT NULL DEFAULT 0  -- 1: nobody gets in
) STRICT, WITHOUT ROWID;

CREATE TABLE invites (
    token_hash  BLOB PRIMARY KEY,           -- the token is known to those who have the link
    role        TEXT NOT NULL,
    uses_left   INTEGER NOT NULL CHECK (uses_left >= 0),
    created     INTEGER NOT NULL,
    created_by  BLOB REFERENCES accounts (id),  -- NULL: the hub's first start
    expires     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id          BLOB PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE,       -- the secret is known to the client
    account     BLOB NOT NULL REFERENCES accounts (id),
    device      TEXT NOT NULL,              -- what the person calls the machine
    created     INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,           -- to the minute
    expires     INTEGER NOT NULL            -- whether it was used or not
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account);

-- The latest time that was ever seen here. A clock that is set back does not bring back to life what has expired.
CREATE TABLE time (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    latest      INTEGER NOT NULL
) STRICT;
INSERT INTO time (one, latest) VALUES (1, 0);
";
