-- The tick takes old rows out of the provisioning logs, so it looks at each tenant now and then; at new ones since they are made.
INSERT INTO due_times (tenant_id, due_ms, noted_ms)
    SELECT id, created_ms, 0 FROM tenants WHERE id NOT IN (SELECT tenant_id FROM due_times);
