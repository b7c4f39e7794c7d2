//! Why a person is missing, or has no license, or has another one: one answer, one sentence, and what to do about it.

mod asked;
mod find;
mod refusals;
mod steps;

use directory::{
    log::{self, LogRow, Wanted},
    resources::Record,
    standing::Held,
};
use profiles::choice::People;
use seat_ledger::{License, Seat, seats};
use store::ReadTx;
use strum::IntoStaticStr;

use crate::{
    ProvisioningError, Rules,
    log::{Details, Idp, LogResult, every_row},
    roster::{self, Person},
    timestamp::iso,
    wishes::is_working,
};

pub use asked::Asked;
pub use refusals::Refusal;
pub use steps::Step;

use find::Found;

/// How it stands with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Answer {
    /// No write about the person was ever answered.
    NeverReceived,
    /// The person is not here, and the newest write about the person was refused.
    Refused,
    /// The person waits for a seat, with a lesser license or with none.
    Waiting,
    /// What was sent last is stored, and its effect waits for staff.
    Held,
    /// The person is here and may not work.
    Suspended,
    /// The person is here with the license that was asked for.
    Present,
    /// The person was here and is deleted.
    Deleted,
}

impl Answer {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What is known of a person.
#[derive(Clone, Debug)]
pub struct Explained {
    /// How it stands.
    pub answer: Answer,
    /// That in words.
    pub sentence: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: Option<i64>,
    /// What to do, one sentence each.
    pub steps: Vec<String>,
    /// The place in the queue for the license, from 1.
    pub place: Option<u64>,
    /// The person, who is here.
    pub person: Option<Person>,
    /// The newest rows of the log about the person.
    pub rows: Vec<LogRow>,
}

/// Rows of the log that are told.
const ROWS: usize = 10;

/// Explains a person.
///
/// # Errors
/// When the store fails.
pub fn explain(tx: &mut ReadTx<'_>, rules: &Rules, asked: Asked<'_>) -> Result<Explained, ProvisioningError> {
    let Found { record, about } = find::find(tx, rules, asked.user)?;
    let rows = log::page(tx, &Wanted { about, ..every_row() }, None, ROWS)?;
    let idp = recognised(tx, &rows)?;
    let is_named = rules.profile().log.people == People::Names;
    let of_ref = rows.iter().find(|row| is_named && row.request_id == asked.user);
    let name = of_ref.and_then(|row| row.user_name.as_deref().or(row.user_key.as_deref()));
    let told = Telling { user: name.unwrap_or(asked.user), idp, rows: &rows };
    let (story, person) = match &record {
        None => (told.of_absent(), None),
        Some(record) => {
            let seat = seats::find(tx, rules.product.licenses(), &record.id)?;
            let place = seat.as_ref().map(|seat| seats::place_in_queue(tx, seat)).transpose()?.flatten();
            let person = roster::person(tx, rules, &record.id)?;
            (told.of_person(record, &person, seat.as_ref(), place)?, Some(person))
        }
    };
    let Story { answer, sentence, since_ms, steps, place } = story;
    let steps = steps.into_iter().map(|step| step.words(idp, &asked)).collect();
    Ok(Explained { answer, sentence, since_ms, steps, place, person, rows })
}

/// The identity provider of these rows, else the one that wrote last to the tenant.
fn recognised(tx: &mut ReadTx<'_>, rows: &[LogRow]) -> Result<Idp, ProvisioningError> {
    let of = |row: &LogRow| row.idp.parse::<Idp>().ok().filter(|idp| !matches!(idp, Idp::Staff | Idp::Other));
    if let Some(idp) = rows.iter().find_map(of) {
        return Ok(idp);
    }
    let named = Idp::ALL.iter().filter(|idp| !matches!(idp, Idp::Staff | Idp::Other));
    let wanted = Wanted { idps: named.map(|idp| idp.word()).collect(), ..every_row() };
    Ok(log::page(tx, &wanted, None, 1)?.first().and_then(of).unwrap_or_default())
}

/// An answer before it is told to somebody.
struct Story {
    answer: Answer,
    sentence: String,
    since_ms: Option<i64>,
    steps: Vec<Step>,
    place: Option<u64>,
}

impl Story {
    fn new(answer: Answer, sentence: String, since_ms: Option<i64>, steps: Vec<Step>) -> Self {
        Self { answer, sentence, since_ms, steps, place: None }
    }
}

/// What a story is told from.
struct Telling<'a> {
    /// The person who was asked for. Who was named by a Ref has the name that the row of the refusal has.
    user: &'a str,
    idp: Idp,
    rows: &'a [LogRow],
}

impl Telling<'_> {
    fn of_absent(&self) -> Story {
        let user = self.user;
        let Some(newest) = self.rows.first() else {
            let sentence = format!(
                "Nothing was ever received about {user}: no write of an identity provider named this person, as long as the log is kept."
            );
            return Story::new(Answer::NeverReceived, sentence, None, vec![Step::Assign, Step::CheckMapping]);
        };
        let since = Some(newest.place.at_ms);
        if newest.result == LogResult::Refused.word() {
            let (sentence, steps) = of_refusal(newest);
            let sentence = format!("{user} is not here: {sentence}");
            return Story::new(Answer::Refused, sentence, since, steps);
        }
        let by = who(newest);
        let sentence = format!("{user} was here and was deleted on {} by {by}.", iso(newest.place.at_ms));
        Story::new(Answer::Deleted, sentence, since, vec![Step::Assign])
    }

    fn of_person(
        &self,
        record: &Record,
        person: &Person,
        seat: Option<&Seat>,
        place: Option<u64>,
    ) -> Result<Story, ProvisioningError> {
        let name = &person.user_name;
        let since = seat.map_or(record.modified_ms, |seat| seat.since_ms);
        let mut story = if let Some(held) = record.standing.held {
            self.of_held(name, held, person.idp.as_ref().is_some_and(|sent| sent.deleted))
        } else if !is_working(&record.standing, &record.parse()?) {
            let by_staff = record.standing.active == Some(false);
            let by = if by_staff { "staff".to_owned() } else { self.deactivated_by() };
            let kept = seat.and_then(|seat| seat.granted.as_ref()).map(License::title);
            let seat = kept
                .map_or("holds no seat".to_owned(), |title| format!("keeps the {title} seat for some days"));
            let sentence = format!(
                "{name} is here and not active, by the word of {by}: the person may not come in and {seat}."
            );
            let steps = if by_staff { vec![Step::Activate] } else { vec![Step::Reactivate] };
            Story::new(Answer::Suspended, sentence, Some(since), steps)
        } else if let (Some(seat), Some(place)) = (seat, place) {
            let reason = seat.reason().unwrap_or_default();
            let sentence = format!(
                "{name} is here and waits for a {} seat, at place {place} of the queue. {reason}",
                seat.requested.title()
            );
            let steps = vec![Step::FreeSeat, Step::RaiseQuota];
            Story { place: Some(place), ..Story::new(Answer::Waiting, sentence, Some(since), steps) }
        } else {
            let license = seat.and_then(|seat| seat.granted.as_ref()).map_or("no license", License::title);
            let role = person.role.as_deref().unwrap_or("none");
            let sentence = format!(
                "{name} is here and active, with the license {license} and the role {role}, which comes from {}.",
                person.role_from
            );
            Story::new(Answer::Present, sentence, Some(since), vec![Step::SignIn])
        };
        if let Some(newest) = self.rows.first().filter(|row| row.result == LogResult::Refused.word()) {
            let (sentence, steps) = of_refusal(newest);
            story.sentence = format!("{} But {sentence}", story.sentence);
            story.steps = [steps, story.steps].concat();
            story.steps.dedup();
        }
        Ok(story)
    }

    fn of_held(&self, name: &str, held: Held, is_deleted: bool) -> Story {
        let why = match held {
            Held::Protected => "the profile protects this person from changes of identity providers",
            Held::LastAdmin => "there would be no active admin left",
            Held::GroupWipe => "a change of a group would take the seats of too many people at once",
            Held::Breaker => {
                "too many people have lost their access in a short time, and the breaker has opened"
            }
        };
        let row = self.rows.iter().find(|row| row.result == LogResult::Held.word());
        let sent = if is_deleted { "the deletion that was sent" } else { "what was sent last" };
        let sentence = format!("{name} is here and keeps role and seat; {sent} waits, because {why}.");
        let steps = match held {
            Held::Protected => vec![Step::Release],
            Held::LastAdmin => vec![Step::AnotherAdmin, Step::Release],
            Held::GroupWipe => vec![Step::ReleaseGroup, Step::Release],
            Held::Breaker => vec![Step::Breaker],
        };
        Story::new(Answer::Held, sentence, row.map(|row| row.place.at_ms), steps)
    }

    /// Who made the person inactive, as far as the newest rows tell.
    fn deactivated_by(&self) -> String {
        let applied = self.rows.iter().find(|row| Details::of(row).has_changed("active"));
        applied.map_or_else(|| idp_name(self.idp).to_owned(), who)
    }
}

/// The refusal that a row tells of, and what to do about it.
fn of_refusal(row: &LogRow) -> (String, Vec<Step>) {
    let details = Details::of(row);
    let refusal = Refusal::of(&details);
    let sentence = format!(
        "the newest write, on {} by {}, was refused because {}. It was told: {}",
        iso(row.place.at_ms),
        who(row),
        refusal.because(),
        details.text("sentence").unwrap_or_default()
    );
    (sentence, refusal.steps())
}

/// Who sent a write.
fn who(row: &LogRow) -> String {
    match (row.idp.parse::<Idp>(), &row.actor) {
        (Ok(Idp::Staff), Some(actor)) => format!("staff ({actor})"),
        (Ok(idp), _) => idp_name(idp).to_owned(),
        (Err(_), _) => idp_name(Idp::Other).to_owned(),
    }
}

/// The name of an identity provider in a sentence.
#[must_use]
pub fn idp_name(idp: Idp) -> &'static str {
    match idp {
        Idp::Okta => "Okta",
        Idp::Entra => "Entra ID",
        Idp::OneLogin => "OneLogin",
        Idp::JumpCloud => "JumpCloud",
        Idp::Ping => "Ping",
        Idp::Google => "Google",
        Idp::Authentik => "authentik",
        Idp::Other => "the identity provider",
        Idp::Staff => "staff",
    }
}
