-- A tenant on its way: where it was, where it goes, and, from the moment that it has left this region for another, what that one is to
-- know of it. The row outlives a crash: any process completes or undoes a move whose lease has ended.
CREATE TABLE moves (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    from_cell TEXT,
    from_schema TEXT,
    to_region TEXT,
    to_cell TEXT,
    to_schema TEXT,
    record TEXT
);

-- The tokens of tenants that have gone to another region: their holders are told where, nobody else is.
CREATE TABLE moved_credentials (
    key_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_ms BIGINT,
    to_region TEXT NOT NULL
);
CREATE INDEX moved_credentials_by_tenant ON moved_credentials (tenant_id);
