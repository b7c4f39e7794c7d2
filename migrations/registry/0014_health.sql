-- The identity provider that a credential was recognised as, and by how strong a sign; empty where it showed none.
ALTER TABLE credentials ADD COLUMN sender TEXT NOT NULL DEFAULT '';
-- Requests with its key id and another secret, or after its end, since it was last accepted: how many, the first one and the last one.
ALTER TABLE credentials ADD COLUMN wrong_secrets BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN wrong_since_ms BIGINT;
ALTER TABLE credentials ADD COLUMN wrong_last_ms BIGINT;

-- What a tenant needed a hand for when it was last looked at, so that all tenants of a region can be listed while their stores are closed:
-- codes with the time since when, as JSON. Silence begins later by itself: it is found from silent_from_ms on and lasts since
-- silent_since_ms.
CREATE TABLE verdicts (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    codes TEXT NOT NULL,
    silent_since_ms BIGINT,
    silent_from_ms BIGINT,
    was_called BIGINT NOT NULL,
    written_ms BIGINT NOT NULL
) WITHOUT ROWID;
