//! deploy/prometheus/rules.yml: what is recorded, and the alerts with their words, their way into the runbook and their tests.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Yaml};

use super::{assert_none, expressions::asked, metrics::Metrics, read};

/// One rule: it records a series, or it is an alert.
pub(crate) struct Rule {
    record: Option<String>,
    alert: Option<String>,
    pub(crate) expression: String,
    severity: String,
    summary: String,
    runbook: String,
}

fn text(yaml: &Yaml<'_>, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(yaml, |yaml, key| yaml.as_mapping_get(key))?;
    found.as_str().map(str::to_owned)
}

fn list<'a>(yaml: &'a Yaml<'a>, key: &str) -> impl Iterator<Item = &'a Yaml<'a>> {
    yaml.as_mapping_get(key).and_then(Yaml::as_sequence).into_iter().flatten()
}

pub(crate) fn all() -> Vec<Rule> {
    let file = read("deploy/prometheus/rules.yml");
    let documents = Yaml::load_from_str(&file).unwrap();
    let groups = list(&documents[0], "groups");
    let rules = groups.flat_map(|group| list(group, "rules")).map(|rule| Rule {
        record: text(rule, &["record"]),
        alert: text(rule, &["alert"]),
        expression: text(rule, &["expr"]).unwrap(),
        severity: text(rule, &["labels", "severity"]).unwrap_or_default(),
        summary: text(rule, &["annotations", "summary"]).unwrap_or_default(),
        runbook: text(rule, &["annotations", "runbook_url"]).unwrap_or_default(),
    });
    let rules: Vec<Rule> = rules.collect();
    assert!(rules.len() > 30, "only {} rules found", rules.len());
    rules
}

/// The names of the series that rules record.
pub(crate) fn recorded(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().filter_map(|rule| rule.record.clone()).collect()
}

#[test]
fn every_rule_asks_for_what_there_is() {
    let rules = all();
    let metrics = Metrics::of_the_page(recorded(&rules));
    let mut wrong = Vec::new();
    for rule in &rules {
        match asked(&rule.expression) {
            Ok(asked) => wrong.extend(metrics.faults(&asked)),
            Err(error) => wrong.push(error),
        }
    }
    assert_none(&wrong, "deploy/prometheus/rules.yml");
}

/// The anchor of a heading, as renderers of Markdown make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The text below a heading, up to the next one.
fn section(page: &str, wanted: &str) -> Option<String> {
    let mut lines = page.lines().skip_while(|line| !(line.starts_with('#') && anchor(line) == wanted));
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_alert_says_whom_it_calls_and_leads_to_a_heading_that_tells_of_it() {
    let runbook = read("docs/operations.md");
    let mut wrong = Vec::new();
    for rule in all() {
        let Some(alert) = rule.alert else { continue };
        if !["page", "ticket", "info"].contains(&rule.severity.as_str()) {
            wrong.push(format!("{alert}: its severity is {:?}", rule.severity));
        }
        if !rule.summary.ends_with('.') {
            wrong.push(format!("{alert}: its summary is no sentence: {:?}", rule.summary));
        }
        let heading = rule.runbook.strip_prefix("docs/operations.md#").unwrap_or_default();
        if !section(&runbook, heading).is_some_and(|told| told.contains(&format!("`{alert}`"))) {
            wrong.push(format!("{alert}: nothing is told of it at {:?}", rule.runbook));
        }
    }
    assert_none(&wrong, "deploy/prometheus/rules.yml");
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let file = read("deploy/prometheus/rules_test.yml");
    let documents = Yaml::load_from_str(&file).unwrap();
    let tried = list(&documents[0], "tests").flat_map(|test| list(test, "alert_rule_test"));
    let tried: BTreeSet<(String, bool)> = tried
        .map(|moment| (text(moment, &["alertname"]).unwrap(), list(moment, "exp_alerts").next().is_some()))
        .collect();
    let alerts: BTreeSet<String> = all().into_iter().filter_map(|rule| rule.alert).collect();
    let missing = alerts.iter().flat_map(|alert| {
        let kinds = [(true, "fires"), (false, "does not fire")].into_iter();
        let missing = kinds.filter(|(fires, _)| !tried.contains(&(alert.clone(), *fires)));
        missing.map(move |(_, word)| format!("{alert} has no moment in which it {word}"))
    });
    assert_none(&missing.collect::<Vec<_>>(), "deploy/prometheus/rules_test.yml");
    assert!(tried.iter().all(|(name, _)| alerts.contains(name)), "a test of an alert that is not there");
}

/// promtool evaluates groups that the order does not name at any time, so that tests would differ from run to run.
#[test]
fn the_tests_name_every_group_in_its_order() {
    let (rules, tests) = (read("deploy/prometheus/rules.yml"), read("deploy/prometheus/rules_test.yml"));
    let (rules, tests) = (Yaml::load_from_str(&rules).unwrap(), Yaml::load_from_str(&tests).unwrap());
    let groups: Vec<_> = list(&rules[0], "groups").filter_map(|group| text(group, &["name"])).collect();
    let order: Vec<&str> = list(&tests[0], "group_eval_order").filter_map(Yaml::as_str).collect();
    assert_eq!(order, groups);
}
