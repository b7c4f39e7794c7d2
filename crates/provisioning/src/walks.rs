//! Where walks by `startIndex` stand. A client that asks for one page after the other asks each time for an offset that SQL would
//! walk to, position by position; the position behind which its next page begins is remembered instead.
//!
//! It holds only for as long as nothing in the tenant changes: every change appends to the change log, so the newest record tells
//! whether there was one. A page that begins at a remembered position is the page that the offset gives, row for row.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use directory::changes::{self, Newest};
use directory::search::{PageRequest, Position, Side};
use store::ReadTx;

use crate::ProvisioningError;

/// Positions that are remembered at a time, of all tenants. The oldest is forgotten first.
const MOST: usize = 1024;

/// Longest description of a list, in bytes, that is remembered: with a longer filter each page is found by its offset.
const LONGEST: usize = 2048;

/// The walks of the process.
#[derive(Default)]
pub struct Walks(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    places: HashMap<Next, PageStart>,
    /// In the order in which they were remembered first.
    order: VecDeque<Next>,
}

/// A page that may be asked for next.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Next {
    list: String,
    offset: u64,
}

struct PageStart {
    /// The last row before the page.
    after: Position,
    /// The newest change when that was so.
    as_of: Newest,
}

/// A walk of one list.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    /// Where it is remembered.
    pub walks: &'a Walks,
    /// The tenant's id.
    pub tenant: &'a str,
    /// The list in the tenant: the types, the filter and the sort. A text that few lists need.
    pub query: &'a dyn Fn() -> String,
}

impl Walk<'_> {
    /// The position behind which a page begins, if that is remembered and still so.
    ///
    /// # Errors
    /// When the store fails.
    pub fn find(
        &self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
    ) -> Result<Option<Position>, ProvisioningError> {
        let PageRequest::Index { offset: offset @ 1.., count: 1.. } = *request else { return Ok(None) };
        let Some((after, as_of)) = self.walks.find(&self.next(offset)) else { return Ok(None) };
        Ok(if changes::newest_of_all(tx)? == as_of { Some(after) } else { None })
    }

    /// Remembers where a page has ended, of so many rows.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn remember(
        &self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
        shown: &[Position],
    ) -> Result<(), ProvisioningError> {
        let (PageRequest::Index { offset, .. }, Some(last)) = (*request, shown.last()) else { return Ok(()) };
        let next = self.next(offset.saturating_add(u64::try_from(shown.len()).unwrap_or(u64::MAX)));
        if next.list.len() <= LONGEST {
            let place = PageStart { after: last.clone(), as_of: changes::newest_of_all(tx)? };
            self.walks.put(next, place);
        }
        Ok(())
    }

    fn next(&self, offset: u64) -> Next {
        Next { list: format!("{} {}", self.tenant, (self.query)()), offset }
    }
}

/// A page behind a position.
pub(crate) fn behind<'a>(position: &'a Position, request: &PageRequest<'_>) -> PageRequest<'a> {
    let count = match *request {
        PageRequest::Index { count, .. } | PageRequest::Beside { count, .. } => count,
    };
    PageRequest::Beside { side: Side::After, position: Some(position), count, total: None }
}

impl Walks {
    fn find(&self, next: &Next) -> Option<(Position, Newest)> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.places.get(next).map(|place| (place.after.clone(), place.as_of.clone()))
    }

    fn put(&self, next: Next, place: PageStart) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { places, order } = &mut *remembered;
        if places.insert(next.clone(), place).is_none() {
            order.push_back(next);
        }
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            places.remove(&oldest);
        }
    }
}
