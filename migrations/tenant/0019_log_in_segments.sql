-- The first column of the log's index by person is the segment of a row: its number divided by 4,096. New entries stand together in a few pages
-- at the end of the index, which are in memory. An index by person alone has an entry in another page for each write. A search for a person reads
-- each segment.
DROP INDEX changes_by_user;
DROP INDEX attempts_by_user;
-- SQLite only:
-- An index has the number of its row without being told.
CREATE INDEX changes_by_user ON changes (number / 4096, user_key, at_ms) WHERE user_key IS NOT NULL;
CREATE INDEX attempts_by_user ON attempts (number / 4096, user_key, at_ms) WHERE user_key IS NOT NULL;
-- PostgreSQL only:
CREATE INDEX changes_by_user ON changes ((number / 4096), user_key, at_ms, number) WHERE user_key IS NOT NULL;
CREATE INDEX attempts_by_user ON attempts ((number / 4096), user_key, at_ms, number) WHERE user_key IS NOT NULL;
