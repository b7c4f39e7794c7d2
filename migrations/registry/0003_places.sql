-- Where a tenant's store is: a file of its own where both are NULL, else this schema of this cell.
ALTER TABLE tenants ADD COLUMN cell TEXT;
ALTER TABLE tenants ADD COLUMN schema TEXT;
-- The newest migration that its store is known to have; empty: not known.
ALTER TABLE tenants ADD COLUMN store_version TEXT NOT NULL DEFAULT '';
CREATE INDEX tenants_by_cell ON tenants (cell);

-- Every cell that the settings ever named. Whether it takes new tenants is what the settings said when it was first seen, until staff
-- change it.
CREATE TABLE cells (
    name TEXT NOT NULL PRIMARY KEY,
    open BIGINT NOT NULL CHECK (open IN (0, 1))
);

-- Which process makes, deletes or moves a tenant, and until when the others leave that tenant to it.
CREATE TABLE leases (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- PostgreSQL only:
-- Lists are in the order of bytes, as in SQLite and in Rust, whatever the database's own collation is.
ALTER TABLE tenants ALTER COLUMN company_key TYPE TEXT COLLATE "C";
ALTER TABLE credentials ALTER COLUMN key_id TYPE TEXT COLLATE "C";
