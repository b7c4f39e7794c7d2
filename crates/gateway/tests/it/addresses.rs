//! Region, company key, token: which address opens which tenant, and the answer to a wrong one (MetaCompliance's guide).

use serde_json::json;
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::running::{acme, gateway, gateway_with};

const REGIONS: [&str; 5] = ["ire", "us", "nl", "uk", "ca"];

/// `GET /Users?count=1` with this token at this region and key.
fn probe(gateway: &Gateway, region: &str, key: &str, token: &str) -> Answer {
    Request::new("GET", &format!("{}/{region}/{key}/scim/v2/Users?count=1", gateway.url)).bearer(token).send()
}

/// What a caller without a valid token can see of an answer: all but the request's own id and time.
fn visible(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = |name: &str| matches!(name, "x-request-id" | "date");
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
    // Their order is drawn anew for every answer.
    headers.sort();
    (answer.status, headers, answer.text.clone())
}

#[test]
fn mc3_each_region_has_its_own_store_and_its_code_has_no_case() {
    let gateway = gateway();
    for region in REGIONS {
        let tenant = gateway.tenant(region, "acme", Some(1), Some(1));
        tenant.create_user(&format!("{region}-user"), "").expect(201);
        let upper = probe(&gateway, &region.to_uppercase(), "acme", &tenant.token).expect(200);
        assert_eq!(upper.body["totalResults"], 1);
        assert_eq!(upper.body["Resources"][0]["userName"], format!("{region}-user"));
        gateway.audit(&tenant);
    }
    let told = gateway.admin("GET", "/regions", None).expect(200);
    let mut codes: Vec<&str> =
        told.body.as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["ca", "ire", "nl", "uk", "us"]);
}

#[test]
fn mc4_and_mc6_unknown_region_unknown_key_wrong_token_and_anothers_token_look_the_same() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let other = gateway.tenant("ire", "other", Some(1), Some(1));
    gateway.tenant("us", "elsewhere", Some(1), Some(1));
    let made_up = format!("{}AAAAAAAA", &acme.token[..acme.token.len() - 8]);
    let answers = [
        probe(&gateway, "ire", "acme", &made_up),
        probe(&gateway, "mars", "acme", &made_up),
        probe(&gateway, "ire", "nobody", &made_up),
        probe(&gateway, "ire", "elsewhere", &made_up),
        probe(&gateway, "ire", "acme", &other.token),
        probe(&gateway, "ire", "nobody", &other.token),
        probe(&gateway, "ire", "elsewhere", &other.token),
        probe(&gateway, "ire", "acme", "ush_mars_abc_def"),
        probe(&gateway, "ire", "acme", "nonsense"),
    ];
    for answer in &answers {
        assert_eq!(visible(answer), visible(&answers[0]));
    }
    let first = answers[0].clone().expect_error(401, "");
    assert_eq!(first.header("www-authenticate"), Some("Bearer, Basic realm=\"usher\""));
    assert!(first.body["detail"].as_str().unwrap().starts_with("Invalid credentials"), "{}", first.text);
}

#[test]
fn mc5_a_genuine_token_in_a_wrong_region_is_told_its_own_base_url_whatever_key_it_tried() {
    let (gateway, acme) = acme(Some(1), Some(1));
    gateway.tenant("us", "theirs", Some(1), Some(1));
    for (region, key) in [("us", "acme"), ("us", "theirs"), ("us", "nobody"), ("mars", "acme")] {
        let told = probe(&gateway, region, key, &acme.token).expect_error(401, "");
        let detail = told.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("Invalid credentials") && detail.contains(&acme.base_url), "{detail}");
    }
}

#[test]
fn mc7_a_pasted_key_may_have_blanks_around_it_and_nothing_else() {
    let (gateway, acme) = acme(Some(1), Some(1));
    probe(&gateway, "ire", "%20acme%20", &acme.token).expect(200);
    for key in ["ACME", "acm", "acme2", "ac%20me", "%61cme%00"] {
        probe(&gateway, "ire", key, &acme.token).expect_error(401, "");
    }
}

#[test]
fn mc22_a_guid_opens_its_tenant_in_either_letter_case_also_without_a_region() {
    let settings = [("USHER__REGIONS__UK__BASE_URL", "https://uk.scim.example.com")];
    let gateway = gateway_with(&settings);
    let (lower, upper) = ("0a1b2c3d-4e5f-6789-abcd-ef0123456789", "0A1B2C3D-4E5F-6789-ABCD-EF0123456789");
    let guid = gateway.onboard("us", &json!({ "key": upper, "name": "Guid" }));
    let acme = gateway.tenant("us", "acme", Some(1), Some(1));
    assert!(guid.base_url.ends_with(&format!("/us/{lower}/scim/v2")), "{}", guid.base_url);
    for key in [lower, upper] {
        probe(&gateway, "us", key, &guid.token).expect(200);
        let status = |host: &str, token: &str| at_host(&gateway, host, &format!("/{key}/scim/v2"), token);
        assert_eq!(status("scim.example.com", &guid.token), 200, "{key}");
        assert_eq!(status("uk.scim.example.com", &guid.token), 401, "another region's host");
        assert_eq!(status("scim.example.com", &acme.token), 401, "another tenant's token");
        assert_eq!(
            gateway.admin("GET", &format!("/regions/us/tenants/{key}"), None).expect(200).body["key"],
            lower
        );
        gateway.cli_ok(&["tenant", "show", "--region", "us", "--key", key]);
        let taken = json!({ "key": key, "name": "Again" });
        assert_eq!(gateway.admin("POST", "/regions/us/tenants", Some(&taken)).status, 409);
    }
    assert_eq!(at_host(&gateway, "scim.example.com", "/acme/scim/v2", &acme.token), 401, "it is no GUID");
}

#[test]
fn mc8_me6_and_me7_the_credential_test_passes_in_every_spelling_of_the_base_url() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let base = &acme.base_url;
    let doubled = base.replace("/scim/v2", "//scim//v2");
    let slash = format!("{base}/");
    for url in [
        format!("{base}/Users?count=1"),
        format!("{base}/Users/?count=1"),
        format!("{slash}/Users?count=1"),
        format!("{doubled}//Users?count=1"),
        format!("{base}/Users?aadOptscim062020&count=1"),
        format!("{base}/Users?count=1&aadOptscim062020"),
        format!("{base}/Users?filter=userName+eq+%22nobody%22&"),
    ] {
        let answer = Request::new("GET", &url).bearer(&acme.token).send().expect(200);
        assert_eq!(
            (&answer.body["totalResults"], &answer.body["Resources"]),
            (&json!(0), &json!([])),
            "{url}"
        );
    }
    gateway.audit(&acme);
}

/// The status of `GET {path}/Users` with this `Host`.
fn at_host(gateway: &Gateway, host: &str, path: &str, token: &str) -> u16 {
    let head = format!(
        "GET {path}/Users HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    gateway.connect().ask(head).unwrap().status
}

#[test]
fn a_regions_own_host_is_the_same_with_the_default_port_of_its_scheme() {
    let settings = [("USHER__REGIONS__UK__BASE_URL", "https://uk.scim.example.com")];
    let gateway = gateway_with(&settings);
    let acme = gateway.tenant("uk", "acme", Some(1), Some(1));
    assert_eq!(acme.base_url, "https://uk.scim.example.com/acme/scim/v2");
    for (host, status) in [
        ("uk.scim.example.com", 200),
        ("UK.scim.example.com:443", 200),
        ("uk.scim.example.com:80", 401),
        ("uk.scim.example.com:8443", 401),
        ("scim.example.com:443", 401),
    ] {
        assert_eq!(at_host(&gateway, host, "/acme/scim/v2", &acme.token), status, "{host}");
    }
}

#[test]
fn a_path_in_front_of_every_base_url_may_be_passed_on_or_taken_away() {
    let settings = [
        ("USHER__SERVER__PUBLIC_URL", "https://example.com/provisioning/eu/"),
        ("USHER__REGIONS__UK__BASE_URL", "https://example.com/uk-people"),
        ("USHER__REGIONS__US__BASE_URL", "https://example.com/us-people"),
    ];
    let gateway = gateway_with(&settings);
    let ire = gateway.tenant("ire", "acme", None, None);
    let uk = gateway.tenant("uk", "acme", None, None);
    assert_eq!(ire.base_url, "https://example.com/provisioning/eu/ire/acme/scim/v2");
    assert_eq!(uk.base_url, "https://example.com/uk-people/acme/scim/v2");
    for (path, token, status) in [
        ("/provisioning/eu/ire/acme/scim/v2", &ire.token, 200),
        ("//provisioning/eu//ire/acme/scim/v2", &ire.token, 200),
        ("/ire/acme/scim/v2", &ire.token, 200),
        ("/uk-people/acme/scim/v2", &uk.token, 200),
        ("/acme/scim/v2", &uk.token, 200),
        ("/uk/acme/scim/v2", &uk.token, 200),
        ("/provisioning/eu/uk/acme/scim/v2", &uk.token, 200),
        ("/us-people/acme/scim/v2", &uk.token, 401),
        ("/provisioning/ire/acme/scim/v2", &ire.token, 401),
        ("/other/eu/ire/acme/scim/v2", &ire.token, 401),
        ("/uk-people/acme/scim/v2", &ire.token, 401),
        ("/provisioning/eu/ire/other/scim/v2", &ire.token, 401),
    ] {
        assert_eq!(at_host(&gateway, "example.com", path, token), status, "{path}");
    }
    // What answers tell is what the settings say, and staff's paths are where they were.
    let local = Tenant { base_url: format!("{}/ire/acme/scim/v2", gateway.url), ..ire.clone() };
    let made = local.create_user("ada", "").expect(201);
    let location = format!("{}/Users/{}", ire.base_url, made.id());
    assert_eq!(
        (&made.body["meta"]["location"], made.header("location")),
        (&json!(location), Some(location.as_str()))
    );
    assert!(local.get("/Persons").expect_error(404, "").text.contains(&ire.base_url));
    assert_eq!(Request::new("GET", &format!("{}/readyz", gateway.url)).send().status, 200);
    assert_eq!(gateway.admin("GET", &ire.admin_path(), None).expect(200).body["base_url"], ire.base_url);
}

#[test]
fn me5_a_new_token_leaves_the_old_one_alive_until_it_is_revoked() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let tokens = format!("{}/tokens", acme.admin_path());
    let second = gateway.admin("POST", &tokens, None).expect(201).body;
    let renewed = Tenant { token: second["token"].as_str().unwrap().to_owned(), ..acme.clone() };
    acme.get("/Users").expect(200);
    renewed.get("/Users").expect(200);
    let listed = gateway.admin("GET", &tokens, None).expect(200);
    assert!(!listed.text.contains(&acme.token) && !listed.text.contains(&renewed.token), "{}", listed.text);
    let ids: Vec<&str> =
        listed.body.as_array().unwrap().iter().map(|t| t["key_id"].as_str().unwrap()).collect();
    let new_id = second["key_id"].as_str().unwrap();
    let old_id = ids.iter().find(|id| **id != new_id).unwrap();
    gateway.admin("DELETE", &format!("{tokens}/{old_id}"), None).expect(204);
    acme.get("/Users").expect_error(401, "");
    renewed.get("/Users").expect(200);
}

#[test]
fn mo15_a_wrong_path_is_404_with_the_right_base_url_for_the_holder_of_a_valid_token() {
    let (_gateway, acme) = acme(Some(1), Some(1));
    let lost = acme.get("/Persons").expect_error(404, "");
    assert!(lost.body["detail"].as_str().unwrap().contains(&acme.base_url), "{}", lost.text);
}

#[test]
fn a_suspended_tenant_is_told_so_and_nothing_is_stored() {
    let (gateway, acme) = acme(Some(1), Some(1));
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    let told = acme.create_user("ada", "").expect_error(403, "");
    assert!(told.body["detail"].as_str().unwrap().contains("suspended"), "{}", told.text);
    gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 0);
}
