//! What each method does at each endpoint, as OpenAPI tells it: parameters, body, answers, refusals.

use actix_web::http::Method;
use scim_core::ResourceKind;
use serde_json::{Map, Value, json};

use super::{
    super::endpoint::Endpoint,
    shapes::{content, refer, with_request_id},
};

/// What every operation can be refused with: the query, the credential, the tenant's state, guessing, a fault of ours, overload.
const ANY: [u16; 6] = [400, 401, 403, 429, 500, 503];
/// What a body adds: its time, its size, its type.
const BODY: [u16; 3] = [408, 413, 415];
/// What a change of something that is there adds: absence, an outdated version, a name that is taken, no room.
const CHANGE: [u16; 4] = [404, 409, 412, 507];

/// What a read of one resource adds: absence, another version than the request names.
const READ: [u16; 2] = [404, 412];
const WHAT_IT_IS: &str = "What this tenant's endpoint is.";

/// Status, what it means, headers, the component that its body is.
type Answer = (u16, &'static str, Vec<&'static str>, Option<String>);

/// One operation before it is JSON.
#[derive(Default)]
struct Operation {
    id: String,
    summary: String,
    parameters: Vec<&'static str>,
    /// The component that a body must be.
    body: Option<String>,
    answers: Vec<Answer>,
    /// Beside [`ANY`], and [`BODY`] where there is one.
    refusals: &'static [u16],
    /// Whose `id` the answer holds, so that the operations on it can be reached.
    made: Option<&'static str>,
}

/// The operation of a method at an endpoint; `None` for one that the endpoint does not take.
pub(super) fn operation(endpoint: &Endpoint, method: &Method, strict: bool) -> Option<Value> {
    let operation = match endpoint {
        Endpoint::Root => list("All", "Resource", "Find users and groups (RFC 7644 section 3.4.2.1)"),
        Endpoint::Search(None) => search("All", "Resource"),
        Endpoint::Search(Some(kind)) => search(&plural(*kind), kind.name()),
        Endpoint::Collection(kind) => collection(*kind, method)?,
        Endpoint::Resource(kind, _) => resource(*kind, method, strict)?,
        Endpoint::Bulk => bulk(),
        Endpoint::ServiceProviderConfig => {
            discovery("ServiceProviderConfig", "Read what the service supports", &[], "ServiceProviderConfig")
        }
        Endpoint::ResourceTypes => {
            discovery("listResourceTypes", "List the resource types", &[], "ResourceTypeList")
        }
        Endpoint::ResourceType(_) => {
            discovery("getResourceType", "Read one resource type", &["Name"], "ResourceType")
        }
        Endpoint::Schemas => discovery("listSchemas", "List the schemas", &[], "SchemaList"),
        Endpoint::Schema(_) => discovery("getSchema", "Read one schema", &["Urn"], "Schema"),
        Endpoint::NotBuilt(_) => return None,
    };
    Some(operation.into_json(&endpoint.route()))
}

/// `Users`, as in the endpoint.
fn plural(kind: ResourceKind) -> String {
    kind.endpoint().replace('/', "")
}

/// A query by GET.
fn list(what: &str, kind: &str, summary: &str) -> Operation {
    Operation {
        id: format!("list{what}"),
        summary: summary.to_owned(),
        parameters: vec![
            "Filter",
            "SortBy",
            "SortOrder",
            "StartIndex",
            "Count",
            "Cursor",
            "Attributes",
            "ExcludedAttributes",
        ],
        answers: vec![page(kind)],
        ..Operation::default()
    }
}

/// A query by POST.
fn search(what: &str, kind: &str) -> Operation {
    Operation {
        id: format!("search{what}"),
        summary: format!("Find {what} without telling logs what is looked for (RFC 7644 section 3.4.3)"),
        body: Some("SearchRequest".to_owned()),
        answers: vec![page(kind)],
        ..Operation::default()
    }
}

fn page(kind: &str) -> Answer {
    (200, "One page of what matches.", vec![], Some(format!("{kind}List")))
}

/// All resources of a kind.
fn collection(kind: ResourceKind, method: &Method) -> Option<Operation> {
    let plural = plural(kind);
    Some(match *method {
        Method::GET => list(&plural, kind.name(), &format!("Find {plural} (RFC 7644 section 3.4.2)")),
        Method::POST => Operation {
            id: format!("create{kind}"),
            summary: format!("Create a {kind} (RFC 7644 section 3.3)"),
            parameters: vec!["Attributes", "ExcludedAttributes"],
            body: Some(format!("{kind}ToSend")),
            answers: vec![(201, "It was made.", vec!["Location", "ETag"], Some(kind.to_string()))],
            refusals: &[409, 507],
            made: Some(kind.name()),
        },
        _ => return None,
    })
}

/// One resource of a kind.
fn resource(kind: ResourceKind, method: &Method, strict: bool) -> Option<Operation> {
    let projection = ["Attributes", "ExcludedAttributes"];
    let told = |means| told(means, kind.name());
    let silent = || (204, "It was changed.", vec!["ETag"], None);
    Some(match *method {
        Method::GET => Operation {
            id: format!("get{kind}"),
            summary: format!("Read a {kind} (RFC 7644 section 3.4.1)"),
            parameters: [&["Id", "IfMatch", "IfNoneMatch"][..], &projection].concat(),
            answers: vec![told("It, or what was asked of it."), unchanged()],
            refusals: &READ,
            ..Operation::default()
        },
        Method::PUT => Operation {
            id: format!("replace{kind}"),
            summary: format!("Replace a {kind} (RFC 7644 section 3.5.1)"),
            parameters: [&["Id", "IfMatch"][..], &projection].concat(),
            body: Some(format!("{kind}ToSend")),
            answers: vec![told("It, as it is now.")],
            refusals: &CHANGE,
            ..Operation::default()
        },
        Method::PATCH => Operation {
            id: format!("patch{kind}"),
            summary: format!("Change a {kind} in part (RFC 7644 section 3.5.2)"),
            parameters: [&["Id", "IfMatch"][..], &projection].concat(),
            body: Some(format!("{kind}Patch")),
            answers: match (kind, strict) {
                (ResourceKind::Group, false) => {
                    vec![told("It, as it is now, when the request names attributes."), silent()]
                }
                _ => vec![told("It, as it is now.")],
            },
            refusals: &CHANGE,
            ..Operation::default()
        },
        Method::DELETE => Operation {
            id: format!("delete{kind}"),
            summary: format!("Delete a {kind} (RFC 7644 section 3.6)"),
            parameters: vec!["Id", "IfMatch"],
            answers: vec![(204, "It is gone.", vec![], None)],
            refusals: &CHANGE,
            ..Operation::default()
        },
        _ => return None,
    })
}

/// RFC 7644 §3.7. What is wrong with one operation is told in its own place of the answer.
fn bulk() -> Operation {
    Operation {
        id: "bulk".to_owned(),
        summary: "Do many operations (RFC 7644 section 3.7)".to_owned(),
        body: Some("BulkRequest".to_owned()),
        answers: vec![(200, "How each operation ended.", vec![], Some("BulkResponse".to_owned()))],
        refusals: &[507],
        ..Operation::default()
    }
}

/// RFC 7644 §4: a list, or one resource that has a version.
fn discovery(id: &str, summary: &str, parameters: &[&'static str], component: &'static str) -> Operation {
    let is_list = component.ends_with("List");
    let (conditions, answers, refusals): (&[&str], _, &[u16]) = if is_list {
        (&[], vec![(200, WHAT_IT_IS, vec![], Some(component.to_owned()))], &[])
    } else {
        (&["IfMatch", "IfNoneMatch"], vec![told(WHAT_IT_IS, component), unchanged()], &READ)
    };
    Operation {
        id: id.to_owned(),
        summary: format!("{summary} (RFC 7644 section 4)"),
        parameters: [parameters, conditions].concat(),
        answers,
        refusals,
        ..Operation::default()
    }
}

/// One resource, with its version.
fn told(means: &'static str, component: &str) -> Answer {
    (200, means, vec!["ETag"], Some(component.to_owned()))
}

fn unchanged() -> Answer {
    (304, "It has a version that the request names.", vec!["ETag"], None)
}

impl Operation {
    fn into_json(self, route: &str) -> Value {
        let body: &[u16] = if self.body.is_some() { &BODY } else { &[] };
        let mut refusals = [self.refusals, body, &ANY].concat();
        refusals.sort_unstable();
        let mut responses = Map::new();
        for (status, means, headers, body) in &self.answers {
            responses.insert(status.to_string(), answer(means, headers, body.as_deref(), self.made));
        }
        for status in refusals {
            responses.insert(status.to_string(), refer("responses", &status.to_string()));
        }
        let parameters: Vec<Value> = self.parameters.iter().map(|name| refer("parameters", name)).collect();
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [route.split(['/', '.']).find(|word| !word.is_empty()).unwrap_or("all")],
            "parameters": parameters,
            "responses": responses,
        });
        if let (Some(body), Value::Object(members)) = (&self.body, &mut operation) {
            members.insert("requestBody".into(), json!({"required": true, "content": content(body)}));
        }
        operation
    }
}

fn answer(means: &str, headers: &[&str], body: Option<&str>, made: Option<&str>) -> Value {
    let mut answer = json!({"description": means, "headers": with_request_id(headers)});
    let Value::Object(members) = &mut answer else { return answer };
    if let Some(body) = body {
        members.insert("content".into(), content(body));
    }
    if let Some(kind) = made {
        let links = ["get", "replace", "patch", "delete"].iter().map(|act| {
            let operation = format!("{act}{kind}");
            let link = json!({"operationId": operation, "parameters": {"id": "$response.body#/id"}});
            (operation, link)
        });
        members.insert("links".into(), Value::Object(links.collect()));
    }
    answer
}
