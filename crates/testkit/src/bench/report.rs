//! The tables: made once, shown as text for the terminal and as Markdown for `docs/performance.md`.

use std::fmt::Write;
use std::time::Duration;

use super::goals::Goal;
use super::record::Percentiles;

/// A titled table.
pub struct Table {
    title: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// All tables of a run, and how many goals were reached.
#[derive(Default)]
pub struct Report {
    tables: Vec<Table>,
    met: usize,
    missed: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, header: &[&'static str]) -> Self {
        Self { title: title.into(), header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }

    /// As text for a terminal.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut out = format!("\n{}\n", self.title);
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                let blanks = " ".repeat(width - cell.chars().count());
                if column == 0 { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
            });
            format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
        };
        let header: Vec<_> = self.header.iter().map(|&name| name.to_owned()).collect();
        writeln!(out, "{}", line(&header)).ok();
        writeln!(out, "  {}", widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("  "))
            .ok();
        for row in &self.rows {
            writeln!(out, "{}", line(row)).ok();
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.header[column].chars().count()]).max().unwrap_or(0)
        };
        (0..self.header.len()).map(width).collect()
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("\n### {}\n\n| {} |\n|", self.title, self.header.join(" | "));
        out.push_str(" --- |");
        out.push_str(&" ---: |".repeat(self.header.len().saturating_sub(1)));
        out.push('\n');
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            writeln!(out, "| {} |", cells.join(" | ")).ok();
        }
        out
    }
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
    fn both_forms_show_the_same_cells() {
        let mut report = Report::default();
        let mut table = Table::new("Rates", &["operation", "rate", "goal"]);
        table.row(vec!["créer a|b".into(), "12".into()]);
        report.add(table);
        assert_eq!(
            report.latest(),
            "\nRates\n  operation  rate  goal\n  ─────────  ────  ────\n  créer a|b    12\n"
        );
        let markdown = "0 of 0 goals met.\n\n### Rates\n\n| operation | rate | goal |\n| --- | ---: | ---: |\n\
                        | créer a\\|b | 12 |  |\n";
        assert_eq!(report.markdown(), markdown);
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
