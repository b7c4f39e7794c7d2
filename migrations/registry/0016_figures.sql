-- Figures of a tenant as of its last look, for operators' metrics: no store is opened for those. figures is JSON: what nobody searches for.
ALTER TABLE verdicts ADD COLUMN figures TEXT NOT NULL DEFAULT '{}';
-- When the tenant last needed a hand, so that it stays in sight for some days.
ALTER TABLE verdicts ADD COLUMN at_risk_ms BIGINT;
-- Losses of access that its breaker holds.
ALTER TABLE verdicts ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
-- When its seats were last recounted, and whether they added up.
ALTER TABLE verdicts ADD COLUMN recounted_ms BIGINT;
ALTER TABLE verdicts ADD COLUMN adds_up BIGINT NOT NULL DEFAULT 1;

-- The seats of each license of a tenant, as of the same look. days_left: until the last one is taken at the present pace.
CREATE TABLE seat_figures (
    tenant_id TEXT NOT NULL,
    license TEXT NOT NULL,
    used BIGINT NOT NULL,
    quota BIGINT,
    waiting BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    days_left BIGINT,
    PRIMARY KEY (tenant_id, license)
) WITHOUT ROWID;

-- The process whose metrics tell of this region's tenants: one at a time.
CREATE TABLE exporter (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO exporter (only_row, holder, until_ms) VALUES (1, '', 0);
