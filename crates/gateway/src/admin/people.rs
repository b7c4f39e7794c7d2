//! A tenant's people and groups: what staff see of them, and what they do to people.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use directory::Origin;
use provisioning::{Rules, roster};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use staff::{PersonChangeRequest, PersonRequest};

use super::{Problem, acts::Acts, body::Body, query::Page, response::json, tenants::Nothing};
use crate::app::App;

/// The path of one person's or group's route.
type OfOne = Path<(String, String, String)>;

/// Which people.
#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<i64>,
    after: Option<String>,
    state: Option<String>,
    role: Option<String>,
    origin: Option<String>,
    user_name: Option<String>,
}

impl Wanted {
    fn read(&self) -> Result<roster::Wanted, Problem> {
        let origin = |word: &String| {
            let known = [Origin::Idp, Origin::Local].into_iter().find(|origin| origin.key() == word);
            known.ok_or_else(|| Problem::bad_request("origin is IDP or LOCAL."))
        };
        Ok(roster::Wanted {
            state: self.state.clone(),
            role: self.role.clone(),
            origin: self.origin.as_ref().map(origin).transpose()?,
            user_name: self.user_name.clone(),
        })
    }

    /// The parameters that narrow the list, for the link to the next page.
    fn narrowed(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let named = [("state", &self.state), ("role", &self.role), ("origin", &self.origin)];
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("&{query}") }
    }
}

/// The tenant's rules, as its requests have them.
pub(super) async fn rules(app: &App, acts: &Acts) -> Result<Arc<Rules>, Problem> {
    let tenant = Arc::new(acts.tenant().await?);
    let store = acts.registry.store_of(&tenant).await?;
    app.rules
        .of(&acts.registry, &tenant, || app.base(&tenant), &store)
        .await
        .map_err(|error| error.failure().into())
}

fn values<T: Serialize>(found: &[T]) -> Vec<Value> {
    found.iter().map(|one| serde_json::to_value(one).unwrap_or_default()).collect()
}

/// One more than the page has, to see whether there is a next one.
fn one_more(page: &Page) -> usize {
    usize::try_from(page.limit() + 1).unwrap_or(usize::MAX)
}

pub(super) async fn users(
    app: Data<App>,
    acts: Acts,
    Query(wanted): Query<Wanted>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page = Page::new(wanted.limit, wanted.after.clone());
    let rules = rules(&app, &acts).await?;
    let found = acts.people(rules, wanted.read()?, page.after.clone(), one_more(&page)).await?;
    Ok(page.answer_of(values(&found), "id", request.path(), &wanted.narrowed()))
}

pub(super) async fn user(app: Data<App>, acts: Acts, path: OfOne) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.person(rules, path.into_inner().2).await?))
}

pub(super) async fn add(
    app: Data<App>,
    acts: Acts,
    Body(new): Body<PersonRequest>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(201, &acts.add_person(rules, new).await?))
}

pub(super) async fn set(
    app: Data<App>,
    acts: Acts,
    path: OfOne,
    Body(change): Body<PersonChangeRequest>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.set_person(rules, path.into_inner().2, change).await?))
}

pub(super) async fn release(
    app: Data<App>,
    acts: Acts,
    path: OfOne,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.release_person(rules, path.into_inner().2).await?))
}

pub(super) async fn delete(app: Data<App>, acts: Acts, path: OfOne) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    acts.delete_person(rules, path.into_inner().2).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn groups(
    app: Data<App>,
    acts: Acts,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    let found = acts.groups(rules, page.after.clone(), one_more(&page)).await?;
    Ok(page.answer(values(&found), "id", request.path()))
}

pub(super) async fn group(app: Data<App>, acts: Acts, path: OfOne) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.group(rules, path.into_inner().2).await?))
}

/// The body of a release of a group.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupRelease {
    /// Whether what waits is dropped instead of carried out.
    #[serde(default)]
    drop: bool,
}

pub(super) async fn release_group(
    app: Data<App>,
    acts: Acts,
    path: OfOne,
    Query(asked): Query<GroupRelease>,
    Body(sent): Body<Option<GroupRelease>>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    let is_dropped = asked.drop || sent.unwrap_or_default().drop;
    Ok(json(200, &acts.release_group(rules, path.into_inner().2, is_dropped).await?))
}
