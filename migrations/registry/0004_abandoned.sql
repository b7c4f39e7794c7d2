-- Every few seconds each process looks for tenants whose creation or deletion nobody completes.
CREATE INDEX tenants_by_state ON tenants (state);
