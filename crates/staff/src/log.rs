//! The provisioning log, as staff read it.

use directory::log::{self, End, LogRow, Place, RowsBehind, Wanted};
use provisioning::{
    ProvisioningError,
    log::{about_person, every_row},
};
use store::ReadTx;

use crate::{
    StaffError, TenantActs,
    acts::Result,
    words::{moment, one_of},
};

/// Rows of a page: how many where nobody says, and the most.
const USUAL: i64 = 50;
const MOST: i64 = 1_000;

/// Which rows are asked for, each part as it was sent.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// A person, by userName or id.
    pub user: Option<String>,
    /// A word of [`provisioning::log::LogResult`].
    pub result: Option<String>,
    /// A word of [`provisioning::log::Idp`].
    pub idp: Option<String>,
    /// The time of the oldest row, in RFC 3339.
    pub since: Option<String>,
    /// The time before which the newest row was.
    pub until: Option<String>,
    /// How many rows.
    pub limit: Option<i64>,
    /// The cursor of the page before: its [`LogPage::next`].
    pub cursor: Option<String>,
    /// The page is to tell its [`LogPage::end`].
    pub follow: bool,
    /// Only the rows that were written since an earlier page, by its [`LogPage::end`].
    pub after: Option<String>,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// Newest first; those that were written since an earlier page are oldest first.
    pub rows: Vec<LogRow>,
    /// The cursor of the page behind it, if there is one.
    pub next: Option<String>,
    /// The end of the log, to be sent as [`LogQuery::after`] for the rows that are written later. Set with `follow` or `after` only.
    pub end: Option<String>,
    /// Whether more rows are behind that end already.
    pub more: bool,
    /// How many rows of refused writes were lost, of all time.
    pub lost: i64,
}

impl TenantActs {
    /// A page of the provisioning log.
    ///
    /// # Errors
    /// A part of the query that is none, or the store's.
    pub async fn log(&self, query: LogQuery) -> Result<LogPage> {
        query.check_user()?;
        let (wanted, before, after, limit) =
            (query.wanted()?, query.before()?, query.after()?, query.limit()?);
        let people = self.product().await?.profile.log.people;
        self.read(move |tx: &mut ReadTx<'_>| {
            let wanted = match query.user {
                Some(user) => Wanted { about: about_person(tx, people, &user)?, ..wanted },
                None => wanted,
            };
            let lost = log::lost(tx)?;
            if let Some(after) = after {
                let RowsBehind { rows, end, more } = log::behind(tx, &wanted, after, limit)?;
                let end = Some(end.text());
                return Ok::<_, ProvisioningError>(LogPage { rows, next: None, end, more, lost });
            }
            let mut rows = log::page(tx, &wanted, before, limit + 1)?;
            let is_last = rows.len() <= limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| !is_last).map(|row| cursor(row.place));
            let end = if query.follow { Some(log::end(tx)?.text()) } else { None };
            Ok(LogPage { rows, next, end, more: false, lost })
        })
        .await
    }
}

impl LogQuery {
    fn wanted(&self) -> Result<Wanted> {
        let mut wanted = every_row();
        if let Some(word) = &self.result {
            wanted.results = vec![one_of("result", word, &wanted.results)?];
        }
        if let Some(word) = &self.idp {
            wanted.idps = vec![one_of("idp", word, &wanted.idps)?];
        }
        wanted.since_ms = self.since.as_deref().map(|text| moment("since", text)).transpose()?;
        wanted.until_ms = self.until.as_deref().map(|text| moment("until", text)).transpose()?;
        Ok(wanted)
    }

    fn before(&self) -> Result<Option<Place>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let place = || {
            let (at_ms, id) = cursor.rsplit_once('-')?;
            Place::of_id(at_ms.parse().ok()?, id)
        };
        let none =
            || StaffError::BadRequest("This cursor is none of this log's; begin without one".to_owned());
        place().map(Some).ok_or_else(none)
    }

    /// # Errors
    /// Nobody has an empty name: a row of nobody is found without one.
    fn check_user(&self) -> Result<()> {
        match self.user.as_deref().map(str::trim) {
            Some("") => Err(StaffError::BadRequest("user is a userName or an id".to_owned())),
            _ => Ok(()),
        }
    }

    fn after(&self) -> Result<Option<End>> {
        let Some(after) = &self.after else { return Ok(None) };
        if self.cursor.is_some() {
            return Err(StaffError::BadRequest("Send cursor or after, and not both".to_owned()));
        }
        let none = || StaffError::BadRequest("after is the end that a page of this log told".to_owned());
        End::of_text(after).map(Some).ok_or_else(none)
    }

    fn limit(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(USUAL);
        let refused = || StaffError::BadRequest(format!("limit is 1 to {MOST}"));
        let fits = (1..=MOST).contains(&limit);
        usize::try_from(limit).ok().filter(|_| fits).ok_or_else(refused)
    }
}

fn cursor(place: Place) -> String {
    format!("{}-{}", place.at_ms, place.id())
}
