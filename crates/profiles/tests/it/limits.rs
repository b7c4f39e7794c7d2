//! Every bound of a file, at it and one above it.

use std::fmt::Write;

use profiles::{Fault, MAX_BYTES, Profile};

const HEAD: &str = "format = 1\nname = \"acme\"\ntitle = \"Acme\"\ndefault_role = \"r0\"\n";
const PLAN: &str = "[[licenses]]\nkey = \"l0\"\n[[roles]]\nkey = \"r0\"\nlicense = \"l0\"\n";

fn parse(text: &str) -> Result<Profile, Vec<Fault>> {
    Profile::parse("acme", text)
}

fn repeated(head: &str, count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).fold(head.to_owned(), |mut text, number| {
        text.push_str(&each(number));
        text
    })
}

/// Whole at the bound; one above it there is one fault, at the first beyond.
fn assert_bound(most: usize, text: impl Fn(usize) -> String, key: &str, line: usize) {
    assert_eq!(parse(&text(most)).err(), None, "{key}");
    for above in [1, 2] {
        let faults = parse(&text(most + above)).unwrap_err();
        let [fault] = &faults[..] else { panic!("{key}: {faults:#?}") };
        assert_eq!((fault.key.as_str(), fault.line), (key, Some(line)), "{fault}");
        assert!(fault.reason.contains("at most"), "{fault}");
    }
}

#[test]
fn eight_licenses() {
    let text = |count: usize| {
        let licenses = repeated(HEAD, count, |n| format!("[[licenses]]\nkey = \"l{n}\"\n"));
        licenses + "[[roles]]\nkey = \"r0\"\nlicense = \"l7\"\n"
    };
    assert_bound(8, text, "licenses[8]", 5 + 16);
}

#[test]
fn thirty_two_roles() {
    let head = HEAD.replace("r0", "r31") + "[[licenses]]\nkey = \"l0\"\n";
    let text =
        |count: usize| repeated(&head, count, |n| format!("[[roles]]\nkey = \"r{n}\"\nlicense = \"l0\"\n"));
    assert_bound(32, text, "roles[32]", 7 + 96);
}

#[test]
fn sixteen_sources() {
    let names = [
        "userType",
        "title",
        "locale",
        "timezone",
        "nickName",
        "displayName",
        "profileUrl",
        "externalId",
        "preferredLanguage",
        "roles.value",
        "roles.type",
        "entitlements.value",
        "entitlements.type",
        "emails.type",
        "emails.value",
        "phoneNumbers.type",
        "phoneNumbers.value",
        "ims.value",
    ];
    let head = format!("{HEAD}{PLAN}");
    let text = |count: usize| {
        repeated(&head, count, |n| {
            format!("[[sources]]\nattribute = \"{}\"\nvalues = {{ a = \"r0\" }}\n", names[n])
        })
    };
    assert_bound(16, text, "sources[16]", 10 + 48);
}

#[test]
fn a_thousand_values_of_all_sources_together() {
    let text = |count: usize| {
        let mut text = format!("{HEAD}{PLAN}[[sources]]\nattribute = \"title\"\nvalues = {{ x = \"r0\" }}\n");
        text.push_str("[[sources]]\nattribute = \"userType\"\n[sources.values]\n");
        repeated(&text, count - 1, |n| format!("v{n} = \"r0\"\n"))
    };
    assert_bound(1_000, text, "sources[1].values.v999", 16 + 999);
}

#[test]
fn five_hundred_group_rules_of_all_sources_together() {
    let text = |count: usize| {
        let mut text = format!(
            "{HEAD}{PLAN}[[sources]]\ngroups = [{{ name = \"first\", role = \"r0\" }}]\n[[sources]]\ngroups = [\n"
        );
        for number in 1..count {
            let _ = writeln!(text, "{{ name = \"g{number}\", role = \"r0\" }},");
        }
        text + "]\n"
    };
    assert_bound(500, text, "sources[1].groups[499]", 14 + 499);
}

#[test]
fn sixty_four_kibibytes() {
    let file = format!("{HEAD}{PLAN}");
    let fill = |length: usize| {
        let rest = length - file.len();
        format!("{file}#{}\n", "x".repeat(rest - 2))
    };
    assert_eq!(fill(MAX_BYTES).len(), MAX_BYTES);
    assert_eq!(parse(&fill(MAX_BYTES)).err(), None);
    let faults = parse(&fill(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(faults[0].in_file("acme.toml").to_string(), "acme.toml:10 (file): is longer than 65536 bytes");
}

#[test]
fn keys_titles_and_names_have_a_length() {
    let with = |from: &str, to: &str| parse(&format!("{HEAD}{PLAN}").replace(from, to));
    let long = |count: usize| "x".repeat(count);
    assert_eq!(with("l0", &long(40)).err(), None);
    assert_eq!(with("l0", &long(41)).unwrap_err()[0].key, "licenses[0].key");
    assert_eq!(with("Acme", &long(100)).err(), None);
    assert_eq!(with("Acme", &long(101)).unwrap_err()[0].key, "title");
    let named = |count| Profile::parse(&long(count), &format!("{HEAD}{PLAN}").replace("acme", &long(count)));
    assert_eq!(named(40).err(), None);
    assert_eq!(named(41).unwrap_err()[0].key, "name");
    let users = |count: usize| {
        let users: Vec<String> = (0..count).map(|n| format!("\"u{n}\"")).collect();
        parse(&format!("{HEAD}{PLAN}[protect]\nusers = [{}]\n", users.join(",")))
    };
    assert_eq!(users(100).err(), None);
    assert_eq!(users(101).unwrap_err()[0].key, "protect.users");
}

#[test]
fn the_only_role_may_be_the_default_one() {
    assert_eq!(parse(&format!("{HEAD}{PLAN}")).unwrap().free_role().key, "r0");
}
