//! A tenant's mode is one of three, and staff change it while it is served.

use serde_json::json;

use super::{ada, interop};
use crate::{
    black_box::assert_conforms,
    people::said,
    running::{replace, roomy},
    staff::problem,
};

#[test]
fn our_black_box_checks_of_the_profile_pass_on_such_a_tenant() {
    let (gateway, acme) = interop();
    assert_conforms(&gateway, &acme, &[]);
}

#[test]
fn a_tenants_mode_is_one_of_three_and_strict_is_a_short_form() {
    let (gateway, acme) = roomy();
    let mode = || said(&gateway, &acme, &["tenant", "show"])["mode"].clone();
    assert_eq!(mode(), "lenient");
    for (words, expected) in [
        (&["--mode", "interop"][..], "interop"),
        (&["--mode", "strict"], "strict"),
        (&["--strict", "false"], "lenient"),
        (&["--strict"], "strict"),
        (&["--mode", "lenient"], "lenient"),
    ] {
        said(&gateway, &acme, &[&["tenant", "set"], words].concat());
        assert_eq!(mode(), expected);
    }
    let words = ["tenant", "set", "--region", "ire", "--key", "acme", "--mode", "strict", "--strict"];
    assert_eq!(gateway.cli(&words).status.code(), Some(2));
    let both = json!({ "settings": { "mode": "interop", "strict": true } });
    problem(&gateway.admin("PATCH", &acme.admin_path(), Some(&both)), 400);
    let made = json!({ "key": "globex", "name": "Globex", "settings": { "strict": true } });
    gateway.onboard("ire", &made);
    let shown = gateway.admin("GET", "/regions/ire/tenants/globex", None).expect(200).body;
    assert_eq!((&shown["mode"], &shown["settings"]["mode"]), (&json!("strict"), &json!("strict")));
}

#[test]
fn a_change_of_the_mode_holds_for_the_next_request_and_leaves_the_data() {
    let (gateway, acme) = interop();
    let path = ada(&acme);
    let without_path = json!([{ "op": "replace", "value": { "title": "Dr" } }]);
    acme.patch(&path, &without_path).expect_error(400, "invalidSyntax");
    said(&gateway, &acme, &["tenant", "set", "--mode", "lenient"]);
    assert_eq!(acme.patch(&path, &without_path).expect(200).body["title"], "Dr");
    let odd = json!([{ "value": "x@acme.example", "type": "nonsense" }]);
    acme.patch(&path, &replace("emails", odd)).expect(200);
    // What was stored before stays, and can still be changed elsewhere.
    said(&gateway, &acme, &["tenant", "set", "--mode", "interop"]);
    assert_eq!(
        acme.patch(&path, &replace("title", "Prof")).expect(200).body["emails"][0]["type"],
        "nonsense"
    );
    assert_eq!(acme.get("/ServiceProviderConfig").expect(200).body["interopProfileConformant"], true);
}

#[test]
fn names_that_no_schema_knows_are_shown_with_a_lenient_tenant() {
    let (gateway, acme) = roomy();
    for nth in 0..3 {
        let body =
            json!({ "schemas": [crate::running::USER], "userName": format!("u{nth}"), "shoeSize": 41 });
        acme.post("/Users", &body).expect(201);
    }
    assert_eq!(said(&gateway, &acme, &["tenant", "show"])["dropped"], json!({ "shoeSize": 3 }));
    let words = ["tenant", "show", "--region", "ire", "--key", "acme"];
    assert!(gateway.cli_ok(&words).contains("shoeSize: 3"), "{}", gateway.cli_ok(&words));
}
