//! The tenants that metrics show.

use provisioning::health::Code;
use tenant_registry::{InSight, Registry, Shown, TenantStanding};

use crate::{acts::Result, health::of_standing};

/// A tenant that is shown in metrics, and what needs a hand now.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What the registry knows of it.
    pub standing: TenantStanding,
    /// Codes of findings.
    pub codes: Vec<Code>,
}

/// The tenants that are shown in metrics, and how many are left out. No store is opened.
///
/// # Errors
/// When the registry fails.
pub async fn exported(registry: &Registry, which: InSight, limit: usize) -> Result<(Vec<Exported>, usize)> {
    let now_ms = registry.now_ms();
    let Shown { tenants, omitted } = registry.in_sight(which, limit).await?;
    let exported = |standing: TenantStanding| {
        let codes = of_standing(&standing, now_ms).map(|needs| needs.codes).unwrap_or_default();
        Exported { standing, codes }
    };
    Ok((tenants.into_iter().map(exported).collect(), omitted))
}
