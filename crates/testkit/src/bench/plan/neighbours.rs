//! A tenant's probe while another tenant sends the most expensive requests, against the same probe a moment before.

use std::future::ready;

use strum::VariantArray as _;

use super::{Run, goals, milliseconds, number};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Target};
use crate::bench::workloads::abuse::{self, Abuse};
use crate::bench::workloads::{Directory, single};
use crate::table::Table;

/// More abusive requests than one window has, so that the users of two of them have names of their own.
const ABUSES: usize = 1_000_000;

/// The tenants that take part.
pub(super) struct Neighbours<'a> {
    /// Where they are, for the title; empty where all others are.
    pub(super) place: &'a str,
    /// It is abused by writes.
    pub(super) written: &'a Target,
    /// It is abused by searches.
    pub(super) read: &'a Directory,
    /// It probes.
    pub(super) neighbour: &'a Directory,
}

impl Run {
    /// The same with all others, where every tenant is a file.
    pub(super) async fn neighbours_in_files(
        &mut self,
        written: &Target,
        read: &Directory,
        neighbour: &Directory,
    ) -> Result<()> {
        self.noisy_neighbours(&Neighbours { place: "", written, read, neighbour }).await
    }

    pub(super) async fn noisy_neighbours(&mut self, tenants: &Neighbours<'_>) -> Result<()> {
        const HEADER: [&str; 10] = [
            "abuse",
            "p50 alone",
            "p50 beside it",
            "p99 alone",
            "p99 beside it",
            "p99 ratio",
            "goal",
            "verdict",
            "abuses a second",
            "refused",
        ];
        let Neighbours { place, written, read, neighbour } = *tenants;
        let clients = abuse::CLIENTS;
        let title =
            format!("A neighbour's probe beside {clients} abusive clients of another tenant{place}, ms");
        let mut table = Table::new(title, &HEADER);
        for (nth, abuse) in Abuse::VARIANTS.iter().copied().enumerate() {
            let name: &str = abuse.into();
            self.say(&format!("a neighbour of {name}{place} …"));
            let alone = self.noted(single::probe(neighbour, 1, Bound::time(self.options.window))).await?;
            let target = if abuse.writes() { written } else { &read.target };
            let seen = abuse::run(abuse, target, nth * ABUSES, neighbour, self.options.window).await?;
            let probes = self.noted(ready(Ok(seen.probes))).await?;
            let abused = self.noted(ready(Ok(seen.abuse))).await?;
            let found = [&alone, &probes].map(|phase| phase.record.percentiles(single::PROBE));
            let [Some(before), Some(beside)] = found else {
                return Err(self.hopeless("a neighbour was not answered"));
            };
            let mut row = vec![name.to_owned()];
            row.extend([before.p50, beside.p50, before.p99, beside.p99].map(milliseconds));
            let growth = beside.p99.div_duration_f64(before.p99);
            row.extend(self.report.judge(&format!("{name}{place}"), growth, goals::NEIGHBOUR));
            row.extend([abuse::DONE, abuse::REFUSED].map(|name| number(abused.rate(name))));
            table.row(row);
        }
        self.show(table);
        Ok(())
    }
}
