-- The tenant's own schema documents (RFC 7643 §7), by their URN in lower case. They rest beside the data that they declare, so
-- that one transaction sees both, and a copy of the file is whole.
CREATE TABLE extension_schemas (
    urn_key TEXT NOT NULL PRIMARY KEY,
    resource_type TEXT NOT NULL CHECK (resource_type IN ('User', 'Group')),
    required BIGINT NOT NULL CHECK (required IN (0, 1)),
    document TEXT NOT NULL
);

-- Grows with every change of them: who writes data under schemas that it read before must find this as it was then.
CREATE TABLE extension_schemas_version (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO extension_schemas_version (only_row, version) VALUES (1, 0);
