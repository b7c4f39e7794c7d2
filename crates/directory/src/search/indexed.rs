//! Lists that SQL decides and orders alone. What has no value in the sorted column stands behind all others, or before them
//! when large values come first; both parts are runs along one index.

use scim_core::sort::{Sort, SortKey};
use store::ReadTx;

use super::{
    Searched,
    column::{Column, Direction, Run},
    place::{Place, Side, Stretch, Window},
};
use crate::DirectoryError;

/// One list in SQL.
pub(super) struct Indexed<'a, S: Searched> {
    pub(super) column: Column,
    pub(super) sort: Option<&'a Sort>,
    /// Makes the condition anew: a query uses it up.
    pub(super) predicate: &'a dyn Fn() -> Option<S::Predicate>,
}

impl<S: Searched> Indexed<'_, S> {
    pub(super) fn stretch(
        &self,
        tx: &mut ReadTx<'_>,
        window: &Window<'_>,
    ) -> Result<Stretch, DirectoryError> {
        let count = i64::try_from(window.count()).unwrap_or(i64::MAX);
        let first = match window {
            Window::Index { offset: 0, .. } if count > 0 => {
                Some(self.beside(tx, Side::After, None, count)?)
            }
            _ => None,
        };
        // What is less than a page is all there is, and need not be counted besides.
        let all = first.as_deref().map(length).filter(|found| *found < count);
        let predicate = (self.predicate)();
        // All rows are counted as they come and go; those of a filter when somebody asks.
        let is_dear = predicate.is_some();
        let total = match (all, window, predicate) {
            (Some(all), ..) => all,
            (_, Window::Beside { total: Some(total), .. }, _) => i64::try_from(*total).unwrap_or(i64::MAX),
            (_, _, Some(predicate)) => S::count(tx, predicate)?,
            (_, _, None) => S::total(tx)?,
        };
        let mut stretch = Stretch {
            places: Vec::new(),
            total: total.unsigned_abs(),
            is_dear,
            before: false,
            behind: false,
        };
        if count == 0 {
            return Ok(stretch);
        }
        match (first, window) {
            (Some(first), _) => stretch.places = first,
            (None, Window::Index { offset, .. }) => {
                let offset = i64::try_from(*offset).unwrap_or(i64::MAX);
                stretch.places = self.page(tx, total, offset, count)?;
            }
            (None, Window::Beside { side, place, .. }) => {
                let mut places = self.beside(tx, *side, *place, count.saturating_add(1))?;
                let farther = length(&places) > count;
                places.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                // With nothing on this side, whatever there is stands on the other.
                let nearer = place.is_some() && self.is_any(tx, side.opposite(), places.first())?;
                (stretch.before, stretch.behind) = match side {
                    Side::After => (nearer, farther),
                    Side::Before => (farther, nearer),
                };
                if *side == Side::Before {
                    places.reverse();
                }
                stretch.places = places;
            }
        }
        Ok(stretch)
    }

    /// The first places of the list.
    pub(super) fn first(&self, tx: &mut ReadTx<'_>, count: usize) -> Result<Vec<Place>, DirectoryError> {
        self.beside(tx, Side::After, None, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The next places on one side of a place, the nearest first.
    fn beside(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        place: Option<&Place>,
        count: i64,
    ) -> Result<Vec<Place>, DirectoryError> {
        self.found(tx, side, place, (count, true))
    }

    /// Whether anything stands on one side of a place. Nothing need be put in order for that: what a filter's index finds
    /// first will do.
    fn is_any(&self, tx: &mut ReadTx<'_>, side: Side, place: Option<&Place>) -> Result<bool, DirectoryError> {
        Ok(!self.found(tx, side, place, (1, false))?.is_empty())
    }

    fn found(
        &self,
        tx: &mut ReadTx<'_>,
        side: Side,
        place: Option<&Place>,
        (count, ordered): (i64, bool),
    ) -> Result<Vec<Place>, DirectoryError> {
        let (mut places, mut beyond) = (Vec::new(), place);
        for &valued in self.parts(side) {
            // The place stands in one of the two parts; the one that is met before it was passed on earlier pages.
            let is_elsewhere = |place: &Place| self.column != Column::Id && place.key.is_some() != valued;
            if beyond.is_some_and(is_elsewhere) {
                continue;
            }
            let beyond = beyond.take();
            let left = count.saturating_sub(length(&places));
            if left > 0 && (valued || self.column.is_nullable()) {
                let run = Run { ordered, beyond, limit: left, ..self.run(side, valued) };
                places.extend(self.places(tx, &run)?);
            }
        }
        Ok(places)
    }

    /// A page by its offset. An offset is walked place by place in the narrow index, so it is walked from the nearer end.
    fn page(
        &self,
        tx: &mut ReadTx<'_>,
        total: i64,
        mut offset: i64,
        count: i64,
    ) -> Result<Vec<Place>, DirectoryError> {
        let valued_total = match self.column.is_nullable() {
            true => S::count_valued(tx, (self.predicate)())?,
            false => total,
        };
        let mut places = Vec::new();
        for &valued in self.parts(Side::After) {
            let of_part = if valued { valued_total } else { total - valued_total };
            let wanted = count.saturating_sub(length(&places)).min(of_part.saturating_sub(offset));
            if wanted > 0 {
                let behind = of_part - offset - wanted;
                if offset <= behind {
                    let run = Run { offset, limit: wanted, ..self.run(Side::After, valued) };
                    places.extend(self.places(tx, &run)?);
                } else {
                    let run = Run { offset: behind, limit: wanted, ..self.run(Side::Before, valued) };
                    places.extend(self.places(tx, &run)?.into_iter().rev());
                }
            }
            offset = offset.saturating_sub(of_part).max(0);
        }
        Ok(places)
    }

    /// The parts of the list in the order in which they are met: with values, without. Where every row has a value, a place
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
    fn run<'r>(&self, side: Side, valued: bool) -> Run<'r> {
        let along =
            |direction: Direction| if side == Side::Before { direction.reversed() } else { direction };
        let sorted = if self.sort.is_some_and(Sort::is_descending) { Direction::Down } else { Direction::Up };
        // Equal ones are in the order of their ids whatever the direction of the sort.
        let ids = if self.column == Column::Id { sorted } else { Direction::Up };
        Run {
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

    fn places(&self, tx: &mut ReadTx<'_>, run: &Run<'_>) -> Result<Vec<Place>, DirectoryError> {
        let mut places = S::places(tx, (self.predicate)(), run)?;
        if self.sort.is_some() && self.column == Column::Id {
            for place in &mut places {
                place.key = Some(SortKey::Text(place.id.clone()));
            }
        }
        Ok(places)
    }
}

fn length(places: &[Place]) -> i64 {
    i64::try_from(places.len()).unwrap_or(i64::MAX)
}
