//! The names of the attributes in which two documents differ, `title`, `name.givenName`, `URN:manager.value`, and the values of a document
//! by these names.

use scim_core::Document;
use serde_json::{Map, Value};

/// The names of the attributes in which two documents differ, those of an extension with its URN: `title`, `name.givenName`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`. Never a value.
pub(crate) fn changed_attributes(old: &Document, new: &Document) -> Vec<String> {
    let mut names = Vec::new();
    let empty = Map::new();
    for name in differing(&old.0, &new.0) {
        if name.contains(':') {
            let old = old.get(name).and_then(Value::as_object).unwrap_or(&empty);
            let new = new.get(name).and_then(Value::as_object).unwrap_or(&empty);
            let within = differing(old, new).flat_map(|attribute| parts(attribute, old, new));
            names.extend(within.map(|attribute| format!("{name}:{attribute}")));
        } else {
            names.extend(parts(name, &old.0, &new.0));
        }
    }
    names
}

/// The sub-attributes in which a complex attribute differs; of another one its name.
fn parts(name: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let empty = Map::new();
    let (old, new) = match (old.get(name), new.get(name)) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => (old, new),
        (Some(Value::Object(old)), None) => (old, &empty),
        (None, Some(Value::Object(new))) => (&empty, new),
        _ => return vec![name.to_owned()],
    };
    differing(old, new).map(|part| format!("{name}.{part}")).collect()
}

fn differing<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
    let changed = old.iter().filter(|(name, value)| new.get(*name) != Some(*value));
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    changed.chain(added).map(|(name, _)| name.as_str())
}

/// The members on the way to a value: the block of an extension, the attribute, its sub-attribute.
fn way(name: &str) -> Vec<&str> {
    let (urn, attribute) = match name.rsplit_once(':') {
        Some((urn, attribute)) => (Some(urn), attribute),
        None => (None, name),
    };
    urn.into_iter().chain(attribute.split('.')).collect()
}

/// The value of this name; null where there is none.
pub(crate) fn get(document: &Document, name: &str) -> Value {
    let mut way = way(name).into_iter();
    let found = way.next().and_then(|first| document.get(first));
    way.fold(found, |value, part| value.and_then(|value| value.get(part))).cloned().unwrap_or_default()
}

/// Gives the value of this name another one; null takes it away, and what is empty then.
pub(crate) fn set(document: &mut Document, name: &str, value: &Value) {
    put(&mut document.0, &way(name), value);
}

fn put(members: &mut Map<String, Value>, way: &[&str], value: &Value) {
    match way {
        [] => {}
        [last] if value.is_null() => drop(members.remove(*last)),
        [last] => drop(members.insert((*last).to_owned(), value.clone())),
        [first, rest @ ..] => {
            let mut within = match members.get(*first) {
                Some(Value::Object(within)) => within.clone(),
                _ => Map::new(),
            };
            put(&mut within, rest, value);
            match within.is_empty() {
                true => drop(members.remove(*first)),
                false => drop(members.insert((*first).to_owned(), within.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_that_changed_are_named_and_their_values_are_not() {
        let document = |value: Value| Document(value.as_object().unwrap().clone());
        let urn = "urn:example:hr:2.0:User";
        let old = document(
            json!({ "userName": "ann", "title": "Dr", "active": true, urn: { "badge": "1", "site": "x" } }),
        );
        let new = document(
            json!({ "userName": "ann", "active": false, "nickName": "A", urn: { "badge": "2", "site": "x" } }),
        );
        let badge = format!("{urn}:badge");
        assert_eq!(changed_attributes(&old, &new), ["title", "active", &badge, "nickName"]);
        let without = document(json!({ "userName": "ann", "title": "Dr", "active": true }));
        assert_eq!(changed_attributes(&old, &without), [badge, format!("{urn}:site")]);
        assert_eq!(changed_attributes(&old, &old), [""; 0]);
    }

    #[test]
    fn the_former_values_of_the_names_that_changed_lead_back() {
        let document = |value: Value| Document(value.as_object().unwrap().clone());
        let urn = "urn:example:hr:2.0:User";
        let all = [
            json!({ "userName": "ann", "name": { "givenName": "A", "familyName": "B" }, urn: { "badge": { "id": "1" }, "x": 1 } }),
            json!({ "userName": "ann", "emails": [{ "value": "a@b.c" }], "name": { "givenName": "C" } }),
            json!({ "userName": "ben", "active": false, urn: { "badge": { "id": "2", "of": "z" } } }),
        ];
        for old in &all {
            for new in &all {
                let (old, mut now) = (document(old.clone()), document(new.clone()));
                for name in changed_attributes(&old, &now) {
                    let former = get(&old, &name);
                    set(&mut now, &name, &former);
                }
                assert_eq!(now, old);
            }
        }
    }
}
