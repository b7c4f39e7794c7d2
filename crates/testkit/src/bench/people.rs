//! People and groups as a pure function of their number, in the form in which Entra ID sends them (about 1.4 KB, enterprise
//! extension, two addresses, `userType`).

use crate::urn::{ENTERPRISE, GROUP, PATCH_OP, USER};
use serde_json::{Value, json};
use uuid::Uuid;

const FIRST: [&str; 16] = [
    "Aoife", "Björn", "Chloé", "Dušan", "Ebba", "Fionn", "Grace", "Hiroshi", "Ines", "Jürgen", "Kwame",
    "Liam", "Mairead", "Noor", "Oisín", "Paloma",
];
const LAST: [&str; 13] = [
    "Andersson",
    "Byrne",
    "Castellano",
    "Doyle",
    "Eriksson",
    "Fitzgerald",
    "Guðmundsson",
    "Hallström",
    "Ibrahim",
    "Johansson",
    "Kavanagh",
    "Lindqvist",
    "Murphy",
];
const PLACES: [(&str, &str, &str, &str); 5] = [
    ("12 Merrion Square North", "Dublin", "D02 E284", "IE"),
    ("Tulegatan 11, 2 tr", "Stockholm", "113 53", "SE"),
    ("500 Howard Street, Suite 300", "San Francisco", "94105", "US"),
    ("Prinsengracht 263-267", "Amsterdam", "1016 GV", "NL"),
    ("1 Finsbury Avenue", "London", "EC2M 2PF", "GB"),
];
const DEPARTMENTS: [&str; 7] =
    ["Customer Success", "Design", "Engineering", "Finance", "People & Culture", "Sales", "Workplace"];

/// The user types of requests; Entra sends `Employee` when no attribute is mapped.
const USER_TYPES: [&str; 4] = ["member", "Employee", "member_lite", "member"];

fn pick<T: Copy>(from: &[T], number: usize) -> T {
    from[number % from.len()]
}

/// The name person `number` signs in with.
pub fn user_name(number: usize) -> String {
    format!("person.{number:07}@bench.example.com")
}

/// The key of person `number` at the identity provider: looks random, is not.
pub fn external_id(number: usize) -> String {
    let mixed = (number as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Uuid::from_u64_pair(mixed, mixed.rotate_left(29) ^ 0xD1B5_4A32_D192_ED03).to_string()
}

/// The body of `POST /Users`.
pub fn user(number: usize) -> Value {
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number / 3));
    let (street, town, code, country) = pick(&PLACES, number / 7);
    let user_name = user_name(number);
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": external_id(number),
        "userName": user_name,
        "active": true,
        "displayName": format!("{first} {last} ({number})"),
        "name": {
            "formatted": format!("{first} {last}"),
            "familyName": last,
            "givenName": first,
            "honorificSuffix": "MSc",
        },
        "nickName": first,
        "profileUrl": format!("https://intranet.bench.example.com/people/{number:07}"),
        "title": "Senior specialist",
        "userType": pick(&USER_TYPES, number),
        "preferredLanguage": "en-IE",
        "locale": "en-IE",
        "timezone": "Europe/Dublin",
        "emails": [
            {"value": user_name, "type": "work", "primary": true},
            {"value": format!("p{number}@home.example.org"), "type": "home"},
        ],
        "phoneNumbers": [
            {"value": format!("+353 1 555 {:04}", number % 10_000), "type": "work"},
            {"value": format!("+353 87 555 {:04}", (number * 7) % 10_000), "type": "mobile"},
            {"value": format!("+353 1 556 {:04}", number % 10_000), "type": "fax"},
        ],
        "photos": [
            {"value": format!("https://pictures.bench.example.com/{number:07}/square.jpg"), "type": "photo"},
        ],
        "addresses": [{
            "type": "work",
            "primary": true,
            "formatted": format!("{street}\n{code} {town}\n{country}"),
            "streetAddress": street,
            "locality": town,
            "postalCode": code,
            "country": country,
        }],
        ENTERPRISE: {
            "employeeNumber": format!("E{number:07}"),
            "department": pick(&DEPARTMENTS, number),
            "division": "Products",
            "costCenter": format!("{:04}", 1000 + number % 350),
            "organization": "Bench Example Ltd",
        },
    })
}

/// The body of Okta's `PUT`: the whole profile with its id; each revision has another title.
pub fn profile(number: usize, id: &str, revision: &str) -> Value {
    let mut user = user(number);
    user["id"] = json!(id);
    user["title"] = json!(revision);
    user
}

/// The display name of group `number`.
pub fn group_name(number: usize) -> String {
    format!("Team {number:06}")
}

/// The body of `POST /Groups`.
pub fn group(number: usize) -> Value {
    json!({"schemas": [GROUP], "displayName": group_name(number), "externalId": format!("team-{number}")})
}

/// `Replace` of one attribute, with Entra's capital.
pub fn replace(attribute: &str, value: Value) -> Value {
    patch(json!({"op": "Replace", "path": attribute, "value": value}))
}

/// `Add` of members.
pub fn add_members<'a>(ids: impl IntoIterator<Item = &'a String>) -> Value {
    let members: Vec<_> = ids.into_iter().map(|id| json!({"value": id})).collect();
    patch(json!({"op": "Add", "path": "members", "value": members}))
}

/// `Remove` of one member.
pub fn remove_member(id: &str) -> Value {
    patch(json!({"op": "Remove", "path": format!("members[value eq \"{id}\"]")}))
}

fn patch(operation: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": [operation]})
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_person_is_as_large_as_the_ones_entra_sends() {
        let sizes: Vec<_> = (0..500).map(|number| user(number).to_string().len()).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((1_300..1_500).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn nobody_shares_a_key() {
        let keys: HashSet<_> = (0..20_000).map(external_id).collect();
        assert_eq!(keys.len(), 20_000);
        assert_ne!(user_name(1), user_name(2));
    }

    #[test]
    fn a_profile_is_the_user_with_id_and_revision() {
        let profile = profile(7, "abc", "Lead");
        assert_eq!((&profile["id"], &profile["title"]), (&json!("abc"), &json!("Lead")));
        assert_eq!(profile["userName"], user(7)["userName"]);
    }
}
