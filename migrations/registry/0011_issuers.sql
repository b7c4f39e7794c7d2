-- Another issuer whose signed tokens a tenant trusts: its `iss`, which finds the row, and the whole trust as JSON; both empty for the
-- other kinds.
ALTER TABLE credentials ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE credentials ADD COLUMN trust TEXT NOT NULL DEFAULT '';
CREATE INDEX credentials_by_issuer ON credentials (issuer) WHERE issuer <> '';

-- A tenant on its way to another region: its issuers' tokens are answered with "later", not with "unknown".
ALTER TABLE moved_credentials ADD COLUMN issuer TEXT NOT NULL DEFAULT '';

-- Client assertions that were used, by a hash of issuer and `jti` (RFC 7523 §3), each until it expires.
CREATE TABLE used_assertions (
    id TEXT NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_ms);
