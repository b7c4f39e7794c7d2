//! Names that look or compare alike are one name (row 43).

use serde_json::json;

use super::{gateway, roomy, user};

/// Groups of spellings; each group is one name.
const ALIKE: [&[&str]; 9] = [
    &["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM", " ada@example.com "],
    &["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}"],
    &["full", "\u{ff46}\u{ff55}\u{ff4c}\u{ff4c}", "FULL"],
    &["kelvin", "\u{212a}elvin"],
    &["\u{f6}zil", "\u{d6}zil"],
    &["\u{fb01}ne", "fine"],
    &["zero\u{200b}width", "zerowidth", "zero\u{feff}width", "zero\u{ad}width"],
    &["bidi", "bi\u{202e}di", "\u{2066}bidi\u{2069}"],
    &["\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}", "\u{41f}\u{420}\u{418}\u{412}\u{415}\u{422}"],
];

#[test]
fn attack_43_spellings_of_one_name_are_never_two_users() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for spellings in ALIKE {
        let first = acme.create_user(spellings[0], "").expect(201);
        for spelling in &spellings[1..] {
            let again = acme.create_user(spelling, "");
            assert!(
                matches!(again.status, 400 | 409),
                "{spelling:?} beside {:?}: {} {}",
                spellings[0],
                again.status,
                again.text
            );
            let found = acme.find("/Users", &format!("userName eq {}", json!(spelling))).expect(200);
            if again.status == 409 && found.body["totalResults"] == 1 {
                assert_eq!(found.body["Resources"][0]["id"], first.body["id"], "{spelling:?}");
            }
        }
    }
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], ALIKE.len());
}

/// Names that look alike to some and are not one name.
const DISTINCT: [&str; 9] = [
    "stra\u{df}e",
    "strasse",
    "\u{131}zmir",
    "izmir",
    "\u{130}zmir",
    "resum\u{e9}",
    "resume",
    "\u{43e}leg",
    "oleg",
];

#[test]
fn attack_43_distinct_names_stay_distinct_and_every_spelling_is_echoed_as_sent() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for name in DISTINCT {
        let made = acme.create_user(name, "").expect(201);
        assert_eq!(made.body["userName"], name);
        let found = acme.find("/Users", &format!("userName eq {}", json!(name))).expect(200);
        assert_eq!(found.body["totalResults"], 1, "{name:?}");
        assert_eq!(found.body["Resources"][0]["userName"], name);
    }
    for (name, respelled) in [
        ("stra\u{df}e", "STRA\u{1e9e}E"),
        ("\u{130}zmir", "i\u{307}ZMIR"),
        ("resum\u{e9}", "RESUME\u{301}"),
        ("izmir", "\u{ff29}\u{ff3a}\u{ff2d}\u{ff29}\u{ff32}"),
    ] {
        let found = acme.find("/Users", &format!("userName eq {}", json!(respelled))).expect(200);
        assert_eq!(
            found.body["Resources"][0]["userName"], name,
            "found by another spelling, echoed in its own"
        );
        let id = found.body["Resources"][0]["id"].as_str().unwrap().to_owned();
        let put = acme.put(&format!("/Users/{id}"), &user(respelled, &json!({}))).expect(200);
        assert_eq!(put.body["userName"], respelled, "a new spelling of one's own name is kept as sent");
        assert_eq!(acme.get(&format!("/Users/{id}")).expect(200).body["userName"], respelled);
    }
    // Groups, whose names are unique by the same fold.
    acme.post("/Groups", &super::group("Stra\u{df}e", &[])).expect(201);
    acme.post("/Groups", &super::group("STRA\u{1e9e}E", &[])).expect_error(409, "uniqueness");
    acme.post("/Groups", &super::group("Strasse", &[])).expect(201);
}

#[test]
fn attack_43_a_name_cannot_be_changed_into_one_that_is_taken() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("Kelvin", "").expect(201);
    let other = acme.create_user("other", "").expect(201);
    let path = format!("/Users/{}", other.id());
    for spelling in ["\u{212a}ELVIN", "kel\u{200b}vin", "\u{ff4b}elvin"] {
        acme.put(&path, &user(spelling, &json!({}))).expect_error(409, "uniqueness");
        acme.patch(&path, &super::operation("replace", "userName", spelling.into()))
            .expect_error(409, "uniqueness");
    }
    assert_eq!(acme.get(&path).expect(200).body, other.body);
    // A new spelling of one's own name is no collision, and is echoed as sent.
    let respelled = acme.put(&path, &user("OTHER", &json!({}))).expect(200);
    assert_eq!(respelled.body["userName"], "OTHER");
}
