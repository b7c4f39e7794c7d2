-- Users: the ready JSON beside the columns that are searched. A `…_key` is what an index holds: equal keys, equal values, and
-- never longer than PostgreSQL's indexes take; a `…_folded` is the whole text, to be looked into.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    user_name_key TEXT NOT NULL UNIQUE,
    user_name_folded TEXT NOT NULL,
    external_id_key TEXT,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    groups_changed_ms BIGINT NOT NULL
);
CREATE INDEX users_external_id ON users (external_id_key);

-- E-mail addresses, folded: what Entra and Ping match users on. Written with the user.
CREATE TABLE user_emails (
    value_key TEXT NOT NULL,
    user_id TEXT NOT NULL,
    type_key TEXT NOT NULL,
    PRIMARY KEY (value_key, user_id, type_key)
) WITHOUT ROWID;

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    display_name_key TEXT NOT NULL,
    display_name_folded TEXT NOT NULL,
    external_id_key TEXT,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    renamed_ms BIGINT NOT NULL
);
CREATE INDEX groups_display_name ON groups (display_name_key);
CREATE INDEX groups_external_id ON groups (external_id_key);

-- Membership is rows: one in or out costs the change, not the group.
CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    display TEXT,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id, group_id);

-- Names that a tenant's settings make unique beside userName (group names, external ids): only rows that are claimed.
CREATE TABLE unique_claims (
    claim TEXT NOT NULL PRIMARY KEY,
    resource_id TEXT NOT NULL
) WITHOUT ROWID;

-- totalResults without counting.
CREATE TABLE directory_totals (
    resource_type TEXT NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL CHECK (total >= 0)
) WITHOUT ROWID;
INSERT INTO directory_totals (resource_type, total) VALUES ('User', 0);
INSERT INTO directory_totals (resource_type, total) VALUES ('Group', 0);

-- The change log: written with the change, in its transaction.
CREATE TABLE changes (
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
