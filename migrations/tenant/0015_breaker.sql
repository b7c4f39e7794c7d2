-- The breaker on mass loss: what staff have set (people, percent and minutes, all NULL: off), and the window that runs: since when, how many
-- people were active then, how many have lost their access in it, and since when further losses are held.
CREATE TABLE breaker (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    people BIGINT CHECK (people >= 0),
    percent BIGINT CHECK (percent BETWEEN 0 AND 100),
    minutes BIGINT CHECK (minutes > 0),
    began_ms BIGINT,
    active BIGINT NOT NULL CHECK (active >= 0),
    lost BIGINT NOT NULL CHECK (lost >= 0),
    opened_ms BIGINT,
    CHECK ((people IS NULL) = (percent IS NULL) AND (people IS NULL) = (minutes IS NULL))
) WITHOUT ROWID;
INSERT INTO breaker (only_row, active, lost) VALUES (1, 0, 0);

-- Losses of the window: held 1, the loss waits; held 0, it has passed, and is kept to be given back. place: their order; opened: whether
-- this loss opened the breaker; lost: the attributes that the write changed, each with its value before and after, as JSON; set_role,
-- set_role_by, set_active: what was chosen here before.
-- Of people whom the identity provider has deleted the row of users is kept here, so that no query of users, no total and no unique key
-- meets them; memberships: the groups that they were in, as JSON.
CREATE TABLE breaker_losses (
    user_id TEXT NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL UNIQUE,
    held BIGINT NOT NULL CHECK (held IN (0, 1)),
    since_ms BIGINT NOT NULL,
    opened BIGINT NOT NULL CHECK (opened IN (0, 1)),
    lost TEXT NOT NULL,
    set_role TEXT,
    set_role_by TEXT,
    set_active BIGINT,
    user_name_key TEXT,
    external_id_key TEXT,
    document TEXT,
    version BIGINT,
    created_ms BIGINT,
    modified_ms BIGINT,
    origin TEXT CHECK (origin IN ('IDP', 'LOCAL')),
    origin_since_ms BIGINT,
    memberships TEXT,
    CHECK ((document IS NULL) = (user_name_key IS NULL))
);
CREATE INDEX breaker_losses_by_name ON breaker_losses (user_name_key) WHERE user_name_key IS NOT NULL;
