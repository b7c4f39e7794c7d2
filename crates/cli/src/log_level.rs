//! `usher log-level …`: more of the gateway's log about one region or tenant, for a while.

use serde_json::json;

use crate::{
    commands::{LogLevelAct, LogLevelOf, Options},
    mistake::Mistake,
    output::{elements, list},
    session::Session,
};

const COLUMNS: [&str; 4] = ["region", "key", "level", "until"];

pub(crate) fn run(act: LogLevelAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    let raised = match act {
        LogLevelAct::Set { whose, level, minutes } => {
            session.client.put(&path(&whose), &json!({ "level": level, "minutes": minutes }))?
        }
        LogLevelAct::Show(whose) => session.client.get(&path(&whose))?,
        LogLevelAct::Unset(whose) => session.client.delete(&path(&whose))?,
    };
    session.show(&raised, |raised| list(COLUMNS, elements(raised)))
}

fn path(LogLevelOf { region, key }: &LogLevelOf) -> String {
    match key {
        Some(key) => format!("regions/{region}/tenants/{key}/log-level"),
        None => format!("regions/{region}/log-level"),
    }
}
