-- What is remembered of each credential's requests, as JSON: gathered in the process and added once a minute at the most.
CREATE TABLE traffic (
    credential TEXT NOT NULL PRIMARY KEY,
    facts TEXT NOT NULL
) WITHOUT ROWID;

-- When a person had another role than before. Rows of more than a day ago are of no use, and the tick removes them.
CREATE TABLE role_changes (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL
) WITHOUT ROWID;
