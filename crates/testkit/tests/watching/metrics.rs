//! The metrics that there are: docs/metrics.md, which is made from the list in the code, and what Prometheus has by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    expressions::{Asked, Grouping, Selection},
    read,
};

/// Of Prometheus itself, and of its client library in each process.
const OF_OTHERS: [&str; 9] = [
    "ALERTS",
    "up",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// Labels that Prometheus adds to each series.
const OF_SCRAPES: [&str; 2] = ["instance", "job"];

/// Each metric of the gateway with its labels, and the series that rules record.
pub(crate) struct Metrics {
    known: BTreeMap<String, BTreeSet<String>>,
    recorded: BTreeSet<String>,
}

impl Metrics {
    /// The rows of the page's tables whose first cell is a metric.
    pub(crate) fn of_the_page(recorded: BTreeSet<String>) -> Self {
        let page = read("docs/metrics.md");
        let rows = page.lines().filter(|line| line.starts_with("| `usher_"));
        let known: BTreeMap<_, _> = rows.map(metric).collect();
        assert!(known.len() > 40, "only {} metrics in docs/metrics.md", known.len());
        Self { known, recorded }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.known.keys()
    }

    /// The metric that a series belongs to: a histogram has three names of series.
    pub(crate) fn of_series<'a>(&self, series: &'a str) -> Option<&'a str> {
        let histogram = |name: &&str| self.known.get(*name).is_some_and(|labels| labels.contains("le"));
        let mut parts =
            ["_bucket", "_sum", "_count"].into_iter().filter_map(|part| series.strip_suffix(part));
        self.known.contains_key(series).then_some(series).or_else(|| parts.find(histogram))
    }

    /// What is wrong with what an expression asks for.
    pub(crate) fn faults(&self, asked: &Asked) -> Vec<String> {
        let selections = asked.selections.iter().filter_map(|selection| self.fault_of_selection(selection));
        let groupings = asked.groupings.iter().filter_map(|grouping| self.fault_of_grouping(grouping));
        selections.chain(groupings).collect()
    }

    fn is_of_others(&self, metric: &str) -> bool {
        OF_OTHERS.contains(&metric) || self.recorded.contains(metric)
    }

    fn labels(&self, series: &str) -> Option<&BTreeSet<String>> {
        self.known.get(self.of_series(series)?)
    }

    fn fault_of_selection(&self, Selection { metric, labels }: &Selection) -> Option<String> {
        if self.is_of_others(metric) {
            return None;
        }
        let Some(known) = self.labels(metric) else { return Some(format!("there is no metric {metric}")) };
        let unknown = labels.iter().find(|label| !known.contains(*label) && !is_of_scrapes(label))?;
        Some(format!("{metric} has no label {unknown}"))
    }

    /// What others and rules record has labels that no page lists.
    fn fault_of_grouping(&self, Grouping { metrics, labels }: &Grouping) -> Option<String> {
        if metrics.iter().any(|metric| self.is_of_others(metric)) {
            return None;
        }
        let known: BTreeSet<&String> =
            metrics.iter().filter_map(|metric| self.labels(metric)).flatten().collect();
        let unknown = labels.iter().find(|label| !known.contains(label) && !is_of_scrapes(label))?;
        Some(format!("none of {metrics:?} has the label {unknown}"))
    }
}

fn is_of_scrapes(label: &str) -> bool {
    OF_SCRAPES.contains(&label)
}

/// Name and labels in a row `| name | type | labels | … |`. A label is its name in backticks, a colon and its values; labels are set
/// apart by semicolons.
fn metric(row: &str) -> (String, BTreeSet<String>) {
    let mut cells = row.trim_matches('|').split('|').map(str::trim);
    let mut next = || cells.next().unwrap();
    let (name, kind, labels) = (next(), next(), next());
    let labels = labels.split(';').filter_map(|label| label.trim().strip_prefix('`')?.split('`').next());
    let of_kind = (kind == "histogram").then_some("le");
    (name.trim_matches('`').to_owned(), labels.chain(of_kind).map(str::to_owned).collect())
}

#[test]
fn a_row_of_the_page_is_a_metric_with_its_labels() {
    let (name, labels) =
        metric("| `usher_x` | histogram | `region`: a region, or `none`; `kind`: `a`, `b` | Help. |");
    assert_eq!(name, "usher_x");
    assert_eq!(labels.iter().collect::<Vec<_>>(), ["kind", "le", "region"]);
}
