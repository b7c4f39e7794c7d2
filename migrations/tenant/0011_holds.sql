-- Refusals for want of a seat, counted by the hour since 1970 UTC and by the credential of the identity provider: near the number at
-- which an identity provider gives up, nobody is refused any more.
CREATE TABLE seat_refusals (
    idp TEXT NOT NULL,
    hour BIGINT NOT NULL,
    refused BIGINT NOT NULL CHECK (refused > 0),
    PRIMARY KEY (idp, hour)
) WITHOUT ROWID;

-- People who have left a group by a change that would take too many seats at once. Their seats stay until staff decide, or until the
-- people are back.
CREATE TABLE group_wipes (
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;
CREATE INDEX group_wipes_by_user ON group_wipes (user_id);
