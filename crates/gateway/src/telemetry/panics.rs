//! Counts panics. Each still prints its message.

use std::panic;

use prometheus::IntCounter;

/// Counts every panic of the process from now on.
pub(crate) fn count(panics: IntCounter) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        panics.inc();
        before(panicked);
    }));
}

#[cfg(test)]
mod tests {
    use metrics::Metrics;

    use super::*;

    #[test]
    fn each_panic_counts_and_ends_nothing_else() {
        let metrics = Metrics::new("0", "unknown").unwrap();
        count(metrics.panics.clone());
        for panics in 1..=3 {
            assert!(std::panic::catch_unwind(|| panic!("on purpose")).is_err());
            assert!(metrics.text().contains(&format!("\nusher_panics_total {panics}\n")));
        }
    }
}
