//! Which of the tenants that a token opens a path means.

use sha2::{Digest as _, Sha256};
use tenant_registry::{CompanyKey, RegionCode};

use super::judged::Judged;

/// The tenant that a path names, whether there is one or not.
pub(crate) struct NamedByPath<'p> {
    /// `None` where the path names none that is served.
    pub(crate) region: Option<&'p RegionCode>,
    pub(crate) company_key: &'p str,
}

impl NamedByPath<'_> {
    /// A path that names nobody.
    pub(crate) const NOBODY: NamedByPath<'static> = NamedByPath { region: None, company_key: "" };

    /// Names token and path together.
    pub(super) fn hash_with(&self, sent: &str) -> [u8; 32] {
        let region = self.region.map_or("", RegionCode::as_str);
        let mut hash = Sha256::new_with_prefix(region);
        hash.update([0]);
        hash.update(self.company_key.to_lowercase());
        hash.update([0]);
        hash.chain_update(sent).finalize().into()
    }

    /// The trust of the tenant that is named; the best of several.
    pub(super) fn named<'j>(&self, met: &[&'j Judged]) -> Option<&'j Judged> {
        let of_key = self.of_key(met);
        match self.region {
            Some(region) => of_key.into_iter().find(|judged| judged.registry.region() == region),
            None => of_one_tenant(&of_key),
        }
    }

    /// The only tenant of its key elsewhere, or the only one at all: its holder is told the base URL.
    pub(super) fn elsewhere<'j>(&self, met: &[&'j Judged]) -> Option<&'j Judged> {
        of_one_tenant(&self.of_key(met)).or_else(|| of_one_tenant(met))
    }

    /// Whether the tenant that is named will be the same one at the next request, whoever comes to trust the issuer.
    pub(super) fn is_certain(&self) -> bool {
        self.region.is_some() || CompanyKey::is_guid(self.company_key)
    }

    fn of_key<'j>(&self, met: &[&'j Judged]) -> Vec<&'j Judged> {
        met.iter().copied().filter(|judged| judged.whose.company_key.is(self.company_key)).collect()
    }
}

/// The first of these, if all are trusts of one tenant.
fn of_one_tenant<'j>(judged: &[&'j Judged]) -> Option<&'j Judged> {
    let first = *judged.first()?;
    let is_same = |other: &&Judged| {
        other.registry.region() == first.registry.region()
            && other.whose.company_key == first.whose.company_key
    };
    judged.iter().all(is_same).then_some(first)
}
