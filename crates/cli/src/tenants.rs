//! `usher tenant …`: a tenant's life, from onboarding to deletion.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
};

use serde_json::{Value, json};
use staff::{MoveRequest, SettingsChange, TenantChange};
use tenant_registry::{CompanyKey, Rate, RegionCode, TenantPlan, TenantSettings};

use crate::{
    commands::{NewTenant, Options, Settings, Target, TenantAct},
    copies, guide,
    mistake::Mistake,
    output::{cell, elements, facts, list, member, members, with},
    plan::once_each,
    profiles,
    session::Session,
};

pub(crate) fn run(act: TenantAct, options: &Options) -> Result<(), Mistake> {
    match act {
        TenantAct::Create(new) => create(*new, options),
        TenantAct::List { region, key } => list_all(&Session::open(options)?, region, key.as_ref()),
        TenantAct::Show(target) => {
            let session = Session::open(options)?;
            session.show(&session.client.get(&target.path(""))?, describe)
        }
        TenantAct::Activate(target) => switch(&Session::open(options)?, &target, "/activate"),
        TenantAct::Plan { target, scim } => {
            let change = TenantChange { plan: Some(TenantPlan { scim }), ..TenantChange::default() };
            let session = Session::open(options)?;
            session.show(&session.client.patch(&target.path(""), &change)?, describe)
        }
        TenantAct::Suspend(target) => switch(&Session::open(options)?, &target, "/suspend"),
        TenantAct::Resume(target) => switch(&Session::open(options)?, &target, "/resume"),
        TenantAct::Delete { target, yes } => delete(&target, yes, &Session::open(options)?),
        TenantAct::Set { target, profile, settings } => set(&target, profile, settings, options),
        TenantAct::Profile(target) => profiles::of_tenant(&target, options),
        TenantAct::Override { target, set, unset } => profiles::change(&target, &set, &unset, options),
        TenantAct::Reapply { target, dry_run } => profiles::reapply(&target, dry_run, options),
        TenantAct::Move { target, to_cell, to_region } => {
            let session = Session::open_for(options, copies::TIME)?;
            session.show(&copies::move_to(&target, &MoveRequest { to_cell, to_region }, &session)?, describe)
        }
        TenantAct::Export { target, to } => {
            copies::export(&target, &to, &Session::open_for(options, copies::TIME)?)
        }
        TenantAct::Import { region, key, from } => {
            let session = Session::open_for(options, copies::TIME)?;
            session.show(&copies::import(&region, key.as_ref(), &from, &session)?, describe)
        }
        TenantAct::Changes { target, limit, resource } => {
            let session = Session::open(options)?;
            let only = resource.map_or_else(String::new, |id| format!("&resource={id}"));
            let changes = session.client.get(&target.path(&format!("/changes?limit={limit}{only}")))?;
            session.show(&changes, |changes| list(CHANGE, elements(changes)))
        }
    }
}

/// The columns of the table of changes; `--json` has every fact.
const CHANGE: [&str; 13] = [
    "number",
    "at",
    "kind",
    "resource_id",
    "version",
    "result",
    "role_received",
    "role_after",
    "license_granted",
    "state",
    "actor",
    "request_id",
    "detail",
];

/// Puts a tenant back to an export.
pub(crate) fn restore(export: File, target: &Target, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, copies::TIME)?;
    session.show(&copies::restore(export, target, &session)?, describe)
}

fn create(new: NewTenant, options: &Options) -> Result<(), Mistake> {
    let mut settings = TenantSettings::default();
    new.settings.change()?.apply(&mut settings);
    settings.unique_group_names = new.unique_group_names.unwrap_or(settings.unique_group_names);
    settings.unique_external_ids = new.unique_external_ids.unwrap_or(settings.unique_external_ids);
    let choices = once_each(new.policy)?;
    let body = staff::NewTenant {
        key: new.key,
        name: new.name,
        profile: new.profile,
        seats: once_each(new.seats)?,
        policies: choices.iter().map(|(license, choice)| (license.clone(), choice.policy)).collect(),
        overage: choices
            .into_iter()
            .filter_map(|(license, choice)| Some((license, choice.overage?)))
            .collect(),
        settings,
        cell: new.cell,
        activation: new.activation,
    };
    let session = Session::open(options)?;
    let tenant = session.client.post(&format!("regions/{}/tenants", new.region), &body)?;
    if let Some(guide) = new.guide {
        let key = CompanyKey::new(&cell(&tenant, "key"));
        let key = key.map_err(|_| Mistake::failed("The gateway answered without a company key."))?;
        let told = guide::of(&session, &Target { region: new.region, key }, guide)?;
        let tenant = with(tenant, "guide", told);
        return session.show(&tenant, |tenant| {
            format!("{}\n\n{}", describe(tenant), guide::words(guide, member(tenant, "guide")))
        });
    }
    session.show(&tenant, |tenant| {
        let key = cell(tenant, "key");
        format!("{}\n\nNext: usher token issue --region {} --key {key}", describe(tenant), new.region)
    })
}

impl Settings {
    /// The change that was asked for.
    fn change(self) -> Result<SettingsChange, Mistake> {
        let Self { contact, mode, strict, unknown_members, max_bytes, rate, burst, feature } = self;
        let features = feature.into_iter().map(|of| (of.feature, of.is_on)).collect();
        let rate = match rate {
            Some(None) if burst.is_some() => {
                return Err(Mistake::usage("`--burst` belongs to a rate; leave it out with `--rate off`."));
            }
            Some(Some(per_second)) => {
                let rate = Rate::new(per_second, burst).map_err(|e| Mistake::usage(format!("{e}.")))?;
                Some(Some(rate))
            }
            Some(None) => Some(None),
            None => None,
        };
        Ok(SettingsChange { contact, mode, strict, unknown_members, max_bytes, rate, features })
    }
}

fn set(
    target: &Target,
    profile: Option<String>,
    settings: Settings,
    options: &Options,
) -> Result<(), Mistake> {
    let settings = Some(settings.change()?).filter(|change| *change != SettingsChange::default());
    if settings.is_none() && profile.is_none() {
        return Err(Mistake::usage(
            "Say what to change, such as `--contact`, `--strict` or `--profile`; see `usher tenant set --help`.",
        ));
    }
    let session = Session::open(options)?;
    let change = TenantChange { settings, profile, plan: None };
    session.show(&session.client.patch(&target.path(""), &change)?, describe)
}

fn list_all(session: &Session, region: Option<RegionCode>, key: Option<&CompanyKey>) -> Result<(), Mistake> {
    let (mut tenants, mut unheard) = (Vec::new(), None);
    let is_named = region.is_some();
    for code in region.map_or_else(|| regions(session), |region| Ok(vec![region.to_string()]))? {
        match session.client.all(&format!("regions/{code}/tenants"), "key") {
            Ok(all) => {
                let is_asked_for =
                    |tenant: &&Value| key.is_none_or(|key| *member(tenant, "key") == key.as_str());
                tenants.extend(elements(&all).iter().filter(is_asked_for).cloned());
            }
            // The tenants of the other regions are shown nevertheless.
            Err(mistake) if !is_named => unheard = Some(mistake),
            Err(mistake) => return Err(mistake),
        }
    }
    session.show(&tenants.into(), |tenants| {
        list(["region", "key", "name", "state", "provisioning", "profile", "base_url"], elements(tenants))
    })?;
    unheard.map_or(Ok(()), Err)
}

/// All regions that the gateway serves.
fn regions(session: &Session) -> Result<Vec<String>, Mistake> {
    let answer = session.client.get("regions")?;
    Ok(elements(&answer).iter().map(|region| cell(region, "code")).collect())
}

fn describe(tenant: &Value) -> String {
    // The settings are shown like the other members.
    let mut shown = tenant.clone();
    for (name, value) in members(member(tenant, "settings")) {
        let is_unlimited = name == "max_bytes" && value.is_null();
        shown = with(shown, name, if is_unlimited { "unlimited".into() } else { value.clone() });
    }
    if let Some(cell) = member(tenant, "location").get("cell") {
        shown = with(shown, "location", format!("cell {}", cell.as_str().unwrap_or_default()));
    }
    let rate = match member(tenant, "rate") {
        Value::Null => "unlimited".to_owned(),
        rate => {
            format!("{} requests a second, {} at once", cell(rate, "per_second"), cell(rate, "burst"))
        }
    };
    shown = with(shown, "rate", rate);
    let features = members(member(tenant, "features"));
    let off: Vec<_> = features.filter(|(_, is_on)| **is_on == false).map(|(name, _)| name.as_str()).collect();
    shown = with(shown, "features_off", if off.is_empty() { "-".to_owned() } else { off.join(", ") });
    let named = [
        "region",
        "key",
        "name",
        "state",
        "provisioning",
        "profile",
        "mode",
        "location",
        "base_url",
        "created",
        "rate",
        "features_off",
    ];
    let dropped = members(member(tenant, "dropped")).map(|(name, count)| format!("{name}: {count}"));
    let dropped = dropped.collect::<Vec<_>>().join(", ");
    shown = with(shown, "dropped", if dropped.is_empty() { "-".to_owned() } else { dropped });
    let settings = members(member(tenant, "settings")).map(|(name, _)| name.as_str());
    // These are shown in words, above.
    let settings = settings.filter(|name| {
        !["mode", "rate", "awaits_activation", "plan", "features_off", "overrides"].contains(name)
    });
    // Only `tenant show` returns these.
    let asked =
        ["dropped", "bytes_in_use", "store_error"].into_iter().filter(|name| tenant.get(name).is_some());
    facts(named.into_iter().chain(settings).chain(asked), &shown)
}

/// Does an act that decides whether the tenant is served, and says whether it is now.
fn switch(session: &Session, target: &Target, verb: &str) -> Result<(), Mistake> {
    let tenant = session.client.post(&target.path(verb), &json!({}))?;
    session.show(&tenant, |tenant| match cell(tenant, "provisioning").as_str() {
        "not_activated" => format!("{target} is not active yet: it waits for `usher tenant activate`."),
        "not_in_plan" => {
            format!("{target} is not active yet: its plan lacks provisioning (`usher tenant plan`).")
        }
        provisioning => format!("{target} is {provisioning} now."),
    })
}

fn delete(target: &Target, yes: bool, session: &Session) -> Result<(), Mistake> {
    if !yes {
        confirm(target)?;
    }
    session.client.delete(&target.path(""))?;
    let deleted = json!({ "region": target.region, "key": target.key, "deleted": true });
    session.show(&deleted, |_| format!("{target} is deleted."))
}

/// Asks for the key rather than "y", because a deletion cannot be undone.
fn confirm(target: &Target) -> Result<(), Mistake> {
    if !io::stdin().is_terminal() {
        return Err(Mistake::usage(format!(
            "Deleting {target} cannot be undone, and there is no terminal to ask for the key; say --yes."
        )));
    }
    let key = target.key.as_str();
    let mut stderr = io::stderr().lock();
    let question =
        format!("This deletes {target} with all its users, groups and seats. Type {key} to go on: ");
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == key {
        return Ok(());
    }
    Err(Mistake::failed(format!("Nothing was deleted, because the answer was not {key}.")))
}
