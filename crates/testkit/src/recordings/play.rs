//! Plays recordings against a tenant.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use conformance::{Variables, check, find};
use serde_json::{Map, Value};

use crate::{
    at_once::at_once,
    gateway::Tenant,
    http::{Answer, Request},
    wire,
};

/// The result of playing a folder of recordings.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases that were played.
    pub played: usize,
    /// One line for each case that failed: file, case, step, first difference.
    pub failures: Vec<String>,
}

/// Plays every case of every `*.json` in a folder, in the order of their names.
pub fn play_folder(folder: &Path, tenant: &Tenant) -> Report {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut report = Report::default();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        for case in &cases {
            report.played += 1;
            if let Err(difference) = play(case, tenant) {
                report.failures.push(format!("{name}: {}: {difference}", string(case, "name")));
            }
        }
    }
    report
}

fn string<'c>(object: &'c Value, key: &str) -> &'c str {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}"))
}

/// One file of recordings, played case by case; what an answer gave is known to all that follow.
pub struct Conversation {
    cases: Vec<Value>,
    variables: Variables,
    played: BTreeSet<String>,
}

impl Conversation {
    /// The conversation of a file.
    pub fn open(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let cases = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        Self { cases, variables: Variables::new("", &uniq()), played: BTreeSet::new() }
    }

    /// Plays the case of this name against a tenant; the first difference.
    pub fn play(&mut self, name: &str, tenant: &Tenant) -> Result<(), String> {
        let case = self.cases.iter().find(|case| case["name"] == name);
        let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
        self.played.insert(name.to_owned());
        play_steps(case, tenant, &mut self.variables)
    }

    /// The cases that were not played.
    pub fn unplayed(&self) -> Vec<&str> {
        let names = self.cases.iter().map(|case| string(case, "name"));
        names.filter(|name| !self.played.contains(*name)).collect()
    }
}

fn play(case: &Value, tenant: &Tenant) -> Result<(), String> {
    play_steps(case, tenant, &mut Variables::new(&tenant.base_url, &uniq()))
}

/// A word of one case, which makes its names new.
fn uniq() -> String {
    static CASES: AtomicUsize = AtomicUsize::new(1);
    format!("u{:05}", CASES.fetch_add(1, Ordering::Relaxed))
}

fn play_steps(case: &Value, tenant: &Tenant, variables: &mut Variables) -> Result<(), String> {
    let steps = case["steps"].as_array().filter(|steps| !steps.is_empty());
    for (number, step) in steps.unwrap_or_else(|| panic!("no steps in {case}")).iter().enumerate() {
        let place = || format!("step {} {} {}", number + 1, string(step, "method"), string(step, "path"));
        runs(step, tenant, variables).map_err(|difference| format!("{}: {difference}", place()))?;
    }
    Ok(())
}

/// A step as often as it says, one after the other or from several connections.
fn runs(step: &Value, tenant: &Tenant, variables: &mut Variables) -> Result<(), String> {
    let count = |key: &str| usize::try_from(step[key].as_u64().unwrap_or(1)).unwrap();
    let (repeat, connections) = (count("repeat"), count("parallel"));
    let (next, known) = (AtomicUsize::new(1), &*variables);
    let mine = |_| {
        let mut done = Vec::new();
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run > repeat {
                return done;
            }
            let mut variables = known.clone();
            variables.set_run(run);
            done.push(send(step, tenant, &mut variables).map(|()| variables));
        }
    };
    let learnt: Vec<Result<Variables, String>> = at_once(connections, mine).into_iter().flatten().collect();
    learnt.into_iter().try_for_each(|run| run.map(|run| variables.learn(run)))
}

fn send(step: &Value, tenant: &Tenant, variables: &mut Variables) -> Result<(), String> {
    let url = format!("{}{}", tenant.base_url, variables.path(string(step, "path"))?);
    let mut request = Request::new(string(step, "method"), &url);
    if let Some(body) = step.get("body").filter(|body| !body.is_null()) {
        let body = variables.tree(body)?;
        let raw = body.as_str().filter(|_| step["raw"] == true);
        request = request.bytes(raw.map_or_else(|| body.to_string(), str::to_owned).as_bytes());
    }
    let none = Map::new();
    let headers = step["headers"].as_object().unwrap_or(&none);
    for (name, value) in headers.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
        request = request.header(name, &variables.text(value)?);
    }
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
        request = request.bearer(&tenant.token);
    }
    let answer = wire::exchange(&request).map_err(|e| format!("no answer: {e}"))?;
    judge(&step["expect"], &answer, variables)
}

fn judge(expect: &Value, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    let statuses = expect["status"].as_array().unwrap_or_else(|| panic!("no status is expected: {expect}"));
    if !statuses.contains(&answer.status.into()) {
        return Err(format!("want status {}, got {}: {}", expect["status"], answer.status, answer.text));
    }
    let none = Map::new();
    let part = |key: &str| expect[key].as_object().unwrap_or(&none);
    for (name, wanted) in part("headers") {
        let found = answer.header(name).map(Value::from);
        check(&format!("header {name}"), &variables.tree(wanted)?, found.as_ref())?;
    }
    if answer.status == 204 {
        return if answer.text.is_empty() { Ok(()) } else { Err("a 204 has a body".to_owned()) };
    }
    for (path, wanted) in part("json") {
        let path = variables.text(path)?;
        check(&path, &variables.tree(wanted)?, find(&answer.body, &path)?.as_ref())?;
    }
    for (name, path) in part("capture") {
        let path = path.as_str().unwrap_or_else(|| panic!("a capture is a path, not {path}"));
        let found = find(&answer.body, path)?.filter(|found| !found.is_null());
        variables.capture(name, &found.ok_or_else(|| format!("there is no {path} in {}", answer.text))?)?;
    }
    Ok(())
}
