//! A tenant for unit tests of what is kept for each tenant.

use std::sync::Arc;

use tenant_registry::{
    CompanyKey, RegionCode, Tenant, TenantId, TenantLocation, TenantSettings, TenantState,
};

/// A tenant of this number.
pub(crate) fn some_tenant(number: u8) -> Arc<Tenant> {
    Arc::new(Tenant {
        id: TenantId::new(&format!("0190d3a5-0000-7000-8000-0000000000{number:02}")).unwrap(),
        region: RegionCode::new("ire").unwrap(),
        company_key: CompanyKey::new("acme").unwrap(),
        name: String::new(),
        state: TenantState::Active,
        profile: String::new(),
        settings: TenantSettings::default(),
        created_ms: 0,
        location: TenantLocation::File,
        store_version: String::new(),
        profile_version: 0,
        makers: Vec::new(),
    })
}
