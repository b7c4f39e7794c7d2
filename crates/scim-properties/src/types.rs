//! The resource types that properties are held against.

use std::sync::LazyLock;

use scim_core::leniency::Tolerance;
use scim_core::schema::{self, Extension, ResourceType, Schema};

/// User, Group, and a User with an extension that has an attribute of every type, which the RFC's own schemas lack.
pub(crate) static TYPES: LazyLock<[ResourceType; 3]> = LazyLock::new(|| {
    let mut wide = schema::user();
    wide.add_extension(Extension { schema: every_type(), required: false });
    [schema::user(), schema::group(), wide]
});

/// A lenient tenant and a strict one.
pub(crate) fn tolerances() -> [Tolerance; 2] {
    [Tolerance::lenient(), Tolerance::strict()]
}

fn every_type() -> Schema {
    let kinds = ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference"];
    let mut attributes = Vec::new();
    for kind in kinds {
        for many in [false, true] {
            let name = if many { format!("{kind}s") } else { kind.to_owned() };
            attributes.push(serde_json::json!({"name": name, "type": kind, "multiValued": many}));
        }
    }
    let parts: Vec<_> = kinds.map(|kind| serde_json::json!({"name": kind, "type": kind})).into();
    attributes.push(serde_json::json!({"name": "complex", "type": "complex", "subAttributes": parts}));
    attributes.push(
        serde_json::json!({"name": "complexes", "type": "complex", "multiValued": true, "subAttributes": parts}),
    );
    attributes.push(serde_json::json!({"name": "exact", "type": "string", "caseExact": true}));
    attributes.push(serde_json::json!({"name": "fixed", "type": "string", "mutability": "immutable"}));
    let schema = serde_json::json!({
        "id": "urn:example:params:scim:schemas:extension:every:2.0:User",
        "name": "Every",
        "description": "An attribute of every type.",
        "attributes": attributes,
    });
    serde_json::from_value(schema).unwrap()
}
