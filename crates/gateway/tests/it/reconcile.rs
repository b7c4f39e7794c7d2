//! `usher reconcile` and `POST …/reconcile`: a table of people beside those who are here.

use std::fs;

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use crate::{
    log::rows_when,
    people::staff,
    preview::send,
    profiles::overridden,
    running::{ENTERPRISE, acme, counted_writes, replace, roomy, stored, user_body},
    tick::{tick, under},
};

/// The reason for a person about whom the log has no row.
const NEVER: &str = "Never received, or deleted longer ago than the log is kept.";

/// The comparison with a table, which must leave everything as it is.
#[track_caller]
fn reconcile(gateway: &Gateway, tenant: &Tenant, table: &str) -> Value {
    let counted = || {
        // What is remembered of the requests before is written at its own time.
        let is_kept = |line: &String| !line.starts_with("usher_store_transactions_total");
        counted_writes(gateway).into_iter().filter(is_kept).collect::<Vec<_>>()
    };
    let before = (stored(gateway, tenant), counted());
    let told = send(gateway, tenant, "reconcile", "text/csv", table.as_bytes()).expect(200).body;
    assert_eq!((stored(gateway, tenant), counted()), before);
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

/// Why nobody of each row is here, without times.
#[track_caller]
fn whys(gateway: &Gateway, tenant: &Tenant, table: &str) -> Vec<String> {
    let told = reconcile(gateway, tenant, table);
    told["only_there"].as_array().unwrap().iter().map(|row| without_times(&row["why"])).collect()
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
            { "row": 5, "user_name": "gone", "why": told["only_there"][0]["why"] },
            { "row": 6, "user_name": "new, one", "why": NEVER },
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
    assert_eq!(why("only_there", 0), format!("Deleted at  by the credential {key}."));
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
        { "row": 6, "user_name": "ann2", "why": NEVER },
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
    let key = credential(&gateway, &tenant);
    let why = format!("Deleted at  by the credential {key} and kept in the archive.");
    assert_eq!(without_times(&told["only_there"][0]["why"]), why);
}

#[test]
fn who_is_not_here_is_told_of_from_the_newest_row_of_the_log() {
    let (gateway, tenant) = acme(Some(4), Some(0));
    let key = credential(&gateway, &tenant);
    let [gone, fired, ada, held] =
        ["gone", "fired", "Ada", "held"].map(|name| tenant.create_user(name, "user").expect(201).id());
    let refused = tenant.create_user("Full", "user").expect(403);
    assert!(refused.text.contains("Seat limit reached"), "{}", refused.text);
    rows_when(&gateway, &tenant, &["--result", "refused"], 1);
    tenant.delete(&format!("/Users/{gone}")).expect(204);
    staff(&gateway, &tenant, "DELETE", &format!("/users/{fired}"), None).expect(204);
    tenant.patch(&format!("/Users/{ada}"), &replace("userName", "ada.byron")).expect(200);
    let limits = json!({ "people": 0, "percent": 0, "minutes": 60 });
    staff(&gateway, &tenant, "PATCH", "/breaker", Some(&limits)).expect(200);
    tenant.delete(&format!("/Users/{held}")).expect(204);

    let table = "userName\ngone\nfired\nADA\nheld\nFULL\nnobody\nada.byron\n";
    let told = whys(&gateway, &tenant, table);
    let expected = [
        format!("Deleted at  by the credential {key}."),
        "Deleted at  by staff (root).".to_owned(),
        "Here under another userName: ada.byron.".to_owned(),
        "Deleted by the identity provider, and held by the breaker since : the person keeps role and seat until \
         staff release it."
            .to_owned(),
        format!("The last write, at  by the credential {key}, was refused because no seat of the license was free."),
        NEVER.to_owned(),
    ];
    assert_eq!(told, expected);
    // Of so many people the log is read in one pass.
    let many: String = (0..300).map(|number| format!("nobody{number}\n")).collect();
    let in_one_pass = whys(&gateway, &tenant, &format!("{table}{many}"));
    assert_eq!(in_one_pass[..expected.len()], expected);
    assert_eq!(in_one_pass.len(), expected.len() + 300);
    assert!(in_one_pass[expected.len()..].iter().all(|why| why == NEVER), "{in_one_pass:?}");
}

#[test]
fn activity_is_compared_as_it_holds_and_a_held_deletion_is_only_here() {
    let (gateway, tenant) = roomy();
    let [off, protected, held] =
        ["off", "protected", "held"].map(|name| tenant.create_user(name, "user").expect(201).id());
    staff(&gateway, &tenant, "PATCH", &format!("/users/{off}"), Some(&json!({ "active": false })))
        .expect(200);
    overridden(&gateway, &tenant, &["protect.users=[\"protected\"]"]);
    tenant.patch(&format!("/Users/{protected}"), &replace("active", false)).expect(200);
    let limits = json!({ "people": 0, "percent": 0, "minutes": 60 });
    staff(&gateway, &tenant, "PATCH", "/breaker", Some(&limits)).expect(200);
    tenant.delete(&format!("/Users/{held}")).expect(204);

    let told = reconcile(&gateway, &tenant, "userName,active\noff,true\nprotected,false\n");
    let differs = |n: usize| {
        let different = &told["different"][n];
        (different["user_name"].clone(), different["active"].clone(), different["attributes"].clone())
    };
    let active = |here: bool, there: bool| json!({ "active": { "here": here, "there": there } });
    assert_eq!(differs(0), (json!("off"), json!(false), active(false, true)));
    assert_eq!(differs(1), (json!("protected"), json!(true), active(true, false)));
    assert_eq!(
        (&told["only_here"][0]["user_name"], &told["only_here"][0]["id"]),
        (&json!("held"), &json!(held))
    );
    assert!(told["only_here"][0]["why"].as_str().unwrap().contains("held by the breaker since"), "{told}");
    let same = reconcile(&gateway, &tenant, "userName,active\noff,false\nprotected,true\nheld,true\n");
    assert_eq!((&same["equal"], &same["different"], &same["only_here"]), (&json!(2), &json!([]), &json!([])));
}

#[test]
fn who_is_not_here_is_told_of_also_where_the_log_holds_no_names() {
    let (gateway, tenant) = acme(Some(1), Some(0));
    let key = credential(&gateway, &tenant);
    overridden(&gateway, &tenant, &["log.people=ids"]);
    // A userName may look like an id.
    let name = "0190d3a5-0000-7000-8000-000000000001";
    let gone = tenant.create_user(name, "user").expect(201).id();
    tenant.create_user("full@example.com", "user").expect(403);
    rows_when(&gateway, &tenant, &["--result", "refused"], 1);
    tenant.delete(&format!("/Users/{gone}")).expect(204);
    let told = whys(&gateway, &tenant, &format!("userName\n{name}\nFull@example.com\nnobody\n"));
    let expected = [
        format!("Deleted at  by the credential {key}."),
        format!(
            "The last write, at  by the credential {key}, was refused because no seat of the license was free."
        ),
        NEVER.to_owned(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn who_made_a_person_is_told_for_as_long_as_the_log_has_it() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let tenant = gateway.tenant("ire", "acme", None, None);
    let key = credential(&gateway, &tenant);
    let ada = tenant.create_user("ada", "").expect(201).id();
    overridden(&gateway, &tenant, &["log.keep_days=1"]);
    tick(&gateway);
    clock.set("+36h");
    staff(&gateway, &tenant, "PATCH", &format!("/users/{ada}"), Some(&json!({ "role": "admin" })))
        .expect(200);
    let why = || without_times(&reconcile(&gateway, &tenant, "userName\n")["only_here"][0]["why"]);
    assert_eq!(why(), format!("Created at  by the credential {key}, and not deleted since."));
    tick(&gateway);
    assert_eq!(why(), "Created at , and not deleted since.");
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
                for part in ["only there  1", "displayName: - here, Ann there", NEVER] {
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
