//! Whose address is counted behind a proxy; `client_address.rs` has the forms.

use testkit::{gateway::Gateway, http::Request};

use crate::running::gateway_with;

fn ask(gateway: &Gateway, path: &str, header: (&str, &str)) -> u16 {
    Request::new("GET", &format!("{}{path}", gateway.url)).header(header.0, header.1).send().status
}

const SCIM: &str = "/ire/acme/scim/v2/Users";
const ADMIN: &str = "/admin/v1/regions";

#[test]
fn attack_21_behind_a_trusted_proxy_each_client_has_its_own_count() {
    let settings = [("USHER__LIMITS__WRONG_SECRETS", "3"), ("USHER__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
    let gateway = gateway_with(&settings);
    for path in [SCIM, ADMIN] {
        let client = |number: usize| format!("198.51.{}.{number}", path.len());
        for number in 0..5 {
            let value = format!("for={}", client(number));
            assert_eq!(ask(&gateway, path, ("forwarded", &value)), 401, "{path} {number}");
        }
        let by = |number, times: usize| {
            let value = client(number);
            (0..times).map(|_| ask(&gateway, path, ("x-forwarded-for", &value))).collect::<Vec<_>>()
        };
        assert_eq!(by(9, 4), [401, 401, 401, 429], "{path}");
        assert_eq!(by(8, 1), [401], "{path}");
    }
    let log = gateway.log();
    assert!(log.contains("198.51."), "an admin request that is refused names its client: {log}");
}

#[test]
fn attack_6_from_anyone_else_the_headers_change_no_count() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "3")]);
    let answers: Vec<u16> =
        (0..4).map(|n| ask(&gateway, SCIM, ("x-forwarded-for", &format!("198.51.100.{n}")))).collect();
    assert_eq!(answers, [401, 401, 401, 429]);
}
