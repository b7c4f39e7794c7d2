//! Two acts of staff at the same moment: each reads, merges and writes in one transaction, so neither undoes the other.

use serde_json::json;
use testkit::at_once::at_once;

use crate::running::roomy;

#[test]
fn two_changes_of_settings_at_once_both_hold() {
    let (gateway, acme) = roomy();
    for round in 0..20 {
        let contact = format!("it-{round}@acme.example");
        let changes = [
            json!({ "settings": { "contact": contact } }),
            json!({ "settings": { "mode": if round % 2 == 0 { "strict" } else { "interop" } } }),
            json!({ "settings": { "unknown_members": if round % 2 == 0 { "skip" } else { "refuse" } } }),
        ];
        at_once(changes.len(), |n| {
            gateway.admin("PATCH", &acme.admin_path(), Some(&changes[n])).expect(200);
        });
        let settings = gateway.admin("GET", &acme.admin_path(), None).expect(200).body["settings"].clone();
        for change in &changes {
            for (name, value) in change["settings"].as_object().unwrap() {
                assert_eq!(&settings[name], value, "round {round}: {settings}");
            }
        }
    }
}

#[test]
fn a_quota_and_a_policy_changed_at_once_both_hold() {
    let (gateway, acme) = roomy();
    let path = format!("{}/seats", acme.admin_path());
    for round in 1..=10 {
        let changes = [
            json!({ "member": { "quota": round } }),
            json!({ "member": { "policy": if round % 2 == 0 { "refuse" } else { "fallback" } } }),
            json!({ "member_lite": { "quota": round + 100 } }),
        ];
        at_once(changes.len(), |n| {
            gateway.admin("PATCH", &path, Some(&changes[n])).expect(200);
        });
        let seats = gateway.seats(&acme);
        assert_eq!(seats["member"]["quota"], round);
        assert_eq!(seats["member"]["policy"], changes[1]["member"]["policy"]);
        assert_eq!(seats["member_lite"]["quota"], round + 100);
    }
}
