//! What `people.db` looks like.

use crate::database::Schema;

/// The database of accounts, invitations, sessions and contacts.
pub(super) static SCHEMA: Schema = Schema {
    name: "people.db",
    // "LLpe"
    application_id: 0x4c4c_7065,
    migrations: &[FIRST, TOKENS_AND_CONTACTS],
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

const TOKENS_AND_CONTACTS: &str = "
ALTER TABLE accounts ADD COLUMN status TEXT NOT NULL DEFAULT '';  -- what the person wrote about what they are doing
ALTER TABLE accounts ADD COLUMN last_seen INTEGER;                -- to the minute; NULL: never
UPDATE accounts SET last_seen = (SELECT max(last_seen) FROM sessions WHERE account = accounts.id);

-- A token is a session whose secret is kept sealed instead of hashed: both sides prove that they know it.
CREATE TABLE sessions_2 (
    id          BLOB PRIMARY KEY,
    secret_hash BLOB UNIQUE,                -- the secret is known to the client; NULL: a token
    sealed      BLOB,                       -- a token's secret, under a key that is not in here; NULL: no token
    account     BLOB NOT NULL REFERENCES accounts (id),
    device      TEXT NOT NULL,              -- what the person calls the machine, or what the token is for
    created     INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,           -- to the minute
    expires     INTEGER NOT NULL,           -- whether it was used or not
    CHECK ((secret_hash IS NULL) <> (sealed IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_2 (id, secret_hash, account, device, created, last_seen, expires)
    SELECT id, secret_hash, account, device, created, last_seen, expires FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_2 RENAME TO sessions;
CREATE INDEX sessions_by_account ON sessions (account);

-- Whoever uses a session is seen. To make a token is not to use it.
CREATE TRIGGER session_opened AFTER INSERT ON sessions WHEN NEW.sealed IS NULL BEGIN
    UPDATE accounts SET last_seen = NEW.last_seen WHERE id = NEW.account;
END;
CREATE TRIGGER session_used AFTER UPDATE OF last_seen ON sessions BEGIN
    UPDATE accounts SET last_seen = NEW.last_seen WHERE id = NEW.account;
END;

-- How one account stands to another; no row: neither has asked.
CREATE TABLE contacts (
    owner       BLOB NOT NULL REFERENCES accounts (id),
    other       BLOB NOT NULL REFERENCES accounts (id),
    state       TEXT NOT NULL CHECK (state IN ('asked', 'asking', 'contact', 'blocked')),
    PRIMARY KEY (owner, other)
) STRICT, WITHOUT ROWID;
";
