//! The provisioning log: what came of each write, newest first; or what was written since an earlier look, oldest first.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use provisioning::log::row;
use serde::Deserialize;
use serde_json::{Value, json};
use staff::LogQuery;

use super::{Problem, acts::Acts, response};
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct Wanted {
    user: Option<String>,
    result: Option<String>,
    idp: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
    follow: Option<bool>,
    after: Option<String>,
}

impl From<Wanted> for LogQuery {
    fn from(wanted: Wanted) -> Self {
        let Wanted { user, result, idp, since, until, limit, cursor, follow, after } = wanted;
        let follow = follow.unwrap_or_default();
        Self { user, result, idp, since, until, limit, cursor, follow, after }
    }
}

pub(super) async fn log(
    acts: Acts,
    app: Data<App>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let page = acts.log(wanted.into()).await?;
    let waiting = app.refused.lost(&acts.tenant().await?.id);
    let rows: Vec<Value> = page.rows.iter().map(row).collect();
    let lost = page.lost + waiting;
    let mut told = json!({ "rows": rows, "next_cursor": page.next, "log_lost": lost });
    if let (Some(end), Some(members)) = (page.end, told.as_object_mut()) {
        members.insert("end".to_owned(), json!(end));
        members.insert("more".to_owned(), json!(page.more));
    }
    Ok(response::json(200, &told))
}
