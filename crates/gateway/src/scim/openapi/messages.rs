//! Bodies that are no resources: lists, searches, PATCHes, bulks, errors (RFC 7644, RFC 9865).

use scim_core::{ResourceKind, ResourceType, ScimError, ScimType, json_schema, urn};
use serde_json::{Value, json};

use super::shapes::{ETAG, closed, open, refer};

/// RFC 7644 §3.5.2.
pub(super) fn patch(rt: &ResourceType, strict: bool) -> Value {
    let mut operations = json!({
        "type": "array",
        "maxItems": scim_core::patch::PatchRequest::MAX_OPERATIONS,
        "items": {"anyOf": json_schema::operations(rt, strict)},
    });
    if let (true, Value::Object(members)) = (strict, &mut operations) {
        members.insert("minItems".into(), 1.into());
    }
    message(urn::PATCH_OP, strict, &["Operations"], json!({"Operations": operations}))
}

/// RFC 7644 §3.7. An operation that is none of those described fails alone.
pub(super) fn bulk_request(strict: bool) -> Value {
    let operation = |method: &[&str], path: Value, data: Option<Value>| {
        let mut properties = json!({
            "method": {"enum": method},
            "path": path,
            "bulkId": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": json_schema::TEXT},
            "version": {"type": "string", "pattern": json_schema::TEXT},
        });
        let mut required = vec!["method", "path"];
        if let (Some(data), Value::Object(members)) = (data, &mut properties) {
            members.insert("data".into(), data);
            required.push("data");
        }
        open(&required, properties)
    };
    let mut described = Vec::new();
    for kind in ResourceKind::written() {
        let (endpoint, name) = (kind.endpoint(), kind.name());
        let one = || json!({"type": "string", "pattern": format!("^{endpoint}/[A-Za-z0-9:-]+$")});
        let sent = || Some(refer("schemas", &format!("{name}ToSend")));
        described.push(operation(&["POST"], json!({"const": endpoint}), sent()));
        described.push(operation(&["PUT"], one(), sent()));
        described.push(operation(&["PATCH"], one(), Some(refer("schemas", &format!("{name}Patch")))));
        described.push(operation(&["DELETE"], one(), None));
    }
    described.push(json!({"$ref": json_schema::ANYTHING}));
    let mut operations = json!({
        "type": "array", "maxItems": scim_core::bulk::MAX_OPERATIONS, "items": {"anyOf": described},
    });
    if let (true, Value::Object(members)) = (strict, &mut operations) {
        members.insert("minItems".into(), 1.into());
    }
    message(
        urn::BULK_REQUEST,
        strict,
        &["Operations"],
        json!({
            "failOnErrors": {"anyOf": [{"type": "integer", "minimum": i32::from(strict)}, {"type": "null"}]},
            "Operations": operations,
        }),
    )
}

/// RFC 7644 §3.7.3.
pub(super) fn bulk_response() -> Value {
    let operation = closed(
        &["status"],
        json!({
            "method": {"type": "string"},
            "bulkId": {"type": "string"},
            "location": {"type": "string", "format": "uri"},
            "version": {"type": "string", "pattern": ETAG},
            "status": {"type": "string", "pattern": "^[245][0-9]{2}$"},
            "response": refer("schemas", "Error"),
        }),
    );
    closed(
        &["schemas", "Operations"],
        json!({
            "schemas": {"const": [urn::BULK_RESPONSE]},
            "Operations": {"type": "array", "items": operation},
        }),
    )
}

/// RFC 7644 §3.4.2 and RFC 9865 §2: a page by index has `startIndex`, one by cursor may have neighbours.
pub(super) fn list(of: Value) -> Value {
    let cursor = || json!({"type": "string", "pattern": "^[A-Za-z0-9._~-]+$"});
    closed(
        &["schemas", "totalResults", "itemsPerPage", "Resources"],
        json!({
            "schemas": {"const": [urn::LIST_RESPONSE]},
            "totalResults": {"type": "integer", "minimum": 0},
            "startIndex": {"type": "integer", "minimum": 1},
            "previousCursor": cursor(),
            "nextCursor": cursor(),
            "itemsPerPage": {"type": "integer", "minimum": 0},
            "Resources": {"type": "array", "items": of},
        }),
    )
}

/// RFC 7644 §3.4.3 and RFC 9865 §3: the parameters of a query in a body; null is as absent.
pub(super) fn search_request(strict: bool) -> Value {
    let or_null = |schema: Value| json!({"anyOf": [schema, {"type": "null"}]});
    let names = || json!({"type": "array", "items": {"type": "string", "pattern": json_schema::TEXT}});
    let mut properties = json!({"attributes": or_null(names()), "excludedAttributes": or_null(names())});
    if let Value::Object(members) = &mut properties {
        members
            .extend(query_schemas().into_iter().map(|(name, _, schema)| (name.to_owned(), or_null(schema))));
    }
    message(urn::SEARCH_REQUEST, strict, &[], properties)
}

/// What both a query string and a body of a search may hold: name, meaning, schema.
pub(super) fn query_schemas() -> [(&'static str, &'static str, Value); 6] {
    [
        (
            "filter",
            "RFC 7644 section 3.4.2.2; at most 16 KiB.",
            json!({"type": "string", "format": "scim-filter", "examples": ["externalId pr"]}),
        ),
        (
            "sortBy",
            "The attribute to sort by (RFC 7644 section 3.4.2.3).",
            json!({"type": "string", "format": "scim-sort", "examples": ["meta.created"]}),
        ),
        ("sortOrder", "ascending without it.", json!({"enum": ["ascending", "descending"]})),
        ("startIndex", "The first match to tell, from 1; below 1 is 1.", json!({"type": "integer"})),
        ("count", "How many matches to tell at most; below 0 is 0.", json!({"type": "integer"})),
        (
            "cursor",
            "Empty for the first page, then a page's nextCursor or previousCursor (RFC 9865); not beside startIndex.",
            json!({"type": "string", "format": "scim-cursor", "examples": [""]}),
        ),
    ]
}

/// A request of RFC 7644 that is known by its URN, which only a strict tenant demands; what else it holds is ignored.
pub(super) fn message(urn: &str, strict: bool, required: &[&str], mut properties: Value) -> Value {
    let schemas = json!({"type": "array", "items": {"const": urn}, "minItems": 1});
    if let Value::Object(members) = &mut properties {
        members.insert("schemas".into(), json_schema::schemas_of(schemas, strict));
    }
    let demanded = strict.then_some("schemas");
    let required: Vec<&str> = demanded.into_iter().chain(required.iter().copied()).collect();
    open(&required, properties)
}

/// RFC 7644 §3.12, with the part that a seat refusal adds.
pub(super) fn error() -> Value {
    let keywords: Vec<&str> = ScimType::ALL.iter().map(|keyword| keyword.keyword()).collect();
    let count = || json!({"type": "integer", "minimum": 0});
    let seats = closed(
        &["license", "used", "limit", "waiting", "ref", "help"],
        json!({
            "license": {"type": "string"},
            "used": count(),
            "limit": count(),
            "waiting": count(),
            "ref": {"type": "string"},
            "help": {"type": "string", "format": "uri"},
        }),
    );
    closed(
        &["schemas", "status", "detail"],
        json!({
            "schemas": {"type": "array", "items": {"enum": [urn::ERROR, urn::SEAT_ERROR]}, "contains": {"const": urn::ERROR}},
            "status": {"type": "string", "pattern": "^[45][0-9]{2}$"},
            "scimType": {"enum": keywords},
            "detail": {"type": "string", "maxLength": ScimError::MAX_DETAIL, "pattern": "^[ -~]+$"},
            urn::SEAT_ERROR: seats,
        }),
    )
}
