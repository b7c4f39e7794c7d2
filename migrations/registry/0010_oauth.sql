-- The OAuth client that a secret belongs to; empty for the other kinds.
ALTER TABLE credentials ADD COLUMN client_id TEXT NOT NULL DEFAULT '';

-- The keys that sign access tokens, newest last. What rests is sealed by a key that is in a file outside the registry.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    created_ms BIGINT NOT NULL,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
