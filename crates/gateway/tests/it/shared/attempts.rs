//! Wrong credentials are counted over all processes.

use testkit::{gateway::Tenant, http::Request};

use super::{Pair, probe, wrong};

const LIMIT: [(&str, &str); 2] =
    [("USHER__LIMITS__WRONG_SECRETS", "10"), ("USHER__SERVER__TRUSTED_PROXIES", "127.0.0.1,::1")];

/// A token of this key id that opens nothing.
fn token(key_id: &str) -> String {
    format!("ush_ire_{key_id}{}", "x".repeat(32))
}

#[test]
fn attack_21_wrong_credentials_at_one_process_count_at_the_other() {
    let pair = Pair::start(&LIMIT);
    let [one, other] = &pair.tenants;
    let ask = |tenant: &Tenant, key_id: &str, address: &str| {
        let request = Request::new("GET", &format!("{}/Users", tenant.base_url)).bearer(&token(key_id));
        request.header("x-forwarded-for", address).send()
    };
    // By address: each with a key id of its own.
    let key_id = |number: usize| format!("{number:012}");
    for number in 0..6 {
        assert_eq!(ask(one, &key_id(number), "198.51.100.1").status, 401);
    }
    for number in 6..10 {
        assert_eq!(ask(other, &key_id(number), "198.51.100.1").status, 401);
    }
    for (number, tenant) in [(10, other), (11, one)] {
        let refused = ask(tenant, &key_id(number), "198.51.100.1").expect_error(429, "");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=5).contains(&wait), "{wait}");
    }
    assert_eq!(ask(one, &key_id(12), "198.51.100.2").status, 401, "another address");
    // By key id: each from an address of its own.
    for number in 0..10 {
        let tenant = &pair.tenants[number % 2];
        assert_eq!(ask(tenant, "abcdefghijkl", &format!("203.0.113.{number}")).status, 401);
    }
    assert_eq!(ask(one, "abcdefghijkl", "203.0.113.99").status, 429);
    // Right ones are served, and the counts end with their window.
    assert_eq!((probe(one), probe(other)), (200, 200));
    let left: i64 = pair.redis.command(&["PTTL", "usher:wrong:address:198.51.100.1"])[1..].parse().unwrap();
    assert!((1..=600_000).contains(&left), "{left} ms");
    assert_eq!(wrong(&one.base_url, "nonsense"), 401, "the count of the proxy itself");
}
