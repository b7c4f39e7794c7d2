//! The cells of a region: which databases take new tenants.

use actix_web::{HttpResponse, web::Path};
use serde::Deserialize;
use tenant_registry::CellName;

use super::{Problem, acts::OfRegion, body::Body, response::json};

pub(super) async fn all(region: OfRegion) -> Result<HttpResponse, Problem> {
    Ok(json(200, &region.registry.cells().await?))
}

/// What changes of a cell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    open: bool,
}

pub(super) async fn set(
    region: OfRegion,
    path: Path<(String, String)>,
    Body(change): Body<Change>,
) -> Result<HttpResponse, Problem> {
    let cell = CellName::new(&path.1)?;
    Ok(json(200, &region.registry.open_cell(cell, change.open, staff::by(&region.act)).await?))
}
