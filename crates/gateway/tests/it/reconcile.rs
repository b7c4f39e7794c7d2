//! `usher reconcile` and `POST …/reconcile`: a table of people beside those who are here.

use std::fs;

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use crate::{
    preview::send,
    running::{ENTERPRISE, acme, counted_writes, replace, roomy, stored, user_body},
};

/// The comparison with a table, which must leave everything as it is.
#[track_caller]
fn reconcile(gateway: &Gateway, tenant: &Tenant, table: &str) -> Value {
    let before = (stored(gateway, tenant), counted_writes(gateway));
    let told = send(gateway, tenant, "reconcile", "text/csv", table.as_bytes()).expect(200).body;
    assert_eq!((stored(gateway, tenant), counted_writes(gateway)), before);
    let of = |name: &str| u64::try_from(told[name].as_array().unwrap().len()).unwrap();
    let equal = told["equal"].as_u64().unwrap();
    assert_eq!(told["rows"], equal + of("different") + of("only_there"), "{told}");
    told
}

/// The key id of the tenant's only credential.
fn credential(gateway: &Gateway, tenant: &Tenant) -> String {
    let all = gateway.admin("GET", &format!("{}/credentials", tenant.admin_path()), None).expect(200).body;
    all[0]["key_id"].as_str().unwrap().to_owned()
}

/// Takes a time out of a sentence, which must hold one.
#[track_caller]
fn without_times(sentence: &Value) -> String {
    let is_time = |word: &str| word.len() >= 24 && word.as_bytes()[10] == b'T' && word.contains('Z');
    let words = sentence.as_str().unwrap().split(' ');
    words
        .map(|word| if is_time(word) { word.get(24..).unwrap().to_owned() } else { word.to_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn people_are_only_here_only_there_or_different_and_it_is_told_why() {
    let (gateway, tenant) = acme(Some(1), Some(5));
    let key = credential(&gateway, &tenant);
    let ann = user_body(&json!({
        "userName": "Ann", "displayName": "Ann", "userType": "user", "active": true,
        ENTERPRISE: { "department": "Sales" },
    }));
    let ann = tenant.post("/Users", &ann).expect(201).id();
    let bob = tenant.create_user("bob", "user").expect(201).id();
    let cid = tenant.create_user("cid", "member_lite").expect(201).id();
    let gone = tenant.create_user("gone", "").expect(201).id();
    tenant.delete(&format!("/Users/{gone}")).expect(204);
    tenant.patch(&format!("/Users/{cid}"), &replace("active", false)).expect(200);
    let dee = json!({ "user_name": "dee", "role": "member_lite" });
    let dee = gateway.admin("POST", &format!("{}/users", tenant.admin_path()), Some(&dee)).expect(201).body;

    let table = format!(
        "userName,displayName,active,{ENTERPRISE}:department\r\n\
         ANN,Ann,TRUE,Sales\r\n\
         bob,Bobby,true,\r\n\
         cid,,true,\r\n\
         gone,,true,\r\n\
         \"new, one\",x,true,\r\n"
    );
    let told = reconcile(&gateway, &tenant, &table);
    let why = |list: &str, at: usize| without_times(&told[list][at]["why"]);
    let expected = json!({
        "rows": 5,
        "equal": 1,
        "only_here": [{ "user_name": "dee", "id": dee["id"], "origin": "LOCAL", "why": told["only_here"][0]["why"] }],
        "only_there": [
            { "row": 5, "user_name": "gone", "why": "Never received, or deleted since." },
            { "row": 6, "user_name": "new, one", "why": "Never received, or deleted since." },
        ],
        "different": [
            {
                "user_name": "bob", "id": bob, "license": "member_lite", "active": true,
                "attributes": { "displayName": { "here": null, "there": "Bobby" } },
                "why": told["different"][0]["why"],
            },
            {
                "user_name": "cid", "id": cid, "license": null, "active": false,
                "attributes": { "active": { "here": false, "there": true } },
                "why": told["different"][1]["why"],
            },
        ],
    });
    assert_eq!(told, expected);
    assert_eq!(why("only_here", 0), "Staff made this person at .");
    assert_eq!(
        why("different", 0),
        format!(
            "Last written at  by the credential {key}, which did not change displayName. The person has member_lite and \
             waits for a seat of member."
        )
    );
    assert_eq!(
        why("different", 1),
        format!("Last written at  by the credential {key}, which changed active.")
    );

    // Of the columns that the file has, and of no others.
    let told = reconcile(&gateway, &tenant, "userName\nann\nBOB\ncid\n");
    assert_eq!(
        (&told["equal"], &told["only_there"], &told["different"]),
        (&3.into(), &json!([]), &json!([]))
    );
    let told = reconcile(&gateway, &tenant, "userName\ndee\n");
    let why = |at: usize| without_times(&told["only_here"][at]["why"]);
    assert_eq!(told["only_here"].as_array().unwrap().len(), 3);
    assert_eq!(why(0), format!("Created at  by the credential {key}, and not deleted since."));
    assert_eq!(told["only_here"][0]["id"], ann);
}

#[test]
fn rows_that_cannot_be_compared_are_told_and_their_people_are_not_taken_for_absent() {
    let (gateway, tenant) = roomy();
    for name in ["ann", "bob"] {
        tenant.create_user(name, "").expect(201);
    }
    let told = reconcile(&gateway, &tenant, "userName,active\nann,true\nANN,false\nbob\n,true\nann2,maybe\n");
    assert_eq!(told["equal"], 1);
    assert_eq!(told["only_here"], json!([]));
    let only_there = json!([
        { "row": 3, "user_name": "ANN", "why": "Row 2 has this userName already; each person stands in one row." },
        { "row": 4, "user_name": "bob", "why": "The row has 1 cells, and the header has 2." },
        { "row": 5, "user_name": "", "why": "The row has no userName." },
        { "row": 6, "user_name": "ann2", "why": "Never received, or deleted since." },
    ]);
    assert_eq!(told["only_there"], only_there);
    // What is none of the attribute's type differs, as it stands there.
    let told = reconcile(&gateway, &tenant, "userName,active\nann,maybe\nbob,TRUE\n");
    assert_eq!(told["different"][0]["attributes"], json!({ "active": { "here": true, "there": "maybe" } }));
}

#[test]
fn who_is_kept_in_the_archive_is_told_of() {
    let gateway = crate::running::gateway();
    let body = json!({ "key": "io", "name": "io", "profile": "iomete" });
    let tenant = gateway.onboard("ire", &body);
    let id = tenant.create_user("ann", "").expect(201).id();
    tenant.delete(&format!("/Users/{id}")).expect(204);
    let told = reconcile(&gateway, &tenant, "userName\nann\n");
    assert_eq!(without_times(&told["only_there"][0]["why"]), "Deleted at  and kept in the archive.");
}

#[test]
fn the_command_line_exits_with_0_if_all_is_equal_and_with_3_if_not() {
    let (gateway, tenant) = roomy();
    tenant.create_user("ann", "").expect(201);
    let file = gateway.data_dir().with_file_name("export.csv");
    let words = |json: bool| {
        let mut words =
            vec!["reconcile", "--region", "ire", "--key", "acme", "--file", file.to_str().unwrap()];
        words.extend(json.then_some("--json"));
        words
    };
    fs::write(&file, "userName,active\nANN,true\n").unwrap();
    let told: Value = serde_json::from_str(&gateway.cli_ok(&words(true))).unwrap();
    assert_eq!(told, json!({ "rows": 1, "equal": 1, "only_here": [], "only_there": [], "different": [] }));

    fs::write(&file, "userName,displayName\nann,Ann\nbob,\n").unwrap();
    for json in [true, false] {
        let output = gateway.cli(&words(json));
        let (shown, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert_eq!(said, "ire/acme and the table differ in 2 people.\n");
        match json {
            true => assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["rows"], 2),
            false => {
                for part in
                    ["only there  1", "displayName: - here, Ann there", "Never received, or deleted since."]
                {
                    assert!(shown.contains(part), "{part}:\n{shown}");
                }
            }
        }
    }
    fs::write(&file, "title\nx\n").unwrap();
    let failed = gateway.cli(&words(false));
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!((failed.status.code(), said.as_str()), (Some(1), "The header has no column userName.\n"));
}
