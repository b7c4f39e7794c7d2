//! `usher cell …`: the databases of a region, and which of them take new tenants.

use serde_json::json;

use crate::{
    commands::{CellAct, CellTarget, Options},
    mistake::Mistake,
    output::{elements, facts, list},
    session::Session,
};

const COLUMNS: [&str; 3] = ["name", "open", "tenants"];

pub(crate) fn run(act: CellAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    match act {
        CellAct::List { region } => {
            let cells = session.client.get(&format!("regions/{region}/cells"))?;
            session.show(&cells, |cells| list(COLUMNS, elements(cells)))
        }
        CellAct::Open(target) => set(&session, &target, true),
        CellAct::Close(target) => set(&session, &target, false),
    }
}

fn set(session: &Session, target: &CellTarget, open: bool) -> Result<(), Mistake> {
    let path = format!("regions/{}/cells/{}", target.region, target.cell);
    session.show(&session.client.patch(&path, &json!({ "open": open }))?, |cell| facts(COLUMNS, cell))
}
