//! Every fault of a file by itself and all at once: line, key, reason.

use profiles::{Fault, Profile, built_in_names, built_in_text};

/// A file without a fault. Each line is changed by its number.
const FILE: &str = r#"format = 1
name = "acme"
title = "Acme"
default_role = "basic"
activation = "at_once"
credentials = ["bearer"]
required = ["userName", "name.givenName"]
[[licenses]]
key = "full"
title = "Full"
quota = 5
policy = "fallback"
fallback = "light"
[[licenses]]
key = "light"
quota = "unlimited"
[[roles]]
key = "boss"
license = "full"
admin = true
[[roles]]
key = "basic"
license = "light"
may_fall_back = false
[[attributes]]
name = "seated"
in = "core"
type = "boolean"
description = "Whether."
[[sources]]
attribute = "userType"
values = { boss = "boss", "Basic One" = "basic" }
unmapped = "next"
empty = "clear"
[[sources]]
groups = [{ name = "Bosses", role = "boss" }, { external_id = "x", role = "basic" }]
[features]
delete = true
[discovery]
okta_entitlements = false
[members]
unknown = "refuse"
[leaving]
deleted = "delete"
groupless_after_minutes = 60
seat_grace_days = 0
[local]
wins = "idp"
[matching]
adopt = ["userName"]
[protect]
last_admin = "allow"
users = ["root"]
group_wipe_percent = 0
[refusal]
status = 403
scim_type = "seatLimitReached"
[words]
contact = "help@acme.example"
[log]
people = "names"
keep_days = 90
flapping_per_day = 3
[leniencies]
refuse = ["bare_value"]
"#;

fn faults(text: &str) -> Vec<Fault> {
    Profile::parse("acme", text).err().unwrap_or_default()
}

/// The file with one line changed; an empty text takes the line away, several lines replace it.
fn with(line: usize, text: &str) -> String {
    let mut lines: Vec<&str> = FILE.lines().collect();
    if text.is_empty() {
        lines.remove(line - 1);
    } else {
        lines[line - 1] = text;
    }
    lines.join("\n") + "\n"
}

/// The number of a line that begins so.
fn number(start: &str) -> usize {
    FILE.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}")) + 1
}

#[test]
fn the_file_has_no_fault() {
    assert_eq!(faults(FILE), []);
}

/// (a line that begins so, what stands there instead, the line of the fault counted from it, its key, a part of its reason)
const SINGLE: &[(&str, &str, usize, &str, &str)] = &[
    ("format", "format = 2", 0, "format", "from 1 to 1, not 2"),
    ("format", "format = \"1\"", 0, "format", "not the text \"1\""),
    ("name", "name = \"Acme\"", 0, "name", "small letter"),
    ("name", "name = \"acme-2\"", 0, "name", "the name of the file, acme.toml"),
    ("title", "title = \"\"", 0, "title", "1 to 100 characters"),
    ("title", "title = \"a\\u202eb\"", 0, "title", "U+202E"),
    ("title", "title = 1979-05-27", 0, "title", "not a date"),
    ("title", "title = 1.5", 0, "title", "not a number with a fraction"),
    ("title", "title = 99999999999999999999", 0, "title", "beyond 64 bits"),
    ("default_role", "default_role = \"boss\"", 0, "default_role", "must not be the dearest role"),
    (
        "default_role",
        "default_role = \"owner\"",
        0,
        "default_role",
        "is no role here; the roles are boss, basic",
    ),
    (
        "activation",
        "activation = \"later\"",
        0,
        "activation",
        "one of at_once, by_staff, not the text \"later\"",
    ),
    (
        "credentials",
        "credentials = [\"bearer\", \"cookie\"]",
        0,
        "credentials[1]",
        "one of bearer, basic, oauth, issuer",
    ),
    ("credentials", "credentials = []", 0, "credentials", "at least one"),
    ("credentials", "credentials = [\"basic\", \"basic\"]", 0, "credentials[1]", "twice"),
    ("required", "required = [\"userName\", \"shoeSize\"]", 0, "required[1]", "no schema of a user has"),
    ("required", "required = [\"groups\"]", 0, "required[0]", "read-only"),
    ("required", "required = \"userName\"", 0, "required", "must be a list, not the text"),
    ("key = \"full\"", "key = \"Full\"", 0, "licenses[0].key", "small letter"),
    (
        "key = \"light\"",
        "key = \"light\"\n[[licenses]]\nkey = \"light\"",
        2,
        "licenses[2].key",
        "stands twice",
    ),
    ("quota = 5", "quota = -1", 0, "licenses[0].quota", "or \"unlimited\", not -1"),
    ("quota = 5", "quota = \"many\"", 0, "licenses[0].quota", "or \"unlimited\""),
    ("policy", "policy = \"queue\"", 0, "licenses[0].policy", "one of refuse, fallback, hold, overage"),
    ("fallback", "fallback = \"full\"", 0, "licenses[0].fallback", "must stand below"),
    (
        "fallback",
        "fallback = \"none\"",
        0,
        "licenses[0].fallback",
        "is no license here; the licenses are full, light",
    ),
    ("fallback", "", 0, "licenses[0].policy", "needs the key fallback"),
    ("quota = \"unlimited\"", "fallback = \"full\"", 0, "licenses[1].fallback", "must stand below"),
    ("quota = 5", "overage = -2", 0, "licenses[0].overage", "from 0 to"),
    (
        "license = \"full\"",
        "license = \"gold\"",
        0,
        "roles[0].license",
        "is no license here; the licenses are full, light",
    ),
    ("license = \"full\"", "", 0, "roles[0].license", "is missing"),
    ("admin", "admin = \"yes\"", 0, "roles[0].admin", "true or false"),
    ("may_fall_back", "may_fall_back = 0", 0, "roles[1].may_fall_back", "true or false, not 0"),
    ("name = \"seated\"", "name = \"1st\"", 0, "attributes[0].name", "begins with a letter"),
    ("name = \"seated\"", "name = \"userType\"", 0, "attributes[0].name", "every user has"),
    ("in = ", "in = \"top\"", 0, "attributes[0].in", "\"core\", or a URN"),
    (
        "in = ",
        "in = \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"",
        0,
        "attributes[0].in",
        "every user has",
    ),
    ("type = ", "type = \"binary\"", 0, "attributes[0].type", "boolean, string, integer, decimal, dateTime"),
    ("attribute =", "attribute = \"user type\"", 0, "sources[0].attribute", "is no SCIM path"),
    ("attribute =", "attribute = \"shoeSize\"", 0, "sources[0].attribute", "is no SCIM path"),
    ("attribute =", "attribute = \"roles[primary eq\"", 0, "sources[0].attribute", "is no SCIM path"),
    ("attribute =", "attribute = \"roles\"", 0, "sources[0].attribute", "such as roles.value"),
    (
        "attribute =",
        "attribute = \"roles[primary eq true]\"",
        0,
        "sources[0].attribute",
        "such as roles.value",
    ),
    ("attribute =", "attribute = \"groups.value\"", 0, "sources[0].attribute", "no identity provider writes"),
    ("attribute =", "attribute = \"password\"", 0, "sources[0].attribute", "no identity provider writes"),
    ("attribute =", "attribute = \"meta.created\"", 0, "sources[0].attribute", "no identity provider writes"),
    (
        "groups =",
        "attribute = \"seated\"\nvalues = { true = \"boss\", maybe = \"basic\" }",
        1,
        "sources[1].values.maybe",
        "no value of this attribute",
    ),
    ("attribute =", "", 0, "sources[0]", "needs the key attribute or the key groups"),
    ("attribute =", "attribute = \"userType\"\ngroups = []", 0, "sources[0]", "has one of them"),
    ("values =", "values = {}", 0, "sources[0].values", "at least one value"),
    ("values =", "", 0, "sources[0].values", "is missing"),
    ("values =", "values = { a = \"owner\" }", 0, "sources[0].values.a", "is no role here"),
    (
        "values =",
        "values = { \"a b\" = \"boss\", A_b = \"basic\" }",
        0,
        "sources[0].values.A_b",
        "the role boss",
    ),
    ("values =", "values = { \" \" = \"boss\" }", 0, "sources[0].values.\" \"", "no value of this attribute"),
    ("unmapped", "unmapped = \"error\"", 0, "sources[0].unmapped", "one of next, default, refuse"),
    ("empty", "empty = \"wipe\"", 0, "sources[0].empty", "one of clear, keep"),
    ("groups =", "groups = [{ role = \"boss\" }]", 0, "sources[1].groups[0]", "exactly one of the keys"),
    (
        "groups =",
        "groups = [{ name = \"a\", external_id = \"b\", role = \"boss\" }]",
        0,
        "sources[1].groups[0]",
        "exactly one of the keys",
    ),
    (
        "groups =",
        "groups = [{ id = \"g1\", role = \"boss\" }]",
        0,
        "sources[1].groups[0].id",
        "that tenant's override",
    ),
    ("groups =", "groups = [{ name = \"a\" }]", 0, "sources[1].groups[0].role", "is missing"),
    (
        "groups =",
        "groups = [{ name = \"a\", role = \"owner\" }]",
        0,
        "sources[1].groups[0].role",
        "is no role here",
    ),
    (
        "groups =",
        "groups = [{ name = \"Ab\", role = \"boss\" }, { name = \"aB\", role = \"basic\" }]",
        0,
        "sources[1].groups[1]",
        "an earlier rule names",
    ),
    ("groups =", "groups = []", 0, "sources[1].groups", "at least one rule"),
    (
        "groups =",
        "attribute = \"USERTYPE\"\nvalues = { a = \"boss\" }",
        0,
        "sources[1].attribute",
        "is read by sources[0].attribute already",
    ),
    ("delete", "delete = \"on\"", 0, "features.delete", "true or false"),
    ("delete", "remove = true", 0, "features.remove", "the keys are create, update, deactivate"),
    ("okta_ent", "okta = true", 0, "discovery.okta", "is no key here"),
    ("unknown", "unknown = \"take\"", 0, "members.unknown", "one of refuse, skip"),
    ("deleted", "deleted = \"purge\"", 0, "leaving.deleted", "one of delete, archive"),
    ("groupless_after", "groupless_after_minutes = -1", 0, "leaving.groupless_after_minutes", "from 0 to"),
    ("seat_grace", "seat_grace_days = 4000", 0, "leaving.seat_grace_days", "from 0 to 3660"),
    ("wins", "wins = \"staff\"", 0, "local.wins", "one of idp, local_until_released, local"),
    ("adopt", "adopt = [\"emails\"]", 0, "matching.adopt[0]", "one of userName, externalId, emails.value"),
    ("last_admin", "last_admin = \"keep\"", 0, "protect.last_admin", "one of refuse, hold, allow"),
    ("users", "users = [\"root\", \"\"]", 0, "protect.users[1]", "1 to 255 characters"),
    ("group_wipe", "group_wipe_percent = 101", 0, "protect.group_wipe_percent", "from 0 to 100, not 101"),
    ("status", "status = 418", 0, "refusal.status", "one of 400, 402, 403, 409, 429, not 418"),
    ("scim_type", "scim_type = \"no seats\"", 0, "refusal.scim_type", "a word of letters and digits"),
    ("contact", "contact = [\"a\"]", 0, "words.contact", "not a list"),
    ("people", "people = \"none\"", 0, "log.people", "one of names, ids"),
    ("keep_days", "keep_days = 0", 0, "log.keep_days", "from 1 to"),
    ("flapping", "flapping_per_day = {}", 0, "log.flapping_per_day", "not a table"),
    (
        "refuse = [",
        "refuse = [\"everything\"]",
        0,
        "leniencies.refuse[0]",
        "is none of the leniencies that can be refused: unknown_attribute",
    ),
    (
        "contact",
        "contact = \"x\"\ncolour = \"red\"",
        1,
        "words.colour",
        "is no key here; the keys are contact",
    ),
    (
        "format",
        "format = 1\ncolour = \"red\"",
        1,
        "colour",
        "is no key here; the keys are format, name, title",
    ),
    ("[words]", "[words]\n\"a\\nb\" = 1", 1, "words.\"a\\nb\"", "is no key here"),
    ("title", "title = ", 0, "title", "expected"),
    ("title", "title = 'a", 0, "title", "invalid literal string"),
    ("title", "title = \"a\"\ntitle = \"b\"", 1, "title", "duplicate key"),
    ("quota = 5", "quota 5", 0, "(syntax)", "expected"),
];

#[test]
fn every_fault_by_itself_has_its_line_its_key_and_a_reason() {
    let mut wrong = Vec::new();
    for (start, text, below, key, reason) in SINGLE {
        let line = number(start);
        let found = faults(&with(line, text));
        // A key that is missing, and a fault of a whole table, is told at the head of the table.
        let is_at = |fault: &Fault| {
            let of_table = fault.reason == "is missing" || key.ends_with(']') || text.is_empty();
            of_table || fault.line == Some(line + below)
        };
        let is_told = |fault: &Fault| {
            let is_line =
                !fault.to_string().contains('\n') && !fault.reason.ends_with('.') && fault.reason.len() < 900;
            is_at(fault) && is_line && fault.key == *key && fault.reason.contains(reason)
        };
        if found.len() != 1 || !found.iter().all(is_told) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_missing_key_is_told_at_the_head_of_its_table() {
    for (start, key, line) in [
        ("format", "format", 1),
        ("name", "name", 1),
        ("title", "title", 1),
        ("default_role", "default_role", 1),
        ("key = \"full\"", "licenses[0].key", number("[[licenses]]")),
        ("license = \"full\"", "roles[0].license", number("[[roles]]")),
        ("in = ", "attributes[0].in", number("[[attributes]]")),
        ("values", "sources[0].values", number("[[sources]]")),
    ] {
        let found = faults(&with(number(start), ""));
        let first = found
            .iter()
            .find(|fault| fault.reason == "is missing")
            .unwrap_or_else(|| panic!("{start} {found:?}"));
        assert_eq!((first.key.as_str(), first.line), (key, Some(line)), "{start}");
        // A license without a readable key makes no reference wrong.
        assert_eq!(found.len(), 1, "{found:#?}");
    }
    let whole = "format = 1\nname = \"acme\"\ntitle = \"Acme\"\ndefault_role = \"a\"\n";
    let keys: Vec<String> =
        faults(whole).iter().map(|fault| fault.in_file("acme.toml").to_string()).collect();
    assert_eq!(keys, ["acme.toml:1 licenses: is missing", "acme.toml:1 roles: is missing"]);
}

#[test]
fn all_faults_of_a_file_are_told_at_once_in_order_of_its_lines() {
    // One fault in each line that can have one without hiding another.
    let changes: &[(&str, &str)] = &[
        ("format", "format = 3"),
        ("name", "name = \"other\""),
        ("title", "title = 4"),
        ("default_role", "default_role = \"boss\""),
        ("activation", "activation = 1"),
        ("credentials", "credentials = [\"x\", \"y\"]"),
        ("required", "required = [\"a\", \"b\"]"),
        ("quota = 5", "quota = -5"),
        ("fallback", "fallback = \"full\""),
        ("license = \"full\"", "license = \"gold\""),
        ("admin", "admin = 1"),
        ("type = ", "type = \"x\""),
        ("values", "values = { a = \"x\", \"b c\" = \"boss\", b-c = \"basic\" }"),
        ("unmapped", "unmapped = \"x\""),
        ("groups =", "groups = [{ role = \"boss\" }, { name = \"n\", id = \"i\", role = \"basic\" }]"),
        ("delete", "delte = true"),
        ("deleted", "deleted = \"x\""),
        ("wins", "wins = \"x\""),
        ("status", "status = 500"),
        ("refuse = [", "refuse = [\"x\"]"),
    ];
    let mut lines: Vec<&str> = FILE.lines().collect();
    for (start, text) in changes {
        lines[number(start) - 1] = text;
    }
    let found = faults(&lines.join("\n"));
    let told: Vec<String> =
        found.iter().map(|fault| format!("{}:{}", fault.line.unwrap(), fault.key)).collect();
    assert_eq!(
        told,
        [
            "1:format",
            "2:name",
            "3:title",
            "4:default_role",
            "5:activation",
            "6:credentials[0]",
            "6:credentials[1]",
            "7:required[0]",
            "7:required[1]",
            "11:licenses[0].quota",
            "13:licenses[0].fallback",
            "19:roles[0].license",
            "20:roles[0].admin",
            "28:attributes[0].type",
            "32:sources[0].values.a",
            "32:sources[0].values.b-c",
            "33:sources[0].unmapped",
            "36:sources[1].groups[0]",
            "36:sources[1].groups[1]",
            "38:features.delte",
            "44:leaving.deleted",
            "48:local.wins",
            "56:refusal.status",
            "65:leniencies.refuse[0]",
        ]
    );
    let form = found[9].in_file("acme.toml").to_string();
    assert!(form.starts_with("acme.toml:11 licenses[0].quota: must be a whole number"), "{form}");
}

#[test]
fn several_faults_of_syntax_and_of_values_are_told_together_and_none_is_made_up() {
    let text = FILE
        .replace("title = \"Acme\"", "title = ")
        .replace("activation = \"at_once\"", "activation = \"x\"")
        .replace("quota = 5", "quota = = 5")
        .replace("default_role = \"basic\"", "")
        .replace("deleted = \"delete\"", "deleted = \"x\"");
    let found = faults(&text);
    let lines: Vec<usize> = found.iter().filter_map(|fault| fault.line).collect();
    assert!(lines.windows(2).all(|two| two[0] <= two[1]));
    let keys: Vec<&str> = found.iter().map(|fault| fault.key.as_str()).collect();
    for key in ["title", "activation", "quota", "leaving.deleted"] {
        assert!(keys.contains(&key), "{key} {found:#?}");
    }
    assert!(!keys.contains(&"default_role"), "what is missing cannot be told: {found:#?}");
    // Without its header a table's keys belong nowhere.
    let found = faults(&FILE.replace("[leaving]", "[leaving"));
    assert!(found.iter().all(|fault| fault.key == "(syntax)"), "{found:#?}");
}

#[test]
fn damaged_files_never_panic() {
    for (at, _) in FILE.char_indices().step_by(7) {
        for insert in ["\"", "]", "[", "{", "=", "\n", "'''", "\u{0}", "."] {
            let mut text = FILE.to_owned();
            text.insert_str(at, insert);
            let _ = Profile::parse("acme", &text);
        }
        let _ = Profile::parse("acme", &FILE[at..]);
        let _ = Profile::parse("acme", &FILE[..at]);
    }
    for deep in [
        "a.".repeat(30_000),
        "[".repeat(60_000),
        format!("a={}", "{a=".repeat(20_000)),
        "[[a]]\n".repeat(10_000),
    ] {
        assert!(Profile::parse("acme", &deep).is_err());
    }
}

#[test]
fn every_built_in_profile_is_whole_and_written_out_it_is_the_same() {
    for name in built_in_names() {
        let profile = Profile::parse(name, built_in_text(name).unwrap())
            .unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert_eq!(profile.name, name);
        assert_eq!(Profile::built_in(name).as_ref(), Ok(&profile));
    }
    assert!(
        Profile::built_in("none")
            .unwrap_err()
            .contains("default, mentimeter, cxone-expert, iomete, metacompliance")
    );
}
