//! Regions and tenants: create, list, show, set, suspend, resume, delete.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query, ReqData},
};
use provisioning::{Act, Profile, timestamp::iso};
use rand::{RngExt as _, distr::Alphanumeric};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use store::{Store, StoreError, WriteTx};
use tenant_registry::{
    CompanyKey, NewTenant, RegionCode, Registry, RegistryError, Tenant, TenantSettings, TenantState,
    UnknownMemberRule,
};

use super::{Problem, body::Body, json, query::Page, seats::Plan};
use crate::{
    app::App,
    printable::{MAX_CONTACT, MAX_NAME, line},
};

/// The registry of a region that this process serves.
pub(super) fn registry(app: &App, region: &str) -> Result<Arc<Registry>, Problem> {
    let code = RegionCode::new(&region.to_ascii_lowercase())?;
    let known = || app.settings.regions.keys().map(RegionCode::as_str).collect::<Vec<_>>().join(", ");
    let registry = app.regions.get(&code).ok_or_else(|| {
        Problem::new(404, format!("This process does not serve region {code}; it serves {}.", known()))
    })?;
    Ok(registry?)
}

/// Registry and company key of a path.
pub(super) fn place(app: &App, region: &str, key: &str) -> Result<(Arc<Registry>, CompanyKey), Problem> {
    Ok((registry(app, region)?, CompanyKey::new(key)?))
}

/// A transaction in a tenant's own store for staff: neither the tenant's limit nor a full disk is in its way, and what is cached of
/// the tenant ends with it.
pub(super) async fn write_as_staff<T, E, F>(
    registry: &Registry,
    tenant: &Tenant,
    work: F,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: From<StoreError> + Into<Problem> + Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Clone + Send + 'static,
{
    let write = async |store: Store| {
        let (work, next) = (work.clone(), registry.next_generation());
        let write = move |tx: &mut WriteTx<'_>| {
            tx.go_beyond_limit();
            Ok::<_, E>((work(tx)?, next))
        };
        let (done, _begins_here) = store.write_urgently(write).await.map_err(Into::<Problem>::into)?;
        Ok(done)
    };
    registry.work_as_staff(tenant, Problem::is_full, write).await
}

pub(super) fn tenant_json(app: &App, tenant: &Tenant) -> Value {
    json!({
        "region": tenant.region,
        "key": tenant.company_key,
        "name": tenant.name,
        "state": tenant.state,
        "profile": tenant.profile,
        "settings": tenant.settings,
        "base_url": app.base(tenant).0,
        "created": iso(tenant.created_ms),
    })
}

pub(super) async fn regions(app: Data<App>) -> HttpResponse {
    let regions = app.settings.regions.iter().zip(app.regions.all()).map(|((code, region), (_, why))| {
        json!({
            "code": code,
            "name": region.name,
            "base_url": region.base_url.as_ref().map(ToString::to_string),
            "served": why.is_none(),
            "why": why,
        })
    });
    json(200, &Value::Array(regions.collect()))
}

/// In order of company key.
pub(super) async fn list(
    app: Data<App>,
    region: Path<String>,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let registry = registry(&app, &region)?;
    let after = page.after.as_deref().map(CompanyKey::new).transpose()?;
    let tenants = registry.page(after, page.limit() + 1).await?;
    let elements = tenants.iter().map(|tenant| tenant_json(&app, tenant)).collect();
    Ok(page.answer(elements, "key", request.path()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Creation {
    key: Option<String>,
    name: String,
    profile: Option<String>,
    #[serde(default)]
    seats: std::collections::BTreeMap<String, Option<i64>>,
    #[serde(default)]
    policies: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    settings: TenantSettings,
}

pub(super) async fn create(
    app: Data<App>,
    region: Path<String>,
    act: ReqData<Act>,
    Body(new): Body<Creation>,
) -> Result<HttpResponse, Problem> {
    let registry = registry(&app, &region)?;
    let profile = new.profile.unwrap_or_else(|| "default".to_owned());
    Profile::built_in(&profile).map_err(|e| Problem::bad_request(format!("{e}.")))?;
    let name = shown("name", &new.name, MAX_NAME)?;
    let company_key = match new.key {
        Some(key) => CompanyKey::new(&key)?,
        None => CompanyKey::new(&random_key())?,
    };
    let plan = Plan::new(&new.seats, &new.policies)?;
    checked_limit(new.settings.max_bytes)?;
    let act = act.into_inner();
    let settings = TenantSettings { contact: contact(new.settings.contact)?, ..new.settings };
    let tenant = NewTenant { company_key, name, profile, settings };
    let initialise = move |tx: &mut store::WriteTx<'_>| {
        plan.apply(tx, &act).map_err(|error| match error {
            provisioning::ProvisioningError::Store(error) => RegistryError::Store(error),
            other => RegistryError::Initialise(other.to_string()),
        })
    };
    // A task of its own, here and at a deletion: whoever asked may hang up, and what was begun is ended all the same.
    let creation = actix_web::rt::spawn(async move { registry.create(tenant, initialise).await });
    let tenant = creation
        .await
        .map_err(|_| Problem::new(500, "The creation broke off; delete the tenant and create it again."))??;
    Ok(json(201, &tenant_json(&app, &tenant)))
}

/// A blank one is none.
fn contact(contact: Option<String>) -> Result<Option<String>, Problem> {
    let named = contact.filter(|contact| !contact.trim_matches(' ').is_empty());
    named.map(|contact| shown("contact", &contact, MAX_CONTACT)).transpose()
}

/// A text that other people read.
fn shown(what: &str, text: &str, most: usize) -> Result<String, Problem> {
    line(what, text, most).map_err(|wrong| Problem::bad_request(format!("{wrong}.")))
}

/// Ten characters that a person can copy.
fn random_key() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(10).map(char::from);
    random.map(|c| c.to_ascii_lowercase()).collect()
}

/// Beside what the registry knows, how much the tenant's store holds, or why it cannot be asked.
pub(super) async fn show(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let tenant = registry.tenant(&key).await?;
    let mut body = tenant_json(&app, &tenant);
    let in_use = match registry.store_of(&tenant).await {
        Ok(store) => store.bytes_in_use().await.map_err(RegistryError::from),
        Err(error) => Err(error),
    };
    if let Some(members) = body.as_object_mut() {
        members.insert("bytes_in_use".into(), json!(in_use.as_ref().ok()));
        members.extend(in_use.err().map(|error| ("store_error".to_owned(), format!("{error}.").into())));
    }
    Ok(json(200, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    settings: SettingsChange,
}

/// Given switches change, others stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsChange {
    contact: Option<String>,
    strict: Option<bool>,
    unknown_members: Option<UnknownMemberRule>,
    /// Absent: stays. Null: no limit.
    #[serde(default, deserialize_with = "present")]
    max_bytes: Option<Option<u64>>,
}

/// Tells `null` from absent.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A limit of nothing would be read as none.
fn checked_limit(max_bytes: Option<u64>) -> Result<Option<u64>, Problem> {
    match max_bytes {
        Some(0) => Err(Problem::bad_request("max_bytes is 1 or more, or null for unlimited.")),
        max_bytes => Ok(max_bytes),
    }
}

pub(super) async fn set(
    app: Data<App>,
    path: Path<(String, String)>,
    Body(change): Body<Change>,
) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let SettingsChange { contact: named, strict, unknown_members, max_bytes } = change.settings;
    let is_named = named.is_some();
    let contact = contact(named)?;
    let max_bytes = max_bytes.map(checked_limit).transpose()?;
    let change = move |settings: &mut TenantSettings| {
        if is_named {
            settings.contact = contact;
        }
        settings.strict = strict.unwrap_or(settings.strict);
        settings.unknown_members = unknown_members.unwrap_or(settings.unknown_members);
        settings.max_bytes = max_bytes.unwrap_or(settings.max_bytes);
    };
    let tenant = registry.change_settings(&key, change).await?;
    Ok(json(200, &tenant_json(&app, &tenant)))
}

/// `{"name": count}`: what this tenant's identity provider sends and nobody keeps, since the start of this process.
pub(super) async fn dropped(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let tenant = registry.tenant(&key).await?;
    Ok(json(200, &json!(app.dropped.of(tenant.id.as_str()))))
}

/// A body of an act that needs nothing said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn suspend(
    app: Data<App>,
    path: Path<(String, String)>,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    set_state(&app, &path, TenantState::Suspended).await
}

pub(super) async fn resume(
    app: Data<App>,
    path: Path<(String, String)>,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    set_state(&app, &path, TenantState::Active).await
}

async fn set_state(app: &App, path: &(String, String), state: TenantState) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(app, &path.0, &path.1)?;
    Ok(json(200, &tenant_json(app, &registry.set_state(&key, state).await?)))
}

pub(super) async fn delete(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let deletion = actix_web::rt::spawn(async move {
        let (registry, key) = place(&app, &path.0, &path.1)?;
        Ok::<(), Problem>(registry.delete(&key).await?)
    });
    deletion.await.map_err(|_| Problem::new(500, "The deletion broke off; delete the tenant again."))??;
    Ok(HttpResponse::NoContent().finish())
}
