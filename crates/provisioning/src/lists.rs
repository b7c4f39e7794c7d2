//! Lists of users, of groups, and of both together (RFC 7644 §3.4.2 and §3.4.2.1): each type is searched by itself, and the
//! results are merged in the order that all of them share.

use directory::{
    DirectoryError,
    search::{self, InMemory, Page, PageRequest, Position, Query, Side, Visitor},
};
use scim_core::{
    ResourceKind,
    filter::{Filter, Reduced},
    projection::Projection,
    sort::Sort,
};
use store::{ReadTx, StoreError};

use crate::{
    ProvisioningError, Rules, render,
    view::{View, Views, links_attribute},
    walks::{self, Walk},
};

/// The part of a list that is of one resource type.
#[derive(Clone, Debug)]
pub struct Part {
    /// The type.
    pub kind: ResourceKind,
    /// Selects its resources; without one, all.
    pub filter: Option<Filter>,
    /// Their order; without one, that of their creation.
    pub sort: Option<Sort>,
}

impl Part {
    /// The part as it is, or `None` when no resource of the type can match: for a list of several types.
    #[must_use]
    pub fn reduced(self, rules: &Rules) -> Option<Self> {
        let filter = match self.filter.map(|filter| filter.reduce(rules.resource_type(self.kind))) {
            Some(Reduced::None) => return None,
            Some(Reduced::Filter(filter)) => Some(filter),
            Some(Reduced::All) | None => None,
        };
        Some(Self { filter, ..self })
    }

    fn find(
        &self,
        tx: &mut ReadTx<'_>,
        rules: &Rules,
        asked: &ListRequest<'_>,
    ) -> Result<Page, DirectoryError> {
        let (kind, with_links) = (self.kind, self.looks_into(links_attribute(self.kind)));
        let complete = &mut |tx: &mut ReadTx<'_>, records, show: &mut Visitor<'_>| {
            let mut views =
                Views::of(tx, rules.product.licenses(), kind, records, with_links).map_err(plain)?;
            while let Some(view) = views.next(tx).map_err(plain)? {
                if !show(render::resource(rules, &view)?)? {
                    break;
                }
            }
            Ok(())
        };
        let in_memory = InMemory { complete, is_over: asked.is_over };
        search::find(tx, kind, self.query(), &asked.request, in_memory)
    }

    fn query(&self) -> Query<'_> {
        Query { filter: self.filter.as_ref(), sort: self.sort.as_ref() }
    }

    /// Whether memory needs an attribute to decide or to order this list: an attribute that it does not look into is not read.
    fn looks_into(&self, attribute: &str) -> bool {
        let undecided = self.filter.as_ref().filter(|filter| !search::is_decided(self.kind, filter));
        undecided.is_some_and(|filter| filter.asks_for(attribute))
            || self.sort.as_ref().is_some_and(|sort| sort.asks_for(attribute))
    }
}

/// An error of making a view, as the directory's.
fn plain(error: ProvisioningError) -> DirectoryError {
    match error {
        ProvisioningError::Directory(error) => error,
        ProvisioningError::Store(error) => error.into(),
        other => DirectoryError::BadDocument { id: String::new(), cause: other.to_string() },
    }
}

/// How resources of each type are shown.
#[derive(Clone, Debug)]
pub struct Projections {
    /// Users.
    pub user: Projection,
    /// Groups.
    pub group: Projection,
}

impl Projections {
    fn of(&self, kind: ResourceKind) -> &Projection {
        if kind == ResourceKind::Group { &self.group } else { &self.user }
    }
}

/// The request for a list.
#[derive(Clone, Copy)]
pub struct ListRequest<'a> {
    /// The types, with one sort, each as its type reads it.
    pub parts: &'a [Part],
    /// Which of the matches.
    pub request: PageRequest<'a>,
    /// How they are shown.
    pub projections: &'a Projections,
    /// The walk that the page may belong to.
    pub walk: Option<Walk<'a>>,
    /// Whether the search has gone on for too long.
    pub is_over: &'a dyn Fn() -> bool,
    /// Whether there is room for a page of so many bytes, which it takes if there is.
    pub has_room: &'a dyn Fn(usize) -> bool,
}

impl ListRequest<'_> {
    /// Whether this is a look-up of one user by a unique key, which identity providers ask before everything else.
    #[must_use]
    pub fn is_look_up(&self) -> bool {
        let [Part { kind: ResourceKind::User, filter, .. }] = self.parts else { return false };
        matches!(self.request, PageRequest::Index { .. })
            && search::is_look_up(ResourceKind::User, filter.as_ref())
    }

    /// Its walk, where a position says more than its offset does: of one type, which an index orders.
    fn own_walk(&self) -> Option<Walk<'_>> {
        let [part] = self.parts else { return None };
        self.walk.filter(|_| search::is_indexed(part.kind, part.query()))
    }

    /// Whether a small read may do: identity providers look for a group by its name, for a user by its `externalId`, and for
    /// any user at all.
    #[must_use]
    pub fn may_be_short(&self) -> bool {
        let [part] = self.parts else { return false };
        search::may_be_few(part.kind, part.query(), &self.request)
    }
}

/// Longest page, in bytes of its resources: it ends before the one that would make it longer. RFC 7644 §3.4.2.4 has a service
/// return fewer than `count`, and `itemsPerPage` says how many. One resource is always returned, whatever it holds; so a page
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
    /// The ends of the page, for a walk of the list; empty after a look-up.
    pub ends: Ends,
}

/// The ends of a page, and whether the list goes on there.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The first and the last position on the page.
    pub positions: Option<(Position, Position)>,
    /// Whether there are matches before the page.
    pub before: bool,
    /// Whether there are matches behind it.
    pub behind: bool,
    /// The number of matches, where counting them is so expensive that a walk should carry the total along.
    pub total: Option<u64>,
}

impl From<&Page> for Ends {
    fn from(page: &Page) -> Self {
        Self {
            positions: page.positions.first().cloned().zip(page.positions.last().cloned()),
            before: page.before,
            behind: page.behind,
            total: page.is_dear.then_some(page.total),
        }
    }
}

/// A page of a list, or as much of it as a page may hold. A small read finds only a look-up or a short list.
///
/// # Errors
/// [`DirectoryError::SearchTooLong`]; `Busy` when there is no room for one resource; `LargeRead` where a small read does not
/// do; or the store's.
pub fn list(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    asked: &ListRequest<'_>,
) -> Result<Listed, ProvisioningError> {
    if asked.is_look_up() {
        return look_up(tx, rules, asked);
    }
    let (mut page, mut kinds) = match asked.parts {
        [part] => {
            let page = page_of(part, tx, rules, asked)?;
            let kinds = vec![part.kind; page.positions.len()];
            (page, kinds)
        }
        _ => {
            tx.allow_large()?;
            merged(tx, rules, asked)?
        }
    };
    let is_backwards = matches!(asked.request, PageRequest::Beside { side: Side::Before, .. });
    if is_backwards {
        page.positions.reverse();
        kinds.reverse();
    }
    let (mut texts, shown) = texts(tx, rules, &page.positions, &kinds, asked)?;
    if shown < page.positions.len() {
        page.positions.truncate(shown);
        *if is_backwards { &mut page.before } else { &mut page.behind } = true;
    }
    if is_backwards {
        page.positions.reverse();
        texts.reverse();
    }
    if let Some(walk) = asked.own_walk() {
        walk.remember(tx, &asked.request, &page.positions)?;
    }
    Ok(Listed { texts, total: page.total, ends: Ends::from(&page) })
}

/// A page of one type, found behind the last row of the page before it where that is remembered.
fn page_of(
    part: &Part,
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    asked: &ListRequest<'_>,
) -> Result<Page, ProvisioningError> {
    let after = asked.own_walk().map(|walk| walk.find(tx, &asked.request)).transpose()?.flatten();
    let request = after.as_ref().map_or(asked.request, |after| walks::behind(after, &asked.request));
    Ok(part.find(tx, rules, &ListRequest { request, ..*asked })?)
}

/// A list of one user, found by a unique key.
fn look_up(tx: &mut ReadTx<'_>, rules: &Rules, asked: &ListRequest<'_>) -> Result<Listed, ProvisioningError> {
    let kind = ResourceKind::User;
    let filter = asked.parts.first().and_then(|part| part.filter.as_ref());
    let record = filter.map(|filter| search::look_up(tx, kind, filter)).transpose()?.flatten();
    let Some(record) = record else { return Ok(Listed::default()) };
    let mut listed = Listed { total: 1, ..Listed::default() };
    if matches!(asked.request, PageRequest::Index { offset: 0, count } if count > 0) {
        let projection = asked.projections.of(kind);
        let with_links = projection.wants(links_attribute(kind));
        let view = View::of(kind, record).completed(tx, rules.product.licenses(), with_links)?;
        listed.texts.push(render::text(rules, &view, projection)?);
    }
    Ok(listed)
}

/// One page of several types' pages. A page by offset is cut from the beginning of all of them, so that its cost grows with
/// the offset.
fn merged(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    asked: &ListRequest<'_>,
) -> Result<(Page, Vec<ResourceKind>), DirectoryError> {
    let (of_each, offset, count, side, known) = match asked.request {
        PageRequest::Index { offset, count } => {
            let reach = if count == 0 { 0 } else { offset.saturating_add(count) };
            (PageRequest::Index { offset: 0, count: reach }, offset, count, Side::After, None)
        }
        PageRequest::Beside { side, position, count, total } => {
            // The cursor carries the total of all types together. Each type is told that its own is known, so that it does not
            // count again; the number is not used.
            let of_each = PageRequest::Beside { side, position, count, total: total.map(|_| 0) };
            (of_each, 0, count, side, total)
        }
    };
    let mut all = Page::default();
    let mut positions: Vec<(ResourceKind, Position)> = Vec::new();
    for part in asked.parts {
        let found = part.find(tx, rules, &ListRequest { request: of_each, ..*asked })?;
        all.total += found.total;
        all.is_dear |= found.is_dear;
        all.before |= found.before;
        all.behind |= found.behind;
        positions.extend(found.positions.into_iter().map(|position| (part.kind, position)));
    }
    // The sorts of all parts compare alike: a resource without the attribute has no key.
    let sort = asked.parts.first().and_then(|part| part.sort.as_ref());
    positions.sort_by(|(_, a), (_, b)| a.compare(b, sort));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match side {
        Side::After => {
            positions.drain(..usize::try_from(offset).unwrap_or(usize::MAX).min(positions.len()));
            all.behind |= positions.len() > count;
            positions.truncate(count);
        }
        Side::Before => {
            all.before |= positions.len() > count;
            positions.drain(..positions.len().saturating_sub(count));
        }
    }
    all.total = known.unwrap_or(all.total);
    let (kinds, positions) = positions.into_iter().unzip();
    all.positions = positions;
    Ok((all, kinds))
}

/// The texts of the resources at these positions until the page is full, and the number of positions read; with a few queries
/// for each kind.
fn texts(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    positions: &[Position],
    kinds: &[ResourceKind],
    asked: &ListRequest<'_>,
) -> Result<(Vec<String>, usize), ProvisioningError> {
    let (mut texts, mut bytes, mut shown) = (Vec::with_capacity(positions.len()), 0_usize, 0);
    for (positions, kinds) in positions.chunks(BATCH).zip(kinds.chunks(BATCH)) {
        let mut views = Vec::with_capacity(asked.parts.len());
        for Part { kind, .. } in asked.parts {
            let own = positions.iter().zip(kinds).filter(|(_, own)| *own == kind);
            let own: Vec<Position> = own.map(|(position, _)| position.clone()).collect();
            let records = search::records(tx, *kind, &own)?;
            let with_links = asked.projections.of(*kind).wants(links_attribute(*kind));
            views.push((kind, Views::of(tx, rules.product.licenses(), *kind, records, with_links)?));
        }
        for kind in kinds {
            tx.haste().may_go_on()?;
            let Some((_, views)) = views.iter_mut().find(|(own, _)| *own == kind) else { continue };
            let view = views.next(tx)?;
            let text =
                view.map(|view| render::text(rules, &view, asked.projections.of(*kind))).transpose()?;
            bytes += text.as_ref().map_or(0, String::len);
            let fits = (asked.has_room)(bytes);
            if !fits {
                tx.allow_large()?;
            }
            if !texts.is_empty() && (bytes > MAX_PAGE_BYTES || !fits) {
                return Ok((texts, shown));
            }
            if !fits {
                return Err(StoreError::Busy.into());
            }
            texts.extend(text);
            shown += 1;
        }
    }
    Ok((texts, shown))
}
