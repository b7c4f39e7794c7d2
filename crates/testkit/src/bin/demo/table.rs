//! The table at the end: who asked for what, who got what, and what the identity provider was told at the limit.

use crate::{
    story::{Outcome, Person, Story},
    told::Told,
};

const HEADINGS: [&str; 5] = ["TENANT", "WHO", "ASKED FOR", "FIRST ANSWER", "NOW"];
/// A line of a refusal is broken here, for a terminal of 100 columns.
const WIDTH: usize = 94;

pub(crate) fn print(told: &Told, stories: &[&Story<'_>]) {
    told.heading("Who asked for what, and who got what");
    let people = || stories.iter().flat_map(|story| story.people.iter().map(|person| (story.tenant, person)));
    let rows: Vec<_> = people().map(|(tenant, person)| row(tenant, person)).collect();
    let widths = widths(&rows);
    told.line(&line(&HEADINGS.map(str::to_owned), widths));
    for (row, (_, person)) in rows.iter().zip(people()) {
        let line = line(row, widths);
        told.line(&person.outcomes.last().map_or(line.clone(), |now| told.toned(&line, now.tone())));
    }

    told.heading("What the identity provider was told at the limit");
    for (tenant, person) in people() {
        for (status, detail) in person.outcomes.iter().filter_map(refusal) {
            told.line(&format!("{tenant}, {}: {status}", person.user_name));
            for line in wrapped(detail) {
                told.line(&format!("    {line}"));
            }
        }
    }
}

fn row(tenant: &str, person: &Person) -> [String; 5] {
    let words = |outcome: Option<&Outcome>| outcome.map_or_else(String::new, Outcome::words);
    [
        tenant.to_owned(),
        person.user_name.clone(),
        person.asked.join(", then "),
        words(person.outcomes.first()),
        words(person.outcomes.last()),
    ]
}

fn refusal(outcome: &Outcome) -> Option<(u16, &str)> {
    match outcome {
        Outcome::Refused { status, detail } => Some((*status, detail)),
        _ => None,
    }
}

fn widths(rows: &[[String; 5]]) -> [usize; 5] {
    let mut widths = HEADINGS.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

fn line(cells: &[String; 5], widths: [usize; 5]) -> String {
    let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
