//! `usher explain`: why a person is missing, or without the license.

use serde_json::Value;

use crate::{
    commands::{ExplainedUser, Options},
    mistake::Mistake,
    output::{cell, member, steps},
    people::query,
    session::Session,
};

/// Prints the answer.
pub(crate) fn run(of: ExplainedUser, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    let ExplainedUser { target, user } = of;
    let told = session.client.get(&target.path(&format!("/explain{}", query([("user", Some(user))]))))?;
    session.show(&told, describe)
}

fn describe(told: &Value) -> String {
    let mut lines = vec![format!("{}: {}", cell(told, "answer"), cell(told, "sentence"))];
    if !member(told, "since").is_null() {
        lines.push(format!("Since {}.", cell(told, "since")));
    }
    lines.extend(steps(told));
    lines.push(format!("Contact: {}", cell(told, "contact")));
    lines.iter().map(|line| staff::printable::on_one_line(line)).collect::<Vec<_>>().join("\n")
}
