-- One row a license. A quota that is NULL is unlimited. A quota may be cut below what is used (S7), so no CHECK can hold
-- used <= quota; the claim's conditional UPDATE does, and the audit counts again.
CREATE TABLE seat_pools (
    license TEXT NOT NULL PRIMARY KEY,
    quota BIGINT CHECK (quota >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    policy TEXT NOT NULL CHECK (policy IN ('refuse', 'fallback'))
) WITHOUT ROWID;
INSERT INTO seat_pools (license, quota, used, policy) VALUES ('member', 0, 0, 'fallback');
INSERT INTO seat_pools (license, quota, used, policy) VALUES ('member_lite', 0, 0, 'refuse');

-- What each user asked for and holds. waiting_place orders those who wait for the license they asked for.
CREATE TABLE seats (
    user_id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    requested TEXT NOT NULL,
    granted TEXT,
    state TEXT NOT NULL CHECK (state IN ('granted', 'fallback', 'suspended')),
    since_ms BIGINT NOT NULL,
    waiting_place TEXT,
    CHECK ((state = 'suspended') = (granted IS NULL)),
    CHECK ((state = 'fallback') = (waiting_place IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX seats_waiting ON seats (requested, waiting_place) WHERE waiting_place IS NOT NULL;

-- Append-only: the sum of movements of a license equals the seats in use, always.
CREATE TABLE seat_ledger (
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    license TEXT NOT NULL,
    movement BIGINT NOT NULL CHECK (movement IN (-1, 1)),
    cause TEXT NOT NULL
) WITHOUT ROWID;
