-- Every statement on documents, each under its name; a container's name takes the place of `documents`.
-- Reads give the columns id, seq, body, due_at, partition, in this order. `?1` is the time now, where it matters.

-- read
SELECT id, seq, body, due_at FROM documents
WHERE partition = ?2 AND id = ?3 AND (expires_at IS NULL OR expires_at > ?1);

-- query
SELECT id, seq, body, due_at FROM documents
WHERE partition = ?2 AND id >= ?3 AND id < ?4 AND (expires_at IS NULL OR expires_at > ?1)
ORDER BY id LIMIT ?5;

-- query_due
SELECT id, seq, body, due_at FROM documents INDEXED BY documents_pending
WHERE partition = ?2 AND id >= ?3 AND id < ?4 AND due_at IS NOT NULL AND (expires_at IS NULL OR expires_at > ?1)
ORDER BY id LIMIT ?5;

-- due
SELECT partition, id, due_at FROM documents INDEXED BY documents_due
WHERE due_at IS NOT NULL AND due_at BETWEEN ?2 AND ?3 AND (expires_at IS NULL OR expires_at > ?1)
ORDER BY due_at LIMIT ?4;

-- changes
SELECT id, seq, body, due_at, partition FROM documents
WHERE seq > ?2 AND (expires_at IS NULL OR expires_at > ?1)
ORDER BY seq LIMIT ?3;

-- list
SELECT id, seq, body, due_at, partition FROM documents
WHERE (partition, id) > (?2, ?3) AND (expires_at IS NULL OR expires_at > ?1)
ORDER BY partition, id LIMIT ?4;

-- create
INSERT INTO documents (partition, id, seq, body, due_at, expires_at) VALUES (?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (partition, id) DO UPDATE
SET seq = excluded.seq, body = excluded.body, due_at = excluded.due_at, expires_at = excluded.expires_at
WHERE documents.expires_at <= ?1;

-- upsert
INSERT INTO documents (partition, id, seq, body, due_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (partition, id) DO UPDATE
SET seq = excluded.seq, body = excluded.body, due_at = excluded.due_at, expires_at = excluded.expires_at;

-- replace
UPDATE documents SET seq = ?5, body = ?6, due_at = ?7, expires_at = ?8
WHERE seq = ?4 AND partition = ?2 AND id = ?3 AND (expires_at IS NULL OR expires_at > ?1);

-- delete
DELETE FROM documents
WHERE seq = ?4 AND partition = ?2 AND id = ?3 AND (expires_at IS NULL OR expires_at > ?1);

-- purge
DELETE FROM documents WHERE seq IN (
    SELECT seq FROM documents INDEXED BY documents_expiring WHERE expires_at <= ?1 LIMIT ?2
);
