//! Lists of users, of groups, and of both together (RFC 7644 §3.4.2 and §3.4.2.1): each type is searched by itself, and what
//! stands on the page is merged in the one order that all of them share.

use std::collections::VecDeque;

use directory::{
    DirectoryError,
    groups::GroupRecord,
    search::{self, Groups, Place, Side, Stretch, Users, Window},
    users::UserRecord,
};
use scim_core::{
    filter::{Filter, Reduced},
    sort::Sort,
};
use store::ReadTx;

use crate::{
    ProvisioningError, Rules, groups,
    render::Base,
    users,
    write::{Kind, View},
};

/// What is listed of one resource type.
#[derive(Clone, Debug)]
pub struct Part {
    /// The type.
    pub kind: Kind,
    /// Which of its resources; all without one.
    pub filter: Option<Filter>,
    /// In which order; in that of their creation without one.
    pub sort: Option<Sort>,
}

impl Part {
    /// The part as it is, or nothing when no resource of the type can match: for a list of several types.
    #[must_use]
    pub fn reduced(self, rules: &Rules) -> Option<Self> {
        let filter = match self.filter.map(|filter| filter.reduce(self.kind.of(rules))) {
            Some(Reduced::None) => return None,
            Some(Reduced::Filter(filter)) => Some(filter),
            Some(Reduced::All) | None => None,
        };
        Some(Self { filter, ..self })
    }

    fn find(
        &self,
        tx: &mut ReadTx<'_>,
        (rules, base): (&Rules, &Base),
        window: &Window<'_>,
    ) -> Result<Stretch, DirectoryError> {
        let list = (self.filter.as_ref(), self.sort.as_ref());
        match self.kind {
            Kind::User => search::find::<Users>(tx, list, window, &mut |tx, records: &[UserRecord]| {
                users::whole(tx, rules, base, records)
            }),
            Kind::Group => search::find::<Groups>(tx, list, window, &mut |tx, records: &[GroupRecord]| {
                groups::whole(tx, rules, base, records)
            }),
        }
    }
}

/// One page of a list.
#[derive(Debug, Default)]
pub struct Listed {
    /// In order.
    pub views: Vec<View>,
    /// How many match in all.
    pub total: u64,
    /// Where the page stands, for who walks the list; a look-up has no such thing.
    pub ends: Ends,
}

/// Where a page stands among the others.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The first and the last place on the page.
    pub places: Option<(Place, Place)>,
    /// Whether there are matches before the page.
    pub before: bool,
    /// Whether there are matches behind it.
    pub behind: bool,
    /// How many match in all, where counting them is so dear that a walk should carry the total along.
    pub total: Option<u64>,
}

impl From<&Stretch> for Ends {
    fn from(stretch: &Stretch) -> Self {
        Self {
            places: stretch.places.first().cloned().zip(stretch.places.last().cloned()),
            before: stretch.before,
            behind: stretch.behind,
            total: stretch.is_dear.then_some(stretch.total),
        }
    }
}

/// Whether a list is a look-up of one user by a unique key, which identity providers ask before everything else.
#[must_use]
pub fn is_look_up(parts: &[Part], window: &Window<'_>) -> bool {
    let [Part { kind: Kind::User, filter, .. }] = parts else { return false };
    matches!(window, Window::Index { .. }) && search::is_look_up::<Users>(filter.as_ref())
}

/// A window on a list. The parts have one sort, each as its type reads it.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    parts: &[Part],
    window: &Window<'_>,
    with_members: bool,
) -> Result<Listed, ProvisioningError> {
    if let ([Part { filter: Some(filter), .. }], Window::Index { offset, count }) = (parts, window)
        && is_look_up(parts, window)
    {
        return look_up(tx, filter, *offset == 0 && *count > 0);
    }
    let (stretch, kinds) = match parts {
        [part] => {
            let stretch = part.find(tx, (rules, base), window)?;
            let kinds = vec![part.kind; stretch.places.len()];
            (stretch, kinds)
        }
        parts => merged(tx, (rules, base), parts, window)?,
    };
    let views = views(tx, &stretch.places, &kinds, with_members)?;
    Ok(Listed { views, total: stretch.total, ends: Ends::from(&stretch) })
}

fn look_up(tx: &mut ReadTx<'_>, filter: &Filter, is_on_page: bool) -> Result<Listed, ProvisioningError> {
    let Some(record) = search::look_up::<Users>(tx, filter)? else { return Ok(Listed::default()) };
    let views = if is_on_page { vec![View::User(users::view(tx, record)?)] } else { Vec::new() };
    Ok(Listed { views, total: 1, ..Listed::default() })
}

/// One stretch of several types' stretches. A page by place is cut from the beginning of all of them, so that its cost grows
/// with what lies before it.
fn merged(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    parts: &[Part],
    window: &Window<'_>,
) -> Result<(Stretch, Vec<Kind>), DirectoryError> {
    let (of_each, offset, count, side, known) = match *window {
        Window::Index { offset, count } => {
            let reach = if count == 0 { 0 } else { offset.saturating_add(count) };
            (Window::Index { offset: 0, count: reach }, offset, count, Side::After, None)
        }
        Window::Beside { side, place, count, total } => {
            // What is known is the sum; what each has of it nobody asks.
            let of_each = Window::Beside { side, place, count, total: total.map(|_| 0) };
            (of_each, 0, count, side, total)
        }
    };
    let mut all = Stretch { places: Vec::new(), total: 0, is_dear: false, before: false, behind: false };
    let mut places: Vec<(Kind, Place)> = Vec::new();
    for part in parts {
        let found = part.find(tx, (rules, base), &of_each)?;
        all.total += found.total;
        all.is_dear |= found.is_dear;
        all.before |= found.before;
        all.behind |= found.behind;
        places.extend(found.places.into_iter().map(|place| (part.kind, place)));
    }
    // Any part's sort compares alike: what one type does not know has no key.
    let sort = parts.first().and_then(|part| part.sort.as_ref());
    places.sort_by(|(_, a), (_, b)| a.compare(b, sort));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match side {
        Side::After => {
            places.drain(..usize::try_from(offset).unwrap_or(usize::MAX).min(places.len()));
            all.behind |= places.len() > count;
            places.truncate(count);
        }
        Side::Before => {
            all.before |= places.len() > count;
            places.drain(..places.len().saturating_sub(count));
        }
    }
    all.total = known.unwrap_or(all.total);
    let (kinds, places) = places.into_iter().unzip();
    all.places = places;
    Ok((all, kinds))
}

/// The views of what stands at these places, with as many queries as there are types.
fn views(
    tx: &mut ReadTx<'_>,
    places: &[Place],
    kinds: &[Kind],
    with_members: bool,
) -> Result<Vec<View>, ProvisioningError> {
    let of_kind = |kind: Kind| -> Vec<Place> {
        let own = places.iter().zip(kinds).filter(|(_, own)| **own == kind);
        own.map(|(place, _)| place.clone()).collect()
    };
    let records = search::records::<Users>(tx, &of_kind(Kind::User))?;
    let mut users = VecDeque::from(users::views(tx, records)?);
    let records = search::records::<Groups>(tx, &of_kind(Kind::Group))?;
    let mut groups = VecDeque::from(groups::views(tx, records, with_members)?);
    let next = |kind: &Kind| match kind {
        Kind::User => users.pop_front().map(View::User),
        Kind::Group => groups.pop_front().map(View::Group),
    };
    Ok(kinds.iter().filter_map(next).collect())
}
