//! `usher tenant move`: between a file and cells, and between regions.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::{
    database::Database,
    gateway::{Gateway, Setup, Tenant},
    signing::SigningKey,
};

use super::{files_below, furnished, rows_of, stderr};
use crate::{
    credentials::{added, asked, pair, text},
    issuers::{BY_FILE, by_file, claims, probe},
    running::BINARY,
};

/// Two databases that are cells of `ire` and `us`. The registries are files, or in the first one.
pub(super) struct Cells {
    pub(super) databases: [Arc<Database>; 2],
    config: String,
}

impl Cells {
    pub(super) fn beside_files() -> Self {
        Self::new(false)
    }

    /// What several processes may share.
    pub(super) fn with_registries() -> Self {
        Self::new(true)
    }

    fn new(with_registries: bool) -> Self {
        let databases = [(); 2].map(|()| Arc::new(Database::create()));
        let [first, second] = databases.each_ref().map(|database| database.url());
        let mut config = String::new();
        for region in ["ire", "us"] {
            config += &format!("[regions.{region}]\n");
            if with_registries {
                config += &format!("registry_url = {first:?}\n");
            }
            for (name, url) in [("c1", &first), ("c2", &second)] {
                config += &format!("[[regions.{region}.cells]]\nname = {name:?}\nurl = {url:?}\n");
            }
        }
        Self { databases, config }
    }

    pub(super) fn start(&self) -> Gateway {
        Gateway::set_up(BINARY, Setup { config: Some(&self.config), ..Setup::default() })
    }

    /// The schemas of tenants in all cells.
    pub(super) fn schemas(&self) -> Vec<String> {
        self.databases.iter().flat_map(|database| database.schemas("tenant_")).collect()
    }
}

/// The words of a move.
pub(super) fn words<'a>(tenant: &'a Tenant, to: &'a [&'a str]) -> Vec<&'a str> {
    let named = ["tenant", "move", "--region", &tenant.region, "--key", &tenant.key, "--json", "--to-cell"];
    named.into_iter().chain(to.iter().copied()).collect()
}

/// Moves a tenant; the tenant as the command line shows it then.
pub(super) fn moved(gateway: &Gateway, tenant: &Tenant, to: &[&str]) -> Value {
    serde_json::from_str(&gateway.cli_ok(&words(tenant, to))).unwrap()
}

pub(super) fn shown(gateway: &Gateway, tenant: &Tenant) -> Value {
    gateway.admin("GET", &tenant.admin_path(), None).expect(200).body
}

/// The tenant in another region of this gateway.
fn in_region(gateway: &Gateway, tenant: &Tenant, region: &str) -> Tenant {
    let base_url = format!("{}/{region}/{}/scim/v2", gateway.url, tenant.key);
    Tenant { base_url, region: region.to_owned(), ..tenant.clone() }
}

fn tenant_files(gateway: &Gateway, region: &str) -> usize {
    files_below(&gateway.data_dir().join(region).join("tenants")).len()
}

#[test]
fn every_row_is_the_same_after_the_way_from_a_file_through_two_cells_and_back() {
    let cells = Cells::beside_files();
    let gateway = cells.start();
    let acme = gateway
        .onboard("ire", &json!({ "key": "acme", "name": "Acme", "seats": { "member": 2, "member_lite": null }, "cell": "file" }));
    super::furnish(&gateway, &acme);
    let (before, seats) = (rows_of(&gateway, &acme), gateway.seats(&acme));
    let group = acme.get("/Groups").expect(200).body;
    for (to, files, schemas) in [("c1", 0, 1), ("c2", 0, 1), ("c2", 0, 1), ("c1", 0, 1), ("file", 1, 0)] {
        let there = moved(&gateway, &acme, &[to]);
        let location = &there["location"];
        assert!(location == to || location["cell"] == to, "{there}");
        assert_eq!(there, strip(shown(&gateway, &acme)));
        assert_eq!(rows_of(&gateway, &acme), before, "in {to}");
        assert_eq!(gateway.seats(&acme), seats);
        assert_eq!(acme.get("/Groups").expect(200).body, group);
        gateway.audit(&acme);
        // Nothing is left where it was: neither a file with its log, nor a schema, fenced or not.
        assert_eq!(tenant_files(&gateway, "ire") > 0, files > 0, "{to}");
        assert_eq!(cells.schemas().len(), schemas, "{to}: {:?}", cells.schemas());
    }
    // Each move is the act of whoever wanted it.
    let acts = gateway.admin("GET", &format!("{}/acts?limit=1000", acme.admin_path()), None).expect(200).body;
    let moves: Vec<&Value> =
        acts.as_array().unwrap().iter().filter(|act| act["act"] == "tenant.moved").collect();
    assert_eq!(moves.len(), 4, "{acts}");
    assert!(moves.iter().all(|act| act["actor"] == "root" && act["request_id"].is_string()), "{acts}");
    acme.create_user("after", "").expect(201);
    gateway.audit(&acme);
}

/// Only `tenant show` says how much the store holds, and which names were dropped.
fn strip(mut shown: Value) -> Value {
    let members = shown.as_object_mut().unwrap();
    for name in ["bytes_in_use", "dropped"] {
        members.remove(name);
    }
    shown
}

#[test]
fn cx17_a_key_with_its_secret_follows_its_tenant_to_another_region() {
    let cells = Cells::beside_files();
    let gateway = cells.start();
    let acme = gateway.tenant("ire", "acme", None, None);
    let made = added(&gateway, &acme, "basic", &["--scopes", "read"]);
    let right = pair(text(&made, "key"), text(&made, "secret"));
    moved(&gateway, &acme, &["c2", "--to-region", "us"]);
    let there = in_region(&gateway, &acme, "us");
    asked(&there, "GET", "/Users", &right).send().expect(200);
    asked(&there, "POST", "/Users", &right).json(&json!({})).send().expect_error(403, "");
    // Where it was, its holder is told where it is now.
    let told = asked(&acme, "GET", "/Users", &right).send().expect_error(401, "");
    assert!(text(&told.body, "detail").contains(&there.base_url), "{}", told.text);
}

#[test]
fn mc21_a_tenant_moves_to_another_region_and_mc5_its_old_base_url_names_the_new_one() {
    for cells in [Cells::beside_files(), Cells::with_registries()] {
        let gateway = cells.start();
        let acme = furnished(&gateway, "ire", "acme");
        let other = gateway.tenant("ire", "other", None, None);
        let revoked = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None).expect(201);
        let key_id = revoked.body["key_id"].as_str().unwrap().to_owned();
        let revoked = Tenant { token: revoked.body["token"].as_str().unwrap().to_owned(), ..acme.clone() };
        gateway.cli_ok(&["token", "revoke", "--region", "ire", "--key", "acme", &key_id]);
        let (before, seats, tokens) =
            (rows_of(&gateway, &acme), gateway.seats(&acme), tokens(&gateway, &acme));

        let there = moved(&gateway, &acme, &["c2", "--to-region", "us"]);
        assert_eq!((&there["region"], &there["key"]), (&json!("us"), &json!("acme")));
        assert_eq!((&there["state"], &there["location"]["cell"]), (&json!("active"), &json!("c2")));
        let now = in_region(&gateway, &acme, "us");
        assert_eq!(rows_of(&gateway, &now), before);
        assert_eq!(gateway.seats(&now), seats);
        assert_eq!(self::tokens(&gateway, &now), tokens);
        gateway.audit(&now);
        now.create_user("goes on", "").expect(201);
        // The holder of a genuine token is told; a revoked one is as unknown as any.
        let told = acme.get("/Users").expect(401).text;
        assert!(told.contains(&now.base_url), "{told}");
        for stranger in [
            &revoked,
            &in_region(&gateway, &revoked, "us"),
            &Tenant { token: other.token.clone(), ..acme.clone() },
        ] {
            let told = stranger.get("/Users").expect(401).text;
            assert!(!told.contains("/us/") || stranger.token == other.token, "{told}");
        }
        gateway.admin("GET", &acme.admin_path(), None).expect(404);
        assert_eq!(cells.schemas().len(), 2, "{:?}", cells.schemas());
        // Again is no mistake.
        assert_eq!(moved(&gateway, &acme, &["c2", "--to-region", "us"])["region"], "us");

        let key_id = tokens[0].as_str().unwrap();
        let back = moved(&gateway, &now, &["c1", "--to-region", "ire"]);
        assert_eq!(back["region"], "ire");
        acme.get("/Users").expect(200);
        let told = now.get("/Users").expect(401).text;
        assert!(told.contains(&acme.base_url), "{told}");
        gateway.cli_ok(&["token", "revoke", "--region", "ire", "--key", "acme", key_id]);
        for stranger in [&acme, &now] {
            let told = stranger.get("/Users").expect(401).text;
            assert!(!told.contains("base URL"), "{told}");
        }
        other.get("/Users").expect(200);
    }
}

#[test]
fn a_trust_in_an_issuer_goes_with_its_tenant() {
    for cells in [Cells::beside_files(), Cells::with_registries()] {
        let (gateway, key) = (cells.start(), SigningKey::rsa(0, "one"));
        let acme = gateway.tenant("ire", "acme", None, None);
        by_file(&gateway, &acme, &[&key], &[]);
        let held = key.token(&claims(BY_FILE, json!({})));
        probe(&acme, &held).expect(200);
        moved(&gateway, &acme, &["c2", "--to-region", "us"]);
        let now = in_region(&gateway, &acme, "us");
        let told = probe(&acme, &held).expect_error(401, "").text;
        assert!(told.contains(&now.base_url), "{told}");
        probe(&now, &held).expect(200);
    }
}

fn tokens(gateway: &Gateway, tenant: &Tenant) -> Vec<Value> {
    let list = gateway.admin("GET", &format!("{}/tokens", tenant.admin_path()), None).expect(200).body;
    list.as_array().unwrap().iter().map(|token| token["key_id"].clone()).collect()
}

#[test]
fn what_cannot_be_moved_is_said_in_one_sentence_and_stays() {
    let cells = Cells::beside_files();
    let gateway = cells.start();
    let acme = furnished(&gateway, "ire", "acme");
    gateway.tenant("us", "acme", None, None);
    let (before, schemas) = (rows_of(&gateway, &acme), cells.schemas());
    for (to, told) in [
        (vec!["c9"], "has no cell c9"),
        (vec!["c1", "--to-region", "us"], "the company key acme is taken in region us"),
        (vec!["c1", "--to-region", "mars"], "does not serve region mars"),
    ] {
        let sentence = stderr(&gateway, &words(&acme, &to));
        assert!(sentence.contains(told), "{to:?}: {sentence}");
    }
    let nobody = Tenant { key: "nobody".to_owned(), ..acme.clone() };
    assert!(stderr(&gateway, &words(&nobody, &["c1"])).contains("no tenant nobody"));
    assert_eq!((rows_of(&gateway, &acme), cells.schemas()), (before, schemas));
    acme.create_user("goes on", "").expect(201);

    let shared = Cells::with_registries();
    let gateway = shared.start();
    let acme = gateway.tenant("ire", "acme", None, None);
    let sentence = stderr(&gateway, &words(&acme, &["file"]));
    assert!(sentence.contains("keeps no files"), "{sentence}");
}
