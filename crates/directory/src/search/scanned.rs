//! Lists that memory must decide or order: the candidates that SQL leaves are read in the order of their ids, batch by
//! batch, and decided as whole resources. What is kept of a match is its place, never its document.

use std::{cmp::Ordering, collections::BinaryHeap};

use scim_core::{
    filter::Filter,
    sort::{Sort, SortKey},
};
use store::ReadTx;

use super::{
    InMemory, Searched,
    column::Direction,
    place::{Place, Side, Stretch, Window},
};
use crate::{DirectoryError, key};

/// Rows that are read at a time.
const BATCH: i64 = 200;

/// One list in memory.
pub(super) struct Scanned<'a, 'm, S: Searched> {
    /// What SQL does not decide.
    pub(super) filter: Option<&'a Filter>,
    pub(super) sort: Option<&'a Sort>,
    /// What SQL knows of the filter, made anew for each query.
    pub(super) predicate: &'a dyn Fn() -> Option<S::Predicate>,
    pub(super) in_memory: InMemory<'m, S::Record>,
}

impl<S: Searched> Scanned<'_, '_, S> {
    /// A list in the order of the ids, or their reverse: a walk that knows its total reads no further than its page.
    pub(super) fn by_id(
        &mut self,
        tx: &mut ReadTx<'_>,
        window: &Window<'_>,
    ) -> Result<Stretch, DirectoryError> {
        let Window::Beside { side, place, count, total: Some(total) } = *window else {
            return self.ranked(tx, window);
        };
        if count == 0 {
            return Ok(Stretch { places: Vec::new(), total, is_dear: true, before: false, behind: false });
        }
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let mut places = self.beside(tx, side, place, wanted.saturating_add(1))?;
        let farther = places.len() > wanted;
        places.truncate(wanted);
        let nearer = place.is_some() && !self.beside(tx, side.opposite(), places.first(), 1)?.is_empty();
        let (before, behind) = match side {
            Side::After => (nearer, farther),
            Side::Before => (farther, nearer),
        };
        if side == Side::Before {
            places.reverse();
        }
        Ok(Stretch { places, total, is_dear: true, before, behind })
    }

    /// The next matches on one side of a place in the order of the ids, the nearest first.
    fn beside(
        &mut self,
        tx: &mut ReadTx<'_>,
        side: Side,
        place: Option<&Place>,
        count: usize,
    ) -> Result<Vec<Place>, DirectoryError> {
        let descending = self.sort.is_some_and(Sort::is_descending);
        let direction = if descending == (side == Side::After) { Direction::Down } else { Direction::Up };
        let mut places = Vec::new();
        self.visit(tx, direction, place.map(|place| place.id.as_str()), &mut |place| {
            places.push(place);
            places.len() < count
        })?;
        Ok(places)
    }

    /// Any list, in any order: every match is looked at, and the best are kept, as many as the window reaches to.
    pub(super) fn ranked(
        &mut self,
        tx: &mut ReadTx<'_>,
        window: &Window<'_>,
    ) -> Result<Stretch, DirectoryError> {
        let (side, beside, offset, count) = match *window {
            Window::Index { offset, count } => (Side::After, None, offset, count),
            Window::Beside { side, place, count, .. } => (side, place, 0, count),
        };
        let sort = self.sort;
        let mut best = Best::new(sort, side, if count == 0 { 0 } else { offset.saturating_add(count) });
        // `nearer`: a match stands on the other side of the place, or is the place itself, so that there is a page back to it.
        // `farther`: more matches stand on this side than the page holds, so that there is a page after it.
        let (mut total, mut nearer, mut farther) = (0_u64, false, false);
        self.visit(tx, Direction::Up, None, &mut |place| {
            total += 1;
            let is_on_side = beside.is_none_or(|beside| match place.compare(beside, sort) {
                Ordering::Less => side == Side::Before,
                Ordering::Equal => false,
                Ordering::Greater => side == Side::After,
            });
            if is_on_side {
                farther |= !best.offer(place);
            } else {
                nearer = true;
            }
            true
        })?;
        let mut places = best.in_order();
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX).min(places.len());
        places.drain(..skipped);
        let (nearer, farther) = (nearer && count > 0, farther && count > 0);
        let (before, behind) = match side {
            Side::After => (nearer, farther),
            Side::Before => (farther, nearer),
        };
        let by_id = sort.is_none_or(|sort| S::column(sort) == Some(super::Column::Id));
        Ok(Stretch { places, total, is_dear: by_id, before, behind })
    }

    /// Shows every match in the order of its id, from behind an id on, until `visit` has seen enough.
    fn visit(
        &mut self,
        tx: &mut ReadTx<'_>,
        direction: Direction,
        beyond: Option<&str>,
        visit: &mut dyn FnMut(Place) -> bool,
    ) -> Result<(), DirectoryError> {
        let mut beyond = beyond.map(str::to_owned);
        loop {
            let batch = S::batch(tx, (self.predicate)(), beyond.as_deref(), direction, BATCH)?;
            let Some(last) = batch.last() else { return Ok(()) };
            beyond = Some(S::id(last).to_owned());
            let ids: Vec<String> = batch.iter().map(|record| S::id(record).to_owned()).collect();
            let mut ids = ids.into_iter();
            let (filter, sort, is_over) = (self.filter, self.sort, self.in_memory.is_over);
            let mut goes_on = true;
            let haste = tx.haste();
            (self.in_memory.complete)(tx, batch, &mut |resource| {
                if is_over() {
                    return Err(DirectoryError::SearchTooLong);
                }
                haste.may_go_on()?;
                let id = ids.next().unwrap_or_default();
                if filter.is_none_or(|filter| filter.matches(&resource)) {
                    let key = sort.and_then(|sort| sort.key(&resource)).map(bounded);
                    goes_on = visit(Place { key, id });
                }
                Ok(goes_on)
            })?;
            if !goes_on {
                return Ok(());
            }
        }
    }
}

/// A text is compared as an index holds it, so that a key is never long, and the same in SQL and in memory.
fn bounded(key: SortKey) -> SortKey {
    match key {
        SortKey::Text(text) => SortKey::Text(key::exact(&text).into_owned()),
        other => other,
    }
}

/// The nearest places to where a window begins, so many and no more.
struct Best<'a> {
    sort: Option<&'a Sort>,
    side: Side,
    capacity: u64,
    /// The farthest is on top.
    heap: BinaryHeap<Ranked<'a>>,
}

impl<'a> Best<'a> {
    fn new(sort: Option<&'a Sort>, side: Side, capacity: u64) -> Self {
        Self { sort, side, capacity, heap: BinaryHeap::new() }
    }

    /// False when one had to go, this one or another.
    fn offer(&mut self, place: Place) -> bool {
        self.heap.push(Ranked { place, sort: self.sort, side: self.side });
        let fits = u64::try_from(self.heap.len()).unwrap_or(u64::MAX) <= self.capacity;
        if !fits {
            self.heap.pop();
        }
        fits
    }

    /// In the order of the list.
    fn in_order(self) -> Vec<Place> {
        let mut places: Vec<Place> =
            self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.place).collect();
        if self.side == Side::Before {
            places.reverse();
        }
        places
    }
}

/// A place with its distance: farther is greater.
struct Ranked<'a> {
    place: Place,
    sort: Option<&'a Sort>,
    side: Side,
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.place.compare(&other.place, self.sort);
        if self.side == Side::Before { order.reverse() } else { order }
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}
