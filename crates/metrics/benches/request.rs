//! What the metrics of one request cost. The aim is 2 µs.

use std::time::Duration;

use metrics::{Answered, Metrics, Operation, Outcome};

fn main() {
    divan::main();
}

fn metrics() -> Metrics {
    Metrics::new("0.1.0", "unknown").unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that is counted of a change of a person: the request, the operation, its seat, and two transactions in stores.
fn change(metrics: &Metrics) {
    let took = Duration::from_micros(900);
    let in_flight = metrics.http_in_flight.with_label_values(&["scim"]);
    in_flight.inc();
    metrics.http_body_bytes.with_label_values(&["scim"]).observe(700.0);
    metrics.cache_requests.with_label_values(&["ire", "hit"]).inc();
    for mode in ["read", "write"] {
        metrics.permit_wait_seconds.with_label_values(&[mode]).observe(0.0);
        metrics.store_transactions.with_label_values(&["tenant", mode, "ok"]).inc();
        metrics.store_transaction_seconds.with_label_values(&["tenant", mode]).observe(took.as_secs_f64());
    }
    metrics.commit_group_size.observe(1.0);
    metrics.seat_movements.with_label_values(&["ire", "member", "claim"]).inc();
    metrics.scim_operations.with_label_values(&["ire", "User", "update", Outcome::Ok.word()]).inc();
    metrics.count_answered(&Answered {
        listener: "scim",
        region: "ire",
        route: "/Users/{id}",
        method: "PATCH",
        code: "200",
        operation: Operation::Change,
        took,
    });
    in_flight.dec();
}

#[divan::bench]
fn of_a_change(bencher: divan::Bencher) {
    let metrics = metrics();
    bencher.bench(|| change(&metrics));
}

#[divan::bench(threads = 2)]
fn of_changes_on_two_threads(bencher: divan::Bencher) {
    let metrics = metrics();
    bencher.bench(|| change(&metrics));
}

/// The text that Prometheus reads, with every route of five regions counted.
#[divan::bench]
fn a_scrape(bencher: divan::Bencher) {
    let metrics = metrics();
    for region in ["ire", "us", "nl", "uk", "ca"] {
        for route in
            ["/Users", "/Users/{id}", "/Groups", "/Groups/{id}", "/Bulk", "/Schemas", "/ResourceTypes", "/"]
        {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                for code in ["200", "400", "401", "404", "503"] {
                    metrics.http_requests.with_label_values(&["scim", region, route, method, code]).inc();
                }
            }
        }
        for operation in ["read", "list", "create", "change", "delete", "group_change", "bulk", "discovery"] {
            metrics.http_seconds.with_label_values(&["scim", region, operation]).observe(0.01);
        }
    }
    bencher.bench(|| metrics.text());
}
