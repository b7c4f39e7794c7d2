//! Times `usher preview` and `usher reconcile`, with the memory of the gateway: a table of new people for an empty tenant, the same
//! table when they are there, and one in which everybody differs.
//! `cargo run --release --example tables -- target/release/usher 100000`, on PostgreSQL with `USHER_TEST_DATABASE=postgres`.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::{fs, time::Instant};

use serde_json::{Value, json};
use testkit::{
    bench::people,
    gateway::{Gateway, Tenant},
    http::Request,
    urn::BULK_REQUEST,
};

/// Operations of one bulk.
const BULK: usize = 1_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (binary, rows) = (words[0].as_str(), words[1].parse::<usize>().unwrap());
    let gateway = Gateway::start_with(binary, &[]);
    let tenant = gateway.tenant("ire", "acme", None, None);
    println!("{} rows, {} MiB at rest", rows, gateway.peak_mib());
    measure(&gateway, &tenant, "preview", "new people", &table(rows, "member"));
    for from in (0..rows).step_by(BULK) {
        let operation = |number| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": people::user(number) });
        let operations: Vec<Value> = (from..rows.min(from + BULK)).map(operation).collect();
        tenant.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": operations })).expect(200);
    }
    println!("{} MiB after they were made", gateway.peak_mib());
    measure(&gateway, &tenant, "preview", "people who are there, each changed", &table(rows, "member"));
    measure(&gateway, &tenant, "reconcile", "people who all differ", &table(rows, "member"));
    measure(&gateway, &tenant, "reconcile", "people who are equal", &names(rows));
    measure(&gateway, &tenant, "preview", "people who stay as they are", &names(rows));
    measure(&gateway, &tenant, "reconcile", "nobody there", "userName\n");
}

fn measure(gateway: &Gateway, tenant: &Tenant, word: &str, what: &str, table: &str) {
    let token = fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let url = format!("{}/admin/v1{}/{word}", gateway.url, tenant.admin_path());
    let began = Instant::now();
    let request = Request::new("POST", &url).bearer(token.trim()).header("content-type", "text/csv");
    let mut told = request.bytes(table.as_bytes()).send().expect(200).body;
    let took = began.elapsed();
    for list in ["problems", "only_here", "only_there", "different"] {
        if let Some(Value::Array(elements)) = told.get(list) {
            told[list] = elements.len().into();
        }
    }
    println!("{word}, {what}: {:.1} s, peak {} MiB: {told}", took.as_secs_f64(), gateway.peak_mib());
}

fn table(rows: usize, user_type: &str) -> String {
    let header = "userName,name.givenName,name.familyName,displayName,\"emails[type eq \"\"work\"\"].value\",active,userType,\
        urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\n";
    let row = |number: usize| {
        let name = people::user_name(number);
        format!(
            "{name},Given{number},Family,\"Family, Given{number}\",{name},true,{user_type},Dept {}\n",
            number % 50
        )
    };
    header.to_owned() + &(0..rows).map(row).collect::<String>()
}

fn names(rows: usize) -> String {
    "userName,active\n".to_owned()
        + &(0..rows).map(|number| format!("{},TRUE\n", people::user_name(number))).collect::<String>()
}
