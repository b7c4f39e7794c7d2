//! The table at the end: the license that each person asked for and got, and the texts of the refusals.

use testkit::table::Table;

use crate::{
    story::{Outcome, Story},
    told::Told,
};

/// A line of a refusal is broken here, for a terminal of 100 columns.
const WIDTH: usize = 94;

pub(crate) fn print(told: &Told, stories: &[Story<'_>]) {
    let people = || {
        let of = |story: &Story<'_>| format!("{}/{}", story.tenant.region, story.tenant.key);
        stories.iter().flat_map(move |story| story.people.iter().map(move |person| (of(story), person)))
    };
    let header = ["tenant", "who", "asked for", "first answer", "now"];
    let mut table = Table::of_texts("Who asked for what, and who got what", &header);
    for (tenant, person) in people() {
        let words = |outcome: Option<&Outcome>| outcome.map_or_else(String::new, Outcome::words);
        let [first, now] = [person.outcomes.first(), person.outcomes.last()].map(words);
        table.row(vec![tenant, person.user_name.clone(), person.asked.join(", then "), first, now]);
    }
    let tones = people().map(|(_, person)| person.outcomes.last().map(Outcome::tone));
    let text = table.text();
    for (line, tone) in text.lines().zip([None; Table::LINES_ABOVE].into_iter().chain(tones)) {
        told.line(&tone.map_or_else(|| line.to_owned(), |tone| told.toned(line, tone)));
    }

    told.heading("What the identity provider read at the limit");
    for (tenant, person) in people() {
        for outcome in &person.outcomes {
            let Outcome::Refused { status, detail } = outcome else { continue };
            told.line(&format!("{tenant}, {}: {status}", person.user_name));
            wrapped(detail).iter().for_each(|line| told.line(&format!("    {line}")));
        }
    }
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
