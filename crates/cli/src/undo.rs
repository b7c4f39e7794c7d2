//! `usher undo`: what a run of writes changed is given back.

use serde_json::{Value, json};

use crate::{
    commands::{Options, UndoWords},
    copies::TIME,
    mistake::Mistake,
    output::{cell, elements, list, member},
    session::Session,
};

pub(crate) fn run(words: UndoWords, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, TIME)?;
    let UndoWords { target, since, idp, dry_run } = words;
    let body = json!({ "since": since, "idp": idp, "dry_run": dry_run });
    let done = session.client.post(&target.path("/undo"), &body)?;
    session.show(&done, |done| describe(done, dry_run))
}

fn describe(done: &Value, is_dry: bool) -> String {
    let verb = if is_dry { "would be restored; nothing was changed" } else { "restored" };
    let not = elements(member(done, "not_restored"));
    let counts = format!("{} people and groups {verb}.", cell(done, "restored"));
    match not {
        [] => counts,
        not => {
            let rows = list(["user_name", "attribute", "reason", "id"], not);
            format!("{counts}\n\nNot restored: {}\n\n{rows}", not.len())
        }
    }
}
