//! The page that a request asks for, by index or by cursor, and the position of the page in the response.

use directory::{
    cursor_keys,
    search::{PageRequest, Side},
};
use provisioning::{ProvisioningError, lists::Ends, take_turn};
use rand::{RngExt as _, distr::Alphanumeric};
use scim_core::list::{Page, PagePosition, Paging};
use store::{Store, WriteTx};

use super::cursor::{Continuation, Signer};
use crate::{api_error::ApiError, app::App};

/// Characters of a tenant's secret: 43 of 62 kinds are 256 bits.
const SECRET: usize = 43;

/// The page that a request asks for.
pub(in crate::scim) enum RequestedPage {
    Index(Page),
    Cursor { signer: Box<Signer>, now_ms: i64, continuation: Continuation, count: u64 },
}

impl RequestedPage {
    /// `query` is the part of the request that must be the same for each page.
    ///
    /// # Errors
    /// 400 for an invalid or expired cursor; errors of the store.
    pub(in crate::scim) async fn of(
        app: &App,
        store: &Store,
        paging: Paging,
        query: impl FnOnce() -> String,
    ) -> Result<Self, ApiError> {
        Ok(match paging {
            Paging::Index(page) => Self::Index(page),
            Paging::Cursor { cursor, count } => {
                let timeout = app.settings.limits.cursor_timeout_seconds.0;
                let signer = Signer::new(&secret(store).await?, &query(), timeout);
                let (is_first, now_ms) = (cursor.is_empty(), store.now_ms());
                let continuation =
                    if is_first { Continuation::first() } else { signer.read(&cursor, now_ms)? };
                Self::Cursor { signer: Box::new(signer), now_ms, continuation, count }
            }
        })
    }

    pub(in crate::scim) fn request(&self) -> PageRequest<'_> {
        match self {
            Self::Index(page) => {
                PageRequest::Index { offset: page.start_index.saturating_sub(1), count: page.count }
            }
            Self::Cursor { continuation: Continuation { side, position, total }, count, .. } => {
                PageRequest::Beside { side: *side, position: position.as_ref(), count: *count, total: *total }
            }
        }
    }

    /// The position of the page, with the cursors of the previous and the next page. `count=0` asks for the total alone and gets
    /// no cursors.
    pub(in crate::scim) fn position(&self, ends: &Ends) -> PagePosition {
        let (signer, now_ms, count) = match self {
            Self::Index(page) => return PagePosition::Index(page.start_index),
            Self::Cursor { signer, now_ms, count, .. } => (signer, *now_ms, *count),
        };
        let (first, last) = ends.positions.clone().unzip();
        let cursor =
            |side, position| signer.write(&Continuation { side, position, total: ends.total }, now_ms);
        PagePosition::Cursor {
            previous: (count > 0 && ends.before).then(|| cursor(Side::Before, first)),
            next: (count > 0 && ends.behind).then(|| cursor(Side::After, last)),
        }
    }
}

/// The secret that signs this tenant's cursors. The first request for a cursor creates it.
async fn secret(store: &Store) -> Result<String, ApiError> {
    if let Some(secret) = store.look_up(|tx| Ok::<_, ApiError>(cursor_keys::find(tx)?)).await? {
        return Ok(secret);
    }
    let fresh: String = rand::rng().sample_iter(Alphanumeric).take(SECRET).map(char::from).collect();
    let write = move |tx: &mut WriteTx<'_>| {
        take_turn(tx).map_err(ProvisioningError::from)?;
        Ok::<_, ApiError>(cursor_keys::find_or_insert(tx, &fresh)?)
    };
    store.write(write).await
}
