//! Expressions of PromQL: Grafana's variables filled in, parsed, and what they ask for.

use std::{collections::BTreeSet, convert::Infallible};

use promql_parser::{
    label::Labels,
    parser::{self, AggregateExpr, Expr, LabelModifier, VectorSelector},
    util::{ExprVisitor, walk_expr},
};

/// What Grafana fills in by itself, with any value that it could have.
const OF_GRAFANA: [(&str, &str); 3] =
    [("$__rate_interval", "1m"), ("$__interval", "15s"), ("$__range", "1h")];

/// What an expression asks for.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) selections: Vec<Selection>,
    pub(crate) groupings: Vec<Grouping>,
}

/// A metric, with the labels by which its series are chosen.
pub(crate) struct Selection {
    pub(crate) metric: String,
    pub(crate) labels: Vec<String>,
}

/// The labels that `sum by (…)` and its like keep, with the metrics below.
pub(crate) struct Grouping {
    pub(crate) metrics: BTreeSet<String>,
    pub(crate) labels: Vec<String>,
}

impl Asked {
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &String> {
        self.selections.iter().map(|selection| &selection.metric)
    }
}

/// The expression with the variables of the dashboard and of Grafana filled in. One that is left is none that Grafana knows.
pub(crate) fn filled(expression: &str, variables: &[String]) -> Result<String, String> {
    let mut text = expression.to_owned();
    for (name, value) in OF_GRAFANA {
        text = text.replace(name, value);
    }
    for name in variables {
        text = text.replace(&format!("${name}"), "any");
    }
    if text.contains('$') { Err(format!("an unknown variable in {text}")) } else { Ok(text) }
}

/// What a valid expression asks for.
pub(crate) fn asked(expression: &str) -> Result<Asked, String> {
    let parsed = parser::parse(expression).map_err(|error| format!("{expression}: {error}"))?;
    Ok(asked_by(&parsed))
}

fn asked_by(parsed: &Expr) -> Asked {
    let mut asked = Asked::default();
    match walk_expr(&mut asked, parsed) {
        Ok(_) => asked,
        Err(never) => match never {},
    }
}

impl ExprVisitor for Asked {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.note(selector),
            Expr::MatrixSelector(matrix) => self.note(&matrix.vs),
            Expr::Aggregate(AggregateExpr {
                expr,
                modifier: Some(LabelModifier::Include(Labels { labels })),
                ..
            }) => {
                let metrics = asked_by(expr).metrics().cloned().collect();
                self.groupings.push(Grouping { metrics, labels: labels.clone() });
            }
            _ => {}
        }
        Ok(true)
    }
}

impl Asked {
    fn note(&mut self, selector: &VectorSelector) {
        let labels = selector.matchers.matchers.iter().map(|matcher| matcher.name.clone());
        let metric = selector.name.clone().unwrap_or_else(|| "a metric without a name".to_owned());
        self.selections.push(Selection { metric, labels: labels.collect() });
    }
}

#[test]
fn an_expression_tells_of_all_that_it_asks_for() {
    let variables = ["region".to_owned()];
    let text = "sum by (code) (rate(a{x=~\"$region\"}[$__rate_interval])) / (b offset 2m > 0)";
    let asked_for = asked(&filled(text, &variables).unwrap()).unwrap();
    assert_eq!(asked_for.metrics().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(asked_for.selections[0].labels, ["x"]);
    let [grouping] = &asked_for.groupings[..] else { panic!("one grouping") };
    assert_eq!((grouping.labels.as_slice(), grouping.metrics.len()), (&["code".to_owned()][..], 1));
    assert!(filled("a{x=\"$unknown\"}", &[]).is_err());
    assert!(asked("sum by (code) (rate(a[1m])").is_err());
}
