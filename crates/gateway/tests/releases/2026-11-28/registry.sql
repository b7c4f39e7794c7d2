PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_migrations (version TEXT NOT NULL PRIMARY KEY, applied_ms BIGINT NOT NULL);
INSERT INTO schema_migrations VALUES('0001_tenants',1795880969418);
INSERT INTO schema_migrations VALUES('0002_region',1795880969418);
INSERT INTO schema_migrations VALUES('0003_places',1795880969418);
INSERT INTO schema_migrations VALUES('0004_abandoned',1795880969418);
INSERT INTO schema_migrations VALUES('0005_moves',1795880969418);
CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    company_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleting')),
    profile TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_ms BIGINT NOT NULL
, cell TEXT, schema TEXT, store_version TEXT NOT NULL DEFAULT '');
INSERT INTO tenants VALUES('01a222d8-e50c-7082-a0fb-89a631a3f8bc','acme','acme','active','default','{"contact":null,"strict":false,"unique_group_names":true,"unique_external_ids":false,"unknown_members":"refuse","max_bytes":null}',1795880969484,NULL,NULL,'0007_licenses');
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
INSERT INTO credentials VALUES('4v8bWLE2bCju','01a222d8-e50c-7082-a0fb-89a631a3f8bc','ncV8mbcqCLFDKzA1JwwL4l','833c4a7e3781d4c92ec5652a2668ceaf65a9b27bd456c366bb4062304248880e',1795880969521,NULL,NULL,1795880969530);
CREATE TABLE staff_acts (
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    act TEXT NOT NULL,
    detail TEXT NOT NULL
);
INSERT INTO staff_acts VALUES('01a222d8-e52c-775b-9186-3c8de82e9c74',1795880969516,'01a222d8-e50c-7082-a0fb-89a631a3f8bc','tenant.created','{"profile":"default"}');
INSERT INTO staff_acts VALUES('01a222d8-e531-7201-882f-8e63c682012b',1795880969521,'01a222d8-e50c-7082-a0fb-89a631a3f8bc','token.issued','{"keyId":"4v8bWLE2bCju"}');
CREATE TABLE region (
    code TEXT NOT NULL PRIMARY KEY
);
INSERT INTO region VALUES('ire');
CREATE TABLE cells (
    name TEXT NOT NULL PRIMARY KEY,
    open BIGINT NOT NULL CHECK (open IN (0, 1))
);
CREATE TABLE leases (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE TABLE moves (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    from_cell TEXT,
    from_schema TEXT,
    to_region TEXT,
    to_cell TEXT,
    to_schema TEXT,
    record TEXT
);
CREATE TABLE moved_credentials (
    key_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_ms BIGINT,
    to_region TEXT NOT NULL
);
CREATE INDEX credentials_by_tenant ON credentials (tenant_id);
CREATE INDEX tenants_by_cell ON tenants (cell);
CREATE INDEX tenants_by_state ON tenants (state);
CREATE INDEX moved_credentials_by_tenant ON moved_credentials (tenant_id);
COMMIT;
