//! The sections that are plain choices, each with its default.

use scim_core::leniency::{InStrict, Leniency};
use strum::VariantArray;

use crate::choice::{
    AdoptBy, Deleted, Feature, ForeignOrigin, Groupless, LastAdmin, LocalWins, OnReactivate, People,
    Recreate, UnknownMembers,
};
use crate::fault::shown;
use crate::field::{Field, Table};
use crate::profile::{
    Discovery, Features, Leaving, Leniencies, Local, Log, Matching, Members, Protect, Refusal, Undo, Words,
};

/// A year, in minutes.
const MAX_MINUTES: i64 = 366 * 24 * 60;
/// Ten years.
const MAX_DAYS: i64 = 3_660;
/// Most days for which a run can be undone: the log is kept as long by default.
const MAX_UNDO_DAYS: i64 = 90;
/// Most userNames in `protect.users`.
const MAX_PROTECTED: usize = 100;
/// Longest userName, in characters.
const MAX_USER_NAME: usize = 255;
/// Longest contact, in characters: as long as that of a tenant.
const MAX_CONTACT: usize = 500;
/// Longest `scimType`, in characters.
const MAX_SCIM_TYPE: usize = 40;
/// Most changes of a role in a day that are no flapping.
const MAX_FLAPPING: i64 = 1_000;
/// The statuses of a refused seat that identity providers are known to show.
const STATUSES: [i64; 5] = [400, 402, 403, 409, 429];

pub(super) struct Sections {
    pub(super) features: Features,
    pub(super) discovery: Discovery,
    pub(super) members: Members,
    pub(super) leaving: Leaving,
    pub(super) local: Local,
    pub(super) matching: Matching,
    pub(super) protect: Protect,
    pub(super) refusal: Refusal,
    pub(super) words: Words,
    pub(super) log: Log,
    pub(super) undo: Undo,
    pub(super) leniencies: Leniencies,
}

pub(super) fn read(root: &Table<'_>) -> Option<Sections> {
    let features = root.section("features", features);
    let discovery = root.section("discovery", discovery);
    let members = root.section("members", members);
    let leaving = root.section("leaving", leaving);
    let local = root.section("local", local);
    let matching = root.section("matching", matching);
    let protect = root.section("protect", protect);
    let refusal = root.section("refusal", refusal);
    let words = root.section("words", words);
    let log = root.section("log", log);
    let undo = root.section("undo", undo);
    let leniencies = root.section("leniencies", leniencies);
    Some(Sections {
        features: features?,
        discovery: discovery?,
        members: members?,
        leaving: leaving?,
        local: local?,
        matching: matching?,
        protect: protect?,
        refusal: refusal?,
        words: words?,
        log: log?,
        undo: undo?,
        leniencies: leniencies?,
    })
}

/// Every word of an enum.
pub(super) fn all<T: VariantArray + Copy>() -> Vec<T> {
    T::VARIANTS.to_vec()
}

fn features(table: &Table<'_>) -> Option<Features> {
    let is_on = |feature: &Feature| (*feature, table.or(feature.into(), true, Field::flag));
    let read: Vec<(Feature, Option<bool>)> = Feature::VARIANTS.iter().map(is_on).collect();
    let off = read.into_iter().map(|(feature, on)| Some((feature, on?))).collect::<Option<Vec<_>>>()?;
    Some(Features { off: off.into_iter().filter(|(_, on)| !on).map(|(feature, _)| feature).collect() })
}

fn discovery(table: &Table<'_>) -> Option<Discovery> {
    let okta_entitlements = table.or("okta_entitlements", false, Field::flag);
    let roles_and_entitlements = table.or("roles_and_entitlements", false, Field::flag);
    Some(Discovery { okta_entitlements: okta_entitlements?, roles_and_entitlements: roles_and_entitlements? })
}

fn members(table: &Table<'_>) -> Option<Members> {
    let unknown = table.or("unknown", UnknownMembers::Refuse, Field::word);
    let foreign_origin = table.or("foreign_origin", ForeignOrigin::Take, Field::word);
    Some(Members { unknown: unknown?, foreign_origin: foreign_origin? })
}

fn leaving(table: &Table<'_>) -> Option<Leaving> {
    let deleted = table.or("deleted", Deleted::Delete, Field::word);
    let recreate = table.or("recreate", Recreate::New, Field::word);
    let groupless = table.or("groupless", Groupless::Keep, Field::word);
    let groupless_after_minutes =
        table.or("groupless_after_minutes", 60, |field| field.integer(0..=MAX_MINUTES));
    let seat_grace_days = table.or("seat_grace_days", 0, |field| field.integer(0..=MAX_DAYS));
    let on_reactivate = table.or("on_reactivate", OnReactivate::Requested, Field::word);
    Some(Leaving {
        deleted: deleted?,
        recreate: recreate?,
        groupless: groupless?,
        groupless_after_minutes: groupless_after_minutes?,
        seat_grace_days: seat_grace_days?,
        on_reactivate: on_reactivate?,
    })
}

fn local(table: &Table<'_>) -> Option<Local> {
    Some(Local { wins: table.or("wins", LocalWins::Idp, Field::word)? })
}

fn matching(table: &Table<'_>) -> Option<Matching> {
    Some(Matching { adopt: table.or("adopt", vec![AdoptBy::UserName], Field::words)? })
}

fn protect(table: &Table<'_>) -> Option<Protect> {
    let last_admin = table.or("last_admin", LastAdmin::Allow, Field::word);
    let users = table.or("users", Vec::new(), protected);
    let group_wipe_percent = table.or("group_wipe_percent", 0, |field| field.integer(0..=100));
    Some(Protect { last_admin: last_admin?, users: users?, group_wipe_percent: group_wipe_percent? })
}

fn protected(field: &Field<'_>) -> Option<Vec<String>> {
    let users = field.each_once(|user| user.some_line_of(MAX_USER_NAME))?;
    if users.len() > MAX_PROTECTED {
        return field.refuse(format!("may hold at most {MAX_PROTECTED} userNames"));
    }
    Some(users)
}

fn refusal(table: &Table<'_>) -> Option<Refusal> {
    let status = table.or("status", 403, |field| match field.whole_number() {
        Some(status) if STATUSES.contains(&status) => Some(status),
        _ => field.must_be("one of 400, 402, 403, 409, 429"),
    });
    let scim_type = table.or("scim_type", "seatLimitReached".to_owned(), scim_type);
    Some(Refusal { status: status?, scim_type: scim_type? })
}

fn scim_type(field: &Field<'_>) -> Option<String> {
    let word = field.text()?;
    let is_word =
        !word.is_empty() && word.len() <= MAX_SCIM_TYPE && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_word {
        Some(word.to_owned())
    } else {
        field.must_be(&format!("a word of letters and digits, at most {MAX_SCIM_TYPE}"))
    }
}

fn words(table: &Table<'_>) -> Option<Words> {
    Some(Words { contact: table.or("contact", String::new(), |field| field.line_of(MAX_CONTACT))? })
}

fn log(table: &Table<'_>) -> Option<Log> {
    let people = table.or("people", People::Names, Field::word);
    let keep_days = table.or("keep_days", 90, |field| field.integer(1..=MAX_DAYS));
    let flapping_per_day = table.or("flapping_per_day", 3, |field| field.integer(1..=MAX_FLAPPING));
    Some(Log { people: people?, keep_days: keep_days?, flapping_per_day: flapping_per_day? })
}

fn undo(table: &Table<'_>) -> Option<Undo> {
    Some(Undo { keep_days: table.or("keep_days", 7, |field| field.integer(1..=MAX_UNDO_DAYS))? })
}

fn leniencies(table: &Table<'_>) -> Option<Leniencies> {
    Some(Leniencies { refuse: table.or("refuse", Vec::new(), |field| field.each_once(kind))? })
}

/// The name of a leniency, as its metric has it.
fn kind(field: &Field<'_>) -> Option<String> {
    let name = field.text()?;
    // A strict tenant tolerates the others too: the RFC asks for them, or leaves them to the service.
    let all = Leniency::ALL.iter().filter(|leniency| leniency.in_strict() != InStrict::Same);
    if all.clone().any(|leniency| leniency.kind() == name) {
        return Some(name.to_owned());
    }
    let all: Vec<&str> = all.map(|leniency| leniency.kind()).collect();
    field.refuse(format!("{} is none of the leniencies that can be refused: {}", shown(name), all.join(", ")))
}
