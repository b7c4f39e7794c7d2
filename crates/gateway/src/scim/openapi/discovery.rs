//! What discovery answers (RFC 7643 §5 to §7, RFC 9865 §4). The RFC's own tables of these are not among the schemas here, so
//! their shape is written out.

use scim_core::urn;
use serde_json::{Value, json};

use super::{
    components::{ETAG, closed},
    operations::refer,
};

/// RFC 7643 §5.
pub(super) fn service_provider_config() -> Value {
    let supported = || closed(&["supported"], json!({"supported": {"type": "boolean"}}));
    let number = || json!({"type": "integer", "minimum": 1});
    let schemes = closed(
        &["type", "name", "description"],
        json!({
            "type": {"enum": ["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"]},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "specUri": {"type": "string", "format": "uri"},
            "documentationUri": {"type": "string", "format": "uri"},
            "primary": {"type": "boolean"},
        }),
    );
    // RFC 9865 §4.
    let pagination = closed(
        &["cursor", "index"],
        json!({
            "cursor": {"type": "boolean"},
            "index": {"type": "boolean"},
            "defaultPaginationMethod": {"enum": ["cursor", "index"]},
            "defaultPageSize": number(),
            "maxPageSize": number(),
            "cursorTimeout": number(),
        }),
    );
    let bulk =
        json!({"supported": {"type": "boolean"}, "maxOperations": number(), "maxPayloadSize": number()});
    closed(
        &[
            "schemas",
            "patch",
            "bulk",
            "filter",
            "changePassword",
            "sort",
            "etag",
            "pagination",
            "authenticationSchemes",
        ],
        json!({
            "schemas": {"const": [urn::SERVICE_PROVIDER_CONFIG]},
            "documentationUri": {"type": "string", "format": "uri"},
            "patch": supported(),
            "bulk": closed(&["supported", "maxOperations", "maxPayloadSize"], bulk),
            "filter": closed(
                &["supported", "maxResults"],
                json!({"supported": {"type": "boolean"}, "maxResults": number()}),
            ),
            "changePassword": supported(),
            "sort": supported(),
            "etag": supported(),
            "pagination": pagination,
            "authenticationSchemes": {"type": "array", "items": schemes, "minItems": 1},
            "meta": meta("ServiceProviderConfig"),
        }),
    )
}

/// RFC 7643 §6.
pub(super) fn resource_type() -> Value {
    let extension = closed(
        &["schema", "required"],
        json!({"schema": {"type": "string"}, "required": {"type": "boolean"}}),
    );
    closed(
        &["schemas", "id", "name", "endpoint", "schema"],
        json!({
            "schemas": {"const": [urn::RESOURCE_TYPE]},
            "id": {"type": "string"},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "endpoint": {"type": "string", "pattern": "^/"},
            "schema": {"type": "string", "pattern": "^urn:"},
            "schemaExtensions": {"type": "array", "items": extension},
            "meta": meta("ResourceType"),
        }),
    )
}

/// RFC 7643 §7.
pub(super) fn schema() -> Value {
    closed(
        &["schemas", "id", "attributes"],
        json!({
            "schemas": {"const": [urn::SCHEMA]},
            "id": {"type": "string", "pattern": "^urn:"},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "attributes": {"type": "array", "items": refer("schemas", "Attribute"), "minItems": 1},
            "meta": meta("Schema"),
        }),
    )
}

pub(super) fn attribute() -> Value {
    let strings = || json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
    closed(
        &[
            "name",
            "type",
            "multiValued",
            "description",
            "required",
            "caseExact",
            "mutability",
            "returned",
            "uniqueness",
        ],
        json!({
            "name": {"type": "string", "pattern": "^[$A-Za-z][-_$A-Za-z0-9]*$"},
            "type": {"enum": ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"]},
            "multiValued": {"type": "boolean"},
            "description": {"type": "string"},
            "required": {"type": "boolean"},
            "canonicalValues": strings(),
            "caseExact": {"type": "boolean"},
            "mutability": {"enum": ["readOnly", "readWrite", "immutable", "writeOnly"]},
            "returned": {"enum": ["always", "never", "default", "request"]},
            "uniqueness": {"enum": ["none", "server", "global"]},
            "referenceTypes": strings(),
            "subAttributes": {"type": "array", "items": refer("schemas", "Attribute"), "minItems": 1},
        }),
    )
}

pub(super) fn meta(kind: &str) -> Value {
    closed(
        &["resourceType", "location", "version"],
        json!({
            "resourceType": {"const": kind},
            "location": {"type": "string", "format": "uri"},
            "version": {"type": "string", "pattern": ETAG},
        }),
    )
}
