//! A whole tenant over HTTP: its export, an import, and putting a tenant back to an export. An export is a file of many megabytes, so
//! it is sent and received in pieces; what is received is a file without a name before anything of it is read.

use std::io::Read as _;

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    web::{Bytes, Data, Payload, Query},
};
use futures_util::stream;
use provisioning::timestamp::iso;
use serde::Deserialize;
use store::{StoreError, in_background};
use tenant_registry::CompanyKey;

use super::{
    Problem,
    acts::{Acts, OfRegion},
    response::json,
    tenants::tenant_json,
    upload::{PIECE, Upload},
};
use crate::app::App;

/// The media type of lines of JSON.
pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

/// What an import or a restoration receives.
const EXPORT: Upload = Upload { media_type: MEDIA_TYPE, what: "an export", most: None };

pub(super) async fn export(acts: Acts) -> Result<HttpResponse, Problem> {
    let file = acts.export(iso(acts.registry.now_ms())).await?;
    let length = file.metadata().map_err(|error| lost(&error))?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let read = in_background(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).map_err(|error| lost(&error))?;
            piece.truncate(read);
            Ok::<_, StoreError>((piece, file))
        });
        let (piece, file) = read.await?;
        Ok::<_, StoreError>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    });
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).body(SizedStream::new(length, pieces)))
}

/// The parameters of an import.
#[derive(Deserialize)]
pub(super) struct Import {
    key: Option<String>,
}

pub(super) async fn import(
    app: Data<App>,
    region: OfRegion,
    Query(asked): Query<Import>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let key = asked.key.as_deref().map(CompanyKey::new).transpose()?;
    let file = EXPORT.receive(&region.registry, &request, body).await?;
    // In a task of its own, so that it is completed when the client disconnects.
    let importing = actix_web::rt::spawn(staff::import(region.registry, file, key, region.act));
    let tenant = importing
        .await
        .map_err(|_| Problem::new(500, "The import broke off; import the tenant again."))??;
    Ok(json(201, &tenant_json(&app, &tenant)))
}

pub(super) async fn restore(
    app: Data<App>,
    acts: Acts,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let file = EXPORT.receive(&acts.registry, &request, body).await?;
    let restoring = actix_web::rt::spawn(async move { acts.restore(file).await });
    let tenant = restoring
        .await
        .map_err(|_| Problem::new(500, "The restoration broke off; restore the tenant again."))??;
    Ok(json(200, &tenant_json(&app, &tenant)))
}

fn lost(error: &std::io::Error) -> StoreError {
    StoreError::of_file("the file of an export", error)
}
