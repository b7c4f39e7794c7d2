//! The resource types that properties are held against.

use std::sync::LazyLock;

use scim_core::leniency::Tolerance;
use scim_core::schema::{self, Extension, ResourceType, Schema};

/// User, Group, and a User with an extension that has an attribute of every type, which the RFC's own schemas lack.
pub(crate) static TYPES: LazyLock<[ResourceType; 3]> = LazyLock::new(|| {
    let mut wide = schema::user();
    let every_type: Schema = serde_json::from_str(include_str!("every_type.json")).unwrap();
    wide.add_extension(Extension { schema: every_type, required: false });
    [schema::user(), schema::group(), wide]
});

/// A lenient tenant and a strict one.
pub(crate) fn tolerances() -> [Tolerance; 2] {
    [Tolerance::lenient(), Tolerance::strict()]
}
