//! Tables: made once, shown as text for a terminal and as Markdown for a document.

/// A titled table.
pub struct Table {
    title: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Figures stand to the right, but for the first column; texts to the left.
    figures: bool,
}

impl Table {
    /// Lines of the text above the first row.
    pub const LINES_ABOVE: usize = 4;

    /// A table of figures, without rows.
    pub fn new(title: impl Into<String>, header: &[&'static str]) -> Self {
        Self { title: title.into(), header: header.to_vec(), rows: Vec::new(), figures: true }
    }

    /// A table of texts, without rows.
    pub fn of_texts(title: impl Into<String>, header: &[&'static str]) -> Self {
        Self { figures: false, ..Self::new(title, header) }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }

    /// As text for a terminal.
    pub fn text(&self) -> String {
        let header: Vec<String> = self.header.iter().map(|&name| name.to_owned()).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&header]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if self.figures && column > 0 { format!("{cell:>width$}") } else { format!("{cell:width$}") }
            });
            format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
        };
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let lines = [line(&header), line(&rule)].into_iter().chain(self.rows.iter().map(|row| line(row)));
        format!("\n{}\n{}", self.title, lines.collect::<String>())
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let rule = [" --- |", &" ---: |".repeat(self.header.len().saturating_sub(1))].concat();
        let mut out = format!("\n### {}\n\n| {} |\n|{rule}\n", self.title, self.header.join(" | "));
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_the_same_cells() {
        let row = vec!["créer a|b".into(), "12".into()];
        let header = ["operation", "rate", "goal"];
        let (mut table, mut texts) = (Table::new("Rates", &header), Table::of_texts("Rates", &header));
        table.row(row.clone());
        let above = "\nRates\n  operation  rate  goal\n  ─────────  ────  ────\n";
        assert_eq!(table.text(), format!("{above}  créer a|b    12\n"));
        let markdown = "\n### Rates\n\n| operation | rate | goal |\n| --- | ---: | ---: |\n\
                        | créer a\\|b | 12 |  |\n";
        assert_eq!(table.markdown(), markdown);
        texts.row(row);
        assert_eq!(texts.text(), format!("{above}  créer a|b  12\n"));
        assert_eq!(above.lines().count(), Table::LINES_ABOVE);
    }
}
