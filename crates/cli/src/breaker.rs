//! `usher breaker …`: a tenant's breaker on mass loss.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    commands::{BreakerAct, Options, Target},
    mistake::Mistake,
    output::{cell, elements, facts, list, member},
    session::Session,
};

/// A release or a rollback of all people of a large tenant is one transaction.
const TIME_OF_ACTS: Duration = Duration::from_secs(15 * 60);

/// Does what the words say.
pub(crate) fn run(act: BreakerAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, TIME_OF_ACTS)?;
    match act {
        BreakerAct::Show(target) => {
            let shown = session.client.get(&target.path("/breaker"))?;
            session.show(&shown, describe)
        }
        BreakerAct::Set { target, people, percent, minutes, off } => {
            let members = [("people", people), ("percent", percent), ("minutes", minutes)];
            let limits: Value =
                members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            set(&session, &target, &if off.is_some() { json!({ "off": true }) } else { limits })
        }
        BreakerAct::Off(target) => set(&session, &target, &json!({ "off": true })),
        BreakerAct::Release(target) => {
            let done = session.client.post(&target.path("/breaker/release"), &json!({}))?;
            session.show(&done, describe_released)
        }
        BreakerAct::Rollback(target) => {
            let done = session.client.post(&target.path("/breaker/rollback"), &json!({}))?;
            session.show(&done, describe_restored)
        }
    }
}

fn set(session: &Session, target: &Target, change: &Value) -> Result<(), Mistake> {
    let shown = session.client.patch(&target.path("/breaker"), change)?;
    session.show(&shown, describe)
}

fn describe(breaker: &Value) -> String {
    let mut lines = vec![match member(breaker, "on").as_bool() {
        Some(true) => format!(
            "On: in {} minutes {} people, or {} percent of those who are active, may lose their access; the greater counts.",
            cell(breaker, "minutes"),
            cell(breaker, "people"),
            cell(breaker, "percent")
        ),
        _ => "Off.".to_owned(),
    }];
    let window = member(breaker, "window");
    if !window.is_null() {
        lines.push(facts(["began", "ends", "active", "bound", "lost", "opened"], window));
    }
    let held = member(breaker, "held");
    if member(held, "people").as_i64().unwrap_or_default() > 0 {
        lines.push(format!(
            "Held since {}: {} people keep role and seat until release or rollback; {} of them are deleted for the identity provider.",
            cell(held, "since"),
            cell(held, "people"),
            cell(held, "deleted")
        ));
    }
    lines.join("\n\n")
}

fn describe_released(done: &Value) -> String {
    let kept = match member(done, "kept").as_i64() {
        None | Some(0) => String::new(),
        Some(kept) => format!(" {kept} are kept by the profile: the last admin, or protected."),
    };
    format!("{} people have lost their access.{kept}", cell(done, "released"))
}

fn describe_restored(done: &Value) -> String {
    let text = format!("{} people are as they were before.", cell(done, "restored"));
    let rest = elements(member(done, "not_restored"));
    match rest.is_empty() {
        true => text,
        false => {
            format!("{text}\n\nNot given back:\n{}", list(["user_name", "attribute", "reason", "id"], rest))
        }
    }
}
