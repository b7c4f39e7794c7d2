-- Groups in groups: a row for each group that is a member of another. That no chain of them closes is checked by the one
-- writer that adds a row; here stands what a row alone can tell.
CREATE TABLE nested_groups (
    group_id TEXT NOT NULL REFERENCES groups (id),
    member_id TEXT NOT NULL REFERENCES groups (id),
    display TEXT,
    PRIMARY KEY (group_id, member_id),
    CHECK (group_id <> member_id)
) WITHOUT ROWID;
CREATE INDEX nested_groups_by_member ON nested_groups (member_id, group_id);

-- When a group last went into or out of another group; 0: never, so that nobody looks for the groups that it is in.
ALTER TABLE groups ADD COLUMN moved_ms BIGINT NOT NULL DEFAULT 0;
