//! What stands around bodies: parameters, headers, refusals.

use crate::credential::CHALLENGES;
use scim_core::urn;
use serde_json::{Value, json};

use super::{
    messages::query_schemas,
    shapes::{ETAG, content_of, refer, with_request_id},
};

pub(super) fn parameters() -> Value {
    let query = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "query", "description": description, "schema": schema});
    let path = |name: &str, description: &str, examples: Value| {
        let schema = json!({"type": "string", "minLength": 1, "examples": examples});
        json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
    };
    let header = |name: &str, description: &str| {
        let schema = json!({"type": "string", "examples": ["W/\"1\"", "*"]});
        json!({"name": name, "in": "header", "description": description, "schema": schema})
    };
    let attributes = || json!({"type": "string"});
    let mut all = json!({
        "Id": path("id", "The id of the resource.", json!(["01980000-0000-7000-8000-000000000000"])),
        "Name": path("name", "The name of the resource type.", json!(["User", "Group"])),
        "Urn": path("urn", "The URN of the schema.", json!([urn::USER, urn::GROUP, urn::SEAT, urn::USER_ORIGIN])),
        "Attributes": query(
            "attributes",
            "The attributes to return, with commas between them (RFC 7644 section 3.9), at most 16 KiB; not beside excludedAttributes.",
            attributes(),
        ),
        "ExcludedAttributes": query(
            "excludedAttributes",
            "The attributes to leave out, with commas between them, at most 16 KiB; not beside attributes.",
            attributes(),
        ),
        "IfMatch": header("If-Match", "Change the resource only if it has this version (RFC 7644 section 3.14)."),
        "IfNoneMatch": header("If-None-Match", "Return the resource only if its version differs (RFC 7644 section 3.14)."),
    });
    if let Value::Object(members) = &mut all {
        // `sortBy` is the component `SortBy`.
        let component = |name: &str| {
            name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1)).collect()
        };
        let queries = query_schemas().into_iter();
        members.extend(queries.map(|(name, means, schema)| (component(name), query(name, means, schema))));
    }
    all
}

pub(super) fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({"required": true, "description": description, "schema": schema});
    json!({
        "X-Request-Id": header("The id of the request in the log.", json!({"type": "string", "pattern": "^[0-9a-f]{32}$"})),
        "ETag": header("The version, as in meta.version.", json!({"type": "string", "pattern": ETAG})),
        "Location": header("The URI of the new resource, as in meta.location.", json!({"type": "string", "format": "uri"})),
        "Retry-After": header("Seconds to wait.", json!({"type": "integer", "minimum": 1})),
        "WWW-Authenticate": header("How to authenticate.", json!({"const": CHALLENGES})),
    })
}

/// One refusal for each status, each a SCIM error that repeats it.
pub(super) fn refusals() -> Value {
    const ALL: [(u16, &str, &[&str]); 13] = [
        (400, "The request is invalid; scimType says why.", &[]),
        (401, "The credential is missing, or is invalid for this path.", &["WWW-Authenticate"]),
        (
            403,
            "No seat is left (scimType seatLimitReached), the credential lacks a scope, the tenant is suspended, or discovery is filtered.",
            &[],
        ),
        (404, "There is nothing at this path.", &[]),
        (408, "The body took too long.", &[]),
        (409, "A value that must be unique is taken.", &[]),
        (412, "It has another version than the request names.", &[]),
        (413, "The body is too large.", &[]),
        (415, "The body has another media type.", &[]),
        (429, "Too many wrong credentials.", &["Retry-After"]),
        (500, "A fault of the service.", &[]),
        (503, "The service is busy or cannot reach the tenant's data.", &["Retry-After"]),
        (507, "The service has no room left.", &[]),
    ];
    let one = |(status, means, headers): &(u16, &str, &[&str])| {
        let repeated = json!({"properties": {"status": {"const": status.to_string()}}});
        let schema = json!({"allOf": [refer("schemas", "Error"), repeated]});
        let headers = with_request_id(headers);
        let refusal = json!({"description": means, "headers": headers, "content": content_of(&schema)});
        (status.to_string(), refusal)
    };
    Value::Object(ALL.iter().map(one).collect())
}
