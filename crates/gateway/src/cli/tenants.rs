//! `usher tenant …`: a tenant's life, from onboarding to deletion.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Map, Value, json};

use super::{
    NewTenant, Options, Policies, Quotas, Settings, Target, TenantAct, UnknownMembers,
    answer::{cell, elements, members},
    client::{Client, tenants_of},
    mistake::Mistake,
    output::{self, Output},
    path_word::{PathWord, Region},
};

pub(super) fn run(act: TenantAct, options: &Options) -> Result<(), Mistake> {
    let output = options.output();
    match act {
        TenantAct::Create(new) => create(new, options),
        TenantAct::List { region, key } => list(&options.connect()?, region.as_ref(), key.as_ref(), output),
        TenantAct::Show(target) => show(&options.connect()?.get(&target.path())?, output),
        TenantAct::Suspend(target) => switch(&options.connect()?, &target, "suspend", output),
        TenantAct::Resume(target) => switch(&options.connect()?, &target, "resume", output),
        TenantAct::Delete { target, yes } => delete(&target, yes, options),
        TenantAct::Set { target, settings } => set(&target, settings, options),
        TenantAct::Changes { target, limit, resource } => {
            changes(&options.connect()?, &target, limit, resource.as_ref(), output)
        }
    }
}

fn create(new: NewTenant, options: &Options) -> Result<(), Mistake> {
    let path = tenants_of(&new.region);
    let body = creation(new)?;
    let tenant = options.connect()?.post(&path, &body)?;
    match options.output() {
        Output::Json => output::json(&tenant),
        Output::Human => {
            show(&tenant, Output::Human)?;
            output::text(&format!(
                "\nNext: usher token issue --region {} --key {}",
                cell(&tenant, "region"),
                cell(&tenant, "key")
            ))
        }
    }
}

fn creation(new: NewTenant) -> Result<Value, Mistake> {
    let mut body = Map::new();
    if let Some(key) = new.key {
        body.insert("key".into(), key.as_str().into());
    }
    body.insert("name".into(), new.name.into());
    if let Some(profile) = new.profile {
        body.insert("profile".into(), profile.into());
    }
    body.insert("seats".into(), Quotas::try_from(new.seats)?.0.into());
    body.insert("policies".into(), Policies::try_from(new.policy)?.0.into());
    let mut settings = new.settings.into_json();
    let names =
        [("unique_group_names", new.unique_group_names), ("unique_external_ids", new.unique_external_ids)];
    for (name, value) in names {
        settings.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    body.insert("settings".into(), settings.into());
    Ok(body.into())
}

impl Settings {
    /// Only what was named: the rest keeps its value.
    fn into_json(self) -> Map<String, Value> {
        let unknown_members = self.unknown_members.map(|how| match how {
            UnknownMembers::Refuse => "refuse",
            UnknownMembers::Skip => "skip",
        });
        let named = [
            ("contact", json!(self.contact)),
            ("strict", json!(self.strict)),
            ("unknown_members", json!(unknown_members)),
        ];
        let mut named: Map<String, Value> = named
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        // Its null is a value: no limit.
        named.extend(self.max_bytes.map(|limit| ("max_bytes".to_owned(), limit.into())));
        named
    }
}

fn set(target: &Target, settings: Settings, options: &Options) -> Result<(), Mistake> {
    let settings = settings.into_json();
    if settings.is_empty() {
        return Err(Mistake::usage(
            "Say what to change, such as `--contact` or `--strict`; see `usher tenant set --help`.",
        ));
    }
    let tenant = options.connect()?.patch(&target.path(), &json!({ "settings": settings }))?;
    show(&tenant, options.output())
}

fn list(
    client: &Client,
    region: Option<&Region>,
    key: Option<&PathWord>,
    output: Output,
) -> Result<(), Mistake> {
    let (mut tenants, mut unheard) = (Vec::new(), None);
    for code in regions(client, region)? {
        match client.all(&tenants_of(&code), "key") {
            Ok(all) => {
                let asked_for = |tenant: &Value| key.is_none_or(|key| cell(tenant, "key") == key.as_str());
                tenants.extend(all.into_iter().filter(asked_for));
            }
            // What the other regions have is shown all the same.
            Err(mistake) if region.is_none() => unheard = Some(mistake),
            Err(mistake) => return Err(mistake),
        }
    }
    show_all(tenants, output)?;
    unheard.map_or(Ok(()), Err)
}

fn show_all(tenants: Vec<Value>, output: Output) -> Result<(), Mistake> {
    if output == Output::Json {
        return output::json(&tenants.into());
    }
    let row = |tenant: &Value| {
        ["region", "key", "name", "state", "profile", "base_url"].map(|name| cell(tenant, name))
    };
    let rows: Vec<_> = tenants.iter().map(row).collect();
    output::table(["REGION", "KEY", "NAME", "STATE", "PROFILE", "BASE URL"], &rows)
}

/// The one that was named, or all that the gateway serves.
fn regions(client: &Client, named: Option<&Region>) -> Result<Vec<Region>, Mistake> {
    if let Some(region) = named {
        return Ok(vec![region.clone()]);
    }
    let answer = client.get("regions")?;
    let codes = elements(&answer).iter().map(|region| cell(region, "code").parse());
    codes
        .collect::<Result<_, _>>()
        .map_err(|_| Mistake::failed("The gateway named a region that is no region code."))
}

fn show(tenant: &Value, output: Output) -> Result<(), Mistake> {
    if output == Output::Json {
        return output::json(tenant);
    }
    let named = ["region", "key", "name", "state", "profile", "base_url", "created"];
    let mut facts: Vec<_> = named.map(|name| [name.replace('_', " "), cell(tenant, name)]).into();
    let settings = tenant.get("settings").unwrap_or(&Value::Null);
    facts.extend(members(settings).map(|(name, value)| {
        let shown = match (name.as_str(), value) {
            ("max_bytes", Value::Null) => "unlimited".to_owned(),
            _ => cell(settings, name),
        };
        [name.replace('_', " "), shown]
    }));
    // Told where the store itself was asked.
    let asked = ["bytes_in_use", "store_error"].into_iter().filter(|name| tenant.get(name).is_some());
    facts.extend(asked.map(|name| [name.replace('_', " "), cell(tenant, name)]));
    output::facts(&facts)
}

fn switch(client: &Client, target: &Target, verb: &str, output: Output) -> Result<(), Mistake> {
    let tenant = client.post(&format!("{}/{verb}", target.path()), &json!({}))?;
    match output {
        Output::Json => output::json(&tenant),
        Output::Human => output::text(&format!("{} is {} now.", target.label(), cell(&tenant, "state"))),
    }
}

fn delete(target: &Target, yes: bool, options: &Options) -> Result<(), Mistake> {
    let client = options.connect()?;
    if !yes {
        confirm(target)?;
    }
    client.delete(&target.path())?;
    match options.output() {
        Output::Json => output::json(
            &json!({ "region": target.region.as_str(), "key": target.key.as_str(), "deleted": true }),
        ),
        Output::Human => output::text(&format!("{} is deleted.", target.label())),
    }
}

/// The key is typed, because "y" is typed too quickly for what cannot be undone.
fn confirm(target: &Target) -> Result<(), Mistake> {
    if !io::stdin().is_terminal() {
        return Err(Mistake::usage(format!(
            "Deleting {} cannot be undone and nobody can be asked here; say --yes.",
            target.label()
        )));
    }
    let mut stderr = io::stderr().lock();
    let question = format!(
        "This deletes {} with all its users, groups and seats. Type {} to go on: ",
        target.label(),
        target.key
    );
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == target.key.as_str() {
        return Ok(());
    }
    Err(Mistake::failed(format!("Nothing was deleted, because the answer was not {}.", target.key)))
}

fn changes(
    client: &Client,
    target: &Target,
    limit: u16,
    resource: Option<&PathWord>,
    output: Output,
) -> Result<(), Mistake> {
    let only = resource.map_or_else(String::new, |id| format!("&resource={id}"));
    let answer = client.get(&format!("{}/changes?limit={limit}{only}", target.path()))?;
    if output == Output::Json {
        return output::json(&answer);
    }
    let row = |change: &Value| {
        ["number", "at", "kind", "resource_id", "version", "request_id", "detail"]
            .map(|name| cell(change, name))
    };
    let rows: Vec<_> = elements(&answer).iter().map(row).collect();
    output::table(["NUMBER", "AT", "WHAT", "RESOURCE", "VERSION", "REQUEST", "DETAIL"], &rows)
}
