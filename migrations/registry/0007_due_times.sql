-- When the tick is to look into a tenant's store: no later than the first thing in it falls due, so that the stores of all others stay
-- closed. noted_ms: when a writer last relied on the row, by the clock of the leases; the tick leaves it alone for a while then.
CREATE TABLE due_times (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    due_ms BIGINT NOT NULL,
    noted_ms BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX due_times_by_time ON due_times (due_ms);

-- The process that ticks: one at a time.
CREATE TABLE tick (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO tick (only_row, holder, until_ms) VALUES (1, '', 0);
