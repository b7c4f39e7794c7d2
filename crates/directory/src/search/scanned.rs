//! Lists that memory must decide or order: the candidates that SQL leaves are read in the order of their ids, batch by
//! batch, and decided as whole resources. Of a match its position is kept, never its document.

use scim_core::{
    ResourceKind,
    filter::Filter,
    sort::{Sort, SortKey},
};
use serde_json::{Map, Value};
use store::ReadTx;

use super::{
    column::Column,
    position::{Direction, Page, PageRequest, Position, Side},
    rows::{Batches, Rows},
};
use crate::{DirectoryError, key, table::Record};

/// Rows that are read at a time.
const BATCH: i64 = 200;

/// Makes whole resources of records, for a filter or a sort that SQL cannot decide alone, and shows each to the visitor, in
/// their order, until that has seen enough. A resource may be large, so none is kept.
pub type Complete<'a> =
    dyn FnMut(&mut ReadTx<'_>, Vec<Record>, &mut Visitor<'_>) -> Result<(), DirectoryError> + 'a;

/// Is shown one resource after the other, and returns whether it wants the next.
pub type Visitor<'a> = dyn FnMut(Map<String, Value>) -> Result<bool, DirectoryError> + 'a;

/// The caller's part in a search that SQL cannot decide.
pub struct InMemory<'a> {
    /// Makes whole resources.
    pub complete: &'a mut Complete<'a>,
    /// Whether the search has gone on for too long; asked for each resource.
    pub is_over: &'a dyn Fn() -> bool,
}

/// One list in memory.
pub(super) struct Scanned<'a, 'm> {
    pub(super) kind: ResourceKind,
    /// The rows that SQL leaves.
    pub(super) rows: Rows<'a>,
    /// The filter, where SQL does not decide it.
    pub(super) filter: Option<&'a Filter>,
    pub(super) sort: Option<&'a Sort>,
    pub(super) in_memory: InMemory<'m>,
}

impl Scanned<'_, '_> {
    /// A list in the order of the ids, or their reverse: a walk that knows its total reads no further than its page.
    pub(super) fn by_id(
        &mut self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
    ) -> Result<Page, DirectoryError> {
        let PageRequest::Beside { side, position, count, total: Some(total) } = *request else {
            return self.ranked(tx, request);
        };
        if count == 0 {
            return Ok(Page::empty(total, true));
        }
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let mut positions = self.beside(tx, side, position, wanted.saturating_add(1))?;
        let farther = positions.len() > wanted;
        positions.truncate(wanted);
        let nearer =
            position.is_some() && !self.beside(tx, side.opposite(), positions.first(), 1)?.is_empty();
        Ok(Page::empty(total, true).beside(side, positions, nearer, farther))
    }

    /// The next matches on one side of a position in the order of the ids, the nearest first.
    fn beside(
        &mut self,
        tx: &mut ReadTx<'_>,
        side: Side,
        position: Option<&Position>,
        count: usize,
    ) -> Result<Vec<Position>, DirectoryError> {
        let descending = self.sort.is_some_and(Sort::is_descending);
        let direction = if descending == (side == Side::After) { Direction::Down } else { Direction::Up };
        let mut positions = Vec::new();
        self.visit(tx, direction, position.map(|position| position.id.as_str()), &mut |position| {
            positions.push(position);
            positions.len() < count
        })?;
        Ok(positions)
    }

    /// Any list, in any order: every match is looked at, and the best are kept, as many as the request reaches to.
    pub(super) fn ranked(
        &mut self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
    ) -> Result<Page, DirectoryError> {
        let (side, beside, offset, count) = match *request {
            PageRequest::Index { offset, count } => (Side::After, None, offset, count),
            PageRequest::Beside { side, position, count, .. } => (side, position, 0, count),
        };
        let sort = self.sort;
        let nearest_first = |a: &Position, b: &Position| {
            let order = a.compare(b, sort);
            if side == Side::Before { order.reverse() } else { order }
        };
        let reach = if count == 0 { 0 } else { offset.saturating_add(count) };
        let reach = usize::try_from(reach).unwrap_or(usize::MAX);
        let mut best = Vec::new();
        // `nearer`: a match is on the other side of the position, or is the position itself, so that there is a page back to
        // it. `farther`: more matches are on this side than the page holds, so that there is a page after it.
        let (mut total, mut nearer, mut farther) = (0_u64, false, false);
        self.visit(tx, Direction::Up, None, &mut |position| {
            total += 1;
            if beside.is_some_and(|beside| nearest_first(&position, beside).is_le()) {
                nearer = true;
                return true;
            }
            best.push(position);
            if best.len() > reach {
                farther = true;
            }
            // Seldom, so that sorting costs little for each match.
            if best.len() / 2 > reach {
                best.sort_by(nearest_first);
                best.truncate(reach);
            }
            true
        })?;
        best.sort_by(nearest_first);
        best.truncate(reach);
        best.drain(..usize::try_from(offset).unwrap_or(usize::MAX).min(best.len()));
        let by_id = sort.is_none_or(|sort| Column::of(sort, self.kind) == Some(Column::Id));
        Ok(Page::empty(total, by_id).beside(side, best, nearer && count > 0, farther && count > 0))
    }

    /// Shows every match in the order of its id, from behind an id on, until `visit` has seen enough.
    fn visit(
        &mut self,
        tx: &mut ReadTx<'_>,
        direction: Direction,
        beyond: Option<&str>,
        visit: &mut dyn FnMut(Position) -> bool,
    ) -> Result<(), DirectoryError> {
        let beyond = beyond.map(str::to_owned);
        let mut batches = Batches { kind: self.kind, rows: self.rows, direction, beyond, size: BATCH };
        while let Some(batch) = batches.next(tx)? {
            let ids: Vec<String> = batch.iter().map(|record| record.id.clone()).collect();
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
                    goes_on = visit(Position { key, id });
                }
                Ok(goes_on)
            })?;
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}

/// A text is compared as an index holds it, so that a key is never long, and the same in SQL and in memory.
fn bounded(key: SortKey) -> SortKey {
    match key {
        SortKey::Text(text) => SortKey::Text(key::exact(&text).into_owned()),
        other => other,
    }
}
