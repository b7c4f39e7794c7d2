//! The part of the run for size: all of many tenants in turn, and a walk through one very large directory.

use super::{Run, count, goals, multiply, rates_table, resident_mib};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase};
use crate::bench::workloads::crowd::{self, FIRST, JUMP, WALK};
use crate::bench::workloads::{Directory, single};

/// Users that the gateway makes itself; the others are copies of them.
const ORIGINALS: usize = 500;

impl Run {
    /// The probe on one tenant and on all of many, in turns.
    pub(super) async fn many_tenants(&mut self) -> Result<()> {
        let many = self.options.tenants;
        if many == 0 {
            return Ok(());
        }
        self.say(&format!("one tenant and {} tenants in turns …", count(many)));
        let one = Directory::empty(self.onboard("bench-one")?);
        let region = self.gateway.data_dir().join(super::REGION);
        let tenants = multiply::tenants(&region, "bench-one", &one.target, many)?;
        let (workers, bound) = (self.options.workers, Bound::time(self.options.window));
        // Each once, so that what is measured is not the first look at every token.
        self.noted(crowd::probe_all(&tenants, workers, Bound::turns(many))).await?;
        let mut phases: [Phase; 2] = Default::default();
        for _ in 0..self.options.rounds {
            let [alone, all] = &mut phases;
            alone.absorb(self.noted(single::probe(&one, workers, bound)).await?)?;
            all.absorb(self.noted(crowd::probe_all(&tenants, workers, bound)).await?)?;
        }
        let [alone, all] = phases;
        let mut table = rates_table(&format!("One tenant and {} tenants in turn", count(many)));
        let mut row = self.row(workers, &alone, single::PROBE);
        row[0] = "probe, one tenant".into();
        table.row(row);
        let mut row = self.row(workers, &all, single::PROBE);
        row[0] = format!("probe, {} tenants in turn", count(many));
        row.push("one tenant".into());
        let share = all.rate(single::PROBE) / alone.rate(single::PROBE);
        row.extend(self.report.judge("many tenants", share, goals::MANY_TENANTS));
        table.row(row);
        let resident = resident_mib(self.gateway.pid())?;
        let mut row = vec!["resident memory then".to_owned(), String::new(), String::new()];
        row.extend([String::new(), String::new(), "MiB".to_owned()]);
        row.extend(self.report.judge("memory with many tenants", resident, goals::MANY_TENANTS_MEMORY));
        table.row(row);
        self.cost("probe, one tenant", &alone);
        self.cost("probe, many tenants in turn", &all);
        self.show(table);
        self.scrapes()
    }

    /// Pages by `startIndex` of a directory that is walked.
    pub(super) async fn large_walk(&mut self) -> Result<()> {
        let total = self.options.users_walked;
        if total == 0 {
            return Ok(());
        }
        self.say(&format!("a walk among {} users …", count(total)));
        let directory = Directory::empty(self.onboard("bench-walk")?);
        self.noted(crowd::create_few(&directory, self.options.workers, ORIGINALS)).await?;
        let region = self.gateway.data_dir().join(super::REGION);
        multiply::users(&region, "bench-walk", ORIGINALS, total)?;
        let phase = self.noted(crowd::middle(&directory, total, Bound::turns(10))).await?;
        let mut table = rates_table(&format!("Pages by startIndex, {} users", count(total)));
        for name in [FIRST, JUMP, WALK] {
            let mut row = self.row(1, &phase, name);
            let found = [FIRST, name].map(|name| phase.record.percentiles(name));
            if let [Some(first), Some(found)] = found
                && name == WALK
            {
                row.push("the first".into());
                let growth = found.p50.div_duration_f64(first.p50);
                row.extend(self.report.judge(name, growth, goals::WALK));
            }
            table.row(row);
        }
        self.show(table);
        Ok(())
    }
}
