//! One tenant never reaches, changes or learns of another (rows 4 to 7, 10 to 14, 67).

use serde_json::{Value, json};
use testkit::{
    gateway::Tenant,
    http::{Answer, Request},
    urn::PATCH_OP,
};

use crate::{
    credentials::{Held, asked, of_every_kind},
    running::entitled,
};

use super::{NOBODY, everything, face, files, gateway, gateway_with, group, operation, roomy, user};

/// What an identity provider may do to one resource, with a body that would change it.
fn acts_on(tenant: &Tenant, held: &Held, path: &str) -> Vec<Answer> {
    let stolen = if path.starts_with("/Users") { user("stolen", &json!({})) } else { group("stolen", &[]) };
    let attribute = if path.starts_with("/Users") { "userName" } else { "displayName" };
    let patch = operation("replace", attribute, json!("stolen"));
    let patch = json!({ "schemas": [PATCH_OP], "Operations": patch });
    let ask = |method: &str, path: &str| asked(tenant, method, path, &held.authorization);
    vec![
        ask("GET", path).send(),
        ask("GET", &format!("{path}?attributes=id")).send(),
        ask("PUT", path).json(&stolen).send(),
        ask("PATCH", path).json(&patch).send(),
        ask("DELETE", path).send(),
    ]
}

#[test]
fn attack_4_the_id_of_another_tenant_is_as_unknown_as_any() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let user_of_b = b.create_user("bob", "user").expect(201).id();
    let group_of_b = b.post("/Groups", &group("club", &[&user_of_b])).expect(201).id();
    let before = everything(&b);
    let random = "00000000-0000-7000-8000-000000000000";
    for held in of_every_kind(&gateway, &a).iter().filter(|held| held.opens) {
        for (collection, id) in [("/Users", &user_of_b), ("/Groups", &group_of_b)] {
            let theirs = acts_on(&a, held, &format!("{collection}/{id}"));
            let nobodys = acts_on(&a, held, &format!("{collection}/{random}"));
            for (theirs, nobodys) in theirs.iter().zip(&nobodys) {
                assert_eq!(theirs.status, 404, "{}: {}", held.kind, theirs.text);
                assert_eq!(face(theirs), face(nobodys), "{}", held.kind);
            }
        }
    }
    for (path, id) in [("/Users", &user_of_b), ("/Groups", &group_of_b), ("", &user_of_b), ("", &group_of_b)]
    {
        let filter = format!("id eq \"{id}\"");
        assert_eq!(a.find(path, &filter).expect(200).body["totalResults"], 0, "{path}");
        let search = json!({ "schemas": [super::SEARCH_REQUEST], "filter": filter });
        let searched = a.post(&format!("{path}/.search"), &search).expect(200);
        assert_eq!(searched.body["totalResults"], 0, "{path}/.search");
    }
    assert_eq!(a.get("").expect(200).body["totalResults"], 0);
    assert_eq!(everything(&b), before);
}

#[test]
fn attack_4_and_45_in_a_bulk_too() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let user_of_b = b.create_user("bob", "user").expect(201).id();
    let group_of_b = b.post("/Groups", &group("club", &[&user_of_b])).expect(201).id();
    let before = everything(&b);
    let random = "00000000-0000-7000-8000-000000000000";
    let act = |user_id: &str, group_id: &str| {
        let (user_path, group_path) = (format!("/Users/{user_id}"), format!("/Groups/{group_id}"));
        let of = |path: &str, body: Value, attribute: &str| {
            let patch = json!({ "schemas": [PATCH_OP], "Operations": operation("replace", attribute, json!("stolen")) });
            [
                json!({ "method": "PUT", "path": path, "data": body }),
                json!({ "method": "PATCH", "path": path, "data": patch }),
                json!({ "method": "PATCH", "path": path, "version": "W/\"1\"", "data": patch }),
                json!({ "method": "DELETE", "path": path }),
            ]
        };
        let operations = [
            of(&user_path, user("stolen", &json!({})), "userName"),
            of(&group_path, group("stolen", &[]), "displayName"),
        ];
        let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        a.post("/Bulk", &json!({ "schemas": [schema], "Operations": operations.concat() })).expect(200)
    };
    let (theirs, nobodys) = (act(&user_of_b, &group_of_b), act(random, random));
    let operations = theirs.body["Operations"].as_array().unwrap();
    assert!(operations.iter().all(|operation| operation["status"] == "404"), "{}", theirs.text);
    let theirs = theirs.without_reference().replace(&user_of_b, random).replace(&group_of_b, random);
    assert_eq!(theirs, nobodys.without_reference());
    assert_eq!(everything(&b), before);
}

#[test]
fn attack_6_no_header_chooses_the_tenant() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    a.create_user("of-a", "").expect(201);
    b.create_user("of-b", "").expect(201);
    let path_of_b = "/ire/b/scim/v2/Users";
    let headers = [
        ("X-Tenant", "b"),
        ("X-Tenant-Id", "b"),
        ("X-Company-Key", "b"),
        ("X-Original-URL", path_of_b),
        ("X-Rewrite-URL", path_of_b),
        ("X-Forwarded-Prefix", "/ire/b"),
        ("X-Forwarded-Host", "b.example"),
        ("Forwarded", "host=b.example;for=127.0.0.1"),
    ];
    let unknown = face(&Request::new("GET", &format!("{}/ire/nobody/scim/v2/Users", gateway.url)).send());
    for (name, value) in headers {
        let own = a.request("GET", "/Users").header(name, value).send().expect(200);
        assert_eq!(own.body["Resources"][0]["userName"], "of-a", "{name}");
        assert_eq!(own.body["totalResults"], 1);
        let foreign =
            Request::new("GET", &format!("{}/Users", b.base_url)).bearer(&a.token).header(name, value);
        assert_eq!(face(&foreign.send()), unknown, "{name}");
    }
}

#[test]
fn attack_6_only_the_host_header_names_a_regions_own_host() {
    let gateway = gateway_with(&[
        ("USHER__REGIONS__IRE__BASE_URL", "https://ire.scim.example"),
        ("USHER__REGIONS__US__BASE_URL", "https://us.scim.example"),
    ]);
    let acme = roomy(&gateway, "ire", "acme");
    assert_eq!(acme.base_url, "https://ire.scim.example/acme/scim/v2");
    let ask = |headers: &str| {
        let request = format!(
            "GET /acme/scim/v2/Users HTTP/1.1\r\n{headers}Authorization: Bearer {}\r\nConnection: close\r\n\r\n",
            acme.token
        );
        gateway.talk(request).statuses()
    };
    assert_eq!(ask("Host: ire.scim.example\r\n"), [200]);
    assert_eq!(ask("Host: IRE.scim.example\r\nX-Forwarded-Host: us.scim.example\r\n"), [200]);
    assert_eq!(ask("Host: us.scim.example\r\n"), [401]);
    assert_eq!(ask("Host: us.scim.example\r\nX-Forwarded-Host: ire.scim.example\r\n"), [401]);
    assert_eq!(ask("Host: elsewhere\r\nForwarded: host=ire.scim.example\r\n"), [401]);
}

#[test]
fn attack_7_odd_company_keys_get_the_uniform_answer_and_touch_no_file() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ask = |key: &str, token: Option<&str>| {
        let request = Request::new("GET", &format!("{}/ire/{key}/scim/v2/Users", gateway.url));
        match token {
            Some(token) => request.bearer(token).send(),
            None => request.send(),
        }
    };
    let uniform = face(&ask("nobody", None));
    assert_eq!(uniform.0, 401);
    let before = files(&gateway.data_dir());
    let long = "x".repeat(300);
    let keys = [
        "..%2f..%2fetc",
        "%2e%2e",
        "a%2f..%2fb",
        "a/../b",
        "../../etc",
        "%00",
        "acme%00",
        &long,
        "ACME",
        "Acme",
        "CON",
        "%C3%A9",
        "acme%2F",
        "acme.",
        "acme.db",
        "registry",
        "%EF%BD%81cme",
        "acm%CC%81e",
        "%ff",
        "%E2%80%8Bacme",
        "acme%252F",
        "-acme",
        "x%22;%20DROP%20SCHEMA%20public%20CASCADE;%20--",
    ];
    for key in keys {
        assert_eq!(face(&ask(key, None)), uniform, "{key} without a token");
        assert_eq!(face(&ask(key, Some("ush_ire_nonsense"))), uniform, "{key} with a wrong token");
        let with_a_genuine_one = ask(key, Some(&acme.token));
        assert!(matches!(with_a_genuine_one.status, 401 | 404), "{key}: {}", with_a_genuine_one.text);
    }
    assert_eq!(files(&gateway.data_dir()), before);
}

#[test]
fn attack_7_and_8_a_tenant_cannot_be_given_an_odd_key() {
    let gateway = gateway();
    let long = "a".repeat(64);
    let keys = [
        "x\"; DROP SCHEMA public CASCADE; --",
        "../../etc",
        "a/b",
        "Acme",
        "é",
        "a b",
        "",
        ".",
        "..",
        "a\u{0}",
        "-a",
        "a_b",
        &long,
    ];
    let before = files(&gateway.data_dir());
    for key in keys {
        let body = json!({ "key": key, "name": "x" });
        let refused = gateway.admin("POST", "/regions/ire/tenants", Some(&body)).expect(400);
        super::assert_no_leak(&refused, &[]);
    }
    assert_eq!(files(&gateway.data_dir()), before);
    // The longest legal key and its neighbour are two tenants, with two stores.
    let longest = "a".repeat(63);
    let (one, other) = (roomy(&gateway, "ire", &longest), roomy(&gateway, "ire", &longest[1..]));
    one.create_user("ada", "").expect(201);
    assert_eq!(other.get("/Users").expect(200).body["totalResults"], 0);
}

#[test]
fn attack_7_a_store_that_is_a_symbolic_link_is_not_followed() {
    let mut gateway = gateway();
    let victim = roomy(&gateway, "ire", "victim");
    victim.create_user("secret", "").expect(201);
    let store_of_victim = super::newest_store(&gateway, "ire");
    let attacker = roomy(&gateway, "ire", "attacker");
    let store = super::newest_store(&gateway, "ire");
    assert_ne!(store, store_of_victim);
    assert_eq!(gateway.stop(), Some(0));
    std::fs::remove_file(&store).unwrap();
    std::os::unix::fs::symlink(&store_of_victim, &store).unwrap();
    gateway.start_again();
    let refused = attacker.get("/Users").expect_error(503, "");
    super::assert_no_leak(&refused, &["secret"]);
    assert_eq!(victim.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn attack_10_one_key_in_two_regions_is_two_tenants() {
    let gateway = gateway();
    let (ire, us) = (roomy(&gateway, "ire", "acme"), roomy(&gateway, "us", "acme"));
    let ada = ire.create_user("ada", "").expect(201).id();
    assert_eq!(us.get("/Users").expect(200).body["totalResults"], 0);
    us.get(&format!("/Users/{ada}")).expect_error(404, "");
    let crossed = |base: &str, held: &Held| {
        let request = Request::new("GET", &format!("{base}/Users"));
        request.header("authorization", &held.authorization).send().expect_error(401, "")
    };
    for (there, own) in [(&us, &ire), (&ire, &us)] {
        for held in of_every_kind(&gateway, own) {
            let told = crossed(&there.base_url, &held);
            assert_eq!(told.text.contains(&own.base_url), held.opens, "{}: {}", held.kind, told.text);
            // Whether the region knows the key changes nothing in what the holder of a genuine one is told.
            let unknown = crossed(&there.base_url.replace("/acme/", "/nobody/"), &held);
            assert_eq!(face(&told), face(&unknown), "{}", held.kind);
        }
    }
}

#[test]
fn attack_11_answers_are_never_mixed_up_between_tenants() {
    let gateway = gateway();
    let tenants = [roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b")];
    for tenant in &tenants {
        tenant.post("/Users", &user("same", &json!({ "title": format!("of-{}", tenant.key) }))).expect(201);
    }
    let request = |tenant: &Tenant, last: &str| {
        format!(
            "GET /ire/{}/scim/v2/Users?filter=userName%20eq%20%22same%22 HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{last}\r\n",
            tenant.key,
            gateway.host(),
            tenant.token
        )
    };
    // Requests that are dropped half-way, before and after they were understood.
    for round in 0..30 {
        let whole = request(&tenants[round % 2], "");
        let cut = whole.len() - (round % 3) * 7;
        gateway.connect().send(&whole[..cut]).unwrap();
        let other = &tenants[(round + 1) % 2];
        let found = other.find("/Users", "userName eq \"same\"").expect(200);
        assert_eq!(found.body["Resources"][0]["title"], format!("of-{}", other.key));
    }
    // Both tenants over one connection, as a proxy in front would send them.
    let [a, b] = &tenants;
    let pipelined =
        [request(a, ""), request(b, ""), request(a, ""), request(b, "Connection: close\r\n")].concat();
    let heard = gateway.talk(pipelined);
    assert_eq!(heard.statuses(), [200; 4]);
    let titles: Vec<&str> = heard.text.match_indices("of-").map(|(at, _)| &heard.text[at..at + 4]).collect();
    assert_eq!(titles, ["of-a", "of-b", "of-a", "of-b"]);
}

#[test]
fn attack_12_references_do_not_reach_another_tenant() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let bob = b.post("/Users", &user("bob", &json!({ "displayName": "Bob of B" }))).expect(201).id();
    let club_of_b = b.post("/Groups", &group("club", &[])).expect(201).id();
    let before = everything(&b);
    let ada = a.create_user("ada", "").expect(201).id();
    let club = a.post("/Groups", &group("club", &[&ada])).expect(201).id();
    let club_path = format!("/Groups/{club}");
    let reference = format!("{}/Users/{bob}", b.base_url);
    for member in [
        json!([{ "value": bob }]),
        json!([{ "value": bob, "$ref": reference }]),
        json!([{ "value": ada }, { "value": bob }]),
        json!([{ "value": club_of_b, "type": "Group" }]),
    ] {
        a.patch(&club_path, &operation("add", "members", member.clone())).expect_error(400, "invalidValue");
        a.put(&club_path, &json!({ "schemas": [super::GROUP], "displayName": "club", "members": member }))
            .expect_error(400, "invalidValue");
    }
    a.post("/Groups", &group("other", &[&bob])).expect_error(400, "invalidValue");
    assert_eq!(a.get(&club_path).expect(200).body["members"].as_array().map(Vec::len), Some(1));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let manager = json!({ enterprise: { "manager": { "value": bob, "$ref": reference } } });
    let path = format!("/Users/{ada}");
    a.put(&path, &user("ada", &manager)).expect(200);
    let shown = a.get(&path).expect(200);
    assert_eq!(shown.body[enterprise]["manager"]["value"], Value::from(bob.clone()), "kept as a bare string");
    assert!(!shown.text.contains("Bob of B"), "{}", shown.text);
    a.find("/Users", &format!("groups.value eq \"{club_of_b}\"")).expect(200);
    assert_eq!(everything(&b), before);
}

#[test]
fn attack_13_and_20_unknown_and_known_companies_are_one_answer_with_one_limit() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "12")]);
    let known = roomy(&gateway, "ire", "known");
    let other = roomy(&gateway, "ire", "other");
    let mut wrong_secret = known.token.clone();
    wrong_secret.pop();
    wrong_secret.push(if known.token.ends_with('a') { 'b' } else { 'a' });
    let unknown_key_id = format!("ush_ire_{}", "z".repeat(44));
    let credentials = [
        None,
        Some("rubbish"),
        Some(wrong_secret.as_str()),
        Some(unknown_key_id.as_str()),
        Some(other.token.as_str()),
    ];
    let mut faces = Vec::new();
    for credential in credentials {
        for base in ["/ire/known", "/ire/unknown"] {
            let request = Request::new("GET", &format!("{}{base}/scim/v2/Users", gateway.url));
            faces.push(face(
                &credential
                    .map_or_else(
                        || Request::new("GET", &format!("{}{base}/scim/v2/Users", gateway.url)),
                        |t| request.bearer(t),
                    )
                    .send(),
            ));
        }
    }
    // A region that is not served is public knowledge, and the answer is the same all the same (MC4).
    faces.push(face(&Request::new("GET", &format!("{}/mars/known/scim/v2/Users", gateway.url)).send()));
    assert_eq!(faces[0].0, 401);
    assert!(faces.iter().all(|f| *f == faces[0]), "{faces:#?}");
    // The limit counts the caller, not the company that it tries.
    let last = Request::new("GET", &format!("{}/ire/unknown/scim/v2/Users", gateway.url)).send();
    assert_eq!(face(&last), faces[0]);
    for base in ["/ire/known", "/ire/unknown"] {
        Request::new("GET", &format!("{}{base}/scim/v2/Users", gateway.url)).send().expect_error(429, "");
    }
}

#[test]
fn attack_4_licenses_and_roles_tell_of_the_own_tenant_alone() {
    let gateway = gateway();
    let (a, b) = (entitled(&gateway, "a", Some(9), Some(9)), entitled(&gateway, "b", Some(7), Some(7)));
    let told = || {
        ["/Licenses", "/Roles", "/Licenses/member", "/Roles/admin"].map(|path| a.get(path).expect(200).text)
    };
    let before = told();
    b.create_user("bob", "user").expect(201);
    assert_eq!(told(), before);
    assert!(b.get("/Licenses/member").expect(200).text.contains("1 of 7"));
}

#[test]
fn attack_14_a_name_that_is_taken_elsewhere_is_free_here() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    b.post("/Users", &user("ada", &json!({ "externalId": "e1" }))).expect(201);
    a.post("/Users", &user("ada", &json!({ "externalId": "e1" }))).expect(201);
    let taken = a.create_user("ada", "").expect_error(409, "uniqueness");
    let id_in_b = b.find("/Users", "userName eq \"ada\"").expect(200).body["Resources"][0]["id"].clone();
    assert!(!taken.text.contains(id_in_b.as_str().unwrap()), "{}", taken.text);
}

#[test]
fn attack_67_an_entity_tag_of_another_tenant_confirms_nothing() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let bob = b.create_user("bob", "").expect(201);
    let path = format!("/Users/{}", bob.id());
    let tag = bob.header("etag").unwrap();
    b.request("GET", &path).header("if-none-match", tag).send().expect(304);
    for tag in [tag, "*"] {
        let asked = a.request("GET", &path).header("if-none-match", tag).send();
        let nobody = a.request("GET", NOBODY).header("if-none-match", tag).send();
        assert_eq!(asked.status, 404);
        assert_eq!(face(&asked), face(&nobody));
        a.request("DELETE", &path).header("if-match", tag).send().expect_error(404, "");
    }
}
