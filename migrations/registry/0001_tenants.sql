-- One region's tenants. The id names the tenant's store; the company key is what callers send.
CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    company_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleting')),
    profile TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- Bearer tokens of tenants: a public key id finds the row, only a salted hash of the whole token rests.
CREATE TABLE credentials (
    key_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    revoked_ms BIGINT,
    last_used_ms BIGINT
);
CREATE INDEX credentials_by_tenant ON credentials (tenant_id);

-- What staff did, written with the deed.
CREATE TABLE staff_acts (
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    act TEXT NOT NULL,
    detail TEXT NOT NULL
);
