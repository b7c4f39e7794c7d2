//! `GET /s/{ref}`: what a refusal means and whom to ask, for whoever holds its Ref and has no credential. It never says who the person is.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use provisioning::{
    explain::{Refusal, refusal_of_request},
    log::{Details, Idp},
};
use store::ReadTx;
use tracing::warn;

use crate::{api_error::ApiError, app::App, request_id};

/// The page of a reference, known or not.
pub(crate) async fn page(app: Data<App>, reference: Path<String>) -> HttpResponse {
    let text = match known(&app, &reference).await {
        Ok(Some(known)) => known.text(),
        Ok(None) => UNKNOWN.to_owned(),
        Err(error) => {
            warn!(%error, "a refusal could not be looked up");
            UNKNOWN.to_owned()
        }
    };
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Cache-Control", "no-store"))
        .body(text)
}

const UNKNOWN: &str = "\
A write of your identity provider was refused.

The message that it was told says why, and what to change. The most frequent reasons:

- A seat limit was reached: all seats of a license are in use. Unassign somebody who no longer needs the application
  (deactivating a user frees the seat at once), or assign the person the lesser license that the message names.
- An attribute is missing or has a wrong value: look at the attribute mapping in your identity provider.
- Somebody else has the userName: match that person, or remove the double.

Nothing of a refused write is stored, so nothing has to be cleaned up: correct the cause, then let your identity provider send it
again. Otherwise ask the contact that the message names, and quote its Ref.
";

/// A refusal that the log still has.
struct Known {
    reference: String,
    refusal: Refusal,
    idp: Idp,
    /// The title of the license that was full.
    license: Option<String>,
    tenant: String,
    contact: String,
}

impl Known {
    fn text(&self) -> String {
        let Self { reference, refusal, idp, license, tenant, contact } = self;
        let license = license.as_ref().map(|title| format!(" The license is {title}.")).unwrap_or_default();
        let steps: String = refusal
            .steps()
            .into_iter()
            .map(|step| format!("- {}\n", step.for_administrator(*idp, contact)))
            .collect();
        format!(
            "Ref {reference}\n\nA write of your identity provider for {tenant} was refused because {}.{license} Nothing of it was stored.\n\nWhat \
             to do:\n\n{steps}\nWhom to ask: {contact}. Quote the Ref.\n",
            refusal.because()
        )
    }
}

async fn known(app: &App, reference: &str) -> Result<Option<Known>, ApiError> {
    let (beginning, reference) = match app.taken_ids.beginning_of_tenant(reference) {
        // As the proxy wrote it.
        Some(beginning) => (beginning, reference.to_owned()),
        None => match request_id::beginning_of_tenant(reference) {
            Some(beginning) => (beginning, reference.to_ascii_lowercase()),
            None => return Ok(None),
        },
    };
    for registry in app.regions.registries().filter_map(Result::ok) {
        for tenant in registry.tenants_whose_id_begins(&beginning).await? {
            let tenant = Arc::new(tenant);
            let store = registry.store_of(&tenant).await?;
            let id = reference.clone();
            let read = move |tx: &mut ReadTx<'_>| refusal_of_request(tx, &id);
            if let Some(row) = store.read(read).await.map_err(ApiError::from)? {
                let rules = app.rules.of(&registry, &tenant, || app.base(&tenant), &store).await?;
                let (licenses, details) = (rules.product.licenses(), Details::of(&row));
                return Ok(Some(Known {
                    refusal: Refusal::of(&details),
                    idp: row.idp.parse().unwrap_or_default(),
                    license: details
                        .text("license_requested")
                        .and_then(|key| licenses.get(key))
                        .map(|license| license.title().to_owned()),
                    contact: app.contact_about_seats(&tenant, &rules).to_owned(),
                    tenant: tenant.name.clone(),
                    reference,
                }));
            }
        }
    }
    Ok(None)
}
