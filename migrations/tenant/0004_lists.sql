-- What lists are sorted by, with the id behind it: a walk from page to page begins where the last one ended, whatever is equal.
DROP INDEX users_external_id;
CREATE INDEX users_by_external_id ON users (external_id_key, id);
CREATE INDEX users_by_created ON users (created_ms, id);
CREATE INDEX users_by_modified ON users (modified_ms, id);
DROP INDEX groups_display_name;
CREATE INDEX groups_by_display_name ON groups (display_name_key, id);
DROP INDEX groups_external_id;
CREATE INDEX groups_by_external_id ON groups (external_id_key, id);
CREATE INDEX groups_by_created ON groups (created_ms, id);
CREATE INDEX groups_by_modified ON groups (modified_ms, id);

-- What this tenant's cursors are signed with: one row, made when the first cursor is asked for.
CREATE TABLE cursor_keys (
    place BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
    secret TEXT NOT NULL
) WITHOUT ROWID;

-- PostgreSQL only:
-- Keys are in the order of their bytes, as in SQLite and in Rust, whatever the database's own collation is.
ALTER TABLE users
    ALTER COLUMN user_name_key TYPE TEXT COLLATE "C",
    ALTER COLUMN external_id_key TYPE TEXT COLLATE "C";
ALTER TABLE groups
    ALTER COLUMN display_name_key TYPE TEXT COLLATE "C",
    ALTER COLUMN external_id_key TYPE TEXT COLLATE "C";
