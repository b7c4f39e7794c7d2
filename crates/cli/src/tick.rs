//! `usher tick`: carries out now what has fallen due.

use serde_json::json;

use crate::{commands::Options, mistake::Mistake, output::facts, session::Session};

pub(crate) fn run(options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    let done = session.client.post("tick", &json!({}))?;
    session.show(&done, |done| facts(["tenants", "seats", "people", "failed"], done))
}
