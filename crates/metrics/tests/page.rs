//! The page of metrics is the list, and every metric of the list is made.

use std::{collections::BTreeSet, path::Path};

use metrics::{Declaration, Metrics, TenantMetrics, list};

#[test]
fn the_page_of_metrics_is_the_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("USHER_WRITE_PAGES").is_some() {
        std::fs::write(&path, metrics::page()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == metrics::page(), "docs/metrics.md differs from the list: make metrics-page");
}

#[test]
fn names_follow_the_conventions_of_prometheus() {
    let mut names = BTreeSet::new();
    for Declaration { name, metric, help, .. } in list::OF_PROCESS.iter().chain(list::OF_TENANTS) {
        assert!(names.insert(*name), "{name} is there twice");
        assert!(name.starts_with("usher_"), "{name}");
        assert_eq!(name.ends_with("_total"), metric.word() == "counter", "{name}");
        assert!(help.ends_with('.'), "the help of {name} is no sentence");
    }
}

#[test]
fn what_is_made_is_declared() {
    let of_process = Metrics::new("0.1.0", "unknown").unwrap();
    let _redis = of_process.of_redis().unwrap();
    let _tenants = TenantMetrics::new().unwrap();
    // A metric without labels is shown at once.
    let text = of_process.text();
    for name in ["usher_build_info", "usher_panics_total", "usher_redis_up", "process_open_fds"] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}: {text}");
    }
}
