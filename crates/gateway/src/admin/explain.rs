//! Why a person is missing, or without the license.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use provisioning::{explain::Explained, log::row, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, acts::Acts, people::rules, response};
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct Wanted {
    user: String,
}

pub(super) async fn person(
    acts: Acts,
    app: Data<App>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    if wanted.user.is_empty() {
        return Err(Problem::bad_request(
            "Name a person with user: by userName, e-mail address, externalId, id, or the Ref of a refusal.",
        ));
    }
    let (rules, tenant) = (rules(&app, &acts).await?, acts.tenant().await?);
    let contact = app.contact_about_seats(&tenant, &rules).to_owned();
    let told = acts.explain(rules, wanted.user, contact.clone()).await?;
    Ok(response::json(200, &told_of(&told, &contact)))
}

fn told_of(told: &Explained, contact: &str) -> Value {
    json!({
        "answer": told.answer.word(),
        "sentence": told.sentence,
        "since": told.since_ms.map(iso),
        "do": told.steps,
        "contact": contact,
        "place": told.place,
        "person": told.person,
        "log": told.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
