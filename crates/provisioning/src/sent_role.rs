//! The role in a body that is no person: for the log's row of a write that was refused for something else (MO12).

use profiles::Received;
use scim_core::{ResourceKind, resource};
use serde_json::{Map, Value};

use crate::{Rules, sent_person::is_in};

/// What the body of a creation or a replacement carries of a person's role, whatever else is wrong with it. `None` where the role itself
/// cannot be read.
pub(crate) fn role_in(rules: &Rules, body: &Value) -> Option<Received> {
    let product = &rules.product;
    let carried = product.carried(|name| is_in(body, name));
    if carried.is_nothing() {
        return Some(Received::Absent);
    }
    let is_source = |key: &str| {
        let mut wholes =
            product.source_names().map(|name| name.rsplit_once(':').map_or(name, |(urn, _)| urn));
        key.eq_ignore_ascii_case("schemas") || wholes.any(|whole| key.eq_ignore_ascii_case(whole))
    };
    let sources = body.as_object()?.iter().filter(|(key, _)| is_source(key));
    let mut alone: Map<String, Value> = sources.map(|(key, value)| (key.clone(), value.clone())).collect();
    // Nobody can be read without a name.
    alone.entry("userName").or_insert_with(|| "somebody".into());
    let rt = rules.resource_type(ResourceKind::User);
    let person = resource::create(rt, &Value::Object(alone), &mut rules.tolerance()).ok()?;
    Some(rules.profile().received_in(&person, carried))
}
