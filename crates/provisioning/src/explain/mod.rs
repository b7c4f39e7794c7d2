//! Why a person is missing, or has no license, or has another one: one answer, one sentence, and what to do about it.

mod asked;
mod find;
mod refusals;
mod steps;

use std::slice;

use directory::{
    breaker::losses,
    changes, group_wipes,
    log::{self, About, Deletion, LogRow, Wanted},
    resources::{Record, is_id},
    standing::Held,
    user_name_key,
};
use profiles::choice::{Groupless, People};
use seat_ledger::{License, Seat, seats};
use store::ReadTx;
use strum::{IntoStaticStr, VariantArray};

use crate::{
    ProvisioningError, Rules, groupless,
    health::traffic_of_all,
    log::{Details, Idp, LogResult, every_row},
    roster::{self, Person},
    timestamp::iso,
    wishes::is_working,
};

pub use asked::Asked;
pub use find::refusal_of_request;
pub use refusals::{NO_SUCH_PATH, Refusal, SUSPENDED};
pub use steps::Step;

use find::{Found, Known, is_refused};

/// How it stands with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
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
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;

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
    let Known { record, about, others } = match find::find(tx, rules, asked.user)? {
        Found::Person(known) => known,
        Found::Write(row) => return of_write(tx, row, &asked),
    };
    let rows = log::page(tx, &Wanted { about, ..every_row() }, None, ROWS)?;
    let idp = recognised(tx, &rows)?;
    let is_named = rules.profile().log.people == People::Names;
    let of_ref = rows.iter().find(|row| is_named && row.request_id == asked.user);
    let name = of_ref.and_then(|row| row.user_name.as_deref().or(row.user_key.as_deref()));
    let told = Telling { user: name.unwrap_or(asked.user), idp, rows: &rows };
    let (mut story, person) = match &record {
        None => (told.of_absent(gone(tx, &rows)?, newest_nameless(tx, &rows)?), None),
        Some(record) => {
            let seat = seats::find(tx, rules.product.licenses(), &record.id)?;
            let place = seat.as_ref().map(|seat| seats::place_in_queue(tx, seat)).transpose()?.flatten();
            let person = roster::person(tx, rules, &record.id)?;
            let is_by_clock = suspended_by_clock(tx, rules, record, &person)?;
            let held_since_ms = held_since_ms(tx, record, &rows)?;
            let seated = Seated { seat, place, is_by_clock, held_since_ms };
            (told.of_person(record, &person, &seated)?, Some(person))
        }
    };
    if let Some(person) = person.as_ref().filter(|person| is_named && told.is_former_name(person, &rows)) {
        story.sentence = format!("{} is called {} now. {}", told.user, person.user_name, story.sentence);
    }
    if others > 0 {
        story.sentence = format!("{} {others} more of the same request were refused.", story.sentence);
    }
    let Story { answer, sentence, since_ms, steps, place } = story;
    let steps = steps.into_iter().map(|step| step.words(idp, &asked)).collect();
    Ok(Explained { answer, sentence, since_ms, steps, place, person, rows })
}

/// Explains a refused write that is about no person.
fn of_write(tx: &mut ReadTx<'_>, row: LogRow, asked: &Asked<'_>) -> Result<Explained, ProvisioningError> {
    let idp = recognised(tx, slice::from_ref(&row))?;
    let what = match row.kind.as_str() {
        "user.refused" => "A write of a person whom it did not name",
        "group.refused" => "A write of a group",
        "bulk.refused" => "A bulk",
        _ => "A write to another path",
    };
    let Refused { sentence, steps } = Refused::of(&row);
    Ok(Explained {
        answer: Answer::Refused,
        sentence: format!("{what}{sentence}"),
        since_ms: Some(row.place.at_ms),
        steps: steps.into_iter().map(|step| step.words(idp, asked)).collect(),
        place: None,
        person: None,
        rows: vec![row],
    })
}

/// Newest changes of a person among which the one is looked for that made the person inactive.
const CHANGES: i64 = 50;

/// Whether the tick made this person inactive, because the person had left the last group.
fn suspended_by_clock(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    record: &Record,
    person: &Person,
) -> Result<bool, ProvisioningError> {
    // A person of the first version was made inactive.
    let may_be = rules.profile().leaving.groupless == Groupless::Suspend && !person.active;
    if !may_be || record.version == 1 {
        return Ok(false);
    }
    // The person's row has the number of the last change. The changes before that have no index, so they are read only where the last one
    // is of other attributes.
    if let Some(last) = changes::of_number(tx, record.changed_number, &record.id)? {
        let details = Details::of_text(&last.detail);
        if details.has_changed("active") {
            return Ok(is_groupless(&details));
        }
    }
    let changes = changes::of_resource(tx, &person.id, CHANGES)?;
    let mut newest_first = changes.iter().map(|change| Details::of_text(&change.detail));
    let newest = newest_first.find(|details| details.has_changed("active"));
    Ok(newest.as_ref().is_some_and(is_groupless))
}

/// Whether a change was made because the person had left the last group.
fn is_groupless(details: &Details) -> bool {
    details.text("cause") == Some(groupless::CAUSE)
}

/// A deletion.
struct Gone {
    at_ms: i64,
    /// The tick made it, because the person had left the last group. The log has no row of that, because it answers no write.
    is_by_clock: bool,
}

/// The deletion of the person whom these rows are about.
fn gone(tx: &mut ReadTx<'_>, rows: &[LogRow]) -> Result<Option<Gone>, ProvisioningError> {
    let Some(id) = rows.iter().map(|row| row.resource_id.as_str()).find(|id| is_id(id)) else {
        return Ok(None);
    };
    let of = |deletion: Deletion| {
        let is_by_clock = is_groupless(&Details::of_text(&deletion.detail));
        Gone { at_ms: deletion.at_ms, is_by_clock }
    };
    Ok(log::deletion_of(tx, id)?.map(of))
}

/// The time since which the effect of what was sent waits. The rows are the newest ones of the person; those of others who wait for the same reason
/// have none.
fn held_since_ms(
    tx: &mut ReadTx<'_>,
    record: &Record,
    rows: &[LogRow],
) -> Result<Option<i64>, ProvisioningError> {
    let noted_ms = match record.standing.held {
        None => return Ok(None),
        Some(Held::GroupWipe) => group_wipes::since_ms(tx, &record.id)?,
        Some(Held::Breaker) => losses::held_since_ms(tx, &record.id)?,
        Some(Held::Protected | Held::LastAdmin) => None,
    };
    // Later writes are held too, or change nothing, or are refused.
    let is_applied = |row: &&LogRow| {
        [LogResult::Applied, LogResult::Linked].iter().any(|result| row.result == result.word())
    };
    let waiting = rows.iter().take_while(|row| !is_applied(row));
    let first_held = waiting.filter(|row| row.result == LogResult::Held.word()).last();
    Ok(noted_ms.or(first_held.map(|row| row.place.at_ms)))
}

/// The newest refused write that named nobody, where nothing is known of a person.
fn newest_nameless(tx: &mut ReadTx<'_>, rows: &[LogRow]) -> Result<Option<LogRow>, ProvisioningError> {
    if !rows.is_empty() {
        return Ok(None);
    }
    let about = vec![About::Resource(String::new())];
    let wanted = Wanted { about, results: vec![LogResult::Refused.word()], ..every_row() };
    Ok(log::page(tx, &wanted, None, ROWS)?.into_iter().find(|row| row.kind.starts_with("user.")))
}

/// The identity provider of these rows, else the one that wrote last to the tenant.
fn recognised(tx: &mut ReadTx<'_>, rows: &[LogRow]) -> Result<Idp, ProvisioningError> {
    let of = |row: &LogRow| row.idp.parse::<Idp>().ok().filter(|idp| !matches!(idp, Idp::Staff | Idp::Other));
    if let Some(idp) = rows.iter().find_map(of) {
        return Ok(idp);
    }
    let named = Idp::ALL.iter().filter(|idp| !matches!(idp, Idp::Staff | Idp::Other));
    let wanted = Wanted { idps: named.map(|idp| idp.word()).collect(), ..every_row() };
    match log::page(tx, &wanted, None, 1)?.first().and_then(of) {
        Some(idp) => Ok(idp),
        None => last_caller(tx),
    }
}

/// The identity provider that called last: one that only looks people up has no row of the log.
fn last_caller(tx: &mut ReadTx<'_>) -> Result<Idp, ProvisioningError> {
    let traffic = traffic_of_all(tx)?;
    let named = traffic.values().filter(|traffic| traffic.idp != Idp::Other);
    Ok(named.max_by_key(|traffic| traffic.last_call_ms()).map(|traffic| traffic.idp).unwrap_or_default())
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

/// The seat of a person who is here.
struct Seated {
    seat: Option<Seat>,
    /// The place in the queue, from 1.
    place: Option<u64>,
    /// The tick made the newest change, because the person had left the last group.
    is_by_clock: bool,
    /// The time since which the effect of what was sent waits.
    held_since_ms: Option<i64>,
}

impl Telling<'_> {
    /// Whether the person was asked for by a userName of before.
    fn is_former_name(&self, person: &Person, rows: &[LogRow]) -> bool {
        let asked = user_name_key(self.user);
        user_name_key(&person.user_name) != asked
            && rows.iter().any(|row| row.user_key.as_deref() == Some(asked.as_str()))
    }

    /// Nobody is here. `nameless` is the newest refused write that named nobody.
    fn of_absent(&self, gone: Option<Gone>, nameless: Option<LogRow>) -> Story {
        let Some(first) = self.rows.first() else { return self.of_unknown(nameless) };
        // Later writes to a person who is deleted meet nobody: they are no reason for which the person is missing.
        let telling = self.rows.iter().find(|row| !met_nobody(row));
        let gone = gone.filter(|gone| telling.is_none_or(|row| gone.at_ms >= row.place.at_ms));
        let story = match (telling, gone) {
            (_, Some(Gone { at_ms, is_by_clock: true })) => {
                let sentence = format!(
                    "{} was here and was deleted on {} by the profile, because the person had left the last group that is pushed.",
                    self.user,
                    iso(at_ms)
                );
                Story::new(Answer::Deleted, sentence, Some(at_ms), vec![Step::Regroup, Step::Assign])
            }
            (None, Some(Gone { at_ms, .. })) => {
                let sentence = format!("{} was here and was deleted on {}.", self.user, iso(at_ms));
                Story::new(Answer::Deleted, sentence, Some(at_ms), vec![Step::Assign])
            }
            (row, _) => self.of_newest(row.unwrap_or(first)),
        };
        if story.answer != Answer::Deleted || !met_nobody(first) {
            return story;
        }
        let sentence = format!("{} The newest write{}", story.sentence, Refused::of(first).sentence);
        Story { sentence, ..story }
    }

    /// Nothing is known of a person.
    fn of_unknown(&self, nameless: Option<LogRow>) -> Story {
        let mut sentence = format!(
            "Nothing was ever received about {}: no write of an identity provider named this person, as long as the log is kept. \
             Who is not here is found by userName, or by the Ref of a refusal.",
            self.user
        );
        let mut steps = vec![Step::Assign, Step::CheckMapping];
        if let Some(row) = nameless {
            let refused = Refused::of(&row);
            sentence = format!("{sentence} But a write that named nobody{}", refused.sentence);
            steps = [refused.steps, steps].concat();
        }
        Story::new(Answer::NeverReceived, sentence, None, steps)
    }

    /// The story that the newest row tells of a person who is not here.
    fn of_newest(&self, newest: &LogRow) -> Story {
        let (user, since) = (self.user, Some(newest.place.at_ms));
        if is_refused(newest) {
            let Refused { sentence, steps } = Refused::of(newest);
            let sentence = format!("{user} is not here: the newest write{sentence}");
            return Story::new(Answer::Refused, sentence, since, steps);
        }
        let (by, at) = (who(newest), iso(newest.place.at_ms));
        let sentence = match newest.kind.as_str() {
            "user.deleted" => format!("{user} was here and was deleted on {at} by {by}."),
            _ => format!("{user} was here, was written last on {at} by {by}, and is not here any more."),
        };
        Story::new(Answer::Deleted, sentence, since, vec![Step::Assign])
    }

    fn of_person(
        &self,
        record: &Record,
        person: &Person,
        seated: &Seated,
    ) -> Result<Story, ProvisioningError> {
        let (name, seat) = (&person.user_name, seated.seat.as_ref());
        let since = seat.map_or(record.modified_ms, |seat| seat.since_ms);
        let mut story = if let Some(held) = record.standing.held {
            let is_deleted = person.idp.as_ref().is_some_and(|sent| sent.deleted);
            let told = self.of_held(name, held, is_deleted);
            Story { since_ms: Some(seated.held_since_ms.unwrap_or(since)), ..told }
        } else if !is_working(&record.standing, &record.parse()?) {
            let by_staff = record.standing.active == Some(false);
            let by = match (by_staff, seated.is_by_clock) {
                (true, _) => "staff".to_owned(),
                (false, true) => {
                    "the profile, because the person has left the last group that is pushed".to_owned()
                }
                (false, false) => self.deactivated_by(),
            };
            let kept = seat.and_then(|seat| seat.granted.as_ref()).map(License::title);
            let seat = kept
                .map_or("holds no seat".to_owned(), |title| format!("keeps the {title} seat for some days"));
            let sentence = format!(
                "{name} is here and not active, by the word of {by}: the person may not come in and {seat}."
            );
            let steps = match (by_staff, seated.is_by_clock) {
                (true, _) => vec![Step::Activate],
                (false, true) => vec![Step::Regroup, Step::Reactivate],
                (false, false) => vec![Step::Reactivate],
            };
            Story::new(Answer::Suspended, sentence, Some(since), steps)
        } else if let (Some(seat), Some(place)) = (seat, seated.place) {
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
            let Refused { sentence, steps } = Refused::of(newest);
            story.sentence = format!("{} But the newest write{sentence}", story.sentence);
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
        let sent = if is_deleted { "the deletion that was sent" } else { "what was sent last" };
        let sentence = format!("{name} is here and keeps role and seat; {sent} waits, because {why}.");
        let steps = match held {
            Held::Protected => vec![Step::Release],
            Held::LastAdmin => vec![Step::AnotherAdmin, Step::Release],
            Held::GroupWipe => vec![Step::ReleaseGroup, Step::Release],
            Held::Breaker => vec![Step::Breaker],
        };
        Story::new(Answer::Held, sentence, None, steps)
    }

    /// Who made the person inactive, as far as the newest rows tell.
    fn deactivated_by(&self) -> String {
        let applied = self.rows.iter().find(|row| Details::of(row).has_changed("active"));
        applied.map_or_else(|| idp_name(self.idp).to_owned(), who)
    }
}

/// Whether a write was refused because its resource is not here.
fn met_nobody(row: &LogRow) -> bool {
    is_refused(row) && Refusal::of(&Details::of(row)) == Refusal::Unknown
}

/// The refusal that a row tells of.
struct Refused {
    /// The time, the sender and the reason of the refusal, as they stand behind the name of the write.
    sentence: String,
    steps: Vec<Step>,
}

impl Refused {
    fn of(row: &LogRow) -> Self {
        let details = Details::of(row);
        let refusal = Refusal::of(&details);
        let sentence = format!(
            ", on {} by {}, was refused because {}. It was told: {}",
            iso(row.place.at_ms),
            who(row),
            refusal.because(),
            details.text("sentence").unwrap_or_default()
        );
        Self { sentence, steps: refusal.steps() }
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use directory::log::{Kept, Place};
    use scim_core::ScimType;
    use serde_json::json;

    use super::*;

    const ASKED: Asked<'_> =
        Asked { user: "ada", contact: "it@acme.example", target: "--region ire --key acme" };

    fn row(kind: &str, result: &str, detail: &str) -> LogRow {
        LogRow {
            place: Place { at_ms: 0, kept: Kept::Attempt, number: 1 },
            kind: kind.to_owned(),
            resource_id: String::new(),
            request_id: "r".to_owned(),
            detail: detail.to_owned(),
            actor: None,
            result: result.to_owned(),
            idp: Idp::Okta.word().to_owned(),
            user_key: None,
            user_name: None,
        }
    }

    /// A sentence about the person, and steps that have words.
    #[track_caller]
    fn assert_whole(story: &Story, answer: Answer) {
        assert_eq!(story.answer, answer, "{}", story.sentence);
        assert!(story.sentence.starts_with("ada is ") && story.sentence.ends_with('.'), "{}", story.sentence);
        assert!(!story.steps.is_empty(), "{}", story.sentence);
        assert!(story.steps.iter().all(|step| step.words(Idp::Okta, &ASKED).len() > 20));
    }

    #[test]
    fn every_refusal_and_every_reason_to_hold_has_a_sentence_and_a_step() {
        let (mut sentences, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let keywords = ScimType::ALL.iter().map(|keyword| Some(keyword.keyword())).chain([None]);
        for keyword in keywords {
            for status in [400, 403, 404, 405, 409, 412, 413, 415, 429, 500, 503, 507] {
                let told = json!({ "status": status, "scim_type": keyword, "sentence": "No." });
                let rows = [row("user.refused", LogResult::Refused.word(), &told.to_string())];
                let story = Telling { user: "ada", idp: Idp::Okta, rows: &rows }.of_absent(None, None);
                assert_whole(&story, Answer::Refused);
                sentences.insert(story.sentence);
                seen.insert(format!("{:?}", Refusal::of(&Details::of(&rows[0]))));
            }
        }
        let told = json!({ "status": 404, "cause": NO_SUCH_PATH, "sentence": "No." });
        let rows = [row("user.refused", LogResult::Refused.word(), &told.to_string())];
        let story = Telling { user: "ada", idp: Idp::Okta, rows: &rows }.of_absent(None, None);
        assert_whole(&story, Answer::Refused);
        sentences.insert(story.sentence);
        seen.insert(format!("{:?}", Refusal::of(&Details::of(&rows[0]))));
        assert_eq!((sentences.len(), seen.len()), (Refusal::VARIANTS.len(), Refusal::VARIANTS.len()));
        let held = [row("user.changed", LogResult::Held.word(), "{}")];
        let telling = Telling { user: "ada", idp: Idp::Okta, rows: &held };
        let sentences: BTreeSet<String> = Held::ALL
            .iter()
            .flat_map(|held| [false, true].map(|is_deleted| telling.of_held("ada", *held, is_deleted)))
            .map(|story| {
                assert_whole(&story, Answer::Held);
                story.sentence
            })
            .collect();
        assert_eq!(sentences.len(), 2 * Held::ALL.len());
    }
}
