-- The provisioning log has one row for each write that was answered. That of a write that changed something is its record among the
-- changes; result is NULL in a record that answers no write: what followed for others, and the plan. That of a write that changed
-- nothing, and of one that was refused, is an attempt: it has no place among the changes.
-- user_key finds the rows of a person, by userName or by a keyed hash of it; user_name is the name as it was sent, where that is something
-- else than the key.
ALTER TABLE changes ADD COLUMN result TEXT;
ALTER TABLE changes ADD COLUMN idp TEXT;
ALTER TABLE changes ADD COLUMN user_key TEXT;
ALTER TABLE changes ADD COLUMN user_name TEXT;
CREATE INDEX changes_by_idp ON changes (idp, result, at_ms, number) WHERE result IS NOT NULL;
CREATE INDEX changes_by_user ON changes (user_key, at_ms, number) WHERE user_key IS NOT NULL;

CREATE TABLE attempts (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    result TEXT NOT NULL,
    idp TEXT NOT NULL,
    user_key TEXT,
    user_name TEXT
) WITHOUT ROWID;
CREATE INDEX attempts_by_idp ON attempts (idp, result, at_ms, number);
CREATE INDEX attempts_by_request ON attempts (request_id);
CREATE INDEX attempts_by_user ON attempts (user_key, at_ms, number) WHERE user_key IS NOT NULL;

-- How many rows of refused writes were lost, because too many waited to be written.
CREATE TABLE log_losses (
    place BIGINT NOT NULL PRIMARY KEY,
    lost BIGINT NOT NULL
) WITHOUT ROWID;
