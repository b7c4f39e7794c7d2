-- The log's rows about no person are found by their resource. Those of a person are found by the key of the person: once the person is deleted, the
-- record of the deletion tells which key that was.
-- An id of a refused request is the caller's word, and may be longer than what PostgreSQL takes into an index. It names nothing.
UPDATE attempts SET resource_id = '' WHERE length(resource_id) > 128;
CREATE INDEX changes_by_resource ON changes (resource_id, at_ms, number) WHERE user_key IS NULL AND result IS NOT NULL;
CREATE INDEX attempts_by_resource ON attempts (resource_id, at_ms, number) WHERE user_key IS NULL;
CREATE INDEX changes_of_deletions ON changes (resource_id, number) WHERE kind = 'user.deleted';
