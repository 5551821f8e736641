CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Times are milliseconds since 1970. A message is received in the order in which it became visible.
CREATE TABLE IF NOT EXISTS messages (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    queue           TEXT NOT NULL REFERENCES queues (name) ON DELETE CASCADE,
    id              TEXT NOT NULL UNIQUE,
    body            BLOB NOT NULL,
    inserted_at     INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    next_visible_at INTEGER NOT NULL,
    dequeue_count   INTEGER NOT NULL DEFAULT 0,
    pop_receipt     TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, next_visible_at, number);
CREATE INDEX IF NOT EXISTS messages_by_expiry ON messages (expires_at);
