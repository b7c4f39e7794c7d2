//! The part of the run for PostgreSQL: a gateway process whose tenants are schemas of one cell, beside what `pgbench` reaches on the
//! same server. Its PostgreSQL waits for the disk at each commit, as it must where data counts.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::neighbours::Neighbours;
use super::{Run, count, goals, number, onboard, rates_table, resident_mib};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Target};
use crate::bench::raw::pgbench::Pgbench;
use crate::bench::workloads::crowd;
use crate::bench::workloads::first_cycle::{self, Lookup};
use crate::bench::workloads::{Directory, single};
use crate::database::Database;
use crate::gateway::{Gateway, Setup};
use crate::stores::PostgresServer;

/// Tenants that are made at a time.
const MAKERS: usize = 4;

/// The name of an onboarding in a record.
const ONBOARDING: &str = "onboard a tenant";

/// More users than one round makes, so that those of two rounds have names of their own.
const USERS: usize = 1_000_000;

impl Run {
    pub(super) async fn cluster(&mut self) -> Result<()> {
        let many = self.options.cluster_tenants;
        if many == 0 {
            return Ok(());
        }
        self.say(&format!("a cell of {} tenants on PostgreSQL …", count(many)));
        let folder = self.options.folder.join("cluster");
        std::fs::create_dir_all(&folder)?;
        let server = PostgresServer::start_on(&folder.join("postgres"));
        let database = Arc::new(Database::on(server.url(), server.url()));
        let raw = Pgbench::prepare(&database.url(), &folder)?;
        let gateway = self.cell_gateway(&folder, Arc::clone(&database));
        let (tenants, onboarding) = onboard_all(&gateway, many)?;
        self.rates(&raw, &gateway, &tenants, &onboarding).await?;

        let mut read = Directory::empty(onboard(&gateway, "bench-read")?);
        let users = Bound::turns(self.options.users[1]);
        let filled = first_cycle::create_users(&mut read, self.options.workers, users, Lookup::Never);
        self.noted(filled).await?;
        let (written, neighbour) = (onboard(&gateway, "bench-noisy")?, Directory::empty(tenants[0].clone()));
        let tenants =
            Neighbours { place: " on PostgreSQL", written: &written, read: &read, neighbour: &neighbour };
        self.noisy_neighbours(&tenants).await
    }

    fn cell_gateway(&self, folder: &Path, database: Arc<Database>) -> Gateway {
        let setup = Setup { folder: Some(folder), database: Some(database), ..Setup::default() };
        Gateway::set_up(&self.options.usher, setup)
    }

    /// Users are created and read in one tenant after the other, in turns with the raw figures.
    async fn rates(
        &mut self,
        raw: &Pgbench,
        gateway: &Gateway,
        tenants: &[Target],
        onboarding: &Phase,
    ) -> Result<()> {
        let (workers, window) = (self.options.workers, self.options.window);
        let bound = Bound::time(window);
        // Each once, so that what is measured is not the first look at every token and schema.
        self.noted(crowd::probe_all(tenants, workers, Bound::turns(tenants.len()))).await?;
        let (mut commits, mut selects, mut users) = (Vec::new(), Vec::new(), Vec::new());
        let [mut create, mut probe, mut get] = <[Phase; 3]>::default();
        for round in 0..self.options.rounds as usize {
            commits.push(raw.commits(workers, window)?);
            let made = crowd::create_in_turn(tenants, workers, bound, round * USERS).await?;
            create.absorb(self.noted(ready(Ok(made.phase))).await?)?;
            users.extend(made.users);
            selects.push(raw.selects(workers, window)?);
            probe.absorb(self.noted(crowd::probe_all(tenants, workers, bound)).await?)?;
            get.absorb(self.noted(crowd::get_in_turn(tenants, &users, workers, bound)).await?)?;
        }
        let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
        let (commits, selects) = (mean(&commits), mean(&selects));
        let many = count(tenants.len());
        let mut table = rates_table(&format!("On PostgreSQL, one process, {many} tenants of a cell in turn"));
        table.row(self.row(MAKERS, onboarding, ONBOARDING));
        for (name, rate) in [("pgbench, one-row commits", commits), ("pgbench, point selects", selects)] {
            table.row(vec![name.to_owned(), workers.to_string(), number(rate)]);
        }
        for (phase, name, limit, compared, goal) in [
            (&create, crowd::CREATE, commits, "pgbench commits", goals::CELL_CREATION),
            (&probe, single::PROBE, selects, "pgbench selects", goals::CELL_READING),
            (&get, single::GET, selects, "pgbench selects", goals::CELL_READING),
        ] {
            let mut row = self.row(workers, phase, name);
            row.push(compared.to_owned());
            row.extend(self.report.judge(&format!("{name} on PostgreSQL"), phase.rate(name) / limit, goal));
            table.row(row);
            self.cost(&format!("{name} on PostgreSQL"), phase);
        }
        let connections = raw.connections_mib()?;
        let (own, all) = (resident_mib(gateway.pid())?, connections.iter().sum::<f64>());
        for (what, mib) in [
            ("the gateway's memory then".to_owned(), own),
            (format!("private memory of its {} server connections", connections.len()), all),
        ] {
            let nothing = || String::new();
            table.row(vec![
                what,
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                format!("{mib:.0} MiB"),
            ]);
        }
        self.show(table);
        Ok(())
    }
}

/// So many new tenants, and how long each took.
fn onboard_all(gateway: &Gateway, many: usize) -> Result<(Vec<Target>, Phase)> {
    let began = Instant::now();
    let make = |maker: usize| -> Result<Vec<(Target, Duration)>> {
        let own = (maker..many).step_by(MAKERS);
        own.map(|number| {
            let began = Instant::now();
            Ok((onboard(gateway, &format!("cell-{number}"))?, began.elapsed()))
        })
        .collect()
    };
    let make = &make;
    let made: Vec<_> = thread::scope(|scope| {
        let makers: Vec<_> = (0..MAKERS).map(|maker| scope.spawn(move || make(maker))).collect();
        makers.into_iter().map(|maker| maker.join().map_err(|_| "onboarding panicked")).collect()
    });
    let mut phase = Phase::default();
    let mut tenants = Vec::with_capacity(many);
    for of_one in made {
        for (tenant, took) in of_one?? {
            phase.record.right(ONBOARDING, took)?;
            tenants.push(tenant);
        }
    }
    phase.time = began.elapsed();
    Ok((tenants, phase))
}
