//! What a profile is from outside: its file, its faults, the role of a person, the shape of a user, overrides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod discovery;
mod faults;
mod limits;
mod naive;
mod overrides;
mod roles;
mod shape;

use profiles::{Bindings, Carried, Facts, Group, Profile, Reading};
use scim_core::leniency::Tolerance;
use scim_core::{Document, resource, schema};
use serde_json::{Value, json};

/// The document of a POST with these attributes, as the profile's own `User` type makes it.
fn document(profile: &Profile, attributes: Value) -> Document {
    create(profile, attributes).unwrap()
}

fn create(profile: &Profile, attributes: Value) -> Result<Document, scim_core::ScimError> {
    let mut user = schema::user();
    profile.shape_user(&mut user);
    let urns: Vec<&str> = user.schemas().map(|schema| schema.id.as_str()).collect();
    let mut body = json!({"schemas": urns, "userName": "ada"});
    body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    resource::create(&user, &body, &mut Tolerance::lenient())
}

/// A person's facts without groups and without a choice of staff.
fn facts<'f>(document: &'f Document, groups: &'f [Group<'f>], bindings: &'f Bindings) -> Facts<'f> {
    Facts { document, groups, bindings, local: None, carried: Carried::NOTHING }
}

/// The role of a person with these attributes.
fn role_of(profile: &Profile, attributes: Value) -> String {
    let (document, bindings) = (document(profile, attributes), Bindings::default());
    profile.role(&facts(&document, &[], &bindings)).role.key.clone()
}

/// The profile of iomete for a tenant with these group rules, in TOML.
fn with_groups(rules: &str) -> Profile {
    let words = [format!("sources=[{{groups={rules}}}]")];
    let patch = profiles::patch_of_words(&words, &[]).unwrap();
    let overrides = profiles::Overrides::default().patched(&patch);
    Profile::built_in("iomete").unwrap().with(&overrides).unwrap()
}

fn group<'g>(id: &'g str, name: &'g str) -> Group<'g> {
    Group { id, name, external_id: None }
}

fn told(reading: &Reading<'_>) -> (String, String) {
    (reading.role.key.clone(), reading.from.to_string())
}
