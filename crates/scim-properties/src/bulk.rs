//! A bulk is refused in words, or each of its operations is refused in words or planned once, after the operations it refers to;
//! every reference is replaced.

use std::collections::HashSet;

use scim_core::bulk::{Asked, BulkRequest, Id, Method};
use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::{ResourceKind, ScimError, json, resource};
use serde_json::Value;

use crate::grammar::{Choices, bulks};
use crate::refusal::{assert_is_a_refusal, taken};
use crate::types::{TYPES, tolerances};

/// The property over a body as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(body) = json::parse(bytes, &json::Limits::SCIM) else { return };
    is_planned_or_refused(&body);
}

/// The property over a body that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    is_planned_or_refused(&bulks::bulk(&mut Choices::new(bytes)));
}

fn is_planned_or_refused(body: &Value) {
    for mut tolerance in tolerances() {
        if let Some(request) = taken(BulkRequest::parse(body.clone(), &mut tolerance)) {
            holds(request);
        }
    }
}

fn holds(request: BulkRequest) {
    let BulkRequest { mut operations, plan, .. } = request;
    let order: Vec<usize> = plan.units.iter().flat_map(|unit| unit.operations.iter().copied()).collect();
    let each: HashSet<usize> = order.iter().copied().collect();
    assert!(each.len() == order.len() && order.len() == operations.len(), "each is done once: {order:?}");
    let mut done = HashSet::new();
    for unit in &plan.units {
        done.extend(unit.operations.iter().copied());
        for operation in &unit.operations {
            assert!(
                plan.needs(*operation).iter().all(|need| done.contains(need)),
                "{operation} comes too early"
            );
        }
    }
    for (place, operation) in operations.iter_mut().enumerate() {
        if let (Ok(_), Some((_, Id::Reference(bulk_id)))) = (&operation.asked, &operation.resource) {
            let creator = plan.creator(bulk_id);
            assert!(creator.is_some_and(|creator| plan.needs(place).contains(&creator)), "{bulk_id}");
        }
        match &mut operation.asked {
            Err(error) => assert_is_a_refusal(error),
            Ok(asked) => {
                plan.resolve(asked, |creator| Some(format!("id-{creator}")));
                assert_has_no_reference(&asked.data);
                taken(read(asked));
            }
        }
    }
}

/// Reads its data as the body of a single request.
fn read(asked: &Asked) -> Result<(), ScimError> {
    let (rt, mut tolerance) = (&TYPES[usize::from(asked.kind == ResourceKind::Group)], Tolerance::lenient());
    match asked.method {
        Method::Delete => Ok(()),
        Method::Patch => PatchRequest::parse(rt, &asked.data, &mut tolerance).map(|_| ()),
        Method::Post | Method::Put => resource::create(rt, &asked.data, &mut tolerance).map(|_| ()),
    }
}

fn assert_has_no_reference(data: &Value) {
    match data {
        Value::String(text) => {
            assert!(text.strip_prefix("bulkId:").is_none_or(str::is_empty), "{text} is left");
        }
        Value::Array(elements) => elements.iter().for_each(assert_has_no_reference),
        Value::Object(members) => members.values().for_each(assert_has_no_reference),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
