//! From the text of a file to a profile that is whole, or to every fault of it. Files and overrides pass the same checks.

mod origin;
mod plan;
mod room;
mod sections;
mod sources;

use scim_core::schema;
use serde_json::Value;

use crate::choice::{Activation, Credential};
use crate::fault::{Damage, Fault, Faults};
use crate::field::{Field, Table};
use crate::profile::Profile;
use crate::{shape, tree};
pub(crate) use origin::Origin;
use room::MAX_TITLE;

/// Longest file, and longest override of one tenant as JSON, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Longest name of a profile, in characters.
const MAX_NAME: usize = 40;

impl Profile {
    /// Reads a profile from TOML. `stem` is the file's name without its ending, which the profile must have too.
    ///
    /// # Errors
    /// Every fault of the text at once, in order of the lines.
    pub fn parse(stem: &str, text: &str) -> Result<Self, Vec<Fault>> {
        if let Some(start) = text.as_bytes().get(..MAX_BYTES).filter(|_| text.len() > MAX_BYTES) {
            let line = start.split(|byte| *byte == b'\n').count();
            return Err(vec![Fault::at(Some(line), "(file)", format!("is longer than {MAX_BYTES} bytes"))]);
        }
        let tree::Read { tree, faults, damage } = tree::of_toml(text);
        of_tree(stem, &tree, Origin::File, Faults::of_syntax(faults, damage))
    }

    /// The same of JSON, as it is when overrides are merged.
    pub(crate) fn of_json(stem: &str, value: &Value, origin: Origin) -> Result<Self, Vec<Fault>> {
        of_tree(stem, &tree::of_json(value), origin, Faults::of_syntax(Vec::new(), Damage::None))
    }
}

fn of_tree(stem: &str, tree: &tree::Node, origin: Origin, faults: Faults) -> Result<Profile, Vec<Fault>> {
    let read = Field::root(tree, &faults).table().and_then(|table| {
        let read = profile(stem, &table, origin);
        table.close();
        read
    });
    match (faults.into_inner(), read) {
        (faults, Some(profile)) if faults.is_empty() => Ok(profile),
        (faults, None) if faults.is_empty() => Err(vec![Fault::new("(file)", "cannot be read")]),
        (faults, _) => Err(faults),
    }
}

fn profile(stem: &str, root: &Table<'_>, origin: Origin) -> Option<Profile> {
    let format = root.need("format").and_then(|field| field.integer(1..=1));
    let name = root.need("name").and_then(|field| name(stem, &field));
    let title = root.need("title").and_then(|field| field.some_line_of(MAX_TITLE));
    let default_role = root.need("default_role");
    let activation = root.or("activation", Activation::AtOnce, Field::word);
    let credentials = root.or("credentials", sections::all::<Credential>(), some_words);
    let required = root.get("required");
    let plan = plan::read(root);
    let default_role = default_role.and_then(|field| plan::default_role(&field, &plan.role_keys));
    let mut user = schema::user();
    let attributes = sources::attributes(root, &user);
    shape::add_own(&mut user, &attributes);
    let required = required.map_or(Some(Vec::new()), |field| sources::required(&field, &mut user));
    let read = sources::Sources { user: &user, roles: &plan.role_keys, origin };
    let sources = read.all(root);
    let sections = sections::read(root);
    let (sources, groups) = sources?;
    let sections = sections?;
    Some(Profile {
        format: format?,
        name: name?,
        title: title?,
        default_role: default_role?,
        activation: activation?,
        credentials: credentials?,
        required: required?,
        licenses: plan.licenses?,
        roles: plan.roles?,
        attributes,
        sources,
        features: sections.features,
        discovery: sections.discovery,
        members: sections.members,
        leaving: sections.leaving,
        local: sections.local,
        matching: sections.matching,
        protect: sections.protect,
        refusal: sections.refusal,
        words: sections.words,
        log: sections.log,
        undo: sections.undo,
        leniencies: sections.leniencies,
        groups,
    })
}

/// `^[a-z][a-z0-9-]{0,39}$`, the file's stem.
fn name(stem: &str, field: &Field<'_>) -> Option<String> {
    let name = field.text()?;
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let goes_on = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !begins || !goes_on || name.len() > MAX_NAME {
        return field.refuse(format!(
            "must begin with a small letter and go on with small letters, digits and \"-\", at most {MAX_NAME} characters"
        ));
    }
    if name != stem {
        return field.refuse(format!("must be the name of the file, {stem}.toml without its ending"));
    }
    Some(name.to_owned())
}

fn some_words(field: &Field<'_>) -> Option<Vec<Credential>> {
    if field.list()?.is_empty() {
        return field.refuse("must hold at least one kind");
    }
    field.words()
}
