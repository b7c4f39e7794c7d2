//! The tables of a run, the goals that it reached, and how figures are written.

use std::time::Duration;

use super::goals::Goal;
use super::record::Percentiles;
use crate::table::Table;

/// All tables of a run, and how many goals were reached.
#[derive(Default)]
pub struct Report {
    tables: Vec<Table>,
    met: usize,
    missed: Vec<String>,
}

impl Report {
    /// Adds a table.
    pub fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Three cells: the figure in the goal's unit, the goal, the verdict. The verdict is counted.
    pub fn judge(&mut self, what: &str, figure: f64, goal: Goal) -> [String; 3] {
        let met = goal.is_met(figure);
        let told = goal.figure(figure);
        if met {
            self.met += 1;
        } else {
            self.missed.push(format!("{what}: {told}, the goal is {}", goal.text()));
        }
        [told, goal.text(), if met { "met" } else { "not met" }.to_owned()]
    }

    /// The last table of the run as text, to be shown while the run goes on.
    pub fn latest(&self) -> String {
        self.tables.last().map(Table::text).unwrap_or_default()
    }

    /// How many goals were reached, and which were not.
    pub fn verdict(&self) -> String {
        let all = self.met + self.missed.len();
        let missed: String = self.missed.iter().map(|missed| format!("\n- not met: {missed}")).collect();
        format!("{} of {all} goals met.{missed}\n", self.met)
    }

    /// All tables as Markdown.
    pub fn markdown(&self) -> String {
        let tables: String = self.tables.iter().map(Table::markdown).collect();
        format!("{}{tables}", self.verdict())
    }
}

/// A rate or a count with its thousands apart: `12,345`; below ten with one decimal.
pub fn number(value: f64) -> String {
    if value < 9.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// A count with its thousands apart.
pub fn count(count: usize) -> String {
    number(count as f64)
}

/// A time in milliseconds with three digits that mean something.
pub fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    match ms {
        _ if ms < 1.0 => format!("{ms:.3}"),
        _ if ms < 10.0 => format!("{ms:.2}"),
        _ if ms < 100.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// Two cells: median and 99th percentile in milliseconds.
pub fn percentiles(found: Option<Percentiles>) -> [String; 2] {
    found.map_or([String::new(), String::new()], |found| [milliseconds(found.p50), milliseconds(found.p99)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let told = [0.0, 4.25, 9.96, 999.6, 1_000.0, 1_234_567.8].map(number);
        assert_eq!(told, ["0.0", "4.2", "10", "1,000", "1,000", "1,234,568"]);
    }

    #[test]
    fn times_keep_three_digits() {
        let told = [93, 1_504, 26_700, 143_210].map(|us| milliseconds(Duration::from_micros(us)));
        assert_eq!(told, ["0.093", "1.50", "26.7", "143"]);
    }

    #[test]
    fn the_verdict_names_what_was_missed() {
        let mut report = Report::default();
        report.judge("page", 4.0, Goal::Milliseconds(5.0));
        let cells = report.judge("probe", 0.2, Goal::ShareOfLimit(0.25));
        assert_eq!(cells, ["20 %", "≥ 25 %", "not met"]);
        assert_eq!(report.verdict(), "1 of 2 goals met.\n- not met: probe: 20 %, the goal is ≥ 25 %\n");
    }
}
