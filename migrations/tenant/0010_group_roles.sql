-- Rules of the profile that give members of a group a role. A rule is bound to the group that it matched first, until that group is
-- deleted, so that a new name of the group changes nothing.
CREATE TABLE group_rules (
    rule TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups (id)
) WITHOUT ROWID;
CREATE INDEX group_rules_by_group ON group_rules (group_id);
