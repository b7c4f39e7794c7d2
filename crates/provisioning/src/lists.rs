//! Lists of users, of groups, and of both together (RFC 7644 §3.4.2 and §3.4.2.1): each type is searched by itself, and what
//! stands on the page is merged in the one order that all of them share.

use directory::{
    DirectoryError,
    groups::GroupRecord,
    search::{self, Groups, InMemory, Place, Searched, Side, Stretch, Users, Visitor, Window},
    users::UserRecord,
};
use scim_core::{
    filter::{Filter, Reduced},
    projection::Projection,
    sort::Sort,
};
use store::{ReadTx, StoreError};

use crate::{
    ProvisioningError, Rules, groups,
    render::{self, Base},
    users::{self, UserView},
    write::Kind,
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
        tenant: (&Rules, &Base),
        window: &Window<'_>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Stretch, DirectoryError> {
        let list = self.list();
        match self.kind {
            Kind::User => {
                let with_groups = self.looks_into::<Users>("groups");
                let complete =
                    &mut |tx: &mut ReadTx<'_>, records: Vec<UserRecord>, show: &mut Visitor<'_>| {
                        users::show_whole(tx, tenant, records, with_groups, show)
                    };
                search::find::<Users>(tx, list, window, InMemory { complete, is_over })
            }
            Kind::Group => {
                let with_members = self.looks_into::<Groups>("members");
                let complete =
                    &mut |tx: &mut ReadTx<'_>, records: Vec<GroupRecord>, show: &mut Visitor<'_>| {
                        groups::show_whole(tx, tenant, records, with_members, show)
                    };
                search::find::<Groups>(tx, list, window, InMemory { complete, is_over })
            }
        }
    }

    fn list(&self) -> (Option<&Filter>, Option<&Sort>) {
        (self.filter.as_ref(), self.sort.as_ref())
    }

    /// Whether memory needs an attribute to decide or to order this list: what nobody looks into is not read.
    fn looks_into<S: Searched>(&self, attribute: &str) -> bool {
        let undecided = self.filter.as_ref().filter(|filter| !search::is_decided::<S>(filter));
        undecided.is_some_and(|filter| filter.asks_for(attribute))
            || self.sort.as_ref().is_some_and(|sort| sort.asks_for(attribute))
    }
}

/// How resources of each type are shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Users.
    pub user: Projection,
    /// Groups.
    pub group: Projection,
}

/// What is asked of a list.
pub struct Asked<'a> {
    /// The types, with one sort, each as its type reads it.
    pub parts: &'a [Part],
    /// Which of the matches.
    pub window: Window<'a>,
    /// How they are shown.
    pub shown: &'a Shown,
    /// Whether the search has gone on for too long.
    pub is_over: &'a dyn Fn() -> bool,
    /// Whether there is room for a page of so many bytes, which it takes if there is.
    pub has_room: &'a dyn Fn(usize) -> bool,
}

impl Asked<'_> {
    /// Whether this is a look-up of one user by a unique key, which identity providers ask before everything else.
    #[must_use]
    pub fn is_look_up(&self) -> bool {
        let [Part { kind: Kind::User, filter, .. }] = self.parts else { return false };
        matches!(self.window, Window::Index { .. }) && search::is_look_up::<Users>(filter.as_ref())
    }

    /// Whether [`list_at_once`] is worth asking: identity providers look for a group by its name, for a user by what they call
    /// it, and whether there is anybody at all.
    #[must_use]
    pub fn may_be_short(&self) -> bool {
        let [part] = self.parts else { return false };
        match part.kind {
            Kind::User => search::may_be_few::<Users>(part.list(), &self.window, FEW),
            Kind::Group => search::may_be_few::<Groups>(part.list(), &self.window, FEW),
        }
    }
}

/// Resources on a page that is short whatever stands on it.
const FEW: usize = 10;

/// Longest page, in bytes of its resources: it ends before the one that would make it longer. RFC 7644 §3.4.2.4 has a service
/// return fewer than `count`, and `itemsPerPage` tells how many. One resource is always returned, whatever it holds; so a page
/// ends as well where there is no room for more.
pub const MAX_PAGE_BYTES: usize = 16 << 20;

/// Resources that are read at a time to be shown.
const BATCH: usize = 100;

/// One page of a list.
#[derive(Debug, Default)]
pub struct Listed {
    /// In order, as JSON texts.
    pub texts: Vec<String>,
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

/// A window on a list, or as much of it as a page may hold.
///
/// # Errors
/// [`DirectoryError::SearchTooLong`]; `Busy` when there is no room for one resource; or the store's.
pub fn list(
    tx: &mut ReadTx<'_>,
    tenant: (&Rules, &Base),
    asked: &Asked<'_>,
) -> Result<Listed, ProvisioningError> {
    if asked.is_look_up() {
        let Some(record) = looked_up(tx, asked)? else { return Ok(Listed::default()) };
        let view = is_on_page(asked).then(|| users::view(tx, record)).transpose()?;
        return one(tenant, asked, view);
    }
    let (mut stretch, mut kinds) = match asked.parts {
        [part] => {
            let stretch = part.find(tx, tenant, &asked.window, asked.is_over)?;
            let kinds = vec![part.kind; stretch.places.len()];
            (stretch, kinds)
        }
        _ => merged(tx, tenant, asked)?,
    };
    let is_backwards = matches!(asked.window, Window::Beside { side: Side::Before, .. });
    if is_backwards {
        stretch.places.reverse();
        kinds.reverse();
    }
    let (mut texts, told) = texts(tx, tenant, (&stretch.places, &kinds), asked)?;
    if told < stretch.places.len() {
        stretch.places.truncate(told);
        *if is_backwards { &mut stretch.before } else { &mut stretch.behind } = true;
    }
    if is_backwards {
        stretch.places.reverse();
        texts.reverse();
    }
    Ok(Listed { texts, total: stretch.total, ends: Ends::from(&stretch) })
}

/// As [`list`], by queries whose cost is bounded; `None` for a list that is not short, or of resources that tell of many others.
///
/// # Errors
/// When the store fails.
pub fn list_at_once(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    asked: &Asked<'_>,
) -> Result<Option<Listed>, ProvisioningError> {
    let ([part], shown) = (asked.parts, asked.shown) else { return Ok(None) };
    let found = match part.kind {
        Kind::User => search::find_few::<Users>(tx, part.list(), &asked.window, FEW)?,
        Kind::Group => search::find_few::<Groups>(tx, part.list(), &asked.window, FEW)?,
    };
    let Some(stretch) = found else { return Ok(None) };
    let mut texts = Vec::with_capacity(stretch.places.len());
    match part.kind {
        Kind::User => {
            for record in search::records::<Users>(tx, &stretch.places)? {
                let Some(view) = users::view_at_once(tx, record)? else { return Ok(None) };
                texts.push(render::user_text(rules, base, &view, &shown.user)?);
            }
        }
        Kind::Group => {
            for record in search::records::<Groups>(tx, &stretch.places)? {
                let view = groups::view_at_once(tx, record, shown.group.wants("members"))?;
                let Some(view) = view else { return Ok(None) };
                texts.push(render::group_text(rules, base, &view, &shown.group)?);
            }
        }
    }
    let fits = (asked.has_room)(texts.iter().map(String::len).sum());
    Ok(fits.then(|| Listed { texts, total: stretch.total, ends: Ends::from(&stretch) }))
}

/// A look-up by a few queries whose cost is bounded; `None` when the user's groups are many, or stand in other groups.
///
/// # Errors
/// When the store fails.
pub fn look_up_at_once(
    tx: &mut ReadTx<'_>,
    tenant: (&Rules, &Base),
    asked: &Asked<'_>,
) -> Result<Option<Listed>, ProvisioningError> {
    let Some(record) = looked_up(tx, asked)? else { return Ok(Some(Listed::default())) };
    if !is_on_page(asked) {
        return one(tenant, asked, None).map(Some);
    }
    let view = users::view_at_once(tx, record)?;
    view.map(|view| one(tenant, asked, Some(view))).transpose()
}

fn looked_up(tx: &mut ReadTx<'_>, asked: &Asked<'_>) -> Result<Option<UserRecord>, DirectoryError> {
    match asked.parts.first().and_then(|part| part.filter.as_ref()) {
        Some(filter) => search::look_up::<Users>(tx, filter),
        None => Ok(None),
    }
}

fn is_on_page(asked: &Asked<'_>) -> bool {
    matches!(asked.window, Window::Index { offset: 0, count } if count > 0)
}

fn one(
    (rules, base): (&Rules, &Base),
    asked: &Asked<'_>,
    view: Option<UserView>,
) -> Result<Listed, ProvisioningError> {
    let text = view.map(|view| render::user_text(rules, base, &view, &asked.shown.user)).transpose()?;
    Ok(Listed { texts: text.into_iter().collect(), total: 1, ..Listed::default() })
}

/// One stretch of several types' stretches. A page by place is cut from the beginning of all of them, so that its cost grows
/// with what lies before it.
fn merged(
    tx: &mut ReadTx<'_>,
    tenant: (&Rules, &Base),
    asked: &Asked<'_>,
) -> Result<(Stretch, Vec<Kind>), DirectoryError> {
    let (of_each, offset, count, side, known) = match asked.window {
        Window::Index { offset, count } => {
            let reach = if count == 0 { 0 } else { offset.saturating_add(count) };
            (Window::Index { offset: 0, count: reach }, offset, count, Side::After, None)
        }
        Window::Beside { side, place, count, total } => {
            // The cursor carries the total of all types together. Each type is told that its own is known, whatever it is, so that
            // it does not count again.
            let of_each = Window::Beside { side, place, count, total: total.map(|_| 0) };
            (of_each, 0, count, side, total)
        }
    };
    let mut all = Stretch { places: Vec::new(), total: 0, is_dear: false, before: false, behind: false };
    let mut places: Vec<(Kind, Place)> = Vec::new();
    for part in asked.parts {
        let found = part.find(tx, tenant, &of_each, asked.is_over)?;
        all.total += found.total;
        all.is_dear |= found.is_dear;
        all.before |= found.before;
        all.behind |= found.behind;
        places.extend(found.places.into_iter().map(|place| (part.kind, place)));
    }
    // Any part's sort compares alike: what one type does not know has no key.
    let sort = asked.parts.first().and_then(|part| part.sort.as_ref());
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

/// The texts of what stands at these places, until a page is full, and at how many it stands; with a few queries for each type.
fn texts(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    (places, kinds): (&[Place], &[Kind]),
    &Asked { shown, has_room, .. }: &Asked<'_>,
) -> Result<(Vec<String>, usize), ProvisioningError> {
    let (mut texts, mut bytes, mut told) = (Vec::with_capacity(places.len()), 0_usize, 0);
    for (places, kinds) in places.chunks(BATCH).zip(kinds.chunks(BATCH)) {
        let of_kind = |kind: Kind| -> Vec<Place> {
            let own = places.iter().zip(kinds).filter(|(_, own)| **own == kind);
            own.map(|(place, _)| place.clone()).collect()
        };
        let records = search::records::<Users>(tx, &of_kind(Kind::User))?;
        let mut users = users::Views::of(tx, records, shown.user.wants("groups"))?;
        let records = search::records::<Groups>(tx, &of_kind(Kind::Group))?;
        let mut groups = groups::Views::of(records, shown.group.wants("members"));
        for kind in kinds {
            tx.haste().may_go_on()?;
            let text = match kind {
                Kind::User => users.next(tx)?.map(|view| render::user_text(rules, base, &view, &shown.user)),
                Kind::Group => {
                    groups.next(tx)?.map(|view| render::group_text(rules, base, &view, &shown.group))
                }
            };
            let text = text.transpose()?;
            bytes += text.as_ref().map_or(0, String::len);
            let fits = has_room(bytes);
            if !texts.is_empty() && (bytes > MAX_PAGE_BYTES || !fits) {
                return Ok((texts, told));
            }
            if !fits {
                return Err(StoreError::Busy.into());
            }
            texts.extend(text);
            told += 1;
        }
    }
    Ok((texts, told))
}
