//! Reduces a filter over several resource types for one of them (RFC 7644 §3.4.2.1): attributes that only the others have
//! are absent in it, and its `meta.resourceType` is known, so that whole branches are decided before a resource is read.

use serde_json::{Map, Value, json};

use super::{
    Filter,
    parse::{all_of, any_of},
};
use crate::schema::ResourceType;

/// A filter after all that the type alone decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Reduced {
    /// Every resource of the type matches.
    All,
    /// No resource of the type matches.
    None,
    /// This filter decides.
    Filter(Filter),
}

impl Filter {
    /// Decides all that the type alone decides. The rest matches exactly the same resources of this type.
    #[must_use]
    pub fn reduce(self, rt: &ResourceType) -> Reduced {
        let Value::Object(known) = json!({ "meta": { "resourceType": rt.kind.name() } }) else {
            return Reduced::Filter(self);
        };
        reduce(self, rt, &known)
    }
}

/// `known` holds the attributes that every resource of the type has.
fn reduce(filter: Filter, rt: &ResourceType, known: &Map<String, Value>) -> Reduced {
    let is_decided = match &filter {
        Filter::Compare { path, .. } | Filter::Present(path) => {
            !path.is_of(rt) || path.is_name("meta", Some("resourceType"))
        }
        Filter::ValuePath { path, .. } => !path.is_of(rt),
        Filter::And(_) | Filter::Or(_) | Filter::Not(_) => false,
    };
    if is_decided {
        return if filter.matches(known) { Reduced::All } else { Reduced::None };
    }
    match filter {
        Filter::And(terms) => joined(terms, &Reduced::None, all_of, rt, known),
        Filter::Or(terms) => joined(terms, &Reduced::All, any_of, rt, known),
        Filter::Not(term) => match reduce(*term, rt, known) {
            Reduced::All => Reduced::None,
            Reduced::None => Reduced::All,
            Reduced::Filter(term) => Reduced::Filter(Filter::Not(Box::new(term))),
        },
        leaf => Reduced::Filter(leaf),
    }
}

/// The terms of `and` or `or`: one that is `decisive` decides all, its opposite leaves the others to decide.
fn joined(
    terms: Vec<Filter>,
    decisive: &Reduced,
    list: fn(Vec<Filter>) -> Filter,
    rt: &ResourceType,
    known: &Map<String, Value>,
) -> Reduced {
    let mut left = Vec::with_capacity(terms.len());
    for term in terms {
        match reduce(term, rt, known) {
            Reduced::Filter(term) => left.push(term),
            decided if decided == *decisive => return decided,
            _ => {}
        }
    }
    match (left.is_empty(), decisive) {
        (false, _) => Reduced::Filter(list(left)),
        (true, Reduced::None) => Reduced::All,
        (true, _) => Reduced::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{leniency::Tolerance, schema};

    fn read(text: &str) -> [(Filter, ResourceType); 2] {
        let (user, group) = (schema::user(), schema::group());
        let parse = |rt, other| Filter::parse_among(text, rt, &[other], &mut Tolerance::lenient());
        let filters = [parse(&user, &group), parse(&group, &user)].map(|filter| filter.unwrap());
        let [of_users, of_groups] = filters;
        [(of_users, user), (of_groups, group)]
    }

    /// What is left for users and for groups, as text.
    fn left(text: &str) -> [String; 2] {
        read(text).map(|(filter, rt)| match filter.reduce(&rt) {
            Reduced::All => "all".to_owned(),
            Reduced::None => "none".to_owned(),
            Reduced::Filter(filter) => filter.to_string(),
        })
    }

    #[test]
    fn what_the_type_alone_decides_is_decided() {
        for (text, of_users, of_groups) in [
            (r#"userName eq "x""#, r#"userName eq "x""#, "none"),
            (r#"userName ne "x""#, r#"userName ne "x""#, "all"),
            ("userName pr", "userName pr", "none"),
            ("userName eq null", "userName eq null", "all"),
            (r#"not (members[value eq "x"])"#, "all", r#"not (members[value eq "x"])"#),
            (r#"displayName eq "x""#, r#"displayName eq "x""#, r#"displayName eq "x""#),
            (r#"meta.resourceType eq "User""#, "all", "none"),
            (r#"meta.resourceType eq "user""#, "none", "none"),
            (r#"meta.resourceType ne "User""#, "none", "all"),
            (r#"meta.resourceType sw "U" and displayName pr"#, "displayName pr", "none"),
            (r#"meta.resourceType eq "Group" or displayName pr"#, "displayName pr", "all"),
            (r#"userName eq "x" or members eq "y""#, r#"userName eq "x""#, r#"members.value eq "y""#),
            (
                r#"(userName pr or id pr) and (id pr or members pr)"#,
                "(userName pr or id pr) and id pr",
                "id pr and (id pr or members pr)",
            ),
            (
                "(userName pr or (id pr and meta pr)) and externalId pr",
                "(userName pr or id pr and meta pr) and externalId pr",
                "id pr and meta pr and externalId pr",
            ),
            (r#"not (userName pr and id pr)"#, "not (userName pr and id pr)", "all"),
            (
                r#"manager.value eq "x""#,
                &format!("{}:manager.value eq \"x\"", crate::urn::ENTERPRISE_USER),
                "none",
            ),
        ] {
            assert_eq!(left(text), [of_users, of_groups], "{text}");
        }
    }

    #[test]
    fn a_core_attribute_under_the_urn_of_one_type_is_absent_in_the_other() {
        let text = r#"urn:ietf:params:scim:schemas:core:2.0:User:displayName eq "x""#;
        assert_eq!(left(text), [r#"displayName eq "x""#, "none"]);
        let [_, (filter, _)] = read(text);
        let group = json!({ "displayName": "x" });
        assert!(!filter.matches(group.as_object().unwrap()));
    }

    #[test]
    fn what_no_type_knows_is_refused_and_another_types_name_is_no_leniency() {
        let (user, group) = (schema::user(), schema::group());
        for (rt, other) in [(&user, &group), (&group, &user)] {
            for text in ["shoeSize pr", "password pr", "members.shoeSize pr"] {
                assert!(
                    Filter::parse_among(text, rt, &[other], &mut Tolerance::lenient()).is_err(),
                    "{text}"
                );
            }
            let mut tolerance = Tolerance::lenient();
            Filter::parse_among("userName pr or members pr", rt, &[other], &mut tolerance).unwrap();
            assert_eq!(tolerance.seen, []);
        }
    }
}
