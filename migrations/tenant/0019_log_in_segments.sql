-- The log's index by person starts with the segment of a row, which is its number divided by 4,096. New rows have the newest segment, so their
-- entries go to a few dozen pages at the end of the index, which stay in memory. Without the segment each write would go to another page. A search
-- for a person looks into each segment.
DROP INDEX changes_by_user;
DROP INDEX attempts_by_user;
-- SQLite only:
-- An index has the number of its row without being told.
CREATE INDEX changes_by_user ON changes (number / 4096, user_key, at_ms) WHERE user_key IS NOT NULL;
CREATE INDEX attempts_by_user ON attempts (number / 4096, user_key, at_ms) WHERE user_key IS NOT NULL;
-- PostgreSQL only:
CREATE INDEX changes_by_user ON changes ((number / 4096), user_key, at_ms, number) WHERE user_key IS NOT NULL;
CREATE INDEX attempts_by_user ON attempts ((number / 4096), user_key, at_ms, number) WHERE user_key IS NOT NULL;
