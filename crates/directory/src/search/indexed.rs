//! Lists that SQL filters and orders. Rows without a value in the sorted column come last when ascending and first when
//! descending; each part is one index scan.

use scim_core::sort::{Sort, SortKey};
use store::ReadTx;

use super::{
    column::{Column, Direction, IndexScan},
    position::{Page, PageRequest, Position, Side},
};
use crate::{DirectoryError, table::Table, totals};

/// One list in SQL.
pub(super) struct Indexed<'a, T: Table> {
    pub(super) column: Column,
    pub(super) sort: Option<&'a Sort>,
    /// Makes the condition; each query consumes one.
    pub(super) predicate: &'a dyn Fn() -> Option<T::Predicate>,
}

impl<T: Table> Indexed<'_, T> {
    pub(super) fn page(
        &self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
    ) -> Result<Page, DirectoryError> {
        let count = i64::try_from(request.count()).unwrap_or(i64::MAX);
        let first = match request {
            PageRequest::Index { offset: 0, .. } if count > 0 => {
                Some(self.beside(tx, Side::After, None, count)?)
            }
            _ => None,
        };
        // Less than a page is the whole list and need not be counted.
        let all = first.as_deref().map(length).filter(|found| *found < count);
        let predicate = (self.predicate)();
        // The total of all rows is stored; the matches of a filter are counted on demand.
        let is_dear = predicate.is_some();
        let total = match (all, request, predicate) {
            (Some(all), ..) => all,
            (_, PageRequest::Beside { total: Some(total), .. }, _) => {
                i64::try_from(*total).unwrap_or(i64::MAX)
            }
            (_, _, Some(predicate)) => T::count(tx, predicate)?,
            (_, _, None) => totals::read(tx, T::KIND)?,
        };
        let page = Page::empty(total.unsigned_abs(), is_dear);
        if count == 0 {
            return Ok(page);
        }
        match (first, request) {
            (Some(positions), _) => Ok(Page { positions, ..page }),
            (None, PageRequest::Index { offset, .. }) => {
                let offset = i64::try_from(*offset).unwrap_or(i64::MAX);
                Ok(Page { positions: self.at_offset(tx, total, offset, count)?, ..page })
            }
            (None, PageRequest::Beside { side, position, .. }) => {
                let mut positions = self.beside(tx, *side, *position, count.saturating_add(1))?;
                let farther = length(&positions) > count;
                positions.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                // With nothing on this side, whatever there is stands on the other.
                let nearer = position.is_some() && self.is_any(tx, side.opposite(), positions.first())?;
                Ok(page.beside(*side, positions, nearer, farther))
            }
        }
    }

    /// The first positions of the list.
    pub(super) fn first(&self, tx: &mut ReadTx<'_>, count: usize) -> Result<Vec<Position>, DirectoryError> {
        self.beside(tx, Side::After, None, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The next positions on one side of a position, the nearest first.
    fn beside(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        position: Option<&Position>,
        count: i64,
    ) -> Result<Vec<Position>, DirectoryError> {
        self.found(tx, side, position, (count, true))
    }

    /// Whether anything stands on one side of a position. Nothing need be put in order for that: what a filter's index finds
    /// first will do.
    fn is_any(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        position: Option<&Position>,
    ) -> Result<bool, DirectoryError> {
        Ok(!self.found(tx, side, position, (1, false))?.is_empty())
    }

    fn found(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        position: Option<&Position>,
        (count, ordered): (i64, bool),
    ) -> Result<Vec<Position>, DirectoryError> {
        let (mut positions, mut beyond) = (Vec::new(), position);
        for &valued in self.parts(side) {
            // The position is in one of the two parts. Earlier pages returned the part before it.
            let is_elsewhere =
                |position: &Position| self.column != Column::Id && position.key.is_some() != valued;
            if beyond.is_some_and(is_elsewhere) {
                continue;
            }
            let beyond = beyond.take();
            let left = count.saturating_sub(length(&positions));
            if left > 0 && (valued || self.column.is_nullable()) {
                let scan = IndexScan { ordered, beyond, limit: left, ..self.scan(side, valued) };
                positions.extend(self.positions(tx, &scan)?);
            }
        }
        Ok(positions)
    }

    /// A page by its offset. An offset is walked position by position in the narrow index, so it is walked from the nearer end.
    fn at_offset(
        &self,
        tx: &mut ReadTx<'_>,
        total: i64,
        mut offset: i64,
        count: i64,
    ) -> Result<Vec<Position>, DirectoryError> {
        let valued_total = match self.column.is_nullable() {
            true => T::count(tx, T::valued((self.predicate)()))?,
            false => total,
        };
        let mut positions = Vec::new();
        for &valued in self.parts(Side::After) {
            let of_part = if valued { valued_total } else { total - valued_total };
            let wanted = count.saturating_sub(length(&positions)).min(of_part.saturating_sub(offset));
            if wanted > 0 {
                let behind = of_part - offset - wanted;
                if offset <= behind {
                    let scan = IndexScan { offset, limit: wanted, ..self.scan(Side::After, valued) };
                    positions.extend(self.positions(tx, &scan)?);
                } else {
                    let scan = IndexScan { offset: behind, limit: wanted, ..self.scan(Side::Before, valued) };
                    positions.extend(self.positions(tx, &scan)?.into_iter().rev());
                }
            }
            offset = offset.saturating_sub(of_part).max(0);
        }
        Ok(positions)
    }

    /// The parts of the list in the order in which they are met: with values, without. Where every row has a value, a position
    /// of another type may still be without one.
    fn parts(&self, side: Side) -> &'static [bool] {
        let descending = self.sort.is_some_and(Sort::is_descending);
        match (self.column, descending == (side == Side::Before)) {
            (Column::Id, _) => &[true],
            (_, true) => &[true, false],
            (_, false) => &[false, true],
        }
    }

    /// One part of the list, seen from its beginning or from its end.
    fn scan<'r>(&self, side: Side, valued: bool) -> IndexScan<'r> {
        let along =
            |direction: Direction| if side == Side::Before { direction.reversed() } else { direction };
        let sorted = if self.sort.is_some_and(Sort::is_descending) { Direction::Down } else { Direction::Up };
        // Equal ones are in the order of their ids whatever the direction of the sort.
        let ids = if self.column == Column::Id { sorted } else { Direction::Up };
        IndexScan {
            column: self.column,
            valued,
            keys: along(sorted),
            ids: along(ids),
            ordered: true,
            beyond: None,
            offset: 0,
            limit: 0,
        }
    }

    fn positions(&self, tx: &mut ReadTx<'_>, scan: &IndexScan<'_>) -> Result<Vec<Position>, DirectoryError> {
        let mut positions = T::positions(tx, (self.predicate)(), scan)?;
        if self.sort.is_some() && self.column == Column::Id {
            for position in &mut positions {
                position.key = Some(SortKey::Text(position.id.clone()));
            }
        }
        Ok(positions)
    }
}

fn length(positions: &[Position]) -> i64 {
    i64::try_from(positions.len()).unwrap_or(i64::MAX)
}
