//! What Prometheus waits for: both pages of metrics, of a gateway with many tenants of which as many as the setting allows are shown.

use std::time::Instant;

use super::{Run, count, goals, multiply, number};
use crate::bench::Result;
use crate::table::Table;

/// Scrapes of each page.
const SCRAPES: usize = 21;

/// The default of `metrics.tenant_limit`.
const SHOWN: usize = 500;

impl Run {
    /// Scrapes both pages; call it after [`Run::many_tenants`] has made the tenants.
    pub(super) fn scrapes(&mut self) -> Result<()> {
        self.say("scrapes of both pages of metrics …");
        multiply::put_at_risk(&self.gateway.data_dir().join(super::REGION))?;
        let mut table = Table::new(
            "Scrapes, the median of some",
            &["page", "tenants shown", "left out", "series", "KiB", "ms", "goal", "verdict"],
        );
        for path in ["/metrics", "/metrics/tenants"] {
            let mut took = Vec::new();
            let mut text = String::new();
            for _ in 0..SCRAPES {
                let began = Instant::now();
                text = self.gateway.metrics_at(path);
                took.push(began.elapsed());
            }
            took.sort_unstable();
            let milliseconds = took[SCRAPES / 2].as_secs_f64() * 1e3;
            let series = text.lines().filter(|line| !line.starts_with('#')).count();
            let shown = text.lines().filter(|line| line.starts_with("usher_tenant_info{")).count();
            let omitted = text
                .lines()
                .find_map(|line| line.strip_prefix("usher_tenant_metrics_omitted{region=\"ire\"} "))
                .unwrap_or_default();
            let mut row = vec![path.to_owned(), count(shown), omitted.to_owned(), count(series)];
            row.extend([count(text.len() / 1024), number(milliseconds)]);
            if path == "/metrics/tenants" {
                if shown != SHOWN {
                    return Err(format!("{shown} tenants are shown, not {SHOWN}").into());
                }
                row.extend(self.report.judge("scrape of 500 tenants", milliseconds, goals::SCRAPE));
            }
            table.row(row);
        }
        self.show(table);
        Ok(())
    }
}
