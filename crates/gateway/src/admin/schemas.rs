//! A tenant's own schemas (RFC 7643 §7): list, show, add or replace, remove. A change takes effect with the next request.

use actix_web::{
    HttpResponse,
    dev::HttpServiceFactory,
    web::{self, Data, Path, ReqData},
};
use provisioning::{
    Act,
    schemas::{self, NewSchema, Of, Outcome, OwnSchema, SchemaError},
};
use scim_core::schema::document;
use serde_json::{Map, Value, json};
use store::WriteTx;

use super::{
    Problem,
    body::{Body, Largest},
    json,
    seats::store_of,
    tenants::{place, write_as_staff},
};
use crate::app::App;

/// Largest body here, in bytes: the longest document and the words around it.
const BODY_LIMIT: usize = document::MAX_BYTES + 4 * 1024;

/// `/schemas` and `/schemas/{urn}` of a tenant. They take larger bodies than their neighbours.
pub(super) fn routes() -> impl HttpServiceFactory + 'static {
    web::scope("/schemas")
        .app_data(Largest(BODY_LIMIT))
        .route("", web::get().to(list))
        .route("", web::post().to(post))
        .route("/{urn}", web::get().to(show))
        .route("/{urn}", web::put().to(put))
        .route("/{urn}", web::delete().to(remove))
        .default_service(web::to(super::nothing_here))
}

impl From<SchemaError> for Problem {
    fn from(error: SchemaError) -> Self {
        let sentence = format!("{error}.");
        match error {
            SchemaError::NotFound(_) => Self::new(404, sentence),
            SchemaError::Conflict(_) => Self::new(409, sentence),
            SchemaError::Faults(faults) => faulty(faults),
            SchemaError::Failed(error) => error.into(),
        }
    }
}

/// 400 with every fault, for people in one sentence and for programs as a list.
fn faulty(faults: Vec<String>) -> Problem {
    /// More of them would not be read in a terminal; the list has all.
    const TOLD: usize = 10;
    let told = faults.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(" ");
    let detail = match faults.len() {
        0..=TOLD => told,
        many => format!("{told} And {} more; \"errors\" has them all.", many - TOLD),
    };
    Problem::bad_request(detail).with_errors(faults)
}

fn own_json(own: &OwnSchema) -> Map<String, Value> {
    Map::from_iter([
        ("urn".to_owned(), own.schema.id.as_str().into()),
        ("resource".to_owned(), own.of.resource_type().into()),
        ("required".to_owned(), own.required.into()),
        ("schema".to_owned(), json!(own.schema)),
    ])
}

pub(super) async fn list(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let own = store_of(&app, &path).await?.read(schemas::all).await?;
    Ok(json(200, &Value::Array(own.schemas.iter().map(|own| own_json(own).into()).collect())))
}

/// Beside the schema how many resources hold data of it: as long as there is one, it cannot be removed.
pub(super) async fn show(
    app: Data<App>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (region, key, urn) = path.into_inner();
    let store = store_of(&app, &(region, key)).await?;
    let (own, holders) = store.read(move |tx| schemas::get(tx, &urn)).await?;
    let mut body = own_json(&own);
    body.insert("holders".into(), holders.into());
    Ok(json(200, &body.into()))
}

pub(super) async fn post(
    app: Data<App>,
    path: Path<(String, String)>,
    act: ReqData<Act>,
    Body(body): Body<Value>,
) -> Result<HttpResponse, Problem> {
    let new = read(&body)?;
    store_new(&app, &path, act.into_inner(), new).await
}

pub(super) async fn put(
    app: Data<App>,
    path: Path<(String, String, String)>,
    act: ReqData<Act>,
    Body(body): Body<Value>,
) -> Result<HttpResponse, Problem> {
    let new = read(&body)?;
    let (region, key, urn) = path.into_inner();
    if !new.schema.id.eq_ignore_ascii_case(&urn) {
        let sentence = format!("The document's id is {}, but the path names {urn}.", new.schema.id);
        return Err(Problem::bad_request(sentence));
    }
    store_new(&app, &(region, key), act.into_inner(), new).await
}

/// `{"schema": {…}, "resource": "User", "required": false}`; the two words may be left out.
fn read(body: &Value) -> Result<NewSchema, Problem> {
    let wrong = |sentence: &str| Problem::bad_request(sentence);
    let members =
        body.as_object().ok_or_else(|| wrong("The body must be an object with a member schema."))?;
    if let Some(key) = members.keys().find(|key| !["schema", "resource", "required"].contains(&key.as_str()))
    {
        let shown: String = key.chars().take(60).collect();
        return Err(wrong(&format!("The body takes schema, resource and required, not {shown:?}.")));
    }
    let of = match members.get("resource") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if name.eq_ignore_ascii_case("User") => Some(Of::Users),
        Some(Value::String(name)) if name.eq_ignore_ascii_case("Group") => Some(Of::Groups),
        Some(_) => return Err(wrong("resource is User or Group.")),
    };
    let required = match members.get("required") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(required)) => Some(*required),
        Some(_) => return Err(wrong("required is true or false.")),
    };
    let schema = members.get("schema").ok_or_else(|| wrong("The body must have a member schema."))?;
    Ok(NewSchema { schema: document::read(schema).map_err(faulty)?, of, required })
}

async fn store_new(
    app: &App,
    path: &(String, String),
    act: Act,
    new: NewSchema,
) -> Result<HttpResponse, Problem> {
    let work = move |tx: &mut WriteTx<'_>| schemas::put(tx, new, &act);
    let (own, outcome) = change(app, path, work).await?;
    let mut body = own_json(&own);
    let (status, word) = match outcome {
        Outcome::Added => (201, "added"),
        Outcome::Replaced => (200, "replaced"),
        Outcome::Unchanged => (200, "unchanged"),
    };
    body.insert("outcome".into(), word.into());
    Ok(json(status, &body.into()))
}

pub(super) async fn remove(
    app: Data<App>,
    path: Path<(String, String, String)>,
    act: ReqData<Act>,
) -> Result<HttpResponse, Problem> {
    let (region, key, urn) = path.into_inner();
    let act = act.into_inner();
    change(&app, &(region, key), move |tx: &mut WriteTx<'_>| schemas::remove(tx, &urn, &act)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A transaction in the tenant's store with which what is cached of the tenant ends.
async fn change<T, F>(app: &App, path: &(String, String), work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, SchemaError> + Clone + Send + 'static,
{
    let (registry, key) = place(app, &path.0, &path.1)?;
    write_as_staff(&registry, &registry.tenant(&key).await?, work).await
}
