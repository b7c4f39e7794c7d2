//! By which door staff come: one spelling of each path, and a listener of their own where the settings say so.

use testkit::{
    gateway::Gateway,
    http::{Answer, Request},
};

use super::{problem, token};
use crate::running::{gateway_with, roomy};

fn get(gateway: &Gateway, base: &str, path: &str) -> Answer {
    Request::new("GET", &format!("{base}{path}")).bearer(&token(gateway)).send()
}

#[test]
fn attack_18_a_path_that_a_proxy_would_not_know_for_the_admin_api_is_none() {
    let (gateway, _acme) = roomy();
    get(&gateway, &gateway.url, "/admin/v1/regions").expect(200);
    for path in [
        "//admin/v1/regions",
        "/Admin/v1/regions",
        "/ADMIN/v1/regions",
        "/%61dmin/v1/regions",
        "/admi%6E/v1/regions",
        "/%2561dmin/v1/regions",
        "/admin%2fv1/regions",
        "/admin%2Fv1%2Fregions",
        "/admin/%761/regions",
        "/admin/v1/%72egions",
        "/admin/v1/regions/%69re/tenants",
        "/./admin/v1/regions",
        "/x/../admin/v1/regions",
        "/admin/../admin/v1/regions",
        "/admin/./v1/regions",
        "/%2e/admin/v1/regions",
        "/admin//v1/regions",
        "/admin;x/v1/regions",
        "/admin",
        "/admin/",
        "/admin/v1x",
        "/admin/v2/regions",
    ] {
        let answer = get(&gateway, &gateway.url, path);
        assert!(matches!(answer.status, 401 | 404), "{path}: {} {}", answer.status, answer.text);
        let status = answer.status;
        answer.expect_error(status, "");
    }
    for path in [
        "/admin/v1//regions",
        "/admin/v1/regions/",
        "/admin/v1/../v1/regions",
        "/admin/v1/./regions",
        "/admin/v1/Regions",
    ] {
        problem(&get(&gateway, &gateway.url, path), 404);
    }
    assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());
}

#[test]
fn with_a_listener_for_staff_the_other_one_has_no_admin_route() {
    let gateway = gateway_with(&[("USHER__ADMIN__LISTEN", "127.0.0.1:0")]);
    let url = std::fs::read_to_string(gateway.data_dir().join("server-url")).unwrap();
    let staff = url.trim();
    assert_ne!(staff, gateway.url);
    for path in ["/admin/v1/regions", "/admin/v1/regions/ire/tenants", "/admin/v1/nothing"] {
        get(&gateway, &gateway.url, path).expect_error(404, "");
    }
    get(&gateway, staff, "/admin/v1/regions").expect(200);
    problem(&Request::new("GET", &format!("{staff}/admin/v1/regions")).send(), 401);
    for path in ["/", "/ire/acme/scim/v2/Users", "/livez", "/%61dmin/v1/regions"] {
        problem(&get(&gateway, staff, path), 404);
    }
    Request::new("GET", &format!("{}/livez", gateway.url)).send().expect(200);
    // The command line finds the door of staff by itself, and base URLs name the door of clients.
    gateway.cli_ok(&["tenant", "create", "--region", "ire", "--key", "acme", "--name", "Acme"]);
    let issued = gateway.cli_ok(&["token", "issue", "--region", "ire", "--key", "acme", "--json"]);
    let issued: serde_json::Value = serde_json::from_str(&issued).unwrap();
    let base_url = issued["base_url"].as_str().unwrap();
    assert!(base_url.starts_with(&gateway.url), "{base_url}");
    let users = Request::new("GET", &format!("{base_url}/Users")).bearer(issued["token"].as_str().unwrap());
    users.send().expect(200);
}

#[test]
fn a_stop_ends_both_doors() {
    let mut gateway = gateway_with(&[("USHER__ADMIN__LISTEN", "127.0.0.1:0")]);
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
}
