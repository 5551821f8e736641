-- Applied once for each container, whose name takes the place of `documents`: a table each, so that the change feed
-- of one is a walk along its rows and never past those of another.

-- The number of the last write of the whole file. It never goes back, so no ETag is ever given twice.
CREATE TABLE IF NOT EXISTS sequence (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO sequence VALUES (1, 0);

-- `seq` is the number of the write that made this version: ETag, place in the change feed and row id in one.
-- A row table rather than WITHOUT ROWID: those spill documents above 1 KB into overflow pages.
-- Times are microseconds since 1970.
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at INTEGER,
    expires_at INTEGER,
    UNIQUE (partition, id)
) STRICT;

-- Who is due, in any partition.
CREATE INDEX IF NOT EXISTS documents_due ON documents (due_at) WHERE due_at IS NOT NULL;

-- The few pending documents of a partition among its many done ones.
CREATE INDEX IF NOT EXISTS documents_pending ON documents (partition, id) WHERE due_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS documents_expiring ON documents (expires_at) WHERE expires_at IS NOT NULL;
