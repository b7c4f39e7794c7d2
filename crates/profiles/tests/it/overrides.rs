//! What one tenant says differently: merged, checked by the same validator, shown side by side.

use profiles::{Overrides, Profile, built_in_names, merge_patch, patch_of_words};
use serde_json::{Map, Value, json};

fn overrides(value: Value) -> Overrides {
    serde_json::from_value(value).unwrap()
}

fn words(set: &[&str], unset: &[&str]) -> Result<Value, Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let patch = patch_of_words(&owned(set), &owned(unset));
    patch.map(Value::Object).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn rfc_7396_appendix_a_holds() {
    for (target, patch, expected) in [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"b"}), json!(["c"]), json!(["c"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"a":"foo"}), json!("bar"), json!("bar")),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
    ] {
        let mut merged = target.clone();
        merge_patch(&mut merged, &patch);
        assert_eq!(merged, expected, "{target} {patch}");
    }
}

#[test]
fn without_overrides_a_profile_stays_as_it_is() {
    for name in built_in_names() {
        let profile = Profile::built_in(name).unwrap();
        assert_eq!(profile.with(&Overrides::default()).as_ref(), Ok(&profile), "{name}");
    }
}

#[test]
fn every_key_is_one_row_with_the_profiles_value_the_tenants_and_the_one_in_force() {
    let profile = Profile::built_in("iomete").unwrap();
    let own = overrides(json!({
        "leaving": {"deleted": "delete"},
        "sources": [{"groups": [{"id": "0198", "role": "admin"}]}],
        "words": {"contact": "help@example.com"},
    }));
    let rows = profile.keys(&own).unwrap();
    let row = |key: &str| serde_json::to_value(rows.iter().find(|row| row.key == key).unwrap()).unwrap();
    assert_eq!(
        row("leaving.deleted"),
        json!({"key": "leaving.deleted", "profile": "archive", "override": "delete", "in_force": "delete"})
    );
    assert_eq!(
        row("leaving.recreate"),
        json!({"key": "leaving.recreate", "profile": "revive", "override": null, "in_force": "revive"})
    );
    assert_eq!(
        row("sources"),
        json!({
            "key": "sources",
            "profile": [],
            "override": [{"groups": [{"id": "0198", "role": "admin"}]}],
            "in_force": [{"groups": [{"id": "0198", "role": "admin"}]}],
        })
    );
    assert_eq!(row("features.create")["in_force"], true);
    assert_eq!(row("log.keep_days")["in_force"], 90);
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    let mut once = keys.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), keys.len());
    assert!(!keys.contains(&"name") && !keys.contains(&"format") && !keys.contains(&"leaving"));
}

#[test]
fn overrides_pass_the_validator_of_files_and_every_fault_is_told_without_a_line() {
    let profile = Profile::built_in("mentimeter").unwrap();
    let faults = profile
        .with(&overrides(json!({
            "leaving": {"deleted": "burn", "after": 3},
            "local": {"wins": 7},
            "default_role": "owner",
            "sources": [{"groups": [{"id": "1", "role": "boss"}, {"name": "A", "id": "2", "role": "admin"}]}],
            "colour": "red",
            "features": null,
            "log": {"keep_days": null},
        })))
        .unwrap_err();
    assert!(faults.iter().all(|fault| fault.line.is_none()));
    let mut keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "colour",
            "default_role",
            "leaving.after",
            "leaving.deleted",
            "local.wins",
            "sources[0].groups[0].role",
            "sources[0].groups[1]",
        ]
    );
    assert_eq!(serde_json::to_value(&faults[0]).unwrap().get("line"), None);
    // Licenses that roles need cannot be taken away.
    let fewer = json!({"licenses": [{"key": "member", "quota": 5}]});
    let faults = profile.with(&overrides(fewer)).unwrap_err();
    assert_eq!(faults.iter().map(|f| f.key.as_str()).collect::<Vec<_>>(), ["roles[2].license"]);
}

#[test]
fn name_and_format_are_the_profiles_own_and_overrides_are_no_longer_than_a_file() {
    let profile = Profile::built_in("default").unwrap();
    let faults = profile.with(&overrides(json!({"name": "default", "format": 1}))).unwrap_err();
    assert_eq!(faults.len(), 2);
    let long = overrides(json!({"words": {"contact": "x".repeat(profiles::MAX_BYTES)}}));
    assert!(profile.with(&long).unwrap_err()[0].reason.contains("longer than 65536 bytes"));
}

#[test]
fn a_patch_changes_single_keys_and_null_takes_them_away() {
    let patch = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let one =
        Overrides::default().patched(&patch(json!({"leaving": {"deleted": "archive"}, "title": "Acme"})));
    let two = one.patched(&patch(json!({"leaving": {"recreate": "revive"}})));
    assert_eq!(
        two,
        overrides(json!({"leaving": {"deleted": "archive", "recreate": "revive"}, "title": "Acme"}))
    );
    let three = two
        .patched(&patch(json!({"leaving": {"deleted": null, "recreate": null}, "title": null, "log": null})));
    assert!(three.is_empty(), "{three:?}");
}

#[test]
fn words_of_the_command_line_become_one_patch() {
    let rules = r#"sources=[{groups=[{name="Admins", role="admin"}]}]"#;
    assert_eq!(
        words(
            &[
                "leaving.deleted=\"archive\"",
                "leaving.groupless_after_minutes = 0",
                "features.delete=false",
                "local.wins=idp",
                rules
            ],
            &["leaving.recreate", "title"]
        ),
        Ok(json!({
            "leaving": {"deleted": "archive", "groupless_after_minutes": 0, "recreate": null},
            "features": {"delete": false},
            "local": {"wins": "idp"},
            "sources": [{"groups": [{"name": "Admins", "role": "admin"}]}],
            "title": null,
        }))
    );
    assert_eq!(
        words(&["words.contact=help@example.com"], &[]),
        Ok(json!({"words": {"contact": "help@example.com"}}))
    );
}

#[test]
fn every_word_that_cannot_be_read_is_told() {
    let faults = words(
        &[
            "title",
            "licenses[0].quota=1",
            "title=[1",
            "log.keep_days=1",
            "log.keep_days=2",
            "log=1",
            "title=1979-05-27",
        ],
        &["", "log.keep_days", "Title"],
    )
    .unwrap_err();
    assert_eq!(faults.len(), 9, "{faults:#?}");
    for (fault, part) in faults.iter().zip([
        "KEY=VALUE",
        "a list is set whole",
        "title: the value is no TOML",
        "log.keep_days: is set twice",
        "log: is set twice",
        "title: the value is no TOML: a date",
        "is no key",
        "log.keep_days: is set or unset twice",
        "\"Title\": is no key",
    ]) {
        assert!(fault.contains(part), "{fault} {part}");
    }
}
