//! Numbers of pages, and parameters that stand twice (rows 44 and 64).

use super::{assert_no_leak, gateway, gateway_with, roomy};

#[test]
fn attack_44_page_numbers_are_integers_or_refused_and_never_unbounded() {
    let gateway = gateway_with(&[("USHER__LIMITS__MAX_RESULTS", "3")]);
    let acme = roomy(&gateway, "ire", "acme");
    for n in 0..5 {
        acme.create_user(&format!("u{n}"), "").expect(201);
    }
    for name in ["count", "startIndex"] {
        for wrong in ["1.5", "1e3", "%00", "%D9%A1%D9%A2", "abc", "0x10", "1,2", "--1", "%20", "true", "1%00"]
        {
            acme.get(&format!("/Users?{name}={wrong}")).expect_error(400, "invalidValue");
        }
        for odd in [
            "",
            "-1",
            "0",
            "99999999999999999999",
            "-99999999999999999999",
            "2000000000",
            "9223372036854775807",
            "18446744073709551616",
        ] {
            let answer = acme.get(&format!("/Users?{name}={odd}"));
            assert!(matches!(answer.status, 200 | 400), "{name}={odd}: {} {}", answer.status, answer.text);
            assert_no_leak(&answer, &[]);
            if answer.status == 200 {
                assert!(answer.body["Resources"].as_array().is_none_or(|r| r.len() <= 3), "{}", answer.text);
                assert_eq!(answer.body["totalResults"], 5);
            }
        }
    }
    let page = acme.get("/Users?count=2000000000").expect(200);
    assert_eq!(
        (&page.body["itemsPerPage"], page.body["Resources"].as_array().map(Vec::len)),
        (&3.into(), Some(3))
    );
    let last = acme.get("/Users?startIndex=4&count=3").expect(200);
    assert_eq!(last.body["Resources"].as_array().map(Vec::len), Some(2));
    let config = acme.get("/ServiceProviderConfig").expect(200);
    assert_eq!(config.body["filter"]["maxResults"], 3);
}

#[test]
fn attack_64_a_parameter_that_stands_twice_is_refused() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("ada", "").expect(201);
    for query in [
        "filter=userName%20eq%20%22ada%22&filter=userName%20pr",
        "count=1&count=100",
        "count=1&COUNT=100",
        "startIndex=1&startIndex=2",
        "attributes=id&attributes=userName",
        "count=1&co%75nt=100",
    ] {
        acme.get(&format!("/Users?{query}")).expect_error(400, "invalidValue");
    }
    acme.get("/Users?aadOptscim062020&aadOptscim062020&x=1&x=2").expect(200);
}
