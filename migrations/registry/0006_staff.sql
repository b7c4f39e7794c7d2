-- Named admin tokens. What a token reaches: this region's tenants and all others, this region alone, or one tenant of it.
CREATE TABLE admin_tokens (
    key_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    reach TEXT NOT NULL CHECK (reach IN ('everything', 'region', 'tenant')),
    tenant_id TEXT,
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    maker TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT,
    CHECK ((reach = 'tenant') = (tenant_id IS NOT NULL))
);
-- A name is free again when its token was revoked, so that a person gets a new token under the old name.
CREATE UNIQUE INDEX admin_tokens_live ON admin_tokens (name) WHERE revoked_ms IS NULL;

-- Who did it, and by which request; empty in the records of earlier releases.
ALTER TABLE staff_acts ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE staff_acts ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
CREATE INDEX staff_acts_by_time ON staff_acts (at_ms, id);
CREATE INDEX staff_acts_by_tenant ON staff_acts (tenant_id, at_ms, id);

-- Another process may complete a move; the act is that of whoever wanted it.
ALTER TABLE moves ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE moves ADD COLUMN request_id TEXT NOT NULL DEFAULT '';

-- Who issued a tenant's token; the token does not depend on it.
ALTER TABLE credentials ADD COLUMN maker TEXT NOT NULL DEFAULT '';

-- PostgreSQL only:
ALTER TABLE staff_acts ALTER COLUMN id TYPE TEXT COLLATE "C";
