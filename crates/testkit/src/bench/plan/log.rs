//! The part of the run for the provisioning log: what it costs beside creates that are refused, on the disk, and against another release.

use std::path::{Path, PathBuf};

use diesel::sql_types::BigInt;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};

use super::{REGION, Run, goals, onboard, rates_table};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase};
use crate::bench::report::{count, number};
use crate::bench::workloads::first_cycle::{Lookup, create_users};
use crate::bench::workloads::growth::Step;
use crate::bench::workloads::refusals::{self, A_SECOND, Seen};
use crate::bench::workloads::{Directory, growth, steady_mix};
use crate::gateway::{Gateway, Setup};
use crate::table::Table;

/// Users, and rows of each kind, by which the disk is measured.
const MANY: usize = 5_000;
/// Users of the directories of two releases, and members of each of their groups.
const USERS: usize = 2_000;
/// Each window is so many short ones in turns: two releases differ by less than a minute of a machine does.
const TURNS: u32 = 10;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: String,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

impl Run {
    /// All of it.
    pub(super) async fn provisioning_log(&mut self) -> Result<()> {
        self.refusals_beside_creates().await?;
        self.bytes_of_rows().await?;
        match self.options.against.clone() {
            Some(other) => self.against(other).await,
            None => Ok(()),
        }
    }

    /// Creates alone, and beside refusals, in turns.
    async fn refusals_beside_creates(&mut self) -> Result<()> {
        self.say("creates alone and beside refusals in turns …");
        let mut directory = Directory::empty(self.onboard("bench-refusals")?);
        let (workers, window) = (self.options.workers, self.options.window);
        let (mut alone, mut beside, mut refused) = (Phase::default(), Phase::default(), Phase::default());
        for _ in 0..self.options.rounds {
            alone.absorb(self.create(&mut directory, workers, Bound::time(window)).await?)?;
            let Seen { creates, refusals } = refusals::beside(&mut directory, workers, window).await?;
            beside.absorb(self.noted(std::future::ready(Ok(creates))).await?)?;
            refused.absorb(self.noted(std::future::ready(Ok(refusals))).await?)?;
        }
        let mut table =
            rates_table(&format!("Creates beside {A_SECOND} refusals a second of the same tenant"));
        table.row(self.row(workers, &alone, "create user"));
        let mut row = self.row(workers, &beside, "create user");
        row.push("creates alone".into());
        let share = beside.rate("create user") / alone.rate("create user");
        row.extend(self.report.judge("creates beside refusals", share, goals::BESIDE_REFUSALS));
        table.row(row);
        table.row(self.row(1, &refused, refusals::REFUSED));
        self.show(table);
        Ok(())
    }

    /// The bytes that a user and rows of the log take on the disk.
    async fn bytes_of_rows(&mut self) -> Result<()> {
        self.say("bytes of users and of rows of the log …");
        let mut directory = Directory::empty(self.onboard("bench-bytes")?);
        let file = self.store_of("bench-bytes")?;
        let mut table = Table::new("Bytes on the disk", &["what", "rows", "bytes each"]);
        let empty = bytes(&file)?;
        self.create(&mut directory, self.options.workers, Bound::turns(MANY)).await?;
        let filled = bytes(&file)?;
        table.row(vec![
            "user with the log row of its create".into(),
            count(MANY),
            each(filled - empty, MANY),
        ]);
        // Each user is changed once, to what it is not, and then again, to what it is.
        for what in ["log row of a change", "log row of a write that changed nothing"] {
            let before = bytes(&file)?;
            self.noted(growth::rename_all(&directory, self.options.workers)).await?;
            table.row(vec![what.into(), count(MANY), each(bytes(&file)? - before, MANY)]);
        }
        self.show(table);
        Ok(())
    }

    fn store_of(&self, key: &str) -> Result<PathBuf> {
        let region = self.gateway.data_dir().join(REGION);
        let mut registry = SqliteConnection::establish(&region.join("registry.db").display().to_string())?;
        let id = diesel::sql_query("SELECT id FROM tenants WHERE company_key = ?");
        let id = id.bind::<diesel::sql_types::Text, _>(key).get_result::<Id>(&mut registry)?.id;
        Ok(region.join("tenants").join(format!("{id}.db")))
    }

    /// The same work on this release and on another one, in turns. They are compared by the CPU time of the gateway, which other work on the
    /// machine changes least.
    async fn against(&mut self, other: PathBuf) -> Result<()> {
        self.say("this release and another one in turns …");
        // Both have just started: a process that has done the work of the rows before takes some percent more.
        let start = |binary: &Path, name: &str| {
            let folder = self.options.folder.join(name);
            std::fs::create_dir_all(&folder)?;
            let setup = Setup { folder: Some(&folder), is_older: true, ..Setup::default() };
            std::io::Result::Ok(Gateway::set_up(binary, setup))
        };
        let gateways = [start(&self.options.usher, "this")?, start(&other, "other")?];
        let mut sides = [self.side(&gateways[0]).await?, self.side(&gateways[1]).await?];
        let (workers, bound) = (self.options.workers, Bound::time(self.options.window / TURNS));
        let mut table = Table::new(
            "This release against another one",
            &["operation", "a second", "the other", "CPU µs", "the other", "rate by CPU", "goal", "verdict"],
        );
        let steps = [Step::Probe, Step::Get, Step::FirstPage, Step::Patch, Step::Put].map(Work::Step);
        for work in steps.into_iter().chain([Work::Unchanged, Work::Create, Work::Mix]) {
            if matches!(work, Work::Unchanged) {
                for directory in &sides {
                    self.noted(growth::rename_all(directory, workers)).await?;
                }
            }
            let mut sums = [Phase::default(), Phase::default()];
            for turn in 0..self.options.rounds * TURNS {
                let mut pairs: Vec<_> = sides.iter_mut().zip(&mut sums).collect();
                if turn % 2 == 1 {
                    pairs.reverse();
                }
                for (directory, sum) in pairs {
                    let phase = match work {
                        Work::Step(step) => growth::run(directory, workers, bound, step).await,
                        Work::Create => create_users(directory, workers, bound, Lookup::Never).await,
                        Work::Mix => steady_mix::run(directory, workers, bound).await,
                        Work::Unchanged => growth::rename_all(directory, workers).await,
                    };
                    sum.absorb(self.noted(std::future::ready(phase)).await?)?;
                }
            }
            let cost = |phase: &Phase| phase.server_cpu.as_secs_f64() / phase.record.total().max(1) as f64;
            let name = work.name();
            let [new, old] = &sums;
            let mut row = vec![name.to_owned()];
            row.extend([new, old].map(|phase| number(phase.overall_rate())));
            row.extend([new, old].map(|phase| number(cost(phase) * 1e6)));
            let share = cost(old) / cost(new);
            row.extend(match work {
                // It has no goal: an older release may keep no row of a write that changes nothing.
                Work::Unchanged => [goals::AGAINST_PARENT.figure(share), String::new(), String::new()],
                _ => self.report.judge(
                    &format!("{name} against another release"),
                    share,
                    goals::AGAINST_PARENT,
                ),
            });
            table.row(row);
        }
        self.show(table);
        Ok(())
    }

    /// A tenant with users and groups.
    async fn side(&mut self, gateway: &Gateway) -> Result<Directory> {
        let target = onboard(gateway, "bench-against")?;
        let mut directory = Directory::empty(target);
        self.create(&mut directory, self.options.workers, Bound::turns(USERS)).await?;
        self.gather_groups(&mut directory).await?;
        Ok(directory)
    }
}

/// An operation, or a mix of some, by which two releases are compared.
#[derive(Clone, Copy)]
enum Work {
    Step(Step),
    Create,
    Mix,
    /// A `PATCH` of what is so already.
    Unchanged,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Step(step) => step.operations()[0],
            Self::Create => "create user",
            Self::Mix => "steady mix",
            Self::Unchanged => "PATCH that changes nothing",
        }
    }
}

/// The bytes of a database's pages that are in use, also of those that are not in the file yet.
fn bytes(file: &std::path::Path) -> Result<i64> {
    let mut connection = SqliteConnection::establish(&file.display().to_string())?;
    let used = "SELECT (page_count - freelist_count) * page_size AS bytes \
                FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    Ok(diesel::sql_query(used).get_result::<Bytes>(&mut connection)?.bytes)
}

fn each(bytes: i64, rows: usize) -> String {
    number(bytes as f64 / rows as f64)
}
