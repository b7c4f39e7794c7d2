//! The page docs/metrics.md.

use std::fmt::Write as _;

use crate::{Declaration, list};

const HEAD: &str = "# Metrics

For operators. Made from the list in `crates/metrics` by `make metrics-page`; a test compares it. [operations.md](operations.md) has what to do when an alert fires.

Labels are words of the program or of its settings, never what a client sent. `/metrics` names no tenant and stays below 3,000 series with five
regions, whatever clients send; a metric with labels appears with its first count. Both pages are on `metrics.listen`, without a credential:
keep that listener private.

## `/metrics`

Scrape it every 15 seconds, of each process. A counter counts since the process started. Gauges of a region that tell of its tenants (seats, breaker, ledger) come from one
process of the region, the one that holds its exporter lease, so that sums are right with any number of processes. The `process_*` metrics of
Prometheus' client library (CPU, memory, files, start time) are there too.

";

const TENANTS: &str = "
## `/metrics/tenants`

Scrape it every minute, of each process: one of them answers for a region, the one that holds its exporter lease (`usher_tenant_*` come from one
process at a time, so aggregate with `max by (region, tenant)`). It shows, by `metrics.tenants`:

| value | tenants |
|---|---|
| `at_risk` (default) | those with 70 % of a license in use, somebody who waits, a refusal for want of a seat within a day, a silent identity provider, wrong secrets, a credential that ends within 14 days, half of Entra's line, or any other finding of `usher health`; once in, for seven days |
| `all` | every tenant |
| `list` | those that `metrics.tenant_list` names: `region/key` |
| `off` | none |

At most `metrics.tenant_limit` tenants of a region are shown, the oldest first; `usher_tenant_metrics_omitted` counts the others. Everything comes from the registry: a
scrape opens no tenant's store. A tenant's figures are those of its last look, at most once a minute after its identity provider or staff did something. The
series of a deleted tenant end with the next scrape.

";

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    table(&mut page, list::OF_PROCESS);
    page.push_str(TENANTS);
    table(&mut page, list::OF_TENANTS);
    page
}

fn table(page: &mut String, declarations: &[Declaration]) {
    page.push_str("| metric | type | labels | says |\n|---|---|---|---|\n");
    for Declaration { name, metric, labels, help } in declarations {
        let labels: Vec<String> =
            labels.iter().map(|label| format!("`{}`: {}", label.name, label.values)).collect();
        let _ = writeln!(page, "| `{name}` | {} | {} | {help} |", metric.word(), labels.join("; "));
    }
}
