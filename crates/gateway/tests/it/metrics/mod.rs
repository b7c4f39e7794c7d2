//! What operators read: the metrics of the process and those of single tenants.

mod cardinality;
mod moves;
mod tenants;

use testkit::gateway::Gateway;

/// The value of a series, by its line without the value: `usher_seats_used{license="member",region="ire"}`.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// The text of `/metrics/tenants`.
pub(crate) fn of_tenants(gateway: &Gateway) -> String {
    gateway.metrics_at("/metrics/tenants")
}

/// The lines of series, without comments.
pub(crate) fn series(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}
