//! Makes one check: sends its steps and compares the answers, up to the first that differs.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    check::{Check, Make, Step, WantedError},
    litter::Litter,
    matching::check as matches,
    path::find,
    server::{Answer, Request, Server},
    variables::{Variables, encode},
};

/// Why a check failed: the first answer that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Which of the check's steps, from 1.
    pub step: usize,
    /// What differs.
    pub difference: String,
    /// What was sent, without secrets.
    pub request: String,
    /// What came back, without secrets.
    pub answer: String,
}

/// A difference, and the exchange that shows it.
#[derive(Default)]
struct Difference {
    sentence: String,
    request: String,
    answer: String,
}

impl From<String> for Difference {
    fn from(sentence: String) -> Self {
        Self { sentence, ..Self::default() }
    }
}

/// A run's parts that every step needs.
pub(crate) struct Player<'a> {
    pub(crate) server: &'a Server<'a>,
    pub(crate) litter: &'a Litter,
}

impl Player<'_> {
    /// Makes a check; the names of what it makes begin with `uniq`.
    pub(crate) fn play(&self, check: &Check, uniq: &str) -> Result<(), Failure> {
        let mut variables = Variables::new(self.server.base(), uniq);
        for (number, step) in check.steps.iter().enumerate() {
            self.runs(step, &mut variables).map_err(|difference| Failure {
                step: number + 1,
                difference: self.server.masked(&difference.sentence),
                request: difference.request,
                answer: difference.answer,
            })?;
        }
        Ok(())
    }

    /// A step as often as it says, one after the other or from several connections.
    fn runs(&self, step: &Step, variables: &mut Variables) -> Result<(), Difference> {
        let (next, known) = (AtomicUsize::new(1), &*variables);
        let mine = || {
            let mut done = Vec::new();
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run > step.repeat || self.server.is_interrupted() {
                    return done;
                }
                let mut variables = known.clone();
                variables.set_run(run);
                done.push(self.send(step, &mut variables).map(|()| variables));
            }
        };
        let learnt: Vec<Result<Variables, Difference>> = thread::scope(|scope| {
            let connections: Vec<_> = (0..step.parallel).map(|_| scope.spawn(mine)).collect();
            connections.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect()
        });
        learnt.into_iter().try_for_each(|run| run.map(|run| variables.learn(run)))
    }

    fn send(&self, step: &Step, variables: &mut Variables) -> Result<(), Difference> {
        let request = match step.make {
            Some(make) => made(make, step, variables)?,
            None => asked(step, variables)?,
        };
        // Where many requests at once are the subject, a request for a pause is an answer.
        let sent =
            if step.parallel > 1 { self.server.send_once(&request) } else { self.server.send(&request) };
        let shown = |sentence, answer: Option<&Answer>| Difference {
            sentence,
            request: self.server.show_request(&request),
            answer: answer.map_or_else(String::new, |answer| self.server.show_answer(answer)),
        };
        let answer = sent.map_err(|sentence| shown(sentence, None))?;
        self.litter.note(&request, &answer);
        judge(step, &answer, variables).map_err(|sentence| shown(sentence, Some(&answer)))
    }
}

/// A request that makes what any server takes.
fn made(make: Make, step: &Step, variables: &Variables) -> Result<Request, String> {
    let name = format!("${{uniq}}-{}", step.name);
    let (endpoint, mut body) = match make {
        Make::User => (
            "/Users",
            json!({
                "schemas": ["${User}"], "userName": format!("{name}@example.com"), "displayName": name,
                "name": { "givenName": "Con", "familyName": "Formance" }, "active": true,
                "emails": [{ "value": format!("{name}@example.com"), "type": "work", "primary": true }],
            }),
        ),
        Make::Group => ("/Groups", json!({ "schemas": ["${Group}"], "displayName": name })),
    };
    if let Some(members) = body.as_object_mut() {
        members.extend(step.with.clone());
    }
    let body = variables.tree(&body)?.to_string();
    Ok(Request {
        method: "POST".into(),
        path: endpoint.into(),
        headers: headers(step, variables)?,
        body: Some(body),
    })
}

fn asked(step: &Step, variables: &Variables) -> Result<Request, String> {
    let line = step.line.as_deref().unwrap_or_default();
    let (method, path) = line.split_once(' ').ok_or("a step is a method and a path")?;
    let operations = |operations: &Value| json!({ "schemas": ["${PatchOp}"], "Operations": operations });
    let body = step.patch.as_ref().map(operations).or_else(|| step.body.clone());
    let body = body.map(|body| variables.tree(&body)).transpose()?.map(|body| body.to_string());
    // A whole URL is an earlier answer's, which is sent as it came.
    let mut path = if path.starts_with("${") { variables.text(path)? } else { variables.path(path)? };
    for (name, value) in &step.query {
        let and = if path.contains('?') { '&' } else { '?' };
        path = format!("{path}{and}{name}={}", encode(&variables.text(value)?));
    }
    let body = body.or_else(|| step.text.clone());
    Ok(Request { method: method.to_owned(), path, headers: headers(step, variables)?, body })
}

fn headers(step: &Step, variables: &Variables) -> Result<Vec<(String, Option<String>)>, String> {
    let filled = |value: &Option<String>| value.as_deref().map(|value| variables.text(value)).transpose();
    step.headers.iter().map(|(name, value)| Ok((name.clone(), filled(value)?))).collect()
}

fn judge(step: &Step, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    let statuses = match (&step.error, step.make) {
        (Some(error), _) => &error.status[..],
        (None, Some(_)) => &[201],
        (None, None) => &step.status[..],
    };
    if !statuses.contains(&answer.status) {
        let wanted: Vec<String> = statuses.iter().map(u16::to_string).collect();
        return Err(format!("want status {}, got {}", wanted.join(" or "), answer.status));
    }
    for (name, wanted) in &step.answer {
        let found = answer.header(name).map(Value::from);
        matches(&format!("header {name}"), &variables.tree(wanted)?, found.as_ref())?;
    }
    for (name, header) in &step.capture_header {
        let found = answer.header(header).ok_or_else(|| format!("there is no header {header}"))?;
        variables.capture(name, &found.into())?;
    }
    if answer.status == 204 && !step.capture.is_empty() {
        return Err("want a body, got a 204".to_owned());
    }
    if answer.status == 204 || answer.status == 304 {
        return if answer.text.is_empty() { Ok(()) } else { Err(format!("a {} has a body", answer.status)) };
    }
    if let Some(error) = &step.error {
        is_error(error, answer)?;
    }
    compare(&step.json, answer, variables)?;
    if step.make.is_some() {
        keep(&step.name, "id", answer, variables)?;
    }
    step.capture.iter().try_for_each(|(name, path)| keep(name, path, answer, variables))
}

fn compare(wanted: &Map<String, Value>, answer: &Answer, variables: &Variables) -> Result<(), String> {
    for (path, wanted) in wanted {
        let path = variables.text(path)?;
        matches(&path, &variables.tree(wanted)?, find(&answer.body, &path)?.as_ref())?;
    }
    Ok(())
}

fn keep(name: &str, path: &str, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    let found = find(&answer.body, &variables.text(path)?)?.filter(|found| !found.is_null());
    variables.capture(name, &found.ok_or_else(|| format!("the answer has no {path}"))?)
}

/// RFC 7644, section 3.12: the URN and the status as a string are required, `scimType` is not.
fn is_error(wanted: &WantedError, answer: &Answer) -> Result<(), String> {
    let body = &answer.body;
    matches("schemas", &json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), body.get("schemas"))?;
    matches("status", &json!(answer.status.to_string()), body.get("status"))?;
    match (&wanted.scim_type, body.get("scimType")) {
        (Some(_), None) if !wanted.exact => Ok(()),
        (Some(scim_type), found) => matches("scimType", &json!(scim_type), found),
        (None, _) => Ok(()),
    }
}
