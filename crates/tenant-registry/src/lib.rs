//! Regions, tenants, credentials and their lifecycle.
