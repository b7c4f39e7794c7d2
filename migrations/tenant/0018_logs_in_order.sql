-- The tables that grow at their end get keys of SQLite's own (`INTEGER PRIMARY KEY`): a new row fills the last page, where a tree
-- without such a key shares the rows of three pages out anew each time that one is full. Their indexes end in that key anyway.
-- PostgreSQL keeps rows and keys apart, so it has nothing to do.
-- SQLite only:
ALTER TABLE changes RENAME TO changes_in_a_tree;
CREATE TABLE changes (
    number INTEGER NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    actor TEXT,
    result TEXT,
    idp TEXT,
    user_key TEXT,
    user_name TEXT
);
INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, actor, result, idp, user_key, user_name)
    SELECT number, at_ms, kind, resource_id, version, request_id, detail, actor, result, idp, user_key, user_name
    FROM changes_in_a_tree ORDER BY number;
DROP TABLE changes_in_a_tree;
CREATE INDEX changes_by_staff ON changes (number) WHERE actor IS NOT NULL;
CREATE INDEX changes_by_idp ON changes (idp, result, at_ms) WHERE result IS NOT NULL;
CREATE INDEX changes_by_user ON changes (user_key, at_ms) WHERE user_key IS NOT NULL;
CREATE INDEX changes_by_resource ON changes (resource_id, at_ms) WHERE user_key IS NULL AND result IS NOT NULL;
CREATE INDEX changes_of_deletions ON changes (resource_id) WHERE kind = 'user.deleted';

ALTER TABLE attempts RENAME TO attempts_in_a_tree;
CREATE TABLE attempts (
    number INTEGER NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    result TEXT NOT NULL,
    idp TEXT NOT NULL,
    user_key TEXT,
    user_name TEXT
);
INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key, user_name)
    SELECT number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key, user_name
    FROM attempts_in_a_tree ORDER BY number;
DROP TABLE attempts_in_a_tree;
CREATE INDEX attempts_by_idp ON attempts (idp, result, at_ms);
CREATE INDEX attempts_by_request ON attempts (request_id);
CREATE INDEX attempts_by_user ON attempts (user_key, at_ms) WHERE user_key IS NOT NULL;
CREATE INDEX attempts_by_resource ON attempts (resource_id, at_ms) WHERE user_key IS NULL;

ALTER TABLE before_images RENAME TO before_images_in_a_tree;
CREATE TABLE before_images (
    number INTEGER NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    resource_id TEXT NOT NULL,
    image TEXT NOT NULL
);
INSERT INTO before_images (number, at_ms, resource_id, image)
    SELECT number, at_ms, resource_id, image FROM before_images_in_a_tree ORDER BY number;
DROP TABLE before_images_in_a_tree;

ALTER TABLE seat_ledger RENAME TO seat_ledger_in_a_tree;
CREATE TABLE seat_ledger (
    number INTEGER NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    license TEXT NOT NULL,
    movement BIGINT NOT NULL CHECK (movement IN (-1, 1)),
    cause TEXT NOT NULL
);
INSERT INTO seat_ledger (number, at_ms, user_id, license, movement, cause)
    SELECT number, at_ms, user_id, license, movement, cause FROM seat_ledger_in_a_tree ORDER BY number;
DROP TABLE seat_ledger_in_a_tree;

ALTER TABLE role_changes RENAME TO role_changes_in_a_tree;
CREATE TABLE role_changes (
    number INTEGER NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL
);
INSERT INTO role_changes (number, at_ms, user_id)
    SELECT number, at_ms, user_id FROM role_changes_in_a_tree ORDER BY number;
DROP TABLE role_changes_in_a_tree;
