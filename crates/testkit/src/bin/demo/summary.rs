//! The table at the end: what each person asked for and got, what the identity provider was told, and the texts of the refusals.

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
        stories
            .iter()
            .flat_map(move |story| story.people.iter().map(move |person| (of(story), story.profile, person)))
    };
    let header = ["tenant", "profile", "who", "asked for", "has", "the identity provider was told"];
    let mut table =
        Table::of_texts("Who asked for what, who got what, and what the identity provider was told", &header);
    for (tenant, profile, person) in people() {
        let has = person.outcomes.last().map_or_else(String::new, Outcome::words);
        let who = person.user_name.split('@').next().unwrap_or_default().to_owned();
        let row =
            [tenant, profile.to_owned(), who, person.asked.join(", then "), has, person.told.join(", ")];
        table.row(row.to_vec());
    }
    let tones = people().map(|(_, _, person)| person.outcomes.last().map(Outcome::tone));
    let text = table.text();
    for (line, tone) in text.lines().zip([None; Table::LINES_ABOVE].into_iter().chain(tones)) {
        told.line(&tone.map_or_else(|| line.to_owned(), |tone| told.toned(line, tone)));
    }

    told.heading("What the identity provider read when it was refused");
    for (tenant, _, person) in people() {
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
