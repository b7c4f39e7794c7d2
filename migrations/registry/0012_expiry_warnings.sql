-- Until when staff have been told, in the log, of credentials that end soon; in the row of the tick, whose work it is.
ALTER TABLE tick ADD COLUMN expiries_told_ms BIGINT NOT NULL DEFAULT 0;

CREATE INDEX credentials_by_end ON credentials (expires_ms) WHERE expires_ms IS NOT NULL AND revoked_ms IS NULL;
