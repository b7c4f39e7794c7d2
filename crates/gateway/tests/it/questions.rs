//! The questions of `docs/support.md`, as customers ask them, each with the command that answers it and with what that printed here: the
//! page has the output of this very run. `make behaviours` writes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
    http::Answer,
    urn::PATCH_OP,
};

use crate::{
    log::{from_okta, rows_when},
    people::{said, staff},
    running::{GROUP, gateway, replace, user_body, wait_for},
    tick::under,
};

/// Set by `make behaviours`: write the page instead of comparing it.
const WRITE: &str = "USHER_WRITE_PAGES";

/// Where the questions stand in the page.
const BEGIN: &str = "<!-- questions: written by `make behaviours` -->\n";
const END: &str = "<!-- end of questions -->\n";

/// The questions so far.
struct Page<'a> {
    gateway: &'a Gateway,
    text: String,
    asked: usize,
    names: Names,
}

/// What is another one in each run, and what stands for it in the page.
#[derive(Default)]
struct Names {
    ids: BTreeMap<String, usize>,
    others: Vec<(String, String)>,
}

impl Page<'_> {
    /// A question, the words of the command line that answer it, and what to tell the customer.
    fn ask(&mut self, question: &str, words: &str, told: &str) {
        let output = self.gateway.cli(&words.split(' ').collect::<Vec<_>>());
        let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(!printed[0].trim().is_empty(), "{words}: {}", printed[1]);
        self.asked += 1;
        let printed = self.names.hide(&format!("$ usher {words}\n{}{}", printed[0], printed[1]));
        let number = self.asked;
        let code = output.status.code().unwrap();
        let exit = if code == 0 { String::new() } else { format!(" (It exits with {code}.)") };
        self.text.push_str(&format!(
            "### {number}. {question}\n\n```console\n{}\n```\n\n{told}{exit}\n\n",
            printed.trim_end()
        ));
    }
}

impl Names {
    /// The text with fixed times, ids and addresses.
    fn hide(&mut self, text: &str) -> String {
        let mut hidden = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_new_word = !hidden.ends_with(|c: char| c.is_ascii_alphanumeric());
            let taken = if is_new_word { self.name_at(rest) } else { None };
            let (length, name) = taken.unwrap_or_else(|| (first.len_utf8(), first.to_string()));
            hidden.push_str(&name);
            rest = &rest[length..];
        }
        hidden
    }

    /// The length of the time or id that the text begins with, and what stands for it.
    fn name_at(&mut self, text: &str) -> Option<(usize, String)> {
        const TIME: &str = "2026-11-29T08:00:00.000Z";
        let is_like = |pattern: &str| {
            let begins = text.get(..pattern.len())?;
            let fits = begins.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                b'x' => byte.is_ascii_hexdigit(),
                like => byte == like,
            });
            fits.then_some(begins.len())
        };
        if let Some(length) = is_like("0000-00-00T00:00:00.000Z") {
            return Some((length, TIME.to_owned()));
        }
        // Of a cursor, which begins with the time of a row.
        if let Some(length) = is_like("0000000000000-") {
            return Some((length, "1795939200000-".to_owned()));
        }
        if let Some(length) = is_like("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
            let number = self.number(&text[..length]);
            return Some((length, format!("01a2b3c4-0000-7000-8000-{number:012}")));
        }
        if let Some(length) = is_like("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") {
            let number = self.number(&text[..length]);
            return Some((length, format!("01a2b3c40000700080000000{number:08}")));
        }
        let known = self.others.iter().find(|(name, _)| text.starts_with(name.as_str()));
        known.map(|(name, hidden)| (name.len(), hidden.clone()))
    }

    fn number(&mut self, id: &str) -> usize {
        let next = self.ids.len() + 1;
        *self.ids.entry(id.to_owned()).or_insert(next)
    }

    /// The key ids of a tenant's credentials, which have one length, so that tables stay as they are.
    fn hide_key_ids(&mut self, gateway: &Gateway, tenant: &Tenant) {
        for credential in said(gateway, tenant, &["credential", "list"]).as_array().unwrap() {
            let key_id = credential["key_id"].as_str().unwrap();
            let hidden = format!("k{:0width$}", self.others.len(), width = key_id.len() - 1);
            self.others.push((key_id.to_owned(), hidden));
        }
    }

    /// A file, by its name alone.
    fn hide_path(&mut self, path: &Path) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        self.others.push((path.display().to_string(), name));
    }
}

/// A tenant by its key, with these seats of each license.
fn tenant(gateway: &Gateway, key: &str, seats: &Value) -> Tenant {
    let contact = format!("it@{key}.example");
    gateway.onboard(
        "ire",
        &json!({ "key": key, "name": key, "settings": { "contact": contact }, "seats": seats }),
    )
}

/// What Okta sends when the person is assigned.
fn assign(tenant: &Tenant, name: &str, user_type: &str) -> Answer {
    let user_name = format!("{name}@{}.example", tenant.key);
    let body = user_body(&json!({ "userName": user_name, "userType": user_type }));
    from_okta(tenant, "POST", "/Users").json(&body).send()
}

/// Okta's change of one attribute of a person.
fn change(gateway: &Gateway, tenant: &Tenant, name: &str, attribute: &str, value: Value) {
    let body = json!({ "schemas": [PATCH_OP], "Operations": replace(attribute, value) });
    from_okta(tenant, "PATCH", &path_of(gateway, tenant, name)).json(&body).send().expect(200);
}

fn path_of(gateway: &Gateway, tenant: &Tenant, name: &str) -> String {
    let person =
        said(gateway, tenant, &["user", "show", "--user", &format!("{name}@{}.example", tenant.key)]);
    format!("/Users/{}", person["id"].as_str().unwrap())
}

/// Two seats of each license, and five people who want them.
fn people_and_seats(page: &mut Page<'_>) -> Tenant {
    let gateway = page.gateway;
    let acme = tenant(gateway, "acme", &json!({ "member": 2, "member_lite": 2 }));
    for (name, user_type) in [("ada", "admin"), ("ben", "member"), ("cleo", "member"), ("dan", "member_lite")]
    {
        assign(&acme, name, user_type).expect(201);
    }
    let refused = assign(&acme, "eve", "member_lite").expect(403);
    let reference = refused.header("x-request-id").unwrap().to_owned();
    rows_when(gateway, &acme, &["--result", "refused"], 1);
    page.ask(
        "“Fay was assigned this morning, and she cannot sign in.”",
        "explain --region ire --key acme --user fay@acme.example",
        "Okta has sent nothing about Fay: the customer's administrator looks there, with these steps.",
    );
    page.ask(
        "“Okta shows ‘Seat limit reached’ for Eve, and a Ref.”",
        &format!("explain --region ire --key acme --user {reference}"),
        "The Ref of any refusal finds the person and the reason. The customer can also open `/s/` and the Ref on this server, without a password.",
    );
    page.ask(
        "“Cleo should have Member. Why has she Member Lite?”",
        "explain --region ire --key acme --user cleo@acme.example",
        "She gets the next Member seat by herself; nobody has to send her again.",
    );
    page.ask(
        "“Who waits, and in which order?”",
        "seats waiting --region ire --key acme",
        "From the first to the last.",
    );
    page.ask(
        "“How many seats have we, and how many are in use?”",
        "seats show --region ire --key acme",
        "`used` is what is billed; `waiting` are people who asked for the license and have another one, or none.",
    );
    page.ask(
        "“We do not believe your number.”",
        "seats audit --region ire --key acme",
        "Every seat is recounted from the ledger and from the people who hold one.",
    );
    change(gateway, &acme, "ben", "active", json!(false));
    page.ask(
        "“Ben could sign in yesterday. Why not today?”",
        "explain --region ire --key acme --user ben@acme.example",
        "It was the customer's own Okta. Cleo has his seat now.",
    );
    from_okta(&acme, "DELETE", &path_of(gateway, &acme, "dan")).send().expect(204);
    page.ask(
        "“Who deleted Dan, and when?”",
        "log --region ire --key acme --user dan@acme.example",
        "Rows of `staff` name the member of staff; this one came from Okta.",
    );
    acme
}

/// What staff look up about credentials and acts.
fn credentials(page: &mut Page<'_>, acme: &Tenant) {
    let gateway = page.gateway;
    let last = if acme.token.ends_with('x') { "y" } else { "x" };
    let typed = gateway.data_dir().join("typed.txt");
    fs::write(&typed, format!("{}{last}", &acme.token[..acme.token.len() - 1])).unwrap();
    page.names.hide_path(&typed);
    page.ask(
        "“We have entered the token, and the connection test fails.”",
        &format!("diagnose --region ire --key acme --token-file {}", typed.display()),
        "The credential never stands in the command line; without a file it is read from standard input.",
    );
    page.ask(
        "“Which of our tokens is in use, and when does it end?”",
        "credential list --region ire --key acme",
        "Only the public part of a credential is ever shown.",
    );
    gateway.cli_ok(&["seats", "set", "--region", "ire", "--key", "acme", "member_lite=3"]);
    page.ask(
        "“Who gave us another seat?”",
        "acts --tenant ire/acme --limit 3",
        "`root` is whoever holds the admin token; others have names.",
    );
}

/// A tenant whose identity provider was set up with mistakes, and one that was not set up.
fn set_up_wrongly(page: &mut Page<'_>) {
    let gateway = page.gateway;
    let globex = tenant(gateway, "globex", &json!({ "member": 5 }));
    page.names.hide_key_ids(gateway, &globex);
    page.ask(
        "“Nobody arrives. Did our identity provider call at all?”",
        "health --region ire --key globex",
        "It never did.",
    );
    let initech = tenant(gateway, "initech", &json!({ "member_lite": 50 }));
    page.names.hide_key_ids(gateway, &initech);
    let misspelt = user_body(&json!({ "userName": "ian@initech.example", "usertipe": "member" }));
    from_okta(&initech, "POST", "/Users").json(&misspelt).send().expect(201);
    page.ask(
        "“We map the role, and everybody is Member Lite.”",
        "health --region ire --key initech",
        "The attribute is misspelt in the mapping.",
    );
    let nameless = user_body(&json!({ "displayName": "Judy" }));
    from_okta(&initech, "POST", "/Users").json(&nameless).send().expect(400);
    rows_when(gateway, &initech, &["--result", "refused"], 1);
    page.ask(
        "“Some people fail in Okta, and we do not see why.”",
        "log --region ire --key initech --result refused",
        "The detail is what Okta was told; after the mapping is mended, Retry there is enough.",
    );
}

/// A change of a group that would have taken the seats of twelve people.
fn a_group(page: &mut Page<'_>) {
    let gateway = page.gateway;
    let umbrella = tenant(gateway, "umbrella", &json!({ "member": 20, "member_lite": 20 }));
    let overrides = json!({
        "sources": [{ "groups": [{ "name": "Members", "role": "member" }] }],
        "protect": { "group_wipe_percent": 50 },
    });
    staff(gateway, &umbrella, "PATCH", "/profile/overrides", Some(&overrides)).expect(200);
    let members: Vec<Value> = (0..12)
        .map(|n| json!({ "value": assign(&umbrella, &format!("user{n}"), "").expect(201).id() }))
        .collect();
    let group =
        |members: &[Value]| json!({ "schemas": [GROUP], "displayName": "Members", "members": members });
    let path = format!("/Groups/{}", umbrella.post("/Groups", &group(&members)).expect(201).id());
    umbrella.put(&path, &group(&[])).expect(200);
    page.ask(
        "“Somebody has emptied our group. Is everybody out?”",
        "group show --region ire --key umbrella --group Members",
        "Nobody is: twelve people keep their seats until `usher group release` carries it out, or drops it with `--drop`.",
    );
}

/// A directory that loses its people, and a mapping that went wrong.
fn mistakes(page: &mut Page<'_>, acme: &Tenant) {
    let gateway = page.gateway;
    let wayne = tenant(gateway, "wayne", &json!({ "member": 20 }));
    (0..10).for_each(|n| drop(assign(&wayne, &format!("user{n}"), "member").expect(201)));
    let limits = ["--people", "2", "--percent", "20", "--minutes", "60"];
    said(gateway, &wayne, &[&["breaker", "set"], &limits[..]].concat());
    (0..5).for_each(|n| change(gateway, &wayne, &format!("user{n}"), "active", json!(false)));
    page.ask(
        "“Our directory has gone wrong, and Okta deactivates everybody.”",
        "breaker show --region ire --key wayne",
        "Two went, as the breaker lets them; the others keep seat and access until `usher breaker release` lets them go, or `usher breaker rollback` gives back all.",
    );
    ["ada", "cleo"].into_iter().for_each(|name| change(gateway, acme, name, "title", json!("undefined")));
    let rows = said(gateway, acme, &["log", "--limit", "2"]);
    let since = rows["rows"][1]["at"].as_str().unwrap();
    page.ask(
        "“At eight our mapping went wrong. Can you take it back?”",
        &format!("undo --region ire --key acme --since {since} --idp okta --dry-run"),
        "The same without `--dry-run` does it. What has changed since stays, and is listed.",
    );
}

/// Tables of people, before and after a sync.
fn tables(page: &mut Page<'_>) {
    let file = |name: &str, text: &str| {
        let path = page.gateway.data_dir().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let joiners = file(
        "joiners.csv",
        "userName,userType\nfay@acme.example,member\ngus@acme.example,member_lite\nhal@acme.example,member_lite\n",
    );
    let export = file(
        "okta.csv",
        "userName,userType\nada@acme.example,admin\ncleo@acme.example,member_lite\nfay@acme.example,member\n",
    );
    page.names.hide_path(&joiners);
    page.names.hide_path(&export);
    page.ask(
        "“Three people join tomorrow. Do our seats suffice?”",
        &format!("preview --region ire --key acme --file {}", joiners.display()),
        "Each row is tried on a copy of the tenant, with all its rules, and nothing is changed.",
    );
    page.ask(
        "“Does our directory agree with yours?”",
        &format!("reconcile --region ire --key acme --file {}", export.display()),
        "Only the columns of the file are compared.",
    );
}

#[test]
fn the_questions_of_the_page_of_support_are_answered_as_it_says() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let mut page = Page { gateway: &gateway, text: String::new(), asked: 0, names: Names::default() };
    page.names.others.push((gateway.url.clone(), "https://usher.example.com".to_owned()));
    let acme = people_and_seats(&mut page);
    page.names.hide_key_ids(&gateway, &acme);
    credentials(&mut page, &acme);
    set_up_wrongly(&mut page);
    a_group(&mut page);
    mistakes(&mut page, &acme);
    tables(&mut page);
    // The list is up to a minute old.
    clock.set("+2m");
    for tenant in ["acme", "globex", "initech", "umbrella", "wayne"] {
        wait_for("the row of a tenant", || found(&gateway, tenant) == listed(&gateway, tenant));
    }
    page.ask(
        "“Which of our customers need a hand today?”",
        "health --all --region ire",
        "The worst first. No store of a tenant is opened for it.",
    );
    assert_eq!(page.asked, 20);
    compare(&page.text);
}

/// The codes that a look at a tenant finds.
fn found(gateway: &Gateway, tenant: &str) -> BTreeSet<String> {
    let health =
        gateway.admin("GET", &format!("/regions/ire/tenants/{tenant}/health"), None).expect(200).body;
    health["findings"].as_array().unwrap().iter().map(|finding| finding["code"].to_string()).collect()
}

/// The codes that the list of the region has of a tenant.
fn listed(gateway: &Gateway, tenant: &str) -> BTreeSet<String> {
    let list = gateway.admin("GET", "/regions/ire/health", None).expect(200).body;
    let row = list.as_array().unwrap().iter().find(|row| row["tenant"] == format!("ire/{tenant}"));
    let codes = row.into_iter().flat_map(|row| row["codes"].as_array().unwrap());
    codes.map(Value::to_string).collect()
}

fn compare(questions: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/support.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, format!("{before}{BEGIN}{questions}{END}{after}")).unwrap();
        return;
    }
    assert!(
        there == questions,
        "docs/support.md is not what the commands print: make behaviours\n{questions}"
    );
}

/// The code spans of a text.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Every panel of the dashboards, as `dashboard: panel`.
fn panels() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/grafana/dashboards");
    let mut panels = Vec::new();
    for name in ["fleet", "tenant", "stores"] {
        let file = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let dashboard: Value = serde_json::from_str(&file).unwrap();
        let titles =
            dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["title"].as_str().unwrap());
        panels.extend(titles.map(|title| format!("{name}: {title}")));
    }
    panels
}

#[test]
fn each_of_twenty_questions_of_staff_and_operators_leads_to_an_answer_that_is_there() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(5), Some(5));
    acme.create_user("ada@acme.example", "user").expect(201);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = fs::read_to_string(docs.join("support.md")).unwrap();
    let rules = fs::read_to_string(docs.join("../deploy/prometheus/rules.yml")).unwrap();
    let (_, section) = page.split_once("## Where is the answer?").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .skip_while(|line| !line.starts_with("| 1 |"))
        .take_while(|line| line.starts_with("| "))
        .collect();
    assert_eq!(rows.len(), 20);
    let panels = panels();
    for row in rows {
        let (_, answer) = row.rsplit_once(" | ").unwrap();
        let spans = code_spans(answer);
        assert!(!spans.is_empty(), "{row}");
        for span in spans {
            if let Some(words) = span.strip_prefix("usher ") {
                let output = gateway.cli(&words.split(' ').collect::<Vec<_>>());
                let printed = String::from_utf8(output.stdout).unwrap();
                let told = String::from_utf8(output.stderr).unwrap();
                let code = output.status.code();
                assert!(matches!(code, Some(0 | 3)), "{span}: {code:?} {printed}{told}");
                assert!(!printed.trim().is_empty() || !told.trim().is_empty(), "{span} says nothing");
            } else if let Some(path) = span.strip_prefix("GET ") {
                testkit::http::Request::new("GET", &format!("{}{path}", gateway.url)).send().expect(200);
            } else if span.starts_with("Usher") {
                assert!(rules.contains(&format!("- alert: {span}\n")), "{span} is no alert");
            } else {
                assert!(panels.iter().any(|panel| panel == span), "{span} is no panel of {panels:?}");
            }
        }
    }
}
