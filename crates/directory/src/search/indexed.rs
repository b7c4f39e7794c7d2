//! Lists that SQL filters and orders. Rows without a value in the sorted column come last when ascending and first when
//! descending; each part is one index scan.

use scim_core::{
    ResourceKind,
    sort::{Sort, SortKey},
};
use store::ReadTx;

use super::{
    column::{self, Column, IndexScan},
    position::{Direction, Page, PageRequest, Position, Side},
    rows::{self, Rows},
};
use crate::DirectoryError;

/// One list in SQL.
pub(super) struct Indexed<'a> {
    pub(super) kind: ResourceKind,
    pub(super) rows: Rows<'a>,
    pub(super) column: Column,
    pub(super) sort: Option<&'a Sort>,
}

impl Indexed<'_> {
    pub(super) fn page(
        &self,
        tx: &mut ReadTx<'_>,
        request: &PageRequest<'_>,
    ) -> Result<Page, DirectoryError> {
        let count = i64::try_from(request.count()).unwrap_or(i64::MAX);
        let first = match request {
            PageRequest::Index { offset: 0, .. } if count > 0 => {
                Some(self.beside(tx, Side::After, None, count, true)?)
            }
            _ => None,
        };
        // Less than a page is the whole list and need not be counted.
        let all = first.as_deref().map(length).filter(|found| *found < count);
        let total = match (all, request) {
            (Some(all), _) => all,
            (None, PageRequest::Beside { total: Some(total), .. }) => {
                i64::try_from(*total).unwrap_or(i64::MAX)
            }
            (None, _) => rows::count(tx, self.kind, self.rows, false)?,
        };
        // The matches of a filter are counted on demand.
        let is_dear = !matches!(self.rows, Rows::All);
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
                let mut positions = self.beside(tx, *side, *position, count.saturating_add(1), true)?;
                let farther = length(&positions) > count;
                positions.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                // With nothing on this side, all matches are on the other. Any match there will do: what a filter's index finds
                // first, in no order.
                let nearer = position.is_some()
                    && !self.beside(tx, side.opposite(), positions.first(), 1, false)?.is_empty();
                Ok(page.beside(*side, positions, nearer, farther))
            }
        }
    }

    /// The first positions of the list.
    pub(super) fn first(&self, tx: &mut ReadTx<'_>, count: usize) -> Result<Vec<Position>, DirectoryError> {
        self.beside(tx, Side::After, None, i64::try_from(count).unwrap_or(i64::MAX), true)
    }

    /// The next positions on one side of a position; where `ordered`, the nearest first.
    fn beside(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        position: Option<&Position>,
        count: i64,
        ordered: bool,
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
            true => rows::count(tx, self.kind, self.rows, true)?,
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
        // Rows with equal keys are in ascending order of their ids in both directions of the sort.
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
        let mut positions = column::positions(tx, self.kind, self.rows, scan)?;
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
