-- Order is counted, never told by a clock or by ids (docs/decisions/0035-order-is-counted.md). Writers of a tenant take turns, so
-- that the next number of a table is one more than its greatest, and the numbers are in the order of commits. What rests is
-- numbered in the order that its ids had.

-- The change log.
ALTER TABLE changes RENAME TO changes_by_id;
CREATE TABLE changes (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail)
    SELECT ROW_NUMBER() OVER (ORDER BY id), at_ms, kind, resource_id, version, request_id, detail FROM changes_by_id;
DROP TABLE changes_by_id;

ALTER TABLE seat_ledger RENAME TO seat_ledger_by_id;
CREATE TABLE seat_ledger (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    license TEXT NOT NULL,
    movement BIGINT NOT NULL CHECK (movement IN (-1, 1)),
    cause TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO seat_ledger (number, at_ms, user_id, license, movement, cause)
    SELECT ROW_NUMBER() OVER (ORDER BY id), at_ms, user_id, license, movement, cause FROM seat_ledger_by_id;
DROP TABLE seat_ledger_by_id;

-- The queue for a license: its pool counts the places that were given.
ALTER TABLE seat_pools ADD COLUMN places_given BIGINT NOT NULL DEFAULT 0;
DROP INDEX seats_waiting;
ALTER TABLE seats RENAME TO seats_by_id;
CREATE TABLE seats (
    user_id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    requested TEXT NOT NULL,
    granted TEXT,
    state TEXT NOT NULL CHECK (state IN ('granted', 'fallback', 'suspended')),
    since_ms BIGINT NOT NULL,
    waiting_place BIGINT,
    CHECK ((state = 'suspended') = (granted IS NULL)),
    CHECK ((state = 'fallback') = (waiting_place IS NOT NULL))
) WITHOUT ROWID;
INSERT INTO seats (user_id, role, requested, granted, state, since_ms, waiting_place)
    SELECT user_id, role, requested, granted, state, since_ms, NULL FROM seats_by_id WHERE waiting_place IS NULL;
INSERT INTO seats (user_id, role, requested, granted, state, since_ms, waiting_place)
    SELECT user_id, role, requested, granted, state, since_ms, ROW_NUMBER() OVER (PARTITION BY requested ORDER BY waiting_place)
    FROM seats_by_id WHERE waiting_place IS NOT NULL;
DROP TABLE seats_by_id;
CREATE UNIQUE INDEX seats_waiting ON seats (requested, waiting_place) WHERE waiting_place IS NOT NULL;
UPDATE seat_pools SET places_given =
    (SELECT COUNT(*) FROM seats WHERE requested = seat_pools.license AND waiting_place IS NOT NULL);

-- What a conditional GET of a user asks. regrouped_version: at which version the user last went into or out of a group; the
-- other numbers are those of the change record that tells of it. Of what rests nobody knows, so it counts as changed since.
ALTER TABLE users RENAME COLUMN groups_changed_ms TO regrouped_version;
UPDATE users SET regrouped_version = version WHERE regrouped_version > 0;
ALTER TABLE users ADD COLUMN changed_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE groups RENAME COLUMN renamed_ms TO renamed_number;
ALTER TABLE groups RENAME COLUMN moved_ms TO moved_number;
UPDATE groups SET renamed_number = 1, moved_number = CASE WHEN moved_number > 0 THEN 1 ELSE 0 END;
