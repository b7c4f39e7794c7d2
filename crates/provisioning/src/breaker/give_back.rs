//! What a loss changed goes back, attribute by attribute, where nothing has changed it since.

use directory::breaker::losses::Lost;
use scim_core::Document;

use crate::attributes::{changed_attributes, get, set};

/// A document to which a loss is given back.
pub(super) struct GivenBack {
    pub(super) document: Document,
    /// The names of the attributes that were changed since the loss, and stay as they are.
    pub(super) changed_since: Vec<String>,
}

/// The document as it would be without the write that lost: each attribute, and each part of a complex one, has the value of before
/// if it still has that of the write.
pub(super) fn give_back(lost: &Lost, now: &Document) -> GivenBack {
    let [before, after] = [lost.before(), lost.after()].map(Document);
    let (mut document, mut changed_since) = (now.clone(), Vec::new());
    for name in changed_attributes(&before, &after) {
        let (value, former) = (get(now, &name), get(&before, &name));
        if value == get(&after, &name) {
            set(&mut document, &name, &former);
        } else if value != former {
            changed_since.push(name);
        }
    }
    GivenBack { document, changed_since }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const URN: &str = "urn:example:hr:2.0:User";

    fn document(value: &Value) -> Document {
        Document(value.as_object().unwrap().clone())
    }

    /// What comes of `now` after a write that made `after` of `before`.
    fn back(before: &Value, after: &Value, now: &Value) -> (Value, Vec<String>) {
        let lost = Lost::between(&document(before).0, &document(after).0);
        let GivenBack { document, changed_since } = give_back(&lost, &document(now));
        (document.0.into(), changed_since)
    }

    #[test]
    fn what_a_write_changed_goes_back_unless_it_changed_since() {
        let before = json!({ "active": true, "title": "Dr", "roles": ["a"] });
        let after = json!({ "active": false, "title": "Mr", "nickName": "x" });
        assert_eq!(back(&before, &after, &after), (before.clone(), vec![]));
        assert_eq!(back(&before, &after, &before), (before.clone(), vec![]));
        let since = json!({ "active": false, "title": "Prof", "nickName": "x", "locale": "de" });
        let given = json!({ "active": true, "title": "Prof", "roles": ["a"], "locale": "de" });
        assert_eq!(back(&before, &after, &since), (given, vec!["title".to_owned()]));
    }

    #[test]
    fn parts_of_a_complex_attribute_and_of_an_extension_go_back_each_for_itself() {
        let before = json!({
            "active": true, "name": { "givenName": "Ada", "familyName": "King" }, URN: { "badge": "1", "site": "x" },
        });
        let after = json!({ "active": false });
        assert_eq!(back(&before, &after, &after), (before.clone(), vec![]));
        let since =
            json!({ "active": false, "name": { "givenName": "Eve" }, URN: { "manager": "m", "site": "y" } });
        let given = json!({
            "active": true, "name": { "givenName": "Eve", "familyName": "King" },
            URN: { "badge": "1", "manager": "m", "site": "y" },
        });
        let changed = vec!["name.givenName".to_owned(), format!("{URN}:site")];
        assert_eq!(back(&before, &after, &since), (given, changed));
        // What the write added goes, and an object that is empty then.
        let since = json!({ "active": true, URN: { "badge": "1" } });
        assert_eq!(back(&after, &before, &since), (json!({ "active": false }), vec![]));
    }
}
