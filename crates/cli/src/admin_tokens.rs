//! `usher admin-token …`: the tokens of people and programs of the staff, so that each act names who did it. `usher acts` lists them.

use serde_json::{Map, Value, json};

use crate::{
    commands::{AdminTokenAct, Options, Scope},
    mistake::Mistake,
    output::{cell, elements, facts, list},
    session::Session,
};

pub(crate) fn run(act: AdminTokenAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    match act {
        AdminTokenAct::Add { name, scope } => {
            let mut body = Map::from_iter([("name".to_owned(), json!(name))]);
            if let Some(target) = scope.tenant {
                body.insert("tenant".to_owned(), target.to_string().into());
            }
            if let Some(region) = scope.region {
                body.insert("region".to_owned(), json!(region));
            }
            let added = session.client.post("tokens", &body)?;
            session.show(&added, |added| {
                let facts = facts(["name", "id", "region", "tenant", "token"], added);
                format!("{facts}\n\nThe token is shown this once: hand it over now, for USHER_ADMIN_TOKEN.")
            })
        }
        AdminTokenAct::List => session.show(&session.client.get("tokens")?, |tokens| {
            list(["name", "id", "region", "tenant", "made_by", "created"], elements(tokens))
        }),
        AdminTokenAct::Revoke { name } => {
            session.client.delete(&format!("tokens/{name}"))?;
            let revoked = json!({ "name": name, "revoked": true });
            session.show(&revoked, |revoked| format!("The admin token {} is revoked.", cell(revoked, "name")))
        }
    }
}

pub(crate) fn acts(scope: &Scope, limit: u16, options: &Options) -> Result<(), Mistake> {
    let path = match (&scope.tenant, &scope.region) {
        (Some(target), _) => target.path("/acts"),
        (None, Some(region)) => format!("regions/{region}/acts"),
        (None, None) => "acts".to_owned(),
    };
    let session = Session::open(options)?;
    let acts: Value = session.client.get(&format!("{path}?limit={limit}"))?;
    session.show(&acts, |acts| list(["at", "tenant", "actor", "act", "request_id", "detail"], elements(acts)))
}
