//! `usher user …` and `usher group …`: a tenant's people and groups.

use serde_json::{Value, json};

use crate::{
    commands::{GroupAct, Options, Target, UserAct, UserTarget},
    mistake::Mistake,
    output::{cell, elements, facts, list, member, with},
    session::Session,
};

pub(crate) fn run(act: UserAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    match act {
        UserAct::List { target, state, role, origin } => {
            let origin = origin.map(|origin| origin.to_ascii_uppercase());
            let narrowed = query([("state", state), ("role", role), ("origin", origin)]);
            let people = session.client.all(&target.path(&format!("/users{narrowed}")), "id")?;
            session.show(&people, describe_all)
        }
        UserAct::Show(user) => {
            let path = path_of(&session, &user)?;
            session.show(&session.client.get(&path)?, describe)
        }
        UserAct::Add { target, user_name, role, external_id, email } => {
            let body = body([
                ("user_name", Some(user_name.into())),
                ("role", role.map(Value::from)),
                ("external_id", external_id.map(Value::from)),
                ("email", email.map(Value::from)),
            ]);
            session.show(&session.client.post(&target.path("/users"), &body)?, describe)
        }
        UserAct::Set { user, role, active } => {
            let path = path_of(&session, &user)?;
            let body = body([("role", role.map(Value::from)), ("active", active.map(Value::from))]);
            session.show(&session.client.patch(&path, &body)?, describe)
        }
        UserAct::Release(user) => {
            let path = path_of(&session, &user)?;
            session.show(&session.client.post(&format!("{path}/release"), &json!({}))?, describe)
        }
        UserAct::Delete(user) => {
            let path = path_of(&session, &user)?;
            session.client.delete(&path)?;
            let UserTarget { target, user } = user;
            session.show(&json!({ "user": user, "deleted": true }), |_| {
                format!("User {user} of {target} is deleted.")
            })
        }
    }
}

/// The members that are given.
fn body<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The parameters that are given, as a query.
pub(crate) fn query<const N: usize>(parameters: [(&str, Option<String>); N]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        query.append_pair(name, &value);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// The path of a person, who is named by userName or by id.
fn path_of(session: &Session, user: &UserTarget) -> Result<String, Mistake> {
    let UserTarget { target, user } = user;
    let named = query([("user_name", Some(user.clone()))]);
    let found = session.client.get(&target.path(&format!("/users{named}")))?;
    match elements(&found) {
        [person] => Ok(target.path(&format!("/users/{}", cell(person, "id")))),
        _ if uuid::Uuid::try_parse(user).is_ok() => Ok(target.path(&format!("/users/{user}"))),
        _ => Err(Mistake::failed(format!("{target} has no user {user}."))),
    }
}

fn describe_all(people: &Value) -> String {
    let rows: Vec<Value> = elements(people).iter().map(row).collect();
    list(["user_name", "active", "role", "role_from", "requested", "granted", "state", "origin", "id"], &rows)
}

/// A person with the members of the license beside the others.
fn row(person: &Value) -> Value {
    let license = member(person, "license");
    let parts = ["requested", "granted", "state"];
    parts.into_iter().fold(person.clone(), |row, part| with(row, part, member(license, part).clone()))
}

fn describe(person: &Value) -> String {
    let names = [
        "id",
        "user_name",
        "external_id",
        "active",
        "role",
        "role_from",
        "requested",
        "granted",
        "state",
        "origin",
        "since",
    ];
    let mut text = facts(names, &row(person));
    let sent = member(person, "idp");
    if !sent.is_null() {
        let (role, active) = (cell(sent, "role"), cell(sent, "active"));
        text.push_str(&format!("\n\nThe identity provider says: role {role}, active {active}."));
    }
    let groups = elements(member(person, "groups"));
    if !groups.is_empty() {
        text.push_str(&format!("\n\n{}", list(["id", "display_name"], groups)));
    }
    text
}

pub(crate) fn run_groups(act: GroupAct, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    match act {
        GroupAct::List(target) => {
            let groups = session.client.all(&target.path("/groups"), "id")?;
            session.show(&groups, |groups| {
                list(["display_name", "role", "origin", "external_id", "id"], elements(groups))
            })
        }
        GroupAct::Show { target, group } => {
            let path = path_of_group(&session, &target, &group)?;
            session.show(&session.client.get(&path)?, describe_group)
        }
        GroupAct::Release { target, group, drop } => {
            let path = path_of_group(&session, &target, &group)?;
            let body = json!({ "drop": drop });
            session.show(&session.client.post(&format!("{path}/release"), &body)?, describe_group)
        }
    }
}

/// The path of a group, which is named by its id, or by a name that it alone has.
fn path_of_group(session: &Session, target: &Target, group: &str) -> Result<String, Mistake> {
    let of_id = |id: &str| target.path(&format!("/groups/{id}"));
    if uuid::Uuid::try_parse(group).is_ok() {
        return Ok(of_id(group));
    }
    let all = session.client.all(&target.path("/groups"), "id")?;
    let named = elements(&all).iter().filter(|one| cell(one, "display_name") == group);
    let ids: Vec<String> = named.map(|one| cell(one, "id")).collect();
    match ids.as_slice() {
        [] => Err(Mistake::failed(format!("{target} has no group {group}."))),
        [only] => Ok(of_id(only)),
        several => {
            let ids = several.join(", ");
            Err(Mistake::usage(format!("{target} has several groups {group}; name one by its id: {ids}.")))
        }
    }
}

fn describe_group(group: &Value) -> String {
    let names = ["id", "display_name", "external_id", "role", "origin", "since"];
    let rows: Vec<Value> = elements(member(group, "members")).iter().map(member_row).collect();
    let members = list(["name", "type", "external_id", "origin", "id"], &rows);
    let held = member(group, "held");
    let held = match held.is_null() {
        true => String::new(),
        false => format!(
            "\n\nHeld since {}: {} people have left and keep their seats until the group is released.",
            cell(held, "since"),
            cell(held, "people")
        ),
    };
    format!("{}{held}\n\n{members}", facts(names, group))
}

fn member_row(of_group: &Value) -> Value {
    let name = ["user_name", "display_name"].map(|name| member(of_group, name));
    let name = name.into_iter().find(|name| !name.is_null()).cloned().unwrap_or_default();
    with(of_group.clone(), "name", name)
}
