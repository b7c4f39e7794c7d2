//! A search is refused in words, or it has one meaning: a filter over several types, reduced for one of them, matches the same
//! resources of that type; and a sort puts any resources into one order, whatever its spelling.

use scim_core::ResourceType;
use scim_core::filter::{Filter, Reduced};
use scim_core::json;
use scim_core::leniency::Tolerance;
use scim_core::search::SearchRequest;
use scim_core::sort::Sort;
use serde_json::{Map, Value, json};

use crate::grammar::{Choices, filters, resources};
use crate::refusal::taken;
use crate::types::{TYPES, tolerances};

/// Longest page that these searches may ask for.
const MAX_RESULTS: u64 = 1_000;

/// The property over the body of a search as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(body) = json::parse(bytes, &json::Limits::SCIM) else { return };
    let Some(request) = taken(SearchRequest::from_body(&body, &mut Tolerance::lenient())) else { return };
    taken(request.paging(MAX_RESULTS));
    for rt in &*TYPES {
        for mut tolerance in tolerances() {
            let others = others(rt);
            if let Some(Some(filter)) = taken(request.filter(rt, &others, &mut tolerance)) {
                reduced_says_the_same(rt, filter, &[Map::new()]);
            }
            taken(request.sort(rt, &others, &mut tolerance));
            taken(request.sort(rt, &[], &mut tolerance));
            taken(request.projection(rt));
        }
    }
}

/// The property over a filter, a sort and resources that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let rt = choices.one_of(&*TYPES);
    let asked_of = choices.one_of(&*TYPES);
    let filter = filters::filter(&mut choices, asked_of);
    let sort_by = filters::path(&mut choices, asked_of);
    let resources: Vec<Map<String, Value>> = choices.some(4, |choices| resources::resource(choices, rt));
    if let Ok(filter) = Filter::parse_among(&filter, rt, &[asked_of], &mut Tolerance::lenient()) {
        reduced_says_the_same(rt, filter, &resources);
    }
    for order in ["ascending", "descending"] {
        sorts(rt, asked_of, &sort_by, order, &resources);
    }
}

fn others(rt: &ResourceType) -> Vec<&'static ResourceType> {
    TYPES.iter().filter(|other| other.core.id != rt.core.id).collect()
}

/// A reduced filter matches the same resources of the type as the whole one.
fn reduced_says_the_same(rt: &ResourceType, filter: Filter, resources: &[Map<String, Value>]) {
    let reduced = filter.clone().reduce(rt);
    for resource in resources {
        let mut resource = resource.clone();
        resource.insert("meta".into(), json!({ "resourceType": rt.kind.name() }));
        let said = match &reduced {
            Reduced::All => true,
            Reduced::None => false,
            Reduced::Filter(left) => left.matches(&resource),
        };
        assert_eq!(said, filter.matches(&resource), "{filter} of {resource:?}");
    }
}

fn sorts(
    rt: &ResourceType,
    asked_of: &ResourceType,
    by: &str,
    order: &str,
    resources: &[Map<String, Value>],
) {
    let parse = |by: &str| Sort::parse(rt, &[asked_of], Some(by), Some(order), &mut Tolerance::lenient());
    let Some(Some(sort)) = taken(parse(by)) else { return };
    // Two spellings of one attribute are one order: what a cursor is bound to.
    if let Some(path) = sort.attribute() {
        let respelled = parse(&path.to_string()).unwrap().unwrap();
        assert_eq!((respelled.to_string(), &respelled), (sort.to_string(), &sort), "{by}");
    }
    let keys: Vec<_> = resources.iter().map(|resource| sort.key(resource)).collect();
    for a in &keys {
        for b in &keys {
            let order = sort.compare(a.as_ref(), b.as_ref());
            assert_eq!(order.reverse(), sort.compare(b.as_ref(), a.as_ref()), "{by}");
            assert_eq!(order.is_eq(), a == b, "{by}");
            for c in &keys {
                if order.is_le() && sort.compare(b.as_ref(), c.as_ref()).is_le() {
                    assert!(sort.compare(a.as_ref(), c.as_ref()).is_le(), "{by}: {a:?} {b:?} {c:?}");
                }
            }
        }
        // What travels in a cursor comes back as it went.
        let text = serde_json::to_string(a).unwrap();
        assert_eq!(&serde_json::from_str::<Option<scim_core::sort::SortKey>>(&text).unwrap(), a);
    }
}
