//! Own attributes, required ones, and the sources of the role: everything that names SCIM attributes.

use std::collections::HashMap;

use scim_core::leniency::Tolerance;
use scim_core::path::Path;
use scim_core::resource::MAX_KEY;
use scim_core::schema::{Mutability, Type, alike, document};
use scim_core::{Field as ScimField, ResourceType};

use super::origin::Origin;
use super::plan::Keys;
use super::room::Room;
use crate::choice::{Empty, Unmapped};
use crate::fault::shown;
use crate::field::{Field, Table};
use crate::lookup::{self, Groups, Reader, RuleOrder};
use crate::profile::{AttributeSource, GroupKey, GroupRule, GroupSource, OwnAttribute, Source, ValueRule};

/// Most sources of a profile: each is asked for each write that may change a role.
const MAX_SOURCES: usize = 16;
/// Most values of all sources together.
const MAX_VALUES: usize = 1_000;
/// Most group rules of all sources together.
const MAX_GROUP_RULES: usize = 500;
/// Longest description of an own attribute, in characters.
const MAX_DESCRIPTION: usize = 500;

/// The attributes of the product's own that could be read.
pub(super) fn attributes(root: &Table<'_>, user: &ResourceType) -> Vec<OwnAttribute> {
    let list = root.get("attributes").and_then(|field| field.list()).unwrap_or_default();
    let mut all: Vec<OwnAttribute> = Vec::new();
    for field in list {
        let Some(table) = field.table() else { continue };
        let read = attribute(&table, user);
        table.close();
        let same = |other: &OwnAttribute, new: &OwnAttribute| {
            other.home.eq_ignore_ascii_case(&new.home) && other.name.eq_ignore_ascii_case(&new.name)
        };
        match read {
            Some(new) if all.iter().any(|other| same(other, &new)) => {
                field.refuse::<()>(format!("{} stands in {} twice", new.name, new.home));
            }
            read => all.extend(read),
        }
    }
    all
}

fn attribute(table: &Table<'_>, user: &ResourceType) -> Option<OwnAttribute> {
    let name_field = table.need("name");
    let name = name_field.as_ref().and_then(|field| {
        let name = field.text()?;
        document::check_attribute_name(name).map_or_else(|why| field.refuse(why), |()| Some(name.to_owned()))
    });
    let home = table.need("in").and_then(|field| home(&field, user));
    let kind = table.need("type").and_then(|field| field.word());
    let description = table.or("description", String::new(), |field| field.line_of(MAX_DESCRIPTION));
    let own = OwnAttribute { name: name?, home: home?, kind: kind?, description: description? };
    if own.urn().is_none() && user.attribute(&own.name).is_some() {
        return name_field?.refuse(format!("{} is an attribute that every user has", own.name));
    }
    Some(own)
}

fn home(field: &Field<'_>, user: &ResourceType) -> Option<String> {
    let home = field.text()?;
    if home == OwnAttribute::CORE {
        return Some(home.to_owned());
    }
    if !document::is_urn(home) {
        return field.must_be("\"core\", or a URN such as urn:example:hr:2.0:User");
    }
    let begins = |long: &str, short: &str| {
        long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short))
            && long.get(short.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    if user.schemas().any(|schema| begins(home, &schema.id) || begins(&schema.id, home)) {
        return field.refuse("is a schema that every user has; take a URN of the product's own");
    }
    Some(home.to_owned())
}

/// Required attributes: ones that clients write.
pub(super) fn required(field: &Field<'_>, user: &mut ResourceType) -> Option<Vec<String>> {
    field.each_once(|name| {
        let text = name.text()?;
        match user.attribute_of(text) {
            None => name.refuse(format!("{} is an attribute that no schema of a user has", shown(text))),
            Some(found) if found.mutability == Mutability::ReadOnly => {
                name.refuse(format!("{} is read-only, so that nobody can send it", shown(text)))
            }
            Some(_) => Some(text.to_owned()),
        }
    })
}

/// What sources refer to.
pub(super) struct Sources<'p> {
    pub(super) user: &'p ResourceType,
    pub(super) roles: &'p Keys,
    pub(super) origin: Origin,
}

/// What is left of the bounds, and what is there already.
struct State {
    values: Room,
    rules: Room,
    groups: Groups,
    paths: Vec<(Path, String)>,
}

impl Sources<'_> {
    pub(super) fn all(&self, root: &Table<'_>) -> Option<(Vec<Source>, Groups)> {
        let list = match root.get("sources") {
            Some(field) => field.list()?,
            None => Vec::new(),
        };
        let mut room = Room::of(MAX_SOURCES, "sources");
        let mut state = State {
            values: Room::of(MAX_VALUES, "values"),
            rules: Room::of(MAX_GROUP_RULES, "group rules"),
            groups: Groups::default(),
            paths: Vec::new(),
        };
        let mut all = Vec::new();
        for (place, field) in list.iter().enumerate() {
            if !room.takes(field) {
                return None;
            }
            let Some(table) = field.table() else { continue };
            all.extend(self.source(place, &table, &mut state));
            table.close();
        }
        (all.len() == list.len()).then_some((all, state.groups))
    }

    fn source(&self, place: usize, table: &Table<'_>, state: &mut State) -> Option<Source> {
        match (table.get("attribute"), table.get("groups")) {
            (Some(attribute), None) => self.attribute(&attribute, table, state).map(Source::Attribute),
            (None, Some(groups)) => self.groups(place, &groups, state).map(Source::Groups),
            (attribute, _) => {
                // All keys are known here, so that one fault is told and not four.
                let _ = ["values", "unmapped", "empty"].map(|key| table.get(key));
                match attribute {
                    None => table.whole().clash("needs the key attribute or the key groups"),
                    Some(_) => {
                        table.whole().refuse("has the keys attribute and groups; a source has one of them")
                    }
                }
            }
        }
    }

    fn attribute(&self, field: &Field<'_>, table: &Table<'_>, state: &mut State) -> Option<AttributeSource> {
        let path = self.path(field);
        let kind = path
            .as_ref()
            .and_then(|path| path.attribute().map(|of| path.sub().unwrap_or(&of.attribute).kind));
        let values = table.need("values").and_then(|values| self.values(&values, kind, state));
        let unmapped = table.or("unmapped", Unmapped::Next, Field::word);
        let empty = table.or("empty", Empty::Clear, Field::word);
        let path = path?;
        if let Some((_, earlier)) = state.paths.iter().find(|(known, _)| *known == path) {
            return field
                .refuse(format!("is read by {earlier} already; put all values of one path into one source"));
        }
        state.paths.push((path.clone(), field.key.clone()));
        let mut attribute = path.attribute()?.clone();
        attribute.sub = None;
        let (values, ranks) = values?;
        let name = attribute.to_string();
        let reader = Box::new(Reader { path, attribute, name, ranks });
        let attribute = field.text()?.to_owned();
        Some(AttributeSource { attribute, values, unmapped: unmapped?, empty: empty?, reader })
    }

    fn path(&self, field: &Field<'_>) -> Option<Path> {
        let text = field.text()?;
        let path = match Path::parse(self.user, text, &mut Tolerance::lenient()) {
            Ok(path) => path,
            Err(error) => {
                return field.refuse(format!("is no SCIM path: {}", error.detail.trim_end_matches('.')));
            }
        };
        let Some(of) = path.attribute() else {
            return field.refuse("is a whole extension; name an attribute of it");
        };
        let is_written = |part: &ScimField| {
            part.mutability != Mutability::ReadOnly && part.mutability != Mutability::WriteOnly
        };
        if !is_written(&of.attribute) || !path.sub().is_none_or(is_written) {
            return field.refuse("is an attribute that no identity provider writes, or that is not kept");
        }
        match path.sub().unwrap_or(&of.attribute).kind {
            Type::String | Type::Boolean | Type::Integer | Type::Reference => Some(path),
            Type::Complex => field.refuse(format!("has parts; name one of them, such as {}.value", of.attribute.name)),
            Type::Decimal | Type::DateTime | Type::Binary => {
                field.refuse("has a type whose values cannot be listed; a source is a text, true or false, or a whole number")
            }
        }
    }

    /// The values in the file's order, and the ranks of their roles by what compares alike.
    fn values(
        &self,
        field: &Field<'_>,
        kind: Option<Type>,
        state: &mut State,
    ) -> Option<(Vec<ValueRule>, HashMap<String, usize>)> {
        let map = field.map()?;
        if map.is_empty() {
            return field.refuse("must hold at least one value");
        }
        let mut rules = Vec::new();
        let mut ranks: HashMap<String, usize> = HashMap::new();
        for (value, role) in &map {
            if !state.values.takes(role) {
                return None;
            }
            let rank = self.roles.rank(role, "role");
            if !is_of_kind(value, kind) {
                role.refuse::<()>(format!("{} can be no value of this attribute", shown(value)));
                continue;
            }
            let Some(rank) = rank else { continue };
            match ranks.insert(alike(value), rank) {
                Some(other) if other != rank => {
                    let other = self.roles.get(other).unwrap_or_default();
                    role.refuse::<()>(format!(
                        "compares alike with a value above, which means the role {other}"
                    ));
                }
                _ => rules
                    .extend(self.roles.get(rank).map(|role| ValueRule { value: (*value).to_owned(), role })),
            }
        }
        (rules.len() == map.len()).then_some((rules, ranks))
    }

    fn groups(&self, source: usize, field: &Field<'_>, state: &mut State) -> Option<GroupSource> {
        let list = field.list()?;
        if list.is_empty() {
            return field.refuse("must hold at least one rule");
        }
        let mut groups = Vec::new();
        for (place, field) in list.iter().enumerate() {
            if !state.rules.takes(field) {
                return None;
            }
            let Some(table) = field.table() else { continue };
            let rule = self.rule(&table);
            table.close();
            let Some((rule, rank)) = rule else { continue };
            if state.groups.add(rule.group.key(), RuleOrder { source, rule: place, rank }).is_some() {
                field.refuse::<()>("names a group that an earlier rule names; the first would always decide");
                continue;
            }
            groups.push(rule);
        }
        (groups.len() == list.len()).then_some(GroupSource { groups })
    }

    fn rule(&self, table: &Table<'_>) -> Option<(GroupRule, usize)> {
        let named = |key, group: fn(String) -> GroupKey| table.get(key).map(|field| (group, field));
        let named = [
            named("name", GroupKey::Name),
            named("external_id", GroupKey::ExternalId),
            named("id", GroupKey::Id),
        ];
        let rank = table.need("role").and_then(|field| self.roles.rank(&field, "role"));
        let mut named = named.into_iter().flatten();
        let (Some((key, field)), None) = (named.next(), named.next()) else {
            return table.whole().clash("must have exactly one of the keys name, external_id and id");
        };
        let text = field.some_line_of(MAX_KEY)?;
        let group = key(text);
        if matches!(group, GroupKey::Id(_)) && self.origin == Origin::File {
            return field.refuse("is the id of one tenant's group; it belongs into that tenant's override");
        }
        let rank = rank?;
        Some((GroupRule { group, role: self.roles.get(rank)? }, rank))
    }
}

impl GroupKey {
    /// The rule in the form in which it is looked up and bound.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Name(name) => lookup::by_name(name),
            Self::ExternalId(external_id) => lookup::by_external_id(external_id),
            Self::Id(id) => lookup::by_id(id),
        }
    }
}

/// Whether an attribute of this type can have the value.
fn is_of_kind(value: &str, kind: Option<Type>) -> bool {
    match kind {
        Some(Type::Boolean) => matches!(alike(value).as_str(), "true" | "false"),
        Some(Type::Integer) => value.parse::<i64>().is_ok(),
        _ => !value.trim().is_empty(),
    }
}
