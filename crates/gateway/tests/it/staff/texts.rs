//! Texts of staff are read by other people, in mails, logs and terminals: every character of them shows.

use serde_json::json;

use super::problem;
use crate::running::roomy;

const HIDDEN: [&str; 12] = [
    "\u{1b}[2J",
    "\n",
    "\r",
    "\t",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
];

#[test]
fn attack_24_a_name_or_a_contact_that_does_not_show_is_refused_and_nothing_is_changed() {
    let (gateway, acme) = roomy();
    let before = gateway.admin("GET", "/regions/ire/tenants", None).expect(200).body;
    for hidden in HIDDEN {
        for text in [format!("a{hidden}b"), format!("a{hidden}"), format!("{hidden}b")] {
            let bodies = [
                json!({ "name": text }),
                json!({ "name": "x", "settings": { "contact": text } }),
                json!({ "name": "x", "profile": text }),
                json!({ "name": "x", "key": text }),
                json!({ "name": "x", "seats": { &text: 1 } }),
            ];
            for body in &bodies {
                problem(&gateway.admin("POST", "/regions/ire/tenants", Some(body)), 400);
            }
            let contact = json!({ "settings": { "contact": text } });
            let detail = problem(&gateway.admin("PATCH", &acme.admin_path(), Some(&contact)), 400);
            assert!(!detail.contains(hidden), "{detail:?}");
        }
    }
    assert_eq!(gateway.admin("GET", "/regions/ire/tenants", None).expect(200).body, before);
}

#[test]
fn attack_24_a_schema_with_hidden_characters_is_refused_and_one_that_shows_is_not() {
    let (gateway, acme) = roomy();
    let schema = |description: &str| {
        json!({ "schema": {
            "id": "urn:example:hr:2.0:User", "name": "HR", "description": description,
            "attributes": [{ "name": "desk", "type": "string", "multiValued": false }],
        } })
    };
    let path = format!("{}/schemas", acme.admin_path());
    for hidden in ["\u{202e}", "\u{2028}", "\u{1b}", "\u{200b}"] {
        problem(&gateway.admin("POST", &path, Some(&schema(&format!("a{hidden}b")))), 400);
    }
    gateway.admin("POST", &path, Some(&schema("Desks, one for each person: \u{e9}, \u{5317}."))).expect(201);
}

#[test]
fn the_command_line_says_so_in_one_sentence() {
    let (gateway, acme) = roomy();
    let place = ["--region", "ire", "--key", "acme"];
    for hidden in ["\u{1b}[2J", "\n", "\u{202e}", "\u{2028}"] {
        let text = format!("a{hidden}b");
        let set = [["tenant", "set"].as_slice(), &place, &["--contact", &text]].concat();
        let create = ["tenant", "create", "--region", "ire", "--name", &text];
        for words in [set.as_slice(), &create] {
            let said = gateway.cli(words);
            let sentence = String::from_utf8(said.stderr).unwrap();
            assert_eq!(said.status.code(), Some(2), "{sentence}");
            assert!(sentence.contains("does not show"), "{sentence}");
            assert!(
                sentence.trim_end().lines().count() == 1 && !sentence.trim_end().contains(hidden),
                "{sentence:?}"
            );
        }
    }
    let set = |contact: &str| {
        gateway.cli_ok(&[["tenant", "set"].as_slice(), &place, &["--contact", contact]].concat())
    };
    let contact =
        || gateway.admin("GET", &acme.admin_path(), None).expect(200).body["settings"]["contact"].clone();
    set("Åse, https://acme.example/help");
    assert_eq!(contact(), "Åse, https://acme.example/help");
    set("");
    assert_eq!(contact(), json!(null));
}
