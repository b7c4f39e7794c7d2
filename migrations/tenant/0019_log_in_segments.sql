-- The log's index by person begins with the segment of a row: 4,096 rows with consecutive numbers. New entries then stand together in a few pages
-- at the end, which are in memory, where an index by person alone has an entry in another page for each write. Whoever looks for a person looks
-- into each segment.
DROP INDEX changes_by_user;
CREATE INDEX changes_by_user ON changes ((number / 4096), user_key, at_ms) WHERE user_key IS NOT NULL;
DROP INDEX attempts_by_user;
CREATE INDEX attempts_by_user ON attempts ((number / 4096), user_key, at_ms) WHERE user_key IS NOT NULL;
