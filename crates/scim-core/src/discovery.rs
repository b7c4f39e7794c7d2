//! The discovery responses (RFC 7644 §4): features, resource types, schemas. SailPoint checks them against the RFC, and
//! other clients plan their requests by the numbers, so all of them must be true.

use serde::Serialize;
use serde_json::{Value, json};

use crate::list::Page;
use crate::schema::Schema;
use crate::{ResourceType, urn};

/// The limits in `/ServiceProviderConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// Most operations of a bulk, and of a PATCH: authentik cuts its PATCHes by it.
    pub max_operations: u64,
    /// Longest body, in bytes.
    pub max_payload_size: u64,
    /// Most resources on one page.
    pub max_results: u64,
    /// How long a cursor is good for, in seconds.
    pub cursor_timeout: u64,
    /// Where people read more.
    pub documentation_uri: Option<String>,
}

/// A way to authenticate (RFC 7643 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A bearer token (RFC 6750).
    Bearer,
    /// HTTP Basic (RFC 7617).
    Basic,
    /// Access tokens of a client (RFC 6749 §4.4).
    OAuth2,
    /// Tokens of another issuer that is trusted (RFC 6750).
    Issuer,
}

impl Scheme {
    fn described(self, whose: &str, is_primary: bool) -> Value {
        let (word, name, description, spec) = match self {
            Self::Bearer => (
                "oauthbearertoken",
                "OAuth Bearer Token",
                format!("A bearer token of {whose} in the Authorization header."),
                "https://www.rfc-editor.org/info/rfc6750",
            ),
            Self::Basic => (
                "httpbasic",
                "HTTP Basic",
                format!("A key of {whose} as the user name, and its secret as the password."),
                "https://www.rfc-editor.org/info/rfc7617",
            ),
            Self::OAuth2 => (
                "oauth2",
                "OAuth 2.0 Client Credentials",
                format!(
                    "An access token for the secret or the assertion of a client of {whose}, in the Authorization header."
                ),
                "https://www.rfc-editor.org/info/rfc6749",
            ),
            Self::Issuer => (
                "oauthbearertoken",
                "Token of a trusted issuer",
                format!("A token of an issuer that {whose} trusts, in the Authorization header."),
                "https://www.rfc-editor.org/info/rfc7519",
            ),
        };
        json!({ "type": word, "name": name, "description": description, "specUri": spec, "primary": is_primary })
    }
}

/// RFC 7643 §5 and RFC 9865 §4; `base` is the tenant's base URL without a slash at its end, and `whose` names the tenant to the
/// administrator who tests a credential (MO15). The first scheme is the preferred one.
#[must_use]
pub fn service_provider_config(features: &Features, schemes: &[Scheme], base: &str, whose: &str) -> Value {
    let schemes = schemes.iter().enumerate().map(|(place, scheme)| scheme.described(whose, place == 0));
    let schemes: Vec<Value> = schemes.collect();
    let mut config = json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": features.max_operations,
            "maxPayloadSize": features.max_payload_size,
        },
        "filter": {"supported": true, "maxResults": features.max_results},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": Page::DEFAULT_COUNT.min(features.max_results),
            "maxPageSize": features.max_results,
            "cursorTimeout": features.cursor_timeout,
        },
        "authenticationSchemes": schemes,
        "meta": meta("ServiceProviderConfig", format!("{base}/ServiceProviderConfig")),
    });
    if let (Some(uri), Value::Object(members)) = (&features.documentation_uri, &mut config) {
        members.insert("documentationUri".into(), uri.as_str().into());
    }
    config
}

/// RFC 7643 §6, one object per resource type.
#[must_use]
pub fn resource_types(types: &[&ResourceType], base: &str) -> Vec<Value> {
    types.iter().map(|rt| resource_type(rt, base)).collect()
}

fn resource_type(rt: &ResourceType, base: &str) -> Value {
    let extensions = rt.extensions.iter().map(|e| json!({"schema": e.schema.id, "required": e.required}));
    let extensions: Vec<Value> = extensions.collect();
    json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": rt.kind.name(),
        "name": rt.kind.name(),
        "endpoint": rt.kind.endpoint(),
        "description": rt.kind.description(),
        "schema": rt.core.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", format!("{base}/ResourceTypes/{}", rt.kind.name())),
    })
}

/// RFC 7643 §7, each schema once.
#[must_use]
pub fn schemas(types: &[&ResourceType], base: &str) -> Vec<Value> {
    let mut listed: Vec<&Schema> = Vec::new();
    for schema in types.iter().flat_map(|rt| rt.schemas()) {
        if !listed.iter().any(|s| s.id == schema.id) {
            listed.push(schema);
        }
    }
    listed.into_iter().map(|schema| schema_resource(schema, base)).collect()
}

fn schema_resource(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [urn::SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": json_of(&schema.attributes),
        "meta": meta("Schema", format!("{base}/Schemas/{}", schema.id)),
    })
}

fn meta(kind: &str, location: String) -> Value {
    json!({"resourceType": kind, "location": location})
}

#[allow(clippy::expect_used, reason = "plain structs with string keys always serialise")]
fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a schema serialises")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{self, Attribute, Type};

    const BASE: &str = "https://ire.scim.example.com/acme/scim/v2";

    fn features() -> Features {
        Features {
            max_operations: 1000,
            max_payload_size: 8 << 20,
            max_results: 1000,
            cursor_timeout: 3600,
            documentation_uri: None,
        }
    }

    #[test]
    fn the_configuration_has_every_field_of_rfc_7643_section_5() {
        let config = service_provider_config(&features(), &[Scheme::Bearer], BASE, "Acme (ire/acme)");
        assert_eq!(config["schemas"], json!([urn::SERVICE_PROVIDER_CONFIG]));
        assert_eq!(config["patch"], json!({"supported": true}));
        assert_eq!(
            config["bulk"],
            json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 8_388_608})
        );
        assert_eq!(config["filter"], json!({"supported": true, "maxResults": 1000}));
        for (name, supported) in [("changePassword", false), ("sort", true), ("etag", true)] {
            assert_eq!(config[name], json!({ "supported": supported }), "{name}");
        }
        assert_eq!(
            config["pagination"],
            json!({
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": 100,
                "maxPageSize": 1000,
                "cursorTimeout": 3600,
            })
        );
        let few =
            service_provider_config(&Features { max_results: 7, ..features() }, &[], BASE, "Acme (ire/acme)");
        assert_eq!(few["pagination"]["defaultPageSize"], 7);
        let scheme = &config["authenticationSchemes"][0];
        assert_eq!(scheme["type"], "oauthbearertoken");
        assert!(scheme["name"].is_string());
        assert_eq!(scheme["description"], "A bearer token of Acme (ire/acme) in the Authorization header.");
        assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
        assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
        assert!(config.get("documentationUri").is_none());
        let told = Features { documentation_uri: Some("https://docs.example.com".into()), ..features() };
        assert_eq!(
            service_provider_config(&told, &[], BASE, "Acme (ire/acme)")["documentationUri"],
            "https://docs.example.com"
        );
    }

    #[test]
    fn each_scheme_is_described_and_the_first_is_the_primary_one() {
        let config =
            service_provider_config(&features(), &[Scheme::Basic, Scheme::Bearer], BASE, "Acme (ire/acme)");
        let told = config["authenticationSchemes"].as_array().unwrap();
        let told: Vec<_> =
            told.iter().map(|scheme| (scheme["type"].clone(), scheme["primary"].clone())).collect();
        assert_eq!(told, [(json!("httpbasic"), json!(true)), (json!("oauthbearertoken"), json!(false))]);
    }

    #[test]
    fn cx9_password_sync_is_told_as_not_supported() {
        assert_eq!(
            service_provider_config(&features(), &[Scheme::Bearer], BASE, "Acme (ire/acme)")["changePassword"]
                ["supported"],
            false
        );
    }

    #[test]
    fn resource_types_name_their_schemas_and_extensions() {
        let types = resource_types(&[&schema::user(), &schema::group()], BASE);
        assert_eq!(
            types[0],
            json!({
                "schemas": [urn::RESOURCE_TYPE],
                "id": "User",
                "name": "User",
                "endpoint": "/Users",
                "description": "A person who may use the application.",
                "schema": urn::USER,
                "schemaExtensions": [
                    {"schema": urn::ENTERPRISE_USER, "required": false},
                    {"schema": urn::SEAT, "required": false},
                    {"schema": urn::USER_ORIGIN, "required": false},
                ],
                "meta": {"resourceType": "ResourceType", "location": format!("{BASE}/ResourceTypes/User")},
            })
        );
        assert_eq!(types[1]["id"], "Group");
        assert_eq!(types[1]["schemaExtensions"], json!([{"schema": urn::GROUP_ORIGIN, "required": false}]));
    }

    #[test]
    fn each_schema_is_told_once_with_all_characteristics() {
        let (user, group) = (schema::user(), schema::group());
        let schemas = schemas(&[&user, &group, &user], BASE);
        let ids: Vec<_> = schemas.iter().map(|s| s["id"].as_str().unwrap()).collect();
        assert_eq!(
            ids,
            [urn::USER, urn::ENTERPRISE_USER, urn::SEAT, urn::USER_ORIGIN, urn::GROUP, urn::GROUP_ORIGIN]
        );
        assert_eq!(schemas[0]["meta"]["location"], format!("{BASE}/Schemas/{}", urn::USER));
        let told = &schemas[0]["attributes"][0];
        for name in [
            "name",
            "type",
            "multiValued",
            "description",
            "required",
            "caseExact",
            "mutability",
            "returned",
            "uniqueness",
        ] {
            assert!(told.get(name).is_some(), "{name}");
        }
        assert_eq!(told["uniqueness"], "server");
        let certificates = schemas[0]["attributes"].as_array().unwrap().last().unwrap();
        assert_eq!(certificates["subAttributes"][0]["type"], "binary");
    }

    #[test]
    fn mo9_and_mc11_a_tenants_roles_and_required_attributes_are_told() {
        let mut user = schema::user();
        user.set_canonical_values("userType", vec!["admin".into(), "member_lite".into()]);
        assert_eq!(user.require(&["Emails".into(), "shoeSize".into()]), ["shoeSize"]);
        let told = schemas(&[&user], BASE).remove(0);
        let attribute = |name: &str| {
            told["attributes"].as_array().unwrap().iter().find(|a| a["name"] == name).cloned().unwrap()
        };
        assert_eq!(attribute("userType")["canonicalValues"], json!(["admin", "member_lite"]));
        assert_eq!(attribute("emails")["required"], true);
    }

    /// The members of an answer are attributes of its schema, and the required ones are there.
    fn assert_described(answer: &Value, attributes: &[Attribute]) {
        let members = answer.as_object().unwrap();
        for attribute in attributes.iter().filter(|attribute| attribute.required) {
            assert!(members.contains_key(&attribute.name), "{} is missing", attribute.name);
        }
        for (name, value) in members {
            let attribute = attributes.iter().find(|attribute| attribute.name == *name);
            let attribute = attribute.unwrap_or_else(|| panic!("{name} is not described"));
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            assert_eq!(value.is_array(), attribute.multi_valued, "{name}");
            for value in values.iter().filter(|_| attribute.kind == Type::Complex) {
                assert_described(value, &attribute.sub_attributes);
            }
        }
    }

    #[test]
    fn answers_are_described_by_the_schemas_of_rfc_7643_section_8_7_2() {
        let described = Features { documentation_uri: Some("https://docs.example.com".into()), ..features() };
        let user = schema::user();
        let answers = [
            service_provider_config(&described, &[Scheme::Basic, Scheme::Bearer], BASE, "Acme (ire/acme)"),
            resource_types(&[&user], BASE).remove(0),
            schemas(&[&user], BASE).remove(0),
        ];
        for (schema, mut answer) in schema::discovery().into_iter().zip(answers) {
            let members = answer.as_object_mut().unwrap();
            assert_eq!(members.remove("schemas"), Some(json!([schema.id])));
            assert_eq!(members.remove("meta").unwrap()["resourceType"], schema.resource_name());
            assert_described(&answer, &schema.attributes);
        }
    }
}
