//! `usher tenant create --guide`: what the administrator of the identity provider types in, for this tenant and its profile.

use serde_json::{Value, json};

use crate::{
    commands::Target,
    mistake::Mistake,
    output::{cell, elements, facts, list, member, members, with},
    session::Session,
    words::Guide,
};

impl Guide {
    /// The kinds of credentials that it takes, the best first.
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Okta => &["bearer", "basic"],
            Self::Entra => &["oauth", "bearer"],
            Self::EntraWif => &["issuer"],
        }
    }

    /// The attributes that every directory has, and where they go.
    fn mapping(self) -> &'static [[&'static str; 2]] {
        match self {
            Self::Okta => &[
                ["user.login", "userName"],
                ["user.firstName", "name.givenName"],
                ["user.lastName", "name.familyName"],
                ["user.displayName", "displayName"],
                ["user.email", "emails[type eq \"work\"].value"],
            ],
            Self::Entra | Self::EntraWif => &[
                ["userPrincipalName", "userName"],
                ["Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")", "active"],
                ["displayName", "displayName"],
                ["mail", "emails[type eq \"work\"].value"],
                ["givenName", "name.givenName"],
                ["surname", "name.familyName"],
                ["objectId", "externalId"],
            ],
        }
    }

    /// The expression that gives the role of a person.
    fn role(self) -> &'static str {
        match self {
            Self::Okta => "the attribute of the assigned group",
            Self::Entra | Self::EntraWif => "SingleAppRoleAssignment([appRoleAssignments])",
        }
    }
}

/// Makes the credential that the identity provider takes, and tells what to type in beside it.
pub(crate) fn of(session: &Session, target: &Target, guide: Guide) -> Result<Value, Mistake> {
    let profile = session.client.get(&target.path("/profile"))?;
    let key = |name: &str| {
        let row = elements(member(&profile, "keys")).iter().find(|row| cell(row, "key") == name);
        row.map_or(Value::Null, |row| member(row, "in_force").clone())
    };
    let allowed = key("credentials");
    let takes = |kind: &&&str| elements(&allowed).iter().any(|allowed| allowed == **kind);
    let kind = guide.kinds().iter().find(takes).copied().ok_or_else(|| {
        Mistake::failed(format!(
            "{target} is there, but its profile has no credential of the kinds {}; see `usher credential add --help`.",
            guide.kinds().join(" and ")
        ))
    })?;
    let credential = match guide {
        Guide::EntraWif => federated(session, target)?,
        Guide::Okta | Guide::Entra => {
            session.client.post(&target.path("/credentials"), &json!({ "kind": kind }))?
        }
    };
    let sources = key("sources");
    let sources = elements(&sources).iter().filter(|source| source.get("attribute").is_some());
    let roles: Vec<Value> = sources
        .map(|source| {
            let values: Vec<&str> =
                members(member(source, "values")).map(|(value, _)| value.as_str()).collect();
            json!({ "from": guide.role(), "to": cell(source, "attribute"), "values": values })
        })
        .collect();
    let mapping = guide.mapping().iter().map(|[from, to]| json!({ "from": from, "to": to }));
    let base_url = cell(&credential, "base_url");
    Ok(json!({
        "base_url_expression": expression(&base_url, target),
        "credential": with(credential, "kind", kind),
        "mapping": mapping.collect::<Vec<_>>(),
        "roles": roles,
        "test": format!("curl --header @header.txt '{base_url}/Users?count=2'"),
    }))
}

/// The audience that Entra's tokens for workload identity federation have by default.
const ENTRAS_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The fields of a client without a secret. The trust is made when the directory is known: the command for it is told.
fn federated(session: &Session, target: &Target) -> Result<Value, Mistake> {
    let base_url = cell(&session.client.get(&target.path(""))?, "base_url");
    let client_id = format!("entra-{}", target.key);
    let directory = "https://login.microsoftonline.com/DIRECTORY_ID";
    let command = format!(
        "usher credential add issuer --region {} --key {} --for assertion --client-id {client_id} \
         --issuer {directory}/v2.0 --jwks-url {directory}/discovery/v2.0/keys --audience {ENTRAS_AUDIENCE} \
         --claim sub=OBJECT_ID",
        target.region, target.key
    );
    Ok(json!({
        "token_url": base_url.replace("/scim/v2", "/oauth/token"),
        "base_url": base_url,
        "client_id": client_id,
        "audience": ENTRAS_AUDIENCE,
        "command": command,
    }))
}

/// The base URL of an application of a catalogue, whose customers type in region and company key.
fn expression(base_url: &str, target: &Target) -> String {
    let own = format!("/{}/{}/", target.region, target.key);
    base_url.replacen(&own, "/{region}/{company key}/", 1)
}

/// The guide in words.
pub(crate) fn words(guide: Guide, told: &Value) -> String {
    let credential = member(told, "credential");
    let (place, base) = match guide {
        Guide::Okta => ("Okta, Provisioning → Integration", "SCIM connector base URL"),
        Guide::Entra | Guide::EntraWif => ("Entra, Provisioning → Admin Credentials", "Tenant URL"),
    };
    let mut typed = vec![(base, cell(credential, "base_url"))];
    match (guide, cell(credential, "kind").as_str()) {
        (Guide::Okta, "basic") => {
            typed.push(("Authentication Mode", "Basic Auth".to_owned()));
            typed.push(("Username", cell(credential, "key")));
            typed.push(("Password", cell(credential, "secret")));
        }
        (Guide::Okta, _) => {
            typed.push(("Unique identifier field for users", "userName".to_owned()));
            typed.push(("Authentication Mode", "HTTP Header".to_owned()));
            typed.push(("Authorization", cell(credential, "token")));
        }
        (Guide::Entra, "oauth") => {
            typed.push(("Authentication method", "OAuth2 client credentials".to_owned()));
            typed.push(("Token endpoint", cell(credential, "token_url")));
            typed.push(("Client identifier", cell(credential, "client_id")));
            typed.push(("Client secret", cell(credential, "client_secret")));
        }
        (Guide::EntraWif, _) => {
            typed.push(("Authentication method", "Workload identity federation".to_owned()));
            typed.push(("Token endpoint", cell(credential, "token_url")));
            typed.push(("Client identifier", cell(credential, "client_id")));
            typed.push(("Audience", cell(credential, "audience")));
        }
        (Guide::Entra, _) => typed.push(("Secret Token", cell(credential, "token"))),
    }
    let values: Value =
        typed.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    let fields = facts(typed.iter().map(|(name, _)| *name), &values);
    let roles = elements(member(told, "roles")).iter().map(|role| {
        let values = elements(member(role, "values")).iter().filter_map(Value::as_str);
        with(role.clone(), "values", values.collect::<Vec<_>>().join(", "))
    });
    let roles = match roles.collect::<Vec<_>>() {
        roles if roles.is_empty() => {
            "Groups or the default give the role: `usher tenant profile` tells.".to_owned()
        }
        roles => format!(
            "The role is in the first of these that is sent:\n{}",
            list(["to", "values", "from"], &roles)
        ),
    };
    let when = match guide {
        Guide::EntraWif => format!(
            "{place}:\n{fields}\n\nThen let the tenant trust the directory. DIRECTORY_ID is the directory's, OBJECT_ID the \
             provisioning application's:\n{}",
            cell(credential, "command")
        ),
        Guide::Okta | Guide::Entra => {
            format!("{place}, once, because the secret is shown now alone:\n{fields}")
        }
    };
    format!(
        "{when}\n\nFor all customers of one application: {}\n\n\
         Mappings, for create and update:\n{}\n\n{roles}\n\n\
         A test call, with the line `Authorization: …` in header.txt:\n{}",
        cell(told, "base_url_expression"),
        list(["from", "to"], elements(member(told, "mapping"))),
        cell(told, "test"),
    )
}
