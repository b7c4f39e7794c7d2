//! `usher preview` and `POST …/preview`: what a table of people would do to a tenant.

use std::{fs, thread};

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::running::{
    ENTERPRISE, acme, counted_writes, gateway, gateway_with, onboarded, replace, roomy, stored, user_body,
};

/// Sends a table to a word of the admin API.
pub(crate) fn send(gateway: &Gateway, tenant: &Tenant, word: &str, media_type: &str, table: &[u8]) -> Answer {
    let token = fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let url = format!("{}/admin/v1{}/{word}", gateway.url, tenant.admin_path());
    Request::new("POST", &url).bearer(token.trim()).header("content-type", media_type).bytes(table).send()
}

/// What a table would do, which must leave everything as it is.
#[track_caller]
fn preview(gateway: &Gateway, tenant: &Tenant, table: &str) -> Value {
    let before = (stored(gateway, tenant), gateway.seats(tenant), counted_writes(gateway));
    let answer = send(gateway, tenant, "preview", "text/csv", table.as_bytes()).expect(200);
    let after = (stored(gateway, tenant), gateway.seats(tenant), counted_writes(gateway));
    assert_eq!(before, after);
    let told = answer.body;
    let count = |name: &str| told[name].as_u64().unwrap();
    let sum: u64 = ["create", "change", "unchanged", "deactivate", "refused"].map(count).iter().sum();
    assert_eq!(count("rows"), sum, "{told}");
    let listed = told["problems"].as_array().unwrap().len();
    assert_eq!(u64::try_from(listed).unwrap(), count("refused"), "{told}");
    told
}

/// `(row, status, detail)` of the refused rows.
fn problems(told: &Value) -> Vec<(u64, u64, &str)> {
    let of = |problem: &'_ Value| {
        let number = |name: &str| problem[name].as_u64().unwrap();
        (number("row"), number("status"))
    };
    let problems = told["problems"].as_array().unwrap();
    problems
        .iter()
        .map(|problem| (of(problem).0, of(problem).1, problem["detail"].as_str().unwrap()))
        .collect()
}

/// Two seats of either license: ann and bob have Member, cid fell back and waits.
fn staffed() -> (Gateway, Tenant) {
    let (gateway, tenant) = acme(Some(2), Some(1));
    for name in ["ann", "bob", "cid"] {
        tenant.create_user(name, "user").expect(201);
    }
    (gateway, tenant)
}

#[test]
fn each_row_is_counted_by_what_it_would_do_and_nothing_moves() {
    let (gateway, tenant) = staffed();
    let table = "userName,name.givenName,active,userType\r\n\
        ann,\"An\"\"n\",TRUE,user\r\n\
        bob,,false,user\r\n\
        cid,,true,user\r\n\
        dan,\"D,\r\nx\",true,user\r\n\
        eve,,,user\r\n\
        ANN,,,\r\n\
        fay,,maybe,\r\n\
        gil,x\r\n\
        ,x,,\r\n";
    let told = preview(&gateway, &tenant, table);
    let counts = json!({
        "rows": 9, "create": 1, "change": 1, "unchanged": 1, "deactivate": 1, "refused": 5,
        "licenses": {
            "member": { "used_before": 2, "used_after": 2, "quota": 2, "waiting": 1 },
            "member_lite": { "used_before": 1, "used_after": 1, "quota": 1, "waiting": 0 },
        },
        "problems": told["problems"],
    });
    assert_eq!(told, counts);
    let problems = problems(&told);
    let rows: Vec<(u64, u64)> = problems.iter().map(|(row, status, _)| (*row, *status)).collect();
    assert_eq!(rows, [(7, 403), (8, 409), (9, 400), (10, 400), (11, 400)]);
    let details: Vec<&str> = problems.iter().map(|(.., detail)| *detail).collect();
    assert!(
        details[0].starts_with("Seat limit reached: all 2 Member seats of acme are in use"),
        "{details:?}"
    );
    assert_eq!(
        details[1..],
        [
            "Row 2 has this userName already; each person stands in one row.",
            "active must be true or false.",
            "The row has 2 cells, and the header has 4.",
            "The row has no userName.",
        ]
    );
    // In earnest the same comes of it.
    let id = |name: &str| {
        tenant.find("/Users", &format!("userName eq \"{name}\"")).body["Resources"][0]["id"].clone()
    };
    let path = |name: &str| format!("/Users/{}", id(name).as_str().unwrap());
    tenant.patch(&path("ann"), &replace("name.givenName", "An\"n")).expect(200);
    tenant.patch(&path("bob"), &replace("active", false)).expect(200);
    tenant.create_user("dan", "user").expect(201);
    tenant.create_user("eve", "user").expect_error(403, "seatLimitReached");
    let seats = gateway.seats(&tenant);
    for license in ["member", "member_lite"] {
        let told = &told["licenses"][license];
        assert_eq!(
            (&seats[license]["used"], &seats[license]["waiting"]),
            (&told["used_after"], &told["waiting"])
        );
    }
}

#[test]
fn who_would_wait_is_told_and_refusals_lead_to_the_hold_that_they_would_lead_to() {
    let (gateway, tenant) = acme(Some(1), Some(0));
    let policy = |policy: &str| {
        let body = json!({ "member": { "policy": policy } });
        gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&body)).expect(200);
    };
    policy("hold");
    let table: String = (0..5).map(|n| format!("u{n},user\n")).collect();
    let told = preview(&gateway, &tenant, &format!("userName,userType\n{table}"));
    assert_eq!((&told["create"], &told["refused"]), (&5.into(), &0.into()));
    let seats = json!({ "used_before": 0, "used_after": 1, "quota": 1, "waiting": 4 });
    assert_eq!(told["licenses"]["member"], seats);

    let gateway = gateway_with(&[("USHER__LIMITS__REFUSALS_BEFORE_HOLD", "3")]);
    let tenant = gateway.tenant("ire", "acme", Some(1), Some(0));
    let body = json!({ "member": { "policy": "refuse" } });
    gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&body)).expect(200);
    let told = preview(&gateway, &tenant, &format!("userName,userType\n{table}"));
    // One has the seat, three are refused, and from then on nobody is.
    assert_eq!((&told["create"], &told["refused"]), (&2.into(), &3.into()));
    assert_eq!(told["licenses"]["member"]["waiting"], 1);
    assert_eq!(gateway.seats(&tenant)["member"]["in_force"], "refuse");
}

#[test]
fn a_row_replaces_its_columns_and_nothing_else() {
    let (gateway, tenant) = roomy();
    let body = user_body(&json!({
        "userName": "Ann", "displayName": "Ann", "userType": "admin", "title": "Dr", "active": true,
        "emails": [{ "value": "ann@a.example", "type": "work" }, { "value": "ann@b.example", "type": "home" }],
        ENTERPRISE: { "department": "Sales" },
    }));
    tenant.post("/Users", &body).expect(201);
    let header = format!(
        "userName,displayName,title,active,userType,\"emails[type eq \"\"work\"\"].value\",{ENTERPRISE}:department"
    );
    let one = |cells: &str| {
        let told = preview(&gateway, &tenant, &format!("\u{feff}{header}\n{cells}\n"));
        let effects = ["create", "change", "unchanged", "deactivate", "refused"];
        effects.into_iter().find(|effect| told[*effect] == 1).unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    assert_eq!(one("Ann,Ann,Dr,true,admin,ann@a.example,Sales"), "unchanged");
    assert_eq!(one("Ann,Ann,Dr,True,admin,ann@a.example,Sales"), "unchanged");
    // The spelling of the name is a value too.
    assert_eq!(one("ann,Ann,Dr,true,admin,ann@a.example,Sales"), "change");
    // An empty cell is an absent attribute; whether one may work, and the role, are kept as a PUT keeps them.
    assert_eq!(one("Ann,Ann,,true,admin,ann@a.example,Sales"), "change");
    assert_eq!(one("Ann,Ann,Dr,true,admin,,Sales"), "change");
    assert_eq!(one("Ann,Ann,Dr,true,admin,ann@a.example,"), "change");
    assert_eq!(one("Ann,Ann,Dr,,,ann@a.example,Sales"), "unchanged");
    assert_eq!(one("Ann,Ann,Dr,FALSE,admin,ann@a.example,Sales"), "deactivate");
    assert_eq!(one("bob,,,,,,"), "create");
    assert_eq!(one("bob,Bob,,false,admin,bob@a.example,Sales"), "create");
    // The header alone.
    let told = preview(&gateway, &tenant, &header);
    assert_eq!((&told["rows"], &told["problems"]), (&0.into(), &json!([])));
}

/// Tries rows with an e-mail at work that ann has not yet, and with a department of a new person.
#[track_caller]
fn try_rows_that_add(gateway: &Gateway, tenant: &Tenant) {
    let home = json!([{ "value": "ann@b.example", "type": "home" }]);
    let ann = user_body(&json!({ "userName": "ann", "userType": "user", "emails": home }));
    tenant.post("/Users", &ann).expect(201);
    let header = format!("userName,userType,\"emails[type eq \"\"work\"\"].value\",{ENTERPRISE}:department");
    let rows = "ann,user,ann@a.example,\nbob,user,bob@a.example,Sales\ncid,user,,\n";
    let told = preview(gateway, tenant, &format!("{header}\n{rows}"));
    let counts = ["rows", "create", "change", "refused"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1, 0], "{told}");
}

#[test]
fn a_strict_tenant_takes_a_row_with_a_new_element_and_one_with_a_value_of_an_extension() {
    let seats = json!({ "member": 9, "member_lite": 9 });
    for mode in ["strict", "interop"] {
        let body = json!({ "key": "acme", "name": "Acme", "seats": seats, "settings": { "mode": mode } });
        let (gateway, tenant) = onboarded(&body);
        try_rows_that_add(&gateway, &tenant);
    }
    // A profile that tolerates less than others.
    let (gateway, tenant) = roomy();
    let refuse = r#"leniencies.refuse=["missing_extension_urn"]"#;
    gateway.cli_ok(&["tenant", "override", "--region", "ire", "--key", "acme", refuse]);
    try_rows_that_add(&gateway, &tenant);
}

#[test]
fn rows_meet_the_profile_the_features_and_people_of_staff() {
    let body = json!({ "key": "metacorp", "name": "metacorp", "profile": "metacompliance" });
    let (gateway, tenant) = onboarded(&body);
    let told = preview(&gateway, &tenant, "userName,name.givenName\nann@m.example,Ann\n");
    let [(2, 400, detail)] = problems(&told)[..] else { panic!("{told}") };
    let sent = user_body(&json!({ "userName": "ann@m.example", "name": { "givenName": "Ann" } }));
    let told = tenant.post("/Users", &sent).expect(400).body["detail"].as_str().unwrap().to_owned();
    assert!(told.starts_with(detail), "{told} {detail}");

    gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "metacorp", "--feature", "create=off"]);
    let header = "userName,name.givenName,name.familyName,\"emails[type eq \"\"work\"\"].value\"";
    let told = preview(&gateway, &tenant, &format!("{header}\nann@m.example,Ann,Lee,ann@m.example\n"));
    let [(2, 403, detail)] = problems(&told)[..] else { panic!("{told}") };
    assert!(detail.contains("features.create"), "{detail}");

    let (gateway, tenant) = roomy();
    let ann = json!({ "user_name": "ann", "role": "member" });
    gateway.admin("POST", &format!("{}/users", tenant.admin_path()), Some(&ann)).expect(201);
    let told = preview(&gateway, &tenant, "userName,displayName\nann,Ann\n");
    assert_eq!(told["change"], 1, "{told}");
}

#[test]
fn writers_go_on_while_a_table_is_tried() {
    let (gateway, tenant) = roomy();
    let table: String = (0..5_000).map(|n| format!("p{n},P{n}\n")).collect();
    let table = format!("userName,displayName\n{table}");
    let told = thread::scope(|scope| {
        let trying =
            scope.spawn(|| send(&gateway, &tenant, "preview", "text/csv; charset=utf-8", table.as_bytes()));
        for n in 0..50 {
            tenant.create_user(&format!("w{n}"), "user").expect(201);
        }
        trying.join().unwrap().expect(200).body
    });
    assert_eq!((&told["rows"], &told["create"]), (&5_000.into(), &5_000.into()));
    assert_eq!(tenant.get("/Users?count=1").body["totalResults"], 50);
    gateway.audit(&tenant);
}

#[test]
fn what_is_no_table_is_refused_in_one_sentence() {
    let (gateway, tenant) = roomy();
    let before = stored(&gateway, &tenant);
    for word in ["preview", "reconcile"] {
        for (table, detail) in [
            ("", "The file is empty; its first line names the columns."),
            ("displayName\n", "The header has no column userName."),
            ("userName,shoeSize\nann,9\n", "The path \"shoeSize\" names no attribute of a User."),
            ("userName,title,TITLE\n", "The header has the column TITLE twice."),
            ("userName,name\n", "The column name has parts; name one of them, as in name.givenName."),
            ("userName,id\n", "The column id is read-only."),
        ] {
            let answer = send(&gateway, &tenant, word, "text/csv", table.as_bytes()).expect(400);
            assert_eq!(answer.body["detail"], detail, "{word}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
        for kind in ["application/json", "text/plain", "text/csv; charset=latin1", ""] {
            let answer = send(&gateway, &tenant, word, kind, b"userName\n").expect(415);
            assert_eq!(answer.body["detail"], "Send a table as text/csv in UTF-8.", "{word}: {kind}");
        }
        let mut large = b"userName\n".to_vec();
        large.resize((64 << 20) + 1, b'x');
        let answer = send(&gateway, &tenant, word, "text/csv", &large).expect(413);
        assert_eq!(answer.body["detail"], "A table may have 64 MiB.", "{word}");
        send(&gateway, &tenant, &format!("{word}?dry=1"), "text/csv", b"userName\n").expect(400);
        let nobody = Tenant { key: "nobody".into(), ..tenant.clone() };
        send(&gateway, &nobody, word, "text/csv", b"userName\n").expect(404);
        gateway.admin("GET", &format!("{}/{word}", tenant.admin_path()), None).expect(404);
    }
    assert_eq!(stored(&gateway, &tenant), before);
}

#[test]
fn the_command_line_shows_the_same_and_fails_with_one_sentence() {
    let (gateway, _tenant) = staffed();
    let file = gateway.data_dir().with_file_name("users.csv");
    fs::write(&file, "userName,active,userType\nann,true,user\nbob,false,user\neve,true,user\neve,,\n")
        .unwrap();
    let words = |json: bool| {
        let mut words = vec!["preview", "--region", "ire", "--key", "acme", "--file", file.to_str().unwrap()];
        words.extend(json.then_some("--json"));
        words
    };
    let told: Value = serde_json::from_str(&gateway.cli_ok(&words(true))).unwrap();
    assert_eq!(
        told,
        json!({
            "rows": 4, "create": 1, "change": 0, "unchanged": 1, "deactivate": 1, "refused": 1,
            "licenses": {
                "member": { "used_before": 2, "used_after": 2, "quota": 2, "waiting": 1 },
                "member_lite": { "used_before": 1, "used_after": 1, "quota": 1, "waiting": 0 },
            },
            "problems": [{
                "row": 5, "status": 409,
                "detail": "Row 4 has this userName already; each person stands in one row.",
            }],
        })
    );
    let text = gateway.cli_ok(&words(false));
    for line in [
        "rows        4",
        "deactivate  1",
        "member       2            2           2      1",
        "Nothing was changed.",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    fs::write(&file, "userName,shoeSize\nann,9\n").unwrap();
    let failed = gateway.cli(&words(false));
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(
        (failed.status.code(), said.as_str()),
        (Some(1), "The path \"shoeSize\" names no attribute of a User.\n")
    );
    fs::remove_file(&file).unwrap();
    let failed = gateway.cli(&words(false));
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!((failed.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("users.csv cannot be read"), "{said}");
    let failed = gateway.cli(&["preview", "--region", "ire", "--key", "acme"]);
    assert_eq!(failed.status.code(), Some(2));
}

#[test]
fn a_token_of_a_tenant_tries_tables_of_that_tenant_alone() {
    let gateway = gateway();
    let tenants = ["a", "b"].map(|key| gateway.tenant("ire", key, None, None));
    let body = json!({ "name": "lena", "tenant": "ire/a" });
    let token =
        gateway.admin("POST", "/tokens", Some(&body)).expect(201).body["token"].as_str().unwrap().to_owned();
    for word in ["preview", "reconcile"] {
        let statuses = tenants.each_ref().map(|tenant| {
            let url = format!("{}/admin/v1{}/{word}", gateway.url, tenant.admin_path());
            let request = Request::new("POST", &url).header("content-type", "text/csv").bytes(b"userName\n");
            request.bearer(&token).send().status
        });
        assert_eq!(statuses, [200, 403], "{word}");
    }
}
