//! The log is narrowed, read page by page, and followed; and refused writes are in it within a second.

use std::{
    io::{BufRead as _, BufReader},
    process::Child,
    sync::mpsc::{self, Receiver},
    thread::{self, sleep},
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    database::Database,
    gateway::{Gateway, Signal, signal},
    http::Request,
    urn::BULK_REQUEST,
};

use super::{from_okta, log, row_of, rows, rows_when};
use crate::{
    attacks::faults::Lock,
    running::{acme, replace, roomy, user_body, wait_for},
    tick::under,
};

#[test]
fn me20_rows_are_found_by_person_and_matched_by_time_and_request_id() {
    let (gateway, acme) = roomy();
    let long = "e".repeat(200);
    let entra = |id: &str, name: &str| {
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
        acme.request("POST", "/Users")
            .header("client-request-id", id)
            .header("X-Request-Id", "other")
            .json(&body)
            .send()
    };
    let made = entra("8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001", "ada").expect(201);
    entra(&long, "ben").expect(201);
    let plain = acme.request("POST", "/Users").header("X-Request-Id", "tab\tand \u{e9}");
    let plain = plain.json(&json!({ "schemas": [], "userName": "cy" })).send().expect(201);
    let ada = rows(&gateway, &acme, &["--user", "Ada"]);
    assert_eq!(ada.len(), 1);
    assert_eq!(ada[0]["client_request_id"], "8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001");
    assert_eq!(ada[0]["request_id"], made.header("x-request-id").unwrap());
    assert_eq!(rows(&gateway, &acme, &["--user", &made.id()]), ada);
    assert_eq!(rows(&gateway, &acme, &["--user", "ben"])[0]["client_request_id"], long[..128]);
    assert_eq!(row_of(&gateway, &acme, &plain)["client_request_id"], "taband ");
    // From this moment on, and before that one.
    let at = ada[0]["at"].as_str().unwrap();
    let since = rows(&gateway, &acme, &["--since", at]);
    assert!(since.contains(&ada[0]));
    assert!(!rows(&gateway, &acme, &["--until", at]).contains(&ada[0]));
}

#[test]
fn a_row_of_staff_has_the_id_that_the_caller_gave() {
    let (gateway, acme) = roomy();
    let token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let url = format!("{}/admin/v1{}/users", gateway.url, acme.admin_path());
    let id_of = |name: &str, headers: &[(&str, &str)]| {
        let request = Request::new("POST", &url).bearer(token.trim()).json(&json!({ "user_name": name }));
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().expect(201);
        rows(&gateway, &acme, &["--user", name, "--idp", "staff"])[0]["client_request_id"].clone()
    };
    let long = "e".repeat(200);
    assert_eq!(id_of("ada", &[("client-request-id", "ticket 7"), ("X-Request-Id", "other")]), "ticket 7");
    assert_eq!(id_of("ben", &[("X-Request-Id", &long)]), long[..128]);
    assert_eq!(id_of("cy", &[("X-Request-Id", "tab\tand \u{e9}")]), "taband ");
    assert_eq!(id_of("di", &[]), Value::Null);
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_have_each_row_once() {
    let (gateway, acme) = acme(Some(3), Some(0));
    for name in ["a", "b", "c", "d", "e"] {
        acme.create_user(name, "user");
    }
    rows_when(&gateway, &acme, &[], 5);
    let all = log(&gateway, &acme, &[]);
    assert_eq!((&all["next_cursor"], &all["log_lost"]), (&Value::Null, &json!(0)));
    assert_eq!(all.as_object().unwrap().len(), 3, "{all}");
    let times: Vec<&str> =
        all["rows"].as_array().unwrap().iter().map(|row| row["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let (mut read, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut words = vec!["--limit", "2"];
        words.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page = log(&gateway, &acme, &words);
        read.extend(page["rows"].as_array().unwrap().clone());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(json!(read), all["rows"]);
    assert_eq!(rows(&gateway, &acme, &["--result", "refused"]).len(), 2);
    assert_eq!(rows(&gateway, &acme, &["--result", "applied", "--idp", "other"]).len(), 3);
}

#[test]
fn a_query_that_is_none_is_refused_with_what_it_takes() {
    let (gateway, acme) = roomy();
    let path = format!("{}/log", acme.admin_path());
    for (query, says) in [
        ("limit=0", "limit is 1 to 1000."),
        ("limit=1001", "limit is 1 to 1000."),
        ("limit=x", "The query is not what this needs"),
        ("result=done", "result is one of applied, no_change, refused, held, linked."),
        (
            "idp=keycloak",
            "idp is one of okta, entra, onelogin, jumpcloud, ping, google, authentik, other, staff.",
        ),
        ("user=", "user is a userName or an id."),
        ("since=yesterday", "since is a time such as"),
        ("until=2026-13-01T00:00:00Z", "until is a time such as"),
        ("cursor=x", "This cursor is none of this log's"),
        ("after=12", "after is the end that a page of this log told."),
        ("after=c1-a1&cursor=1-c1", "Send cursor or after, and not both."),
        ("person=ada", "There is no parameter \"person\" here"),
    ] {
        let answer = gateway.admin("GET", &format!("{path}?{query}"), None).expect(400);
        assert!(answer.body["detail"].as_str().unwrap().starts_with(says), "{query}: {}", answer.text);
    }
    let told = gateway.cli(&["log", "--region", "ire", "--key", "acme", "--idp", "x"]);
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("idp is one of okta"), "{told:?}");
}

/// `usher log --follow --json` of the tenant `ire/acme`.
struct Following {
    process: Child,
    lines: Receiver<String>,
}

impl Following {
    fn begin(gateway: &Gateway, words: &[&str]) -> Self {
        let follow = ["log", "--region", "ire", "--key", "acme", "--follow", "--json"];
        let mut process = gateway.cli_following(&[&follow[..], words].concat());
        let printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let (printer, lines) = mpsc::channel();
        thread::spawn(move || printed.map_while(Result::ok).try_for_each(|line| printer.send(line)));
        Self { process, lines }
    }

    /// The rows that it prints next; waits until there are so many, for each twenty seconds at most.
    #[track_caller]
    fn next(&mut self, number: usize) -> Vec<Value> {
        let mut rows = Vec::new();
        while rows.len() < number {
            let line = self.lines.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|e| panic!("{} of {number} rows: {e}", rows.len()));
            rows.push(serde_json::from_str(&line).unwrap());
        }
        rows
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn me14_one_person_on_demand_is_in_the_log_with_the_same_result_as_in_a_cycle() {
    let (gateway, acme) = roomy();
    let mut following = Following::begin(&gateway, &[]);
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada", "userType": "user" });
    let made = from_okta(&acme, "POST", "/Users").json(&body).send().expect(201);
    acme.patch(&format!("/Users/{}", made.id()), &replace("title", "Dr")).expect(200);
    from_okta(&acme, "POST", "/Users").json(&body).send().expect(409);
    let shown = following.next(3);
    let told = |row: &Value| json!([row["operation"], row["user_name"], row["result"]]);
    assert_eq!(
        json!(shown.iter().map(told).collect::<Vec<_>>()),
        json!([["create", "ada", "applied"], ["update", "ada", "applied"], ["create", "ada", "refused"]])
    );
    let mut all = rows(&gateway, &acme, &[]);
    all.reverse();
    assert_eq!(all, shown);
}

#[test]
fn following_begins_with_the_newest_rows_and_goes_on_with_those_that_come_and_no_others() {
    let (gateway, acme) = roomy();
    for number in 0..15 {
        acme.create_user(&format!("user{number}"), "").expect(201);
    }
    for (limit, number) in [(None, 10), (Some("3"), 3)] {
        let mut newest = rows(&gateway, &acme, &["--limit", &number.to_string()]);
        newest.reverse();
        let words: Vec<&str> = limit.into_iter().flat_map(|limit| ["--limit", limit]).collect();
        let mut following = Following::begin(&gateway, &words);
        assert_eq!(following.next(number), newest);
        // It has looked once more, and those behind them are not new.
        sleep(Duration::from_millis(700));
        let name = format!("new{number}");
        acme.create_user(&name, "").expect(201);
        assert_eq!(following.next(1)[0]["user_name"], name);
        // The row of a refusal is written a moment later, with an earlier time than that of the next write.
        acme.create_user(&name, "").expect(409);
        acme.create_user(&format!("{name}b"), "").expect(201);
        let shown = following.next(2);
        let mut results: Vec<&str> = shown.iter().map(|row| row["result"].as_str().unwrap()).collect();
        results.sort_unstable();
        assert_eq!(results, ["applied", "refused"], "{shown:?}");
    }
}

#[test]
fn following_goes_on_behind_rows_of_a_time_when_the_clock_was_ahead() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    clock.set("+3d");
    acme.create_user("ahead", "").expect(201);
    clock.set("+0s");
    let mut following = Following::begin(&gateway, &[]);
    assert_eq!(following.next(1)[0]["user_name"], "ahead");
    acme.create_user("now", "").expect(201);
    acme.create_user("now", "").expect(409);
    let shown = following.next(2);
    assert!(shown.iter().all(|row| row["user_name"] == "now"), "{shown:?}");
    assert_eq!(rows(&gateway, &acme, &[])[0]["user_name"], "ahead", "the list is in the order of the times");
}

#[test]
fn following_misses_no_row_where_more_come_between_two_looks_than_a_page_has() {
    let (gateway, acme) = roomy();
    acme.create_user("first", "").expect(201);
    let mut following = Following::begin(&gateway, &[]);
    assert_eq!(following.next(1)[0]["user_name"], "first");
    signal(following.process.id(), Signal::STOP);
    let names: Vec<String> = (0..1_200).map(|number| format!("user{number}")).collect();
    for part in names.chunks(600) {
        let operation = |name: &String| {
            let data = user_body(&json!({ "userName": name }));
            json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
        };
        let operations: Vec<Value> = part.iter().map(operation).collect();
        acme.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": operations })).expect(200);
    }
    signal(following.process.id(), Signal::CONT);
    let shown = following.next(names.len());
    let shown: Vec<&str> = shown.iter().map(|row| row["user_name"].as_str().unwrap()).collect();
    assert_eq!(shown, names);
}

#[test]
fn a_busy_store_keeps_the_refusals_of_no_other_tenant_waiting_and_a_stop_writes_those_of_all() {
    // A file is locked.
    if Database::is_wanted() {
        return;
    }
    let (mut gateway, busy) = roomy();
    let lock = Lock::of(&gateway.only_store("ire"));
    let other = gateway.tenant("ire", "globex", None, None);
    busy.create_user("", "").expect(400);
    // Its row waits for the lock by now, for two seconds each time.
    sleep(Duration::from_millis(500));
    other.create_user("", "").expect(400);
    wait_for("the row of the other tenant", || rows(&gateway, &other, &[]).len() == 1);
    other.create_user("", "").expect(400);
    thread::scope(|scope| {
        let stopping = scope.spawn(|| gateway.stop());
        sleep(Duration::from_millis(700));
        drop(lock);
        assert_eq!(stopping.join().unwrap(), Some(0));
    });
    gateway.start_again();
    assert_eq!([&busy, &other].map(|tenant| rows(&gateway, tenant, &[]).len()), [1, 2]);
}
