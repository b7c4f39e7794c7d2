//! deploy/grafana/dashboards: each loads as it is, its panels lie beside each other, and what they ask for is there.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::{
    assert_none,
    expressions::{Asked, asked, filled},
    metrics::Metrics,
    root, rules,
};

const FOLDER: &str = "deploy/grafana/dashboards";

/// The columns of Grafana's grid.
const COLUMNS: u64 = 24;

struct Dashboard {
    file: String,
    json: Value,
}

impl Dashboard {
    fn all() -> Vec<Self> {
        let files = fs::read_dir(root().join(FOLDER)).unwrap().map(|entry| entry.unwrap().path());
        let dashboards: Vec<Self> = files
            .map(|path| Self {
                json: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
                file: path.file_name().unwrap().to_str().unwrap().to_owned(),
            })
            .collect();
        assert!(dashboards.len() >= 3, "only {} dashboards found", dashboards.len());
        dashboards
    }

    fn panels(&self) -> &[Value] {
        self.json["panels"].as_array().unwrap()
    }

    fn variables(&self) -> Vec<String> {
        let list = self.json["templating"]["list"].as_array().unwrap();
        list.iter().map(|variable| variable["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Every expression with the title of what asks it.
    fn expressions(&self) -> Vec<(String, String)> {
        let panels = self.panels().iter().flat_map(|panel| {
            let targets = panel["targets"].as_array().into_iter().flatten();
            targets.map(move |target| (panel["title"].clone(), target["expr"].clone()))
        });
        let annotations = self.json["annotations"]["list"].as_array().unwrap().iter();
        let annotations = annotations.map(|one| (one["name"].clone(), one["expr"].clone()));
        let text = |value: Value| value.as_str().unwrap().to_owned();
        panels.chain(annotations).map(|(title, expression)| (text(title), text(expression))).collect()
    }

    /// What each expression asks for, or what is wrong with it, with the title of what asks it.
    fn asked(&self) -> Vec<(String, Result<Asked, String>)> {
        let variables = self.variables();
        let asked = |expression: String| filled(&expression, &variables).and_then(|text| asked(&text));
        self.expressions().into_iter().map(|(title, expression)| (title, asked(expression))).collect()
    }
}

/// Where a panel lies, in columns and rows of the grid.
#[derive(Clone, Copy)]
struct Place {
    left: u64,
    right: u64,
    top: u64,
    bottom: u64,
}

impl Place {
    fn of(panel: &Value) -> Self {
        let [left, top, wide, high] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        Self { left, right: left + wide, top, bottom: top + high }
    }

    fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

#[test]
fn each_dashboard_and_each_panel_has_an_id_of_its_own() {
    let dashboards = Dashboard::all();
    let uids: BTreeSet<&str> = dashboards.iter().map(|one| one.json["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), dashboards.len(), "{uids:?}");
    for dashboard in &dashboards {
        let ids: BTreeSet<u64> =
            dashboard.panels().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), dashboard.panels().len(), "{}: two panels have one id", dashboard.file);
        assert_eq!(dashboard.json["schemaVersion"], 39, "{}", dashboard.file);
    }
}

#[test]
fn panels_lie_beside_each_other_on_the_grid() {
    let mut wrong = Vec::new();
    for dashboard in Dashboard::all() {
        let places: Vec<(&Value, Place)> =
            dashboard.panels().iter().map(|panel| (&panel["title"], Place::of(panel))).collect();
        for (index, (title, place)) in places.iter().enumerate() {
            if place.right > COLUMNS || place.left == place.right || place.top == place.bottom {
                wrong.push(format!("{}: {title} is not on the grid", dashboard.file));
            }
            let over = places.iter().skip(index + 1).filter(|(_, other)| place.overlaps(*other));
            wrong.extend(over.map(|(other, _)| format!("{}: {title} lies over {other}", dashboard.file)));
        }
    }
    assert_none(&wrong, FOLDER);
}

/// Every value of this key, however deep.
fn values_of<'a>(json: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                if name == key {
                    found.push(value);
                }
                values_of(value, key, found);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| values_of(value, key, found)),
        _ => {}
    }
}

/// So that a dashboard loads in any Grafana: no source of one installation is named.
#[test]
fn the_source_is_always_the_variable() {
    let variable = json!({ "type": "prometheus", "uid": "${datasource}" });
    for dashboard in Dashboard::all() {
        let mut sources = Vec::new();
        values_of(&dashboard.json, "datasource", &mut sources);
        assert!(sources.len() > dashboard.expressions().len(), "{}", dashboard.file);
        let others: Vec<_> = sources.into_iter().filter(|source| **source != variable).collect();
        assert!(others.is_empty(), "{}: {others:?}", dashboard.file);
        assert!(dashboard.variables().contains(&"datasource".to_owned()), "{}", dashboard.file);
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    let mut wrong = Vec::new();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels().iter().filter(|panel| panel["type"] != "row") {
            let told = panel["description"].as_str().is_some_and(|text| text.ends_with('.'));
            let measured = panel["type"] == "table" || panel["fieldConfig"]["defaults"]["unit"].is_string();
            if !told || !measured {
                wrong.push(format!("{}: {}", dashboard.file, panel["title"]));
            }
        }
    }
    assert_none(&wrong, "a panel without a description or a unit");
}

#[test]
fn every_link_leads_to_a_dashboard() {
    let dashboards = Dashboard::all();
    let mut urls = Vec::new();
    dashboards.iter().for_each(|one| values_of(&one.json, "url", &mut urls));
    let targets = urls.iter().filter_map(|url| url.as_str()?.strip_prefix("/d/")?.split('?').next());
    let targets: BTreeSet<&str> = targets.collect();
    assert!(!targets.is_empty());
    let uids: BTreeSet<&str> = dashboards.iter().map(|one| one.json["uid"].as_str().unwrap()).collect();
    assert!(targets.is_subset(&uids), "{targets:?} of {uids:?}");
}

#[test]
fn every_panel_asks_for_what_there_is() {
    let metrics = Metrics::of_the_page(rules::recorded(&rules::all()));
    let mut wrong = Vec::new();
    for dashboard in Dashboard::all() {
        for (title, asked) in dashboard.asked() {
            let faults = asked.map_or_else(|error| vec![error], |asked| metrics.faults(&asked));
            wrong.extend(faults.iter().map(|fault| format!("{}: {title}: {fault}", dashboard.file)));
        }
    }
    assert_none(&wrong, FOLDER);
}

/// A metric that nobody looks at costs every scrape and helps no one.
#[test]
fn every_metric_is_shown_or_watched() {
    let rules = rules::all();
    let metrics = Metrics::of_the_page(rules::recorded(&rules));
    let of_panels = Dashboard::all().iter().flat_map(Dashboard::asked).collect::<Vec<_>>();
    let of_rules = rules.iter().map(|rule| asked(&rule.expression).unwrap());
    let all: Vec<Asked> = of_panels.into_iter().map(|(_, asked)| asked.unwrap()).chain(of_rules).collect();
    let series = all.iter().flat_map(Asked::metrics);
    let used: BTreeSet<&str> = series.filter_map(|series| metrics.of_series(series)).collect();
    let unused = metrics.names().filter(|name| !used.contains(name.as_str())).cloned();
    assert_none(&unused.collect::<Vec<_>>(), "metrics that no dashboard and no alert uses");
}
