//! What is announced is what is enforced (RFC 7644 §3.7.4).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{bulk, delete, ended, id, new_team, new_user, send, statuses};
use crate::running::{ENTERPRISE, gateway_with, members, roomy};

#[test]
fn attack_45_more_operations_than_announced_are_413_and_named_and_nothing_is_done() {
    let (_gateway, acme) = roomy();
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(config["bulk"]["supported"], true);
    let most = usize::try_from(config["bulk"]["maxOperations"].as_u64().unwrap()).unwrap();
    for n in [most + 1, 20_000] {
        let mut operations = vec![delete("/Users/x"); n];
        operations[0] = new_user("ada", &json!({}));
        let refused = send(&acme, &operations.into()).expect_error(413, "");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("maxOperations ({most})")), "{detail}");
    }
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 0);
    let ended = ended(&send(&acme, &vec![delete("/Users/x"); most].into()));
    assert_eq!(ended.len(), most);
}

#[test]
fn a_body_beyond_the_announced_size_is_413_and_the_size_is_named() {
    let limit = "100000";
    let gateway = gateway_with(&[("USHER__SERVER__BODY_LIMIT_BYTES", limit)]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(config["bulk"]["maxPayloadSize"].to_string(), limit);
    let refused = send(&acme, &json!([new_user(&"x".repeat(200_000), &json!({}))])).expect_error(413, "");
    assert!(refused.body["detail"].as_str().unwrap().contains("maxPayloadSize (100000)"), "{}", refused.text);
}

/// Operations that were begun are done and answered; the rest can be sent again.
#[test]
fn a_bulk_that_takes_too_long_does_not_attempt_the_rest() {
    let gateway = gateway_with(&[("USHER__LIMITS__BULK_SECONDS", "0")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let operations: Vec<Value> = (0..1000).map(|n| new_user(&format!("u{n}"), &json!({}))).collect();
    let ended = bulk(&acme, &operations.into());
    let done = statuses(&ended).iter().filter(|status| **status == "201").count();
    assert!(done > 0, "{}", ended[0]);
    for late in &ended[done..] {
        assert_eq!(late["response"]["status"], "503", "{late}");
        assert!(late["response"]["detail"].as_str().unwrap().starts_with("Not attempted"), "{late}");
        assert!(late.get("location").is_none());
    }
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], done);
    assert!(done < 1000, "this machine is too fast for this test");
    gateway.audit(&acme);
}

#[test]
fn attack_45_a_bulk_full_of_references_or_of_comparisons_is_bounded() {
    let (mut gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let team = |n: usize, members: usize| {
        let members: Vec<String> = (0..members).map(|m| format!("bulkId:{}", m % 1000)).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        new_team(&n.to_string(), &members)
    };
    let everybody_in_everything: Vec<Value> = (0..1000).map(|n| team(n, 100)).collect();
    let wide = vec!["value co \"y\""; 200].join(" or ");
    let compare = json!([{ "op": "replace", "path": format!("emails[{wide}].display"), "value": "x" }]);
    let path = format!("/Users/{}", ada.id());
    let comparisons = vec![super::patch(&path, &compare); 1000];
    for (operations, status) in [(everybody_in_everything, "409"), (comparisons, "400")] {
        let began = Instant::now();
        let ended = bulk(&acme, &operations.into());
        // The first is told why; those behind it may come too late for that.
        assert_eq!(statuses(&ended)[0], status, "{}", ended[0]);
        assert!(statuses(&ended).iter().all(|s| *s == status || *s == "503"), "{}", ended[0]);
        assert!(began.elapsed() < Duration::from_secs(55), "{:?}", began.elapsed());
    }
    assert!(gateway.is_alive());
    assert_eq!(acme.get(&path).expect(200).body, ada.body);
}

#[test]
fn attack_45_four_hundred_references_are_resolved() {
    let (gateway, acme) = roomy();
    let names: Vec<String> = (0..400).map(|n| format!("u{n}")).collect();
    let references: Vec<String> = names.iter().map(|name| format!("bulkId:{name}")).collect();
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let mut operations = vec![new_team("Team", &references)];
    operations.extend(names.iter().map(|name| new_user(name, &json!({}))));
    let ended = bulk(&acme, &operations.into());
    assert!(statuses(&ended).iter().all(|status| *status == "201"));
    let mut ids: Vec<String> = ended[1..].iter().map(id).collect();
    ids.sort();
    assert_eq!(members(&acme, &id(&ended[0])), ids);
    gateway.audit(&acme);
}

#[test]
fn attack_45_a_thousand_operations_full_of_references_forwards_and_in_a_circle_are_done() {
    let gateway = gateway_with(&[("USHER__LIMITS__BULK_SECONDS", "300")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let (teams, users) = (330, 660);
    let managed = |n: usize| {
        let manager = format!("bulkId:u{}", (n + 1) % users);
        new_user(&format!("u{n}"), &json!({ ENTERPRISE: { "manager": manager } }))
    };
    let references: Vec<String> = (0..users).map(|n| format!("bulkId:u{n}")).collect();
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let team = |n: usize| new_team(&n.to_string(), &references[n..n + 10]);
    let operations: Vec<Value> = (0..teams).map(team).chain((0..users).map(managed)).collect();
    let ended = bulk(&acme, &operations.into());
    assert!(statuses(&ended).iter().all(|status| *status == "201"), "{ended:?}");
    gateway.audit(&acme);
}
