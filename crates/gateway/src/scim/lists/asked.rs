//! Which page is asked for, and what the answer says of its neighbours: by index or by cursor.

use directory::{
    cursor_keys,
    search::{PageRequest, Side},
};
use provisioning::lists::Ends;
use rand::{RngExt as _, distr::Alphanumeric};
use scim_core::list::{Page, PagePosition, Paging};
use store::Store;

use super::cursor::{Signer, Step};
use crate::{api_error::ApiError, app::App};

/// Length of a tenant's secret: 43 characters of 62 kinds are 256 bits.
const SECRET: usize = 43;

/// The page that a request asks for.
pub(in crate::scim) enum Asked {
    Index(Page),
    Cursor { signer: Box<Signer>, now_ms: i64, step: Step, count: u64 },
}

impl Asked {
    /// `query` is whatever must stay the same from page to page.
    ///
    /// # Errors
    /// 400 for a cursor that is none or too old; the store's.
    pub(in crate::scim) async fn of(
        app: &App,
        store: &Store,
        paging: Paging,
        query: &str,
    ) -> Result<Self, ApiError> {
        Ok(match paging {
            Paging::Index(page) => Self::Index(page),
            Paging::Cursor { cursor, count } => {
                let signer =
                    Signer::new(&secret(store).await?, query, app.settings.limits.cursor_timeout_seconds.0);
                let (is_first, now_ms) = (cursor.is_empty(), store.now_ms());
                let step = if is_first { Step::first() } else { signer.read(&cursor, now_ms)? };
                Self::Cursor { signer: Box::new(signer), now_ms, step, count }
            }
        })
    }

    pub(in crate::scim) fn request(&self) -> PageRequest<'_> {
        match self {
            Self::Index(page) => {
                PageRequest::Index { offset: page.start_index.saturating_sub(1), count: page.count }
            }
            Self::Cursor { step: Step { side, place, total }, count, .. } => {
                let position = place.as_ref();
                PageRequest::Beside { side: *side, position, count: *count, total: *total }
            }
        }
    }

    /// Where the page stands, with the cursors to its neighbours. Who asked for `count=0` wanted the total alone and gets none.
    pub(in crate::scim) fn place(&self, ends: &Ends) -> PagePosition {
        let (signer, now_ms, count) = match self {
            Self::Index(page) => return PagePosition::Index(page.start_index),
            Self::Cursor { signer, now_ms, count, .. } => (signer, *now_ms, *count),
        };
        let (first, last) = ends.positions.clone().unzip();
        let cursor = |side, place| signer.write(&Step { side, place, total: ends.total }, now_ms);
        PagePosition::Cursor {
            previous: (count > 0 && ends.before).then(|| cursor(Side::Before, first)),
            next: (count > 0 && ends.behind).then(|| cursor(Side::After, last)),
        }
    }
}

/// What this tenant's cursors are signed with; made when its first cursor is asked for.
async fn secret(store: &Store) -> Result<String, ApiError> {
    if let Some(secret) = store.look_up(|tx| Ok::<_, ApiError>(cursor_keys::find(tx)?)).await? {
        return Ok(secret);
    }
    let fresh: String = rand::rng().sample_iter(Alphanumeric).take(SECRET).map(char::from).collect();
    store.write(move |tx| Ok::<_, ApiError>(cursor_keys::find_or_insert(tx, &fresh)?)).await
}
