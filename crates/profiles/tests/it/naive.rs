//! The role by looked-up values and rules agrees with a reading written as plainly as it is told in the documentation.

use std::collections::BTreeMap;

use profiles::{Binding, Bindings, Carried, Facts, Group, Overrides, Profile, choice::Unmapped};
use proptest::prelude::*;
use scim_core::Document;
use scim_core::fold::user_name_key;
use scim_core::schema::alike;
use serde_json::{Value, json};

/// One rule of a group source, as the naive reading knows it.
#[derive(Clone, Debug)]
struct Rule {
    kind: &'static str,
    word: String,
    role: String,
}

#[derive(Clone, Debug)]
enum Asked {
    Attribute { path: &'static str, values: Vec<(String, String)>, unmapped: &'static str },
    Groups(Vec<Rule>),
}

const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];
const WORDS: [&str; 6] = ["a", "A", "b c", "B_c", "d", "none"];
const PATHS: [&str; 4] = ["userType", "roles[primary eq true].value", "roles.value", "title"];

fn role() -> impl Strategy<Value = String> {
    prop::sample::select(ROLES.to_vec()).prop_map(str::to_owned)
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned)
}

fn rule() -> impl Strategy<Value = Rule> {
    let kind = prop::sample::select(vec!["name", "external_id", "id"]);
    (kind, word(), role()).prop_map(|(kind, word, role)| Rule { kind, word, role })
}

fn source() -> impl Strategy<Value = Asked> {
    let unmapped = prop::sample::select(vec!["next", "default", "refuse"]);
    let values = prop::collection::vec((word(), role()), 1..4);
    prop_oneof![
        (prop::sample::select(PATHS.to_vec()), values, unmapped)
            .prop_map(|(path, values, unmapped)| Asked::Attribute { path, values, unmapped }),
        prop::collection::vec(rule(), 1..4).prop_map(Asked::Groups),
    ]
}

/// Sources that a profile takes: each path, each value and each group once.
fn sources() -> impl Strategy<Value = Vec<Asked>> {
    prop::collection::vec(source(), 0..5).prop_map(|all| {
        let (mut paths, mut rules): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
        let mut kept = Vec::new();
        for source in all {
            match source {
                Asked::Attribute { path, values, unmapped } if !paths.contains(&path) => {
                    paths.push(path);
                    let mut once: Vec<(String, String)> = Vec::new();
                    for (value, role) in values {
                        if once.iter().all(|(other, _)| alike(other) != alike(&value)) {
                            once.push((value, role));
                        }
                    }
                    kept.push(Asked::Attribute { path, values: once, unmapped });
                }
                Asked::Groups(group) => {
                    let mut once = Vec::new();
                    for rule in group {
                        let word =
                            if rule.kind == "name" { user_name_key(&rule.word) } else { rule.word.clone() };
                        let key = format!("{} {word}", rule.kind);
                        if !rules.contains(&key) {
                            rules.push(key);
                            once.push(rule);
                        }
                    }
                    if !once.is_empty() {
                        kept.push(Asked::Groups(once));
                    }
                }
                Asked::Attribute { .. } => {}
            }
        }
        kept
    })
}

fn profile(sources: &[Asked], wins: &str) -> Profile {
    let source = |source: &Asked| match source {
        Asked::Attribute { path, values, unmapped } => {
            let values: serde_json::Map<String, Value> =
                values.iter().map(|(v, r)| (v.clone(), json!(r))).collect();
            json!({"attribute": path, "values": values, "unmapped": unmapped})
        }
        Asked::Groups(rules) => {
            let rules: Vec<Value> =
                rules.iter().map(|rule| json!({rule.kind: rule.word, "role": rule.role})).collect();
            json!({ "groups": rules })
        }
    };
    let roles: Vec<Value> = ROLES.iter().map(|key| json!({"key": key, "license": "user"})).collect();
    let own = json!({
        "roles": roles,
        "default_role": "r2",
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
        "local": {"wins": wins},
    });
    let own: Overrides = serde_json::from_value(own).unwrap();
    Profile::built_in("metacompliance").unwrap().with(&own).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[derive(Clone, Debug)]
struct Person {
    user_type: Option<String>,
    title: Option<String>,
    roles: Vec<(String, bool)>,
    groups: Vec<(String, String, Option<String>)>,
    bound: Vec<(Rule, String)>,
    local: Option<String>,
    carried: bool,
}

fn person() -> impl Strategy<Value = Person> {
    let id = || prop::sample::select(vec!["a", "g1", "g2", "g3"]).prop_map(str::to_owned);
    let groups = prop::collection::btree_map(id(), (word(), prop::option::of(word())), 0..4);
    let groups =
        groups.prop_map(|all| all.into_iter().map(|(id, (name, external))| (id, name, external)).collect());
    (
        prop::option::of(word()),
        prop::option::of(word()),
        prop::collection::vec((word(), any::<bool>()), 0..3),
        groups,
        prop::collection::vec((rule(), id()), 0..3),
        prop::option::of(role()),
        any::<bool>(),
    )
        .prop_map(|(user_type, title, roles, groups, bound, local, carried)| Person {
            user_type,
            title,
            roles,
            groups,
            bound,
            local,
            carried,
        })
}

fn document(person: &Person) -> Document {
    let mut members = serde_json::Map::new();
    members.extend(person.user_type.iter().map(|text| ("userType".to_owned(), json!(text))));
    members.extend(person.title.iter().map(|text| ("title".to_owned(), json!(text))));
    let roles: Vec<Value> =
        person.roles.iter().map(|(value, primary)| json!({"value": value, "primary": primary})).collect();
    if !roles.is_empty() {
        members.insert("roles".into(), roles.into());
    }
    Document(members)
}

fn rule_key(rule: &Rule) -> String {
    let word = if rule.kind == "name" { user_name_key(&rule.word) } else { rule.word.clone() };
    format!("{}:{word}", rule.kind)
}

/// The reading, sentence by sentence.
fn naively(sources: &[Asked], person: &Person, bound: &[(String, String)]) -> (String, String) {
    for source in sources {
        match source {
            Asked::Attribute { path, values, unmapped } => {
                let sent: Vec<String> = match *path {
                    "userType" => person.user_type.iter().cloned().collect(),
                    "title" => person.title.iter().cloned().collect(),
                    "roles.value" => person.roles.iter().map(|(value, _)| value.clone()).collect(),
                    _ => person
                        .roles
                        .iter()
                        .filter(|(_, primary)| *primary)
                        .map(|(value, _)| value.clone())
                        .collect(),
                };
                let mut meant: Vec<&String> = Vec::new();
                for value in &sent {
                    meant.extend(
                        values.iter().filter(|(known, _)| alike(known) == alike(value)).map(|(_, role)| role),
                    );
                }
                // The dearest is the one that stands first.
                meant.sort();
                if let Some(role) = meant.first() {
                    return ((*role).clone(), (*path).to_owned());
                }
                if !sent.is_empty() && *unmapped == "default" {
                    return ("r2".into(), "default".into());
                }
            }
            Asked::Groups(rules) => {
                for rule in rules {
                    let key = rule_key(rule);
                    let holder = bound.iter().find(|(rule, _)| *rule == key).map(|(_, group)| group);
                    let mut ids: Vec<&String> = person
                        .groups
                        .iter()
                        .filter(|(id, name, external)| match (rule.kind, holder) {
                            ("id", _) => *id == rule.word,
                            (_, Some(holder)) => id == holder,
                            ("name", None) => user_name_key(name) == user_name_key(&rule.word),
                            (_, None) => external.as_ref() == Some(&rule.word),
                        })
                        .map(|(id, _, _)| id)
                        .collect();
                    ids.sort();
                    if let Some(id) = ids.first() {
                        return (rule.role.clone(), format!("group:{id}"));
                    }
                }
            }
        }
    }
    ("r2".into(), "default".into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_role_agrees_with_a_naive_reading(
        sources in sources(),
        person in person(),
        wins in prop::sample::select(vec!["idp", "local_until_released", "local"]),
    ) {
        let profile = profile(&sources, wins);
        let document = document(&person);
        let groups: Vec<Group<'_>> = person
            .groups
            .iter()
            .map(|(id, name, external_id)| Group { id, name, external_id: external_id.as_deref() })
            .collect();
        // A rule has one group: the last.
        let bound: BTreeMap<String, String> = person
            .bound
            .iter()
            .filter(|(rule, _)| rule.kind != "id")
            .map(|(rule, group)| (rule_key(rule), group.clone()))
            .collect();
        let bound: Vec<(String, String)> = bound.into_iter().collect();
        let bindings: Bindings =
            bound.iter().map(|(rule, group)| Binding { rule: rule.clone(), group: group.clone() }).collect();
        let all = profile.carried_by(["userType", "title", "roles"]).and(profile.carried_by_groups());
        let carried = if person.carried { all } else { Carried::NOTHING };
        let facts =
            Facts { document: &document, groups: &groups, bindings: &bindings, local: person.local.as_deref(), carried };
        let reading = profile.role(&facts);
        let asked = naively(&sources, &person, &bound);
        let expected = match &person.local {
            Some(local) if wins != "idp" || carried.is_nothing() => (local.clone(), "local".to_owned()),
            _ => asked.clone(),
        };
        prop_assert_eq!((reading.role.key.clone(), reading.from.to_string()), expected);
        if let Some(overruled) = reading.overruled {
            prop_assert_eq!(&overruled.key, &asked.0);
        }
        // Binding what is new changes no role, and leaves nothing to bind.
        let mut later = bindings.clone();
        reading.bound.iter().for_each(|binding| later.add(binding.clone()));
        let again = profile.role(&Facts { bindings: &later, ..facts });
        prop_assert_eq!(again.role, reading.role);
        prop_assert_eq!(&again.bound, &[]);
        // Groups in another order are the same groups.
        let turned: Vec<Group<'_>> = groups.iter().rev().copied().collect();
        prop_assert_eq!(profile.role(&Facts { groups: &turned, ..facts }).role, reading.role);
        // The bindings of these rules and these groups are all that counts.
        let about = profile.rules_about(&groups);
        let some: Bindings = bound
            .iter()
            .filter(|(rule, group)| about.contains(rule) || groups.iter().any(|g| g.id == group))
            .map(|(rule, group)| Binding { rule: rule.clone(), group: group.clone() })
            .collect();
        prop_assert_eq!(profile.role(&Facts { bindings: &some, ..facts }).role, reading.role);
        // Only sources that refuse refuse, and only what they do not know.
        let refuses = profile.attribute_sources().any(|source| source.unmapped == Unmapped::Refuse);
        prop_assert!(refuses || profile.check_values(None, &document).is_ok());
        prop_assert!(profile.check_values(Some(&document), &document).is_ok());
    }
}
