//! The setup guides in `docs/guides`, followed step by step: their commands are run, their expected lines compared, and the identity
//! provider's side is played from recordings.

mod cxone_expert;
mod iomete;
mod mentimeter;
mod metacompliance;

use std::path::Path;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    recordings::Conversation,
};

use crate::running::gateway;

/// One thing that a guide tells to do.
enum Step<'g> {
    /// `$ usher …` with the lines that must be in what it prints; `…` stands for anything.
    Command(&'g str, Vec<&'g str>),
    /// `<!-- plays: NAME -->`: what the identity provider sends then.
    Plays(&'g str),
}

fn steps(guide: &str) -> Vec<Step<'_>> {
    let (mut steps, mut in_block) = (Vec::new(), false);
    for line in guide.lines() {
        let played = line.strip_prefix("<!-- plays: ").and_then(|rest| rest.strip_suffix(" -->"));
        match (line, line.strip_prefix("$ usher "), steps.last_mut()) {
            ("```console", ..) => in_block = true,
            ("```", ..) => in_block = false,
            (_, Some(command), _) if in_block => steps.push(Step::Command(command, Vec::new())),
            (_, None, Some(Step::Command(_, expected))) if in_block => expected.push(line),
            _ => steps.extend(played.map(Step::Plays)),
        }
    }
    steps
}

/// Whether a line has these parts, in this order.
fn has_parts(line: &str, pattern: &str) -> bool {
    let mut rest = Some(line);
    for part in pattern.split('…').map(str::trim) {
        rest = rest.and_then(|text| text.find(part).map(|at| &text[at + part.len()..]));
    }
    rest.is_some()
}

/// What the token is for, as `usher token issue` shows it once.
fn issued(gateway: &Gateway, words: &[&str]) -> Tenant {
    let issued: Value = serde_json::from_str(&gateway.cli_ok(&[words, &["--json"]].concat())).unwrap();
    let text = |name: &str| issued[name].as_str().unwrap().to_owned();
    let after = |option: &str| words.iter().skip_while(|word| **word != option).nth(1).unwrap().to_string();
    Tenant {
        base_url: text("base_url"),
        token: text("token"),
        region: after("--region"),
        key: after("--key"),
    }
}

/// Follows a guide against a fresh gateway.
fn follow(name: &str) {
    let (root, gateway) = (Path::new(env!("CARGO_MANIFEST_DIR")), gateway());
    let guide = std::fs::read_to_string(root.join(format!("../../docs/guides/{name}.md"))).unwrap();
    let mut conversation = Conversation::open(&root.join(format!("tests/idp/guides/{name}.json")));
    let mut tenant: Option<Tenant> = None;
    for step in steps(&guide) {
        match (step, &tenant) {
            (Step::Command(command, expected), _) => {
                let words: Vec<&str> = command.split_whitespace().collect();
                if words.starts_with(&["token", "issue"]) {
                    tenant = Some(issued(&gateway, &words));
                    continue;
                }
                let printed = gateway.cli_ok(&words);
                for line in expected {
                    assert!(
                        printed.lines().any(|one| has_parts(one, line)),
                        "{name}: {command}: no {line:?} in\n{printed}"
                    );
                }
            }
            (Step::Plays(case), Some(tenant)) => {
                conversation
                    .play(case, tenant)
                    .unwrap_or_else(|difference| panic!("{name}: {case}: {difference}"));
            }
            (Step::Plays(case), None) => panic!("{name}: {case} is played before a token is issued"),
        }
    }
    assert_eq!(conversation.unplayed(), [""; 0], "{name} does not play these");
    gateway.audit(&tenant.unwrap());
}

#[test]
fn the_guide_for_mentimeter_with_okta_is_true_step_by_step() {
    follow("mentimeter-okta");
}

#[test]
fn the_guide_for_mentimeter_with_entra_is_true_step_by_step() {
    follow("mentimeter-entra");
}

#[test]
fn the_guide_for_cxone_expert_is_true_step_by_step() {
    follow("cxone-expert");
}

#[test]
fn the_guide_for_iomete_is_true_step_by_step() {
    follow("iomete");
}

#[test]
fn the_guide_for_metacompliance_is_true_step_by_step() {
    follow("metacompliance");
}

/// The body of a group with these members.
fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [crate::running::GROUP], "displayName": name, "members": members })
}

/// One operation on members.
fn on_members(op: &str, ids: &[&str]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!([{ "op": op, "path": "members", "value": value }])
}
