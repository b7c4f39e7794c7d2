//! The whole run in order. Both sides of a comparison are played in turns (limit, gateway, limit, gateway …) and added up, so
//! that a noisy minute of the machine falls on both.

mod cluster;
mod credentials;
mod log;
mod many;
mod neighbours;
mod scrapes;

use std::collections::BTreeMap;
use std::future::ready;
use std::path::PathBuf;
use std::time::Duration;

use strum::VariantArray as _;

use super::Result;
use super::closed_loop::{Bound, Phase, Target};
use super::goals;
use super::machine;
use super::multiply;
use super::process::resident_mib;
use super::raw::empty_handler::{self, EmptyHandler};
use super::raw::sqlite_commits::{COMMIT, Ids, RawCommits};
use super::raw::{BODY, disk};
use super::record::Record;
use super::report::{Report, count, milliseconds, number, percentiles};
use super::workloads::first_cycle::{self, Lookup, Size};
use super::workloads::growth::{self, Step};
use super::workloads::{Directory, group_churn, paging, single, steady_mix};
use crate::gateway::{Gateway, Setup};
use crate::table::Table;

/// The region that all tenants of the benchmark live in.
const REGION: &str = "ire";
/// Connections that fill the large directory; more than are measured, because group commit likes company.
const FILL_WORKERS: usize = 32;
/// Members of each group of the first cycles.
const MEMBERS_PER_GROUP: usize = 100;
/// Groups of the directories whose growth is measured: the same in the small and the large one.
const GROUPS: usize = 10;
/// Members of the groups of the churn.
const CROWDS: [usize; 3] = [10, 1_000, 10_000];
/// Numbers of the groups of the churn begin here, far from those of the first cycles.
const FIRST_CROWD: usize = 900_000;
/// Walks through the directory of the steady mix.
const WALKS: usize = 5;

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release binary under test.
    pub usher: PathBuf,
    /// This program, to be started once more as the empty handler.
    pub bench: PathBuf,
    /// Data goes below this folder, which must be on a disk.
    pub folder: PathBuf,
    /// The length of one measured window.
    pub window: Duration,
    /// How often each comparison is repeated.
    pub rounds: u32,
    /// Workers of the driver.
    pub workers: usize,
    /// Threads of the empty handler: as many as the gateway has.
    pub server_workers: usize,
    /// Users of the small, the usual and the large directory.
    pub users: [usize; 3],
    /// Tenants that are probed in turn; 0 for none.
    pub tenants: usize,
    /// Users of the directory that is walked by `startIndex`; 0 for none.
    pub users_walked: usize,
    /// Whether these two are played alone.
    pub size_only: bool,
    /// Tenants of the cell on PostgreSQL; 0 for no PostgreSQL.
    pub cluster_tenants: usize,
    /// Whether that is played alone.
    pub cluster_only: bool,
    /// Whether the kinds of credentials are compared alone.
    pub credentials_only: bool,
    /// Whether the cost of the provisioning log is measured alone.
    pub log_only: bool,
    /// Another release, to be compared with.
    pub against: Option<PathBuf>,
    /// Operations a second of the fastest peer in the steady mix.
    pub peer_mix: f64,
    /// The date, if not the system's.
    pub date: Option<String>,
}

/// The result of a run.
pub struct Outcome {
    /// Machine and settings.
    pub facts: Table,
    /// The figures.
    pub report: Report,
    /// How many answers were wrong.
    pub faults: u64,
    /// The first of them.
    pub samples: Vec<String>,
}

struct Run {
    options: Options,
    gateway: Gateway,
    report: Report,
    wrong: Record,
    work: Table,
    progress: fn(&str),
}

/// Plays everything. `progress` receives the name of each phase when it begins, and each table when it is ready.
pub async fn run(options: Options, progress: fn(&str)) -> Result<Outcome> {
    let folder = &options.folder;
    std::fs::create_dir_all(folder)?;
    machine::refuse_memory(folder).inspect_err(|_| drop(std::fs::remove_dir(folder)))?;
    let mut commits = RawCommits::create(&folder.join("raw.db"), Ids::Random)?;
    let mut ordered = RawCommits::create(&folder.join("raw-ordered.db"), Ids::OfTime)?;
    let mut facts = Table::new("The machine and the run", &["fact", "value"]);
    for (name, value) in machine::facts(folder, &commits.version()?, options.date.as_deref()) {
        facts.row(vec![name.into(), value]);
    }

    let setup = Setup { folder: Some(folder), ..Setup::default() };
    let gateway = Gateway::set_up(&options.usher, setup);
    facts.row(vec!["start to ready".into(), format!("{} ms", milliseconds(gateway.started_in))]);
    facts.row(vec!["gateway's memory at start".into(), memory(&gateway)?]);

    let work = Table::new(
        "What the work costs",
        &["phase", "gateway CPU µs / operation", "cores the gateway used", "cores the driver used"],
    );
    let (report, wrong) = (Report::default(), Record::default());
    let mut run = Run { options, gateway, report, wrong, work, progress };
    run.play([&mut commits, &mut ordered]).await?;

    facts.row(vec!["gateway's memory at the end".into(), memory(&run.gateway)?]);
    let [small, usual, large] = run.options.users.map(count);
    facts.row(vec!["users in the three tenants".into(), format!("{small}; {usual}; {large}")]);
    let window = run.options.window.as_secs_f64();
    facts.row(vec!["measured".into(), format!("{} rounds of {window} s each", run.options.rounds)]);
    Ok(Outcome { facts, report: run.report, faults: run.wrong.faults, samples: run.wrong.samples })
}

fn memory(gateway: &Gateway) -> Result<String> {
    Ok(format!("{:.1} MiB", resident_mib(gateway.pid())?))
}

/// A tenant with unlimited seats.
fn onboard(gateway: &Gateway, key: &str) -> Result<Target> {
    let tenant = gateway.tenant(REGION, key, None, None);
    let address = gateway.url.trim_start_matches("http://").parse()?;
    let base_path = tenant.base_url.trim_start_matches(&gateway.url).to_owned();
    Ok(Target {
        address,
        base_path,
        authorization: Some(format!("Bearer {}", tenant.token)),
        process: gateway.pid(),
    })
}

fn rates_table(title: &str) -> Table {
    const HEADER: [&str; 9] =
        ["operation", "workers", "a second", "p50 ms", "p99 ms", "compared with", "ratio", "goal", "verdict"];
    Table::new(title, &HEADER)
}

impl Run {
    async fn play(&mut self, commits: [&mut RawCommits; 2]) -> Result<()> {
        if self.options.size_only {
            self.many_tenants().await?;
            return self.large_walk().await;
        }
        if self.options.cluster_only {
            return self.cluster().await;
        }
        if self.options.credentials_only {
            return self.kinds_of_credentials().await;
        }
        if self.options.log_only {
            return self.provisioning_log().await;
        }
        let [small_size, usual_size, large_size] = self.options.users;
        let small = self.first_cycle("bench-small", small_size, GROUPS).await?;
        let usual = self.first_cycle("bench", usual_size, usual_size / MEMBERS_PER_GROUP).await?;
        self.reading(&usual).await?;
        self.kinds_of_credentials().await?;
        self.steady_mix(&usual).await?;
        self.provisioning_log().await?;
        self.pages(&usual).await?;
        let large = self.creation("bench-large", large_size, commits).await?;
        self.group_churn(&large).await?;
        self.directory_growth(&small, &large).await?;
        self.pages_at_depth(&large).await?;
        let written = self.onboard("bench-noisy")?;
        self.neighbours_in_files(&written, &usual, &small).await?;
        self.many_tenants().await?;
        self.large_walk().await?;
        self.cluster().await?;
        self.settle(&[("bench-small", &small), ("bench", &usual), ("bench-large", &large)]).await?;
        let costs = std::mem::replace(&mut self.work, Table::new("", &[]));
        self.show(costs);
        Ok(())
    }

    fn say(&self, what: &str) {
        (self.progress)(what);
    }

    fn show(&mut self, table: Table) {
        self.report.add(table);
        self.say(&self.report.latest());
    }

    /// Plays a phase and keeps its wrong answers.
    async fn noted(&mut self, phase: impl Future<Output = Result<Phase>>) -> Result<Phase> {
        let mut phase = phase.await?;
        self.wrong.absorb(phase.record.take_faults())?;
        Ok(phase)
    }

    fn cost(&mut self, name: &str, phase: &Phase) {
        let operations = phase.record.total().max(1) as f64;
        let cores = |cpu: Duration| format!("{:.2}", cpu.as_secs_f64() / phase.time.as_secs_f64());
        self.work.row(vec![
            name.to_owned(),
            number(phase.server_cpu.as_secs_f64() * 1e6 / operations),
            cores(phase.server_cpu),
            cores(phase.driver_cpu),
        ]);
    }

    fn row(&self, workers: usize, phase: &Phase, operation: &str) -> Vec<String> {
        let [p50, p99] = percentiles(phase.record.percentiles(operation));
        vec![operation.to_owned(), workers.to_string(), number(phase.rate(operation)), p50, p99]
    }

    /// A tenant with unlimited seats.
    fn onboard(&self, key: &str) -> Result<Target> {
        onboard(&self.gateway, key)
    }

    async fn first_cycle(&mut self, key: &str, users: usize, groups: usize) -> Result<Directory> {
        self.say(&format!("first cycle of {} users, {groups} groups …", count(users)));
        let mut directory = Directory::empty(self.onboard(key)?);
        let workers = self.options.workers;
        let groups = groups.clamp(2, (users / MEMBERS_PER_GROUP).max(2));
        let members_per_group = MEMBERS_PER_GROUP.min(users / groups);
        let size = Size { users, groups, members_per_group };
        let phases = first_cycle::run(&mut directory, workers, size).await?;
        let mut table = rates_table(&format!("First cycle of {} users", count(users)));
        for phase in phases {
            let phase = self.noted(ready(Ok(phase))).await?;
            for operation in phase.record.operations() {
                table.row(self.row(workers, &phase, operation));
            }
            if phase.record.count("create user") > 0 {
                self.cost(&format!("first cycle of {} users", count(users)), &phase);
            }
        }
        self.show(table);
        if directory.users.len() != users || directory.groups.len() != groups {
            return Err(self.hopeless("the first cycle did not make everybody"));
        }
        Ok(directory)
    }

    /// A later phase would only measure the faults of an earlier one.
    fn hopeless(&self, why: &str) -> super::Fatal {
        let samples = self.wrong.samples.join("\n- ");
        format!("{why}; {} unexpected answers, the first of them:\n- {samples}", self.wrong.faults).into()
    }

    async fn reading(&mut self, directory: &Directory) -> Result<()> {
        self.say("empty handler, probe and GET by id in turns …");
        let (workers, bound) = (self.options.workers, Bound::time(self.options.window));
        let handler = EmptyHandler::start(&self.options.bench, self.options.server_workers)?;
        let mut phases: [Phase; 4] = Default::default();
        for _ in 0..self.options.rounds {
            let [empty, body, probe, get] = &mut phases;
            let (none, full) = (empty_handler::EMPTY, empty_handler::FULL);
            empty.absorb(self.noted(single::bare(&handler.target, workers, bound, none, 0)).await?)?;
            body.absorb(self.noted(single::bare(&handler.target, workers, bound, full, BODY)).await?)?;
            probe.absorb(self.noted(single::probe(directory, workers, bound)).await?)?;
            get.absorb(self.noted(single::get_by_id(directory, workers, bound)).await?)?;
        }
        let [empty, body, probe, get] = phases;
        let mut table = rates_table(&format!("Reading, {} users", count(directory.users.len())));
        let names = ["empty actix handler", "actix handler, 1,377-byte body"];
        for (phase, name) in [&empty, &body].into_iter().zip(names) {
            let mut row = self.row(workers, phase, single::BARE);
            name.clone_into(&mut row[0]);
            table.row(row);
            self.cost(name, phase);
        }
        for (phase, name) in [(&probe, single::PROBE), (&get, single::GET)] {
            let share = phase.rate(name) / empty.rate(single::BARE);
            let mut row = self.row(workers, phase, name);
            row.push("empty handler".into());
            row.extend(self.report.judge(name, share, goals::READING));
            table.row(row);
            self.cost(name, phase);
        }
        self.show(table);
        Ok(())
    }

    async fn steady_mix(&mut self, directory: &Directory) -> Result<()> {
        self.say("steady mix …");
        let workers = self.options.workers;
        let mut mix = Phase::default();
        for _ in 0..self.options.rounds {
            let bound = Bound::time(self.options.window * 2);
            mix.absorb(self.noted(steady_mix::run(directory, workers, bound)).await?)?;
        }
        let mut table = rates_table(&format!("Steady mix, {} users", count(directory.users.len())));
        let [p50, p99] = percentiles(mix.record.overall());
        let rate = mix.overall_rate();
        let mut row = vec!["all operations".into(), workers.to_string(), number(rate), p50, p99];
        row.push(format!("peer, {}/s", number(self.options.peer_mix)));
        row.extend(self.report.judge("steady mix", rate / self.options.peer_mix, goals::MIX));
        table.row(row);
        for operation in mix.record.operations() {
            table.row(self.row(workers, &mix, operation));
        }
        self.cost("steady mix", &mix);
        self.show(table);
        Ok(())
    }

    async fn pages(&mut self, directory: &Directory) -> Result<()> {
        self.say("pages of 100 …");
        let walk = self.noted(paging::walk(directory, WALKS)).await?;
        let depths = self.noted(paging::depths(directory, Bound::time(self.options.window))).await?;
        let mut table = rates_table(&format!("Pages, {} users", count(directory.users.len())));
        let all = [(&walk, paging::WALK), (&depths, paging::DEPTHS[0]), (&depths, paging::DEPTHS[1])];
        for (phase, name) in all.into_iter().chain([(&depths, paging::DEPTHS[2])]) {
            let mut row = self.row(1, phase, name);
            if let Some(found) = phase.record.percentiles(name) {
                row.push(String::new());
                row.extend(self.report.judge(name, found.p50.as_secs_f64() * 1_000.0, goals::PAGE));
            }
            table.row(row);
        }
        self.cost(paging::WALK, &walk);
        self.show(table);
        Ok(())
    }

    /// The last page by cursor of the large directory, against its first: RFC 9865 is there for this. Beside it, pages by index.
    async fn pages_at_depth(&mut self, directory: &Directory) -> Result<()> {
        self.say("pages at depth, by index and by cursor …");
        // The way to the last page counts as well.
        let phase = self.noted(paging::by_cursor(directory, Bound::turns(600))).await?;
        let by_index = self.noted(paging::depths(directory, Bound::turns(300))).await?;
        let mut table = rates_table(&format!("Pages at depth, {} users", count(directory.users.len())));
        for name in paging::DEPTHS {
            table.row(self.row(1, &by_index, name));
        }
        table.row(self.row(1, &phase, paging::CURSOR_WALK));
        for (_, [first, last]) in paging::BY_CURSOR {
            table.row(self.row(1, &phase, first));
            let mut row = self.row(1, &phase, last);
            let found = [first, last].map(|name| phase.record.percentiles(name));
            if let [Some(first), Some(found)] = found {
                row.push("the first".into());
                let growth = found.p50.div_duration_f64(first.p50);
                row.extend(self.report.judge(last, growth, goals::CURSOR_DEPTH));
            }
            table.row(row);
        }
        self.show(table);
        Ok(())
    }

    /// Fills the large directory; a part of the way is the measurement of `POST` alone.
    async fn creation(
        &mut self,
        key: &str,
        users: usize,
        commits: [&mut RawCommits; 2],
    ) -> Result<Directory> {
        self.say(&format!("POST alone and raw commits in turns, on the way to {} users …", count(users)));
        let mut directory = Directory::empty(self.onboard(key)?);
        let (workers, window, rounds) = (self.options.workers, self.options.window, self.options.rounds);
        let file = self.options.folder.join("flush.bin");
        let (flushes, flush_time) = disk::flushes(&file, window)?;

        let mut fill =
            self.create(&mut directory, FILL_WORKERS, Bound::turns((users / 10).min(10_000))).await?;
        let mut raw = commits.map(|file| (file, Record::default(), Duration::ZERO));
        let mut alone = Phase::default();
        for _ in 0..rounds {
            for (file, seen, took) in &mut raw {
                let (record, time) = file.run(window)?;
                seen.absorb(record)?;
                *took += time;
            }
            let left = users.saturating_sub(directory.users.len()) / 2;
            alone.absorb(self.create(&mut directory, workers, Bound::time_or_turns(window, left)).await?)?;
        }
        let left = users.saturating_sub(directory.users.len());
        fill.absorb(self.create(&mut directory, FILL_WORKERS, Bound::turns(left)).await?)?;
        if directory.users.len() != users {
            return Err(self.hopeless("the large directory could not be filled"));
        }

        let mut table = rates_table("Creating users, POST alone");
        let rate = |record: &Record, name, time: Duration| record.count(name) as f64 / time.as_secs_f64();
        let [(_, random, random_time), (_, ordered, ordered_time)] = &raw;
        let limit = rate(random, COMMIT, *random_time);
        let kindest = rate(ordered, COMMIT, *ordered_time);
        let flush_rate = rate(&flushes, disk::FLUSH, flush_time);
        for (name, rate, record, operation) in [
            ("fdatasync after a 4 KiB append", flush_rate, &flushes, disk::FLUSH),
            ("SQLite one-row commit, WAL, FULL, random ids", limit, random, COMMIT),
            ("SQLite one-row commit, WAL, FULL, ids in order", kindest, ordered, COMMIT),
        ] {
            let [p50, p99] = percentiles(record.percentiles(operation));
            table.row(vec![name.into(), "1".into(), number(rate), p50, p99]);
        }
        let share = alone.rate("create user") / limit;
        let mut row = self.row(workers, &alone, "create user");
        row.push("commits, random ids".into());
        row.extend(self.report.judge("create user", share, goals::CREATION));
        table.row(row);
        for (phase, workers, compared, limit) in [
            (&alone, workers, "commits, ids in order", kindest),
            (&fill, FILL_WORKERS, "commits, random ids", limit),
            (&fill, FILL_WORKERS, "commits, ids in order", kindest),
        ] {
            let mut row = self.row(workers, phase, "create user");
            row.extend([compared.into(), goals::CREATION.figure(phase.rate("create user") / limit)]);
            table.row(row);
        }
        self.cost("create user", &alone);
        self.show(table);
        self.gather_groups(&mut directory).await?;
        Ok(directory)
    }

    async fn create(&mut self, directory: &mut Directory, workers: usize, bound: Bound) -> Result<Phase> {
        self.noted(first_cycle::create_users(directory, workers, bound, Lookup::Never)).await
    }

    /// The same groups as in the small directory.
    async fn gather_groups(&mut self, directory: &mut Directory) -> Result<()> {
        let users = self.options.users[0];
        let groups = GROUPS.min((users / MEMBERS_PER_GROUP).max(2));
        directory.members_per_group = MEMBERS_PER_GROUP.min(users / groups);
        for phase in first_cycle::make_groups(directory, self.options.workers, groups).await? {
            self.noted(ready(Ok(phase))).await?;
        }
        match directory.groups.len() == groups {
            true => Ok(()),
            false => Err(self.hopeless("the groups of the large directory could not be made")),
        }
    }

    async fn group_churn(&mut self, directory: &Directory) -> Result<()> {
        self.say("one member in and out of groups of 10, 1,000 and 10,000 …");
        let mut crowds = Vec::new();
        for (nth, size) in CROWDS.into_iter().filter(|&size| size < directory.users.len()).enumerate() {
            let (phase, crowd) = group_churn::gather(directory, FIRST_CROWD + nth, size).await?;
            self.noted(ready(Ok(phase))).await?;
            crowds.push((crowd.ok_or_else(|| self.hopeless("no group to churn"))?, Phase::default()));
        }
        for _ in 0..self.options.rounds {
            for (crowd, sum) in &mut crowds {
                let bound = Bound::time(self.options.window / 2);
                sum.absorb(self.noted(group_churn::churn(directory, crowd, bound)).await?)?;
            }
        }
        for (crowd, _) in &crowds {
            self.noted(group_churn::verify(directory, crowd)).await?;
        }
        let mut table = rates_table("One member in or out, by the size of the group");
        for operation in [group_churn::ADD, group_churn::REMOVE, group_churn::BARE] {
            let base = crowds.first().and_then(|(_, phase)| phase.record.percentiles(operation));
            for (crowd, phase) in &crowds {
                let mut row = self.row(1, phase, operation);
                let name = format!("group of {}, {operation}", count(crowd.size));
                name.clone_into(&mut row[0]);
                if let (Some(base), Some(found)) = (base, phase.record.percentiles(operation))
                    && crowd.size > CROWDS[0]
                {
                    let growth = found.p50.div_duration_f64(base.p50);
                    row.push("p50 in a group of 10".into());
                    row.extend(self.report.judge(&name, growth, goals::GROUP_GROWTH));
                }
                table.row(row);
            }
        }
        self.show(table);
        Ok(())
    }

    async fn directory_growth(&mut self, small: &Directory, large: &Directory) -> Result<()> {
        let [few, many] = [small, large].map(|directory| count(directory.users.len()));
        self.say(&format!("every operation at {few} and at {many} users …"));
        let (workers, bound) = (self.options.workers, Bound::time(self.options.window / 3));
        let mut sums: BTreeMap<usize, [Phase; 2]> = BTreeMap::new();
        for _ in 0..self.options.rounds {
            for (nth, step) in Step::VARIANTS.iter().copied().enumerate() {
                for (side, directory) in [small, large].into_iter().enumerate() {
                    let round = self.noted(growth::run(directory, workers, bound, step)).await?;
                    sums.entry(nth).or_default()[side].absorb(round)?;
                }
            }
        }
        let header =
            ["operation", "p50 small", "p50 large", "p99 small", "p99 large", "growth", "goal", "verdict"];
        let title = format!("Median of every operation at {few} and at {many} users, {workers} workers, ms");
        let mut table = Table::new(title, &header);
        for (step, [at_few, at_many]) in Step::VARIANTS.iter().copied().zip(sums.values()) {
            for &operation in step.operations() {
                let found = [at_few, at_many].map(|phase| phase.record.percentiles(operation));
                let [Some(before), Some(after)] = found else {
                    continue;
                };
                let times = [before.p50, after.p50, before.p99, after.p99].map(milliseconds);
                let mut row = vec![operation.to_owned()];
                row.extend(times);
                let growth = after.p50.div_duration_f64(before.p50);
                let what = format!("growth of {operation}");
                row.extend(self.report.judge(&what, growth, goals::DIRECTORY_GROWTH));
                table.row(row);
            }
        }
        self.show(table);
        Ok(())
    }

    /// At the end the totals are right and every seat ledger adds up.
    async fn settle(&mut self, tenants: &[(&str, &Directory)]) -> Result<()> {
        self.say("totals and seat ledgers …");
        for (key, directory) in tenants {
            self.noted(paging::depths(directory, Bound::turns(1))).await?;
            let audit = self.gateway.cli(&["seats", "audit", "--region", REGION, "--key", key]);
            if !audit.status.success() {
                self.wrong.wrong("seats audit", &String::from_utf8_lossy(&audit.stderr));
            }
        }
        Ok(())
    }
}
