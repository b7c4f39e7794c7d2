//! The credentials of a tenant, by the identity provider that uses them.

use std::collections::BTreeMap;

use provisioning::{
    health::{Traffic, TrafficByCredential},
    log::Idp,
};

/// The traffic of each identity provider.
pub(crate) fn by_idp(traffic: &TrafficByCredential) -> BTreeMap<Idp, Vec<(&str, &Traffic)>> {
    let mut idps: BTreeMap<Idp, Vec<(&str, &Traffic)>> = BTreeMap::new();
    for (credential, traffic) in traffic {
        idps.entry(traffic.idp).or_default().push((credential, traffic));
    }
    idps
}
