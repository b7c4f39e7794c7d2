//! A tenant's own schemas (RFC 7643 §7): list, show, add or replace, remove. A change takes effect with the next request.

use actix_web::{
    HttpResponse,
    dev::HttpServiceFactory,
    web::{self, Path},
};
use provisioning::schemas::{OwnSchema, SchemaChange};
use scim_core::schema::document;
use serde_json::{Value, json};
use staff::SchemaRequest;

use super::{
    Problem,
    acts::Acts,
    body::{Body, Largest},
    problem,
    response::{json, list, with},
};

/// The largest body here, in bytes: the longest document and the members around it.
const BODY_LIMIT: usize = document::MAX_BYTES + 4 * 1024;

/// The path of a schema's route.
type OfSchema = Path<(String, String, String)>;

/// `/schemas` and `/schemas/{urn}` of a tenant. They take larger bodies than their neighbours.
pub(super) fn routes() -> impl HttpServiceFactory + 'static {
    web::scope("/schemas")
        .app_data(Largest(BODY_LIMIT))
        .route("", web::get().to(all))
        .route("", web::post().to(post))
        .route("/{urn}", web::get().to(show))
        .route("/{urn}", web::put().to(put))
        .route("/{urn}", web::delete().to(remove))
        .default_service(web::to(problem::nothing_here))
}

fn own_json(own: &OwnSchema) -> Value {
    let resource = own.of.name();
    json!({ "urn": own.schema.id, "resource": resource, "required": own.required, "schema": own.schema })
}

async fn all(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(list(acts.schemas().await?.schemas.iter().map(own_json)))
}

/// Shows the schema and how many resources hold data of it. While there is one, the schema cannot be removed.
async fn show(acts: Acts, path: OfSchema) -> Result<HttpResponse, Problem> {
    let (own, holders) = acts.schema(path.into_inner().2).await?;
    Ok(json(200, &with(own_json(&own), [("holders", holders.into())])))
}

async fn post(acts: Acts, Body(new): Body<SchemaRequest>) -> Result<HttpResponse, Problem> {
    store(&acts, None, new).await
}

async fn put(acts: Acts, path: OfSchema, Body(new): Body<SchemaRequest>) -> Result<HttpResponse, Problem> {
    store(&acts, Some(&path.2), new).await
}

async fn store(acts: &Acts, urn: Option<&str>, new: SchemaRequest) -> Result<HttpResponse, Problem> {
    let (own, outcome) = acts.put_schema(urn, new).await?;
    let (status, word) = match outcome {
        SchemaChange::Added => (201, "added"),
        SchemaChange::Replaced => (200, "replaced"),
        SchemaChange::Unchanged => (200, "unchanged"),
    };
    Ok(json(status, &with(own_json(&own), [("outcome", word.into())])))
}

async fn remove(acts: Acts, path: OfSchema) -> Result<HttpResponse, Problem> {
    acts.remove_schema(path.into_inner().2).await?;
    Ok(HttpResponse::NoContent().finish())
}
