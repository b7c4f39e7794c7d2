//! Licenses and roles, dearest first.

use super::room::{MAX_TITLE, Room};
use crate::choice::Policy;
use crate::fault::shown;
use crate::field::{Field, Table, is_name};
use crate::profile::{License, Quota, Role};

/// Most licenses of a profile: each is a pool, and each pool a label of a metric.
const MAX_LICENSES: usize = 8;
/// Most roles of a profile.
const MAX_ROLES: usize = 32;

/// The keys of a list of tables, in its order; none where a table has no key that could be read.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Option<String>>);

impl Keys {
    fn of(list: Option<&[Field<'_>]>) -> Self {
        let key = |field: &Field<'_>| field.peek("key").filter(|key| is_name(key)).map(str::to_owned);
        Self(list.unwrap_or_default().iter().map(key).collect())
    }

    /// The place of the key that a field names, the dearest being 0.
    pub(super) fn rank(&self, field: &Field<'_>, what: &str) -> Option<usize> {
        let key = field.text()?;
        let found = self.0.iter().position(|known| known.as_deref() == Some(key));
        // Where a key cannot be read, it may be this one.
        let is_whole = !self.0.is_empty() && self.0.iter().all(Option::is_some);
        if found.is_none() && is_whole {
            let all = self.0.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
            return field.clash(format!("{} is no {what} here; the {what}s are {all}", shown(key)));
        }
        found
    }

    pub(super) fn get(&self, rank: usize) -> Option<String> {
        self.0.get(rank).cloned().flatten()
    }
}

/// What could be read of both.
pub(super) struct Plan {
    pub(super) licenses: Option<Vec<License>>,
    pub(super) roles: Option<Vec<Role>>,
    pub(super) role_keys: Keys,
}

pub(super) fn read(root: &Table<'_>) -> Plan {
    let licenses = root.need("licenses").and_then(|field| some(&field));
    let roles = root.need("roles").and_then(|field| some(&field));
    let license_keys = Keys::of(licenses.as_deref());
    let role_keys = Keys::of(roles.as_deref());
    let license = |rank, table: &Table<'_>| license(rank, table, &license_keys);
    let role = |_, table: &Table<'_>| role(table, &license_keys);
    Plan {
        licenses: licenses.and_then(|list| tables(&list, Room::of(MAX_LICENSES, "licenses"), license)),
        roles: roles.and_then(|list| tables(&list, Room::of(MAX_ROLES, "roles"), role)),
        role_keys,
    }
}

fn some<'t>(field: &Field<'t>) -> Option<Vec<Field<'t>>> {
    let list = field.list()?;
    if list.is_empty() { field.refuse("must hold at least one") } else { Some(list) }
}

/// Reads each table; a key stands once.
fn tables<T>(
    list: &[Field<'_>],
    mut room: Room,
    read: impl Fn(usize, &Table<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (rank, field) in list.iter().enumerate() {
        if !room.takes(field) {
            return None;
        }
        let Some(table) = field.table() else { continue };
        all.extend(read(rank, &table));
        if let Some(key) = table.get("key") {
            match field.peek("key") {
                Some(name) if seen.contains(&name) => {
                    key.refuse::<()>("stands twice; each key stands once").unwrap_or(())
                }
                Some(name) => seen.push(name),
                None => {}
            }
        }
        table.close();
    }
    (all.len() == list.len()).then_some(all)
}

fn license(rank: usize, table: &Table<'_>, keys: &Keys) -> Option<License> {
    let key = table.need("key").and_then(|field| field.name());
    let title = table.get("title").map(|field| field.some_line_of(MAX_TITLE));
    let quota = table.or("quota", Quota::Seats(0), quota);
    let fallback_field = table.get("fallback");
    let fallback = fallback_field.as_ref().map(|field| below(rank, field, keys));
    let usual = if fallback.is_some() { Policy::Fallback } else { Policy::Refuse };
    let policy = table.or("policy", usual, Field::word);
    let overage = table.or("overage", 0, |field| field.integer(0..=Quota::MAX));
    if policy == Some(Policy::Fallback) && fallback.is_none() {
        let at = table.get("policy");
        return at
            .as_ref()
            .unwrap_or(table.whole())
            .clash("fallback needs the key fallback: the license that is tried instead");
    }
    let key = key?;
    Some(License {
        title: title.unwrap_or_else(|| Some(title_of(&key)))?,
        key,
        quota: quota?,
        policy: policy?,
        fallback: fallback.map_or(Some(None), |found| found.map(Some))?,
        overage: overage?,
    })
}

/// A license that stands below, so that no loop can be written.
fn below(rank: usize, field: &Field<'_>, keys: &Keys) -> Option<String> {
    let found = keys.rank(field, "license")?;
    if found > rank {
        return keys.get(found);
    }
    field.clash("must stand below this license: licenses stand dearest first, and a fallback is cheaper")
}

fn quota(field: &Field<'_>) -> Option<Quota> {
    if field.is_text(Quota::UNLIMITED) {
        return Some(Quota::Unlimited);
    }
    match field.whole_number() {
        Some(seats) if (0..=Quota::MAX).contains(&seats) => Some(Quota::Seats(seats)),
        _ => field.must_be(&format!("a whole number from 0 to {}, or \"{}\"", Quota::MAX, Quota::UNLIMITED)),
    }
}

fn role(table: &Table<'_>, licenses: &Keys) -> Option<Role> {
    let key = table.need("key").and_then(|field| field.name());
    let title = table.get("title").map(|field| field.some_line_of(MAX_TITLE));
    let license = table.need("license").and_then(|field| licenses.get(licenses.rank(&field, "license")?));
    let admin = table.or("admin", false, Field::flag);
    let may_fall_back = table.or("may_fall_back", false, Field::flag);
    let key = key?;
    Some(Role {
        title: title.unwrap_or_else(|| Some(title_of(&key)))?,
        key,
        license: license?,
        admin: admin?,
        may_fall_back: may_fall_back?,
    })
}

/// The role of a person about whom nothing was said: nobody gets a dear seat by chance (MO18).
pub(super) fn default_role(field: &Field<'_>, roles: &Keys) -> Option<String> {
    let rank = roles.rank(field, "role")?;
    if rank == 0 && roles.0.len() > 1 {
        return field
            .clash("must not be the dearest role: it is what people get about whom nothing was said");
    }
    roles.get(rank)
}

/// `member_lite` as people write it: `Member Lite`.
fn title_of(key: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
        first.unwrap_or_default()
    };
    key.split(['_', '-']).map(word).collect::<Vec<_>>().join(" ")
}
