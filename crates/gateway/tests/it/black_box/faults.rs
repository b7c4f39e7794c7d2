//! The ways in which a server is wrong, one at a time, and the proof that each check finds one of them.

use std::{sync::atomic::AtomicBool, thread::sleep, time::Duration};

use conformance::{Check, Group, Plan, Profile, Report, Server, Verdict, groups, run};
use serde_json::{Value, json};
use testkit::{gateway::Tenant, http::agent, urn::ENTERPRISE};

use crate::running::roomy;

use super::wrong_server::{Asked, Told, WrongServer};

/// One thing that a server does wrong.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    name: &'static str,
    /// A check that must find it.
    found_by: &'static str,
    /// What it does to requests; it knows the right token.
    pub(super) request: fn(&mut Asked, &str),
    pub(super) answer: fn(&Asked, &mut Told),
}

impl Fault {
    /// The fault of this name.
    pub(super) fn named(name: &str) -> Self {
        *FAULTS.iter().find(|fault| fault.name == name).unwrap()
    }
}

const fn in_request(name: &'static str, found_by: &'static str, request: fn(&mut Asked, &str)) -> Fault {
    Fault { name, found_by, request, answer: |_, _| {} }
}

const fn in_answer(name: &'static str, found_by: &'static str, answer: fn(&Asked, &mut Told)) -> Fault {
    Fault { name, found_by, request: |_, _| {}, answer }
}

/// A request that changes something becomes a GET of what there is.
fn only_read(asked: &mut Asked, method: &str) {
    if asked.method == method && !asked.path.contains(".search") {
        asked.method = "GET".into();
        asked.body.clear();
        asked.headers.retain(|(name, _)| !name.starts_with("content-") && !name.starts_with("if-"));
    }
}

fn without_parameters(asked: &mut Asked, names: &[&str]) {
    if let Some((path, query)) = asked.path.split_once('?') {
        let kept = query.split('&').filter(|pair| !names.contains(&pair.split('=').next().unwrap()));
        asked.path = format!("{path}?{}", kept.collect::<Vec<_>>().join("&"));
    }
}

fn without_members(asked: &mut Asked, names: &[&str]) {
    if let Ok(Value::Object(mut body)) = serde_json::from_str(&asked.body) {
        body.retain(|name, _| !names.contains(&name.as_str()));
        asked.body = Value::Object(body).to_string();
    }
}

/// Changes the body of an answer, where it is an object.
fn edit(told: &mut Told, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body @ Value::Object(_)) = serde_json::from_str(&told.text) {
        change(&mut body);
        told.text = body.to_string();
    }
}

/// Changes each resource of an answer: the body itself, or those of a list.
fn each_resource(told: &mut Told, change: fn(&mut Value)) {
    edit(told, |body| match body.get_mut("Resources").and_then(Value::as_array_mut) {
        Some(resources) => resources.iter_mut().for_each(change),
        None => change(body),
    });
}

fn remove(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

fn is_list(told: &Told) -> bool {
    told.status == 200 && told.text.contains("\"totalResults\"")
}

const FAULTS: &[Fault] = &[
    in_request("PATCH does nothing", "patch-replace-simple", |asked, _| only_read(asked, "PATCH")),
    in_request("PUT does nothing", "put-replaces", |asked, _| only_read(asked, "PUT")),
    Fault {
        name: "DELETE does nothing",
        found_by: "delete-user",
        request: |asked, _| only_read(asked, "DELETE"),
        answer: |asked, told| {
            if asked.method == "DELETE" {
                (told.status, told.text) = (204, String::new());
            }
        },
    },
    in_request("filters are ignored", "filter-eq", |asked, _| {
        without_parameters(asked, &["filter"]);
        without_members(asked, &["filter"]);
    }),
    in_request("paging is ignored", "page-walk", |asked, _| {
        without_parameters(asked, &["startIndex", "count"])
    }),
    in_request("sorting is ignored", "sort-descending", |asked, _| {
        without_parameters(asked, &["sortBy", "sortOrder"]);
    }),
    in_request("attributes are ignored", "attributes-only", |asked, _| {
        without_parameters(asked, &["attributes", "excludedAttributes"]);
    }),
    in_request("preconditions are ignored", "etag-put-stale", |asked, _| {
        asked.headers.retain(|(name, _)| !name.starts_with("if-"));
    }),
    in_request("members are forgotten", "create-group-members", |asked, _| {
        without_members(asked, &["members"])
    }),
    in_request("everybody is let in", "authentication-wrong", |asked, token| {
        asked.headers.retain(|(name, _)| name != "authorization");
        asked.headers.push(("authorization".into(), format!("Bearer {token}")));
    }),
    in_answer("refusals are 200", "create-duplicate", |_, told| {
        told.status = if told.status >= 400 { 200 } else { told.status };
    }),
    in_answer("errors are plain text", "error-shape", |_, told| {
        if told.status >= 400 {
            told.text = "something went wrong".into();
        }
    }),
    in_answer("errors have no sentence", "okta-unknown-id", |_, told| {
        if told.status >= 400 {
            edit(told, |body| remove(body, "detail"));
        }
    }),
    in_answer("scimType is another word", "filter-broken", |_, told| {
        edit(told, |body| {
            if body.get("scimType").is_some() {
                body["scimType"] = "tooMany".into();
            }
        });
    }),
    in_answer("no match is 404", "filter-no-match", |_, told| {
        if is_list(told) && told.text.contains("\"totalResults\":0") {
            told.status = 404;
        }
    }),
    in_answer("lists are empty", "filter-sw", |_, told| {
        if is_list(told) {
            edit(told, |body| {
                body["totalResults"] = 0.into();
                body["Resources"] = json!([]);
            });
        }
    }),
    in_answer("totals are text", "list-envelope", |_, told| {
        edit(told, |body| {
            if let Some(total) = body.get("totalResults").map(Value::to_string) {
                body["totalResults"] = total.into();
            }
        });
    }),
    in_answer("answers are text/plain", "create-media-type", |_, told| {
        told.headers.retain(|(name, _)| name != "content-type");
    }),
    in_answer("made is 200", "create-user", |_, told| {
        told.status = if told.status == 201 { 200 } else { told.status }
    }),
    in_answer("nothing says where it is", "create-location", |_, told| {
        told.headers.retain(|(name, _)| name != "location");
        edit(told, |body| {
            if let Some(meta) = body.get_mut("meta") {
                remove(meta, "location");
            }
        });
    }),
    in_answer("meta is left out", "create-meta", |_, told| each_resource(told, |one| remove(one, "meta"))),
    in_answer("there are no versions", "etag-told", |_, told| {
        told.headers.retain(|(name, _)| name != "etag")
    }),
    in_answer("active is text", "patch-deactivate", |_, told| {
        each_resource(told, |one| {
            if let Some(active) = one.get("active").map(Value::to_string) {
                one["active"] = active.into();
            }
        });
    }),
    in_answer("lists have one element", "create-multi-valued", |_, told| {
        each_resource(told, |one| {
            for name in ["emails", "phoneNumbers", "members"] {
                if let Some(elements) = one.get_mut(name).and_then(Value::as_array_mut) {
                    elements.truncate(1);
                }
            }
        });
    }),
    in_answer("parts are empty", "read-user", |_, told| {
        each_resource(told, |one| {
            for name in ["name", "emails", "members", "displayName", "externalId", "userName"] {
                remove(one, name);
            }
        });
    }),
    in_answer("users tell no groups", "user-tells-groups", |_, told| {
        each_resource(told, |one| remove(one, "groups"))
    }),
    in_answer("the extension is lost", "create-enterprise", |_, told| {
        each_resource(told, |one| remove(one, ENTERPRISE));
    }),
    in_answer("passwords are told", "create-password-hidden", |asked, told| {
        if asked.path.starts_with("/Users") {
            each_resource(told, |one| one["password"] = "Pa55!word n3w-".into());
        }
    }),
    in_answer("the client chooses the id", "create-id-ignored", |asked, told| {
        let sent: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        if let Some(id) = sent.get("id").filter(|_| told.status < 300).cloned() {
            edit(told, |body| body["id"] = id);
        }
    }),
    in_answer("what is empty is told", "create-empty-values", |_, told| {
        each_resource(told, |one| {
            for name in ["nickName", "title", "phoneNumbers"] {
                if one.get("userName").is_some() && one.get(name).is_none() {
                    one[name] = "nothing".into();
                }
            }
        });
    }),
    in_answer("resource types are bare", "discovery-types", |asked, told| {
        if asked.path.starts_with("/ResourceTypes") {
            told.text = told.text.replace("\"name\"", "\"title\"");
        }
    }),
    in_answer("schemas are bare", "discovery-schema-attributes", |asked, told| {
        if asked.path.starts_with("/Schemas") {
            for name in ["mutability", "subAttributes", "id", "uniqueness"] {
                told.text = told.text.replace(&format!("\"{name}\""), "\"x\"");
            }
        }
    }),
    in_answer("the configuration is bare", "discovery-configuration", |asked, told| {
        if asked.path.starts_with("/ServiceProviderConfig") {
            for name in ["schemas", "maxResults", "description"] {
                told.text = told.text.replace(&format!("\"{name}\""), "\"x\"");
            }
        }
    }),
    in_answer("Bulk does nothing", "bulk-create", |asked, told| {
        if asked.path == "/Bulk" {
            edit(told, |body| body["Operations"] = json!([]));
        }
    }),
    in_answer("Bulk is not claimed", "interop-features", |asked, told| {
        if asked.path.starts_with("/ServiceProviderConfig") {
            edit(told, |body| body["bulk"]["supported"] = false.into());
        }
    }),
    in_answer("slow", "", |_, _| sleep(Duration::from_millis(20))),
];

static NEVER: AtomicBool = AtomicBool::new(false);

/// Every profile counts, so that every check is made.
fn check(base_url: &str, tenant: &Tenant, groups: &[Group]) -> Report {
    let server = Server::new(agent(), base_url, &tenant.token, &NEVER).unwrap();
    run(&server, Plan { groups, claims: &Profile::ALL, run: "faults" }).unwrap()
}

fn failed(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|one| one.verdict == Verdict::Failed);
    failed.map(|one| one.id.clone()).collect()
}

/// A check that has failed somewhere is not made again, so the checks become fewer from fault to fault.
pub(super) fn each_check_fails_at_some_server() {
    let (_gateway, tenant) = roomy();
    let mut groups = groups().unwrap();
    let right = failed(&check(&tenant.base_url, &tenant, &groups));
    let is_of = |check: &Check, profile| check.claim == Some(profile);
    for group in &mut groups {
        // A lenient tenant claims neither; that they fail there shows that they can.
        group.checks.retain(|check| {
            let has_failed = right.contains(&check.id);
            assert!(
                !has_failed || is_of(check, Profile::Interop) || is_of(check, Profile::Strict),
                "{}",
                check.id
            );
            !has_failed
        });
    }
    for fault in FAULTS.iter().filter(|fault| !fault.found_by.is_empty()) {
        let server = WrongServer::before(&tenant, *fault);
        let mut found = failed(&check(server.base_url(), &tenant, &groups));
        found.sort();
        let left = groups.iter().flat_map(|group| &group.checks).any(|check| check.id == fault.found_by);
        assert!(!left || found.contains(&fault.found_by.to_owned()), "{}: {found:?}", fault.name);
        groups.iter_mut().for_each(|group| group.checks.retain(|check| !found.contains(&check.id)));
    }
    let never: Vec<&str> =
        groups.iter().flat_map(|group| &group.checks).map(|check| check.id.as_str()).collect();
    assert!(never.is_empty(), "nothing makes these fail: {never:?}");
}
