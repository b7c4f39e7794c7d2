-- Licenses are those of the tenant's profile, so no table names them, and policies and states are words of the program. Seats wait
-- by role, are kept for a while, borrowed, and given beyond the quota (docs/decisions/0054-licenses-are-data.md).

-- The row that a writer on PostgreSQL locks for its turn: every tenant has it, whatever its licenses are.
CREATE TABLE seat_turn (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    lines_given BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO seat_turn (only_row, lines_given) VALUES (1, 0);

-- quota and overage_in_force are what holds now; quota_set and overage_seats what staff have set. due_ms: nothing that is dated
-- changes the pool before. A quota that is NULL is unlimited. A quota may be cut below what is used (S7), so no CHECK can hold
-- used <= quota; the claim's conditional UPDATE does, and the audit counts again.
ALTER TABLE seat_pools RENAME TO seat_pools_of_two;
CREATE TABLE seat_pools (
    license TEXT NOT NULL PRIMARY KEY,
    quota BIGINT CHECK (quota >= 0),
    quota_set BIGINT CHECK (quota_set >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    policy TEXT NOT NULL,
    hold_why TEXT,
    overage_seats BIGINT CHECK (overage_seats >= 0),
    overage_until_ms BIGINT,
    overage_in_force BIGINT NOT NULL CHECK (overage_in_force >= 0),
    grace_seats BIGINT NOT NULL CHECK (grace_seats >= 0),
    grace_minutes BIGINT NOT NULL CHECK (grace_minutes >= 0),
    places_given BIGINT NOT NULL,
    due_ms BIGINT
) WITHOUT ROWID;
INSERT INTO seat_pools (license, quota, quota_set, used, policy, overage_in_force, grace_seats, grace_minutes, places_given)
    SELECT license, quota, quota, used, policy, 0, 0, 0, places_given FROM seat_pools_of_two;
DROP TABLE seat_pools_of_two;

-- Dated lines of a quota, in days since 1970 UTC: from included, until not.
CREATE TABLE seat_lines (
    line BIGINT NOT NULL PRIMARY KEY,
    license TEXT NOT NULL,
    seats BIGINT NOT NULL CHECK (seats > 0),
    from_day BIGINT,
    until_day BIGINT,
    source TEXT NOT NULL,
    CHECK (from_day < until_day)
) WITHOUT ROWID;

-- role_rank, waiting_place: the order of those who wait. beyond_place: the order of seats beyond the quota, to be repaid first;
-- they are borrowed if borrowed_until_ms says so, else overage. kept_until_ms: until when a suspended person keeps the seat.
DROP INDEX seats_waiting;
ALTER TABLE seats RENAME TO seats_of_two;
CREATE TABLE seats (
    user_id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    role_rank BIGINT NOT NULL,
    may_fall_back BIGINT NOT NULL CHECK (may_fall_back IN (0, 1)),
    requested TEXT NOT NULL,
    granted TEXT,
    state TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    waiting_place BIGINT,
    beyond_place BIGINT,
    borrowed_until_ms BIGINT,
    kept_until_ms BIGINT,
    CHECK ((state = 'waitlisted' OR state = 'suspended' AND kept_until_ms IS NULL) = (granted IS NULL)),
    CHECK ((state IN ('fallback', 'waitlisted')) = (waiting_place IS NOT NULL)),
    CHECK (kept_until_ms IS NULL OR state = 'suspended'),
    CHECK (beyond_place IS NULL OR granted IS NOT NULL),
    CHECK (borrowed_until_ms IS NULL OR beyond_place IS NOT NULL)
) WITHOUT ROWID;
-- The ranks and rights that the roles of the two profiles of then have.
INSERT INTO seats (user_id, role, role_rank, may_fall_back, requested, granted, state, since_ms, waiting_place)
    SELECT user_id, role, CASE role WHEN 'admin' THEN 0 WHEN 'member' THEN 1 ELSE 2 END,
        CASE role WHEN 'member' THEN 1 ELSE 0 END, requested, granted, state, since_ms, waiting_place
    FROM seats_of_two;
DROP TABLE seats_of_two;
CREATE UNIQUE INDEX seats_waiting ON seats (requested, role_rank, waiting_place) WHERE waiting_place IS NOT NULL;
CREATE INDEX seats_exchange ON seats (granted, requested, role_rank, waiting_place) WHERE waiting_place IS NOT NULL;
CREATE INDEX seats_beyond ON seats (granted, beyond_place) WHERE beyond_place IS NOT NULL;
