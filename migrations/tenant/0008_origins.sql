-- Who a person, a group or a membership is of: an identity provider (IDP), which everything that rests is, or staff (LOCAL). What rests
-- is so since it was made: origin_since_ms is NULL until the origin changes.
ALTER TABLE users ADD COLUMN origin TEXT NOT NULL DEFAULT 'IDP' CHECK (origin IN ('IDP', 'LOCAL'));
ALTER TABLE users ADD COLUMN origin_since_ms BIGINT;
ALTER TABLE groups ADD COLUMN origin TEXT NOT NULL DEFAULT 'IDP' CHECK (origin IN ('IDP', 'LOCAL'));
ALTER TABLE groups ADD COLUMN origin_since_ms BIGINT;
ALTER TABLE memberships ADD COLUMN origin TEXT NOT NULL DEFAULT 'IDP' CHECK (origin IN ('IDP', 'LOCAL'));
ALTER TABLE nested_groups ADD COLUMN origin TEXT NOT NULL DEFAULT 'IDP' CHECK (origin IN ('IDP', 'LOCAL'));

-- What holds of a person beside the document; all NULL for nearly everybody. set_role, set_active: what was chosen here, by whom;
-- held: why an effect of the document waits; ungrouped_ms: when the person left the last group.
ALTER TABLE users ADD COLUMN set_role TEXT;
ALTER TABLE users ADD COLUMN set_role_by TEXT CHECK (set_role_by IN ('staff', 'reactivation'));
ALTER TABLE users ADD COLUMN set_active BIGINT CHECK (set_active IN (0, 1));
ALTER TABLE users ADD COLUMN held TEXT;
ALTER TABLE users ADD COLUMN ungrouped_ms BIGINT;
CREATE INDEX users_held ON users (held) WHERE held IS NOT NULL;
CREATE INDEX users_ungrouped ON users (ungrouped_ms) WHERE ungrouped_ms IS NOT NULL;

-- Deleted people whom the profile keeps. They stand apart from the living, so that no query, total or unique key of those meets them.
-- archived_number, the number of the deletion's change record, tells the last of one name.
CREATE TABLE archived_users (
    id TEXT NOT NULL PRIMARY KEY,
    user_name_key TEXT NOT NULL,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('IDP', 'LOCAL')),
    origin_since_ms BIGINT,
    archived_ms BIGINT NOT NULL,
    archived_number BIGINT NOT NULL
);
CREATE INDEX archived_users_by_name ON archived_users (user_name_key, archived_number);
