//! The provisioning log, as staff read it.

use std::str::FromStr;

use directory::log::{self, Kept, LogRow, Place, Wanted};
use provisioning::{
    ProvisioningError,
    log::{Idp, LogResult, about_person},
};
use scim_core::filter::Instant;
use store::ReadTx;

use crate::{StaffError, TenantActs, acts::Result};

/// Rows of a page: how many where nobody says, and the most.
const USUAL: i64 = 50;
const MOST: i64 = 1_000;

/// Which rows are asked for, each part as it was sent.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// A person, by userName or id.
    pub user: Option<String>,
    /// A word of [`LogResult`].
    pub result: Option<String>,
    /// A word of [`Idp`].
    pub idp: Option<String>,
    /// The time of the oldest row, in RFC 3339.
    pub since: Option<String>,
    /// The time before which the newest row was.
    pub until: Option<String>,
    /// How many rows.
    pub limit: Option<i64>,
    /// Where the page before ended, as [`LogPage::next`] said.
    pub cursor: Option<String>,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// Newest first.
    pub rows: Vec<LogRow>,
    /// The cursor of the page behind it, if there is one.
    pub next: Option<String>,
    /// How many rows of refused writes were lost, of all time.
    pub lost: i64,
}

impl TenantActs {
    /// A page of the provisioning log.
    ///
    /// # Errors
    /// A part of the query that is none, or the store's.
    pub async fn log(&self, query: LogQuery) -> Result<LogPage> {
        let (wanted, before, limit) = (query.wanted()?, query.before()?, query.limit()?);
        let people = self.product().await?.profile.log.people;
        self.read(move |tx: &mut ReadTx<'_>| {
            let wanted = match query.user {
                Some(user) => Wanted { about: Some(about_person(tx, people, &user)?), ..wanted },
                None => wanted,
            };
            let mut rows = log::page(tx, &wanted, before, limit + 1)?;
            let is_last = rows.len() <= limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| !is_last).map(|row| cursor(row.place));
            Ok::<_, ProvisioningError>(LogPage { rows, next, lost: log::lost(tx)? })
        })
        .await
    }
}

impl LogQuery {
    fn wanted(&self) -> Result<Wanted> {
        let results = match &self.result {
            None => LogResult::ALL.iter().map(|result| result.word()).collect(),
            Some(word) => vec![one_of("result", word, LogResult::ALL.iter().map(|result| result.word()))?],
        };
        let idps = match &self.idp {
            None => Idp::ALL.iter().map(|idp| idp.word()).collect(),
            Some(word) => vec![one_of("idp", word, Idp::ALL.iter().map(|idp| idp.word()))?],
        };
        let (since_ms, until_ms) = (moment("since", &self.since)?, moment("until", &self.until)?);
        Ok(Wanted { about: None, results, idps, since_ms, until_ms })
    }

    fn before(&self) -> Result<Option<Place>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let place = || {
            let (at_ms, row) = cursor.rsplit_once('-')?;
            let (kept, number) = match row.split_at_checked(1)? {
                ("c", number) => (Kept::Change, number),
                ("a", number) => (Kept::Attempt, number),
                _ => return None,
            };
            Some(Place { at_ms: i64::from_str(at_ms).ok()?, kept, number: i64::from_str(number).ok()? })
        };
        let none =
            || StaffError::BadRequest("This cursor is none of this log's; begin without one".to_owned());
        place().map(Some).ok_or_else(none)
    }

    fn limit(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(USUAL);
        let refused = || StaffError::BadRequest(format!("limit is 1 to {MOST}"));
        let fits = (1..=MOST).contains(&limit);
        usize::try_from(limit).ok().filter(|_| fits).ok_or_else(refused)
    }
}

fn cursor(Place { at_ms, kept, number }: Place) -> String {
    let table = if kept == Kept::Change { 'c' } else { 'a' };
    format!("{at_ms}-{table}{number}")
}

/// The word of a list that this is.
fn one_of(name: &str, word: &str, words: impl Iterator<Item = &'static str> + Clone) -> Result<&'static str> {
    let found = words.clone().find(|known| *known == word);
    found.ok_or_else(|| {
        let words: Vec<&str> = words.collect();
        StaffError::BadRequest(format!("{name} is one of {}", words.join(", ")))
    })
}

/// A time in milliseconds since 1970 UTC.
pub(crate) fn moment(name: &str, text: &Option<String>) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let refused = || StaffError::BadRequest(format!("{name} is a time such as 2026-11-29T08:00:00Z"));
    // Finer times than rows have are those of the millisecond before.
    let millis = text.find('.').map_or(text.clone(), |dot| {
        let digits = text.get(dot + 1..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        let (kept, rest) = (dot + 1 + digits.min(3), dot + 1 + digits);
        format!("{}{}", text.get(..kept).unwrap_or_default(), text.get(rest..).unwrap_or_default())
    });
    Instant::parse(&millis).and_then(Instant::as_whole_millis).map(Some).ok_or_else(refused)
}
