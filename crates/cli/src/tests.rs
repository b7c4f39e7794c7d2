//! The fixed words parse, and mistakes do not.

use clap::{CommandFactory as _, Parser as _};

use crate::{
    commands::{Cli, ClientCommand, Command, SeatsAct, TenantAct, TokenAct},
    mistake::{self, Mistake},
};

/// As a shell splits it, where nothing is quoted.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn sentence(line: &str) -> String {
    let error = parse(line).expect_err(line);
    let Mistake::Usage(sentence) = mistake::from_clap(&error) else { panic!("{line} is wrong usage") };
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_fixed_line_parses() {
    for line in [
        "usher serve",
        "usher serve --config usher.toml",
        "usher tenant create --region ire --key acme --name Acme",
        "usher tenant create --region ire --key acme --name Acme --profile mentimeter --seats member=5 --seats member_lite=3 \
         --policy member=refuse --json",
        "usher tenant create --region ire --key acme --name Acme --seats member=unlimited --policy member=fallback",
        "usher tenant list",
        "usher tenant list --region ire --key acme --json",
        "usher tenant show --region ire --key acme --json",
        "usher tenant suspend --region ire --key acme --json",
        "usher tenant resume --region ire --key acme --json",
        "usher tenant delete --region ire --key acme --json --yes",
        "usher token issue --region ire --key acme --json",
        "usher token list --region ire --key acme --json",
        "usher token revoke --region ire --key acme --json",
        "usher token revoke --region ire --key acme 01J8Z3 --json",
        "usher credential add bearer --region ire --key acme --json",
        "usher credential add bearer --region ire --key acme --scopes read,users,groups --expires-in-days 30 --note x --made-by ada@acme.example --json",
        "usher credential add basic --region ire --key acme --scopes read --json",
        "usher credential add oauth --region ire --key acme --json",
        "usher credential add oauth --region ire --key acme --client-id ushc_ire_x --expires-in-days 365 --json",
        "usher credential rotate-signing-key --json",
        "usher diagnose --region ire --key acme --json",
        "usher diagnose --region ire --key acme --token-file token --json",
        "usher credential rotate-signing-key --region ire --json",
        "usher credential list --region ire --key acme --json",
        "usher credential revoke 01J8Z3 --region ire --key acme --json",
        "usher credential test 01J8Z3 --region ire --key acme --json",
        "usher seats show --region ire --key acme --json",
        "usher seats set --region ire --key acme member=10",
        "usher seats set --region ire --key acme member=10 member_lite=unlimited",
        "usher seats policy --region ire --key acme member=refuse",
        "usher seats audit --region ire --key acme",
        "usher conformance --base http://127.0.0.1:8080/ire/acme/scim/v2 --token-file token",
        "usher conformance --base https://scim.example.com --token-file token --claim okta --claim entra --json --junit out.xml",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn the_words_of_staff_parse() {
    for line in [
        "usher tenant set --region ire --key acme --contact it@acme.example --strict true --unknown-members skip",
        "usher tenant set --region ire --key acme --strict --json",
        "usher tenant set --region ire --key acme --max-bytes 50000000",
        "usher tenant set --region ire --key acme --max-bytes unlimited",
        "usher tenant set --region ire --key acme --rate 25",
        "usher tenant set --region ire --key acme --rate 100 --burst 5000 --json",
        "usher tenant set --region ire --key acme --rate off",
        "usher tenant create --region ire --name Acme --unique-group-names false --unique-external-ids",
        "usher tenant changes --region ire --key acme --limit 5 --resource 0190d3a5-0000-7000-8000-000000000001",
        "usher tenant create --region ire --name Acme --contact it@acme.example --strict",
        "usher token issue --region ire --key acme --expires-in-days 30",
        "usher seats policy --region ire --key acme",
        "usher seats --json --server http://127.0.0.1:8080 show --region ire --key acme",
        "usher schema add --region ire --key acme --file hr.json",
        "usher schema add --region ire --key acme --file - --resource group --required --json",
        "usher schema add --region ire --key acme --file hr.json --resource User --required false",
        "usher schema list --region ire --key acme --json",
        "usher schema show --region ire --key acme urn:example:hr:2.0:User --json",
        "usher schema remove urn:example:hr:2.0:User --region ire --key acme",
        "usher seats show --region ire --key acme --data-dir /srv/usher --admin-token-file /run/token",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn a_mistake_is_one_sentence() {
    for (line, said) in [
        ("usher tenant create --region ire --key a --name A --seats =5", "say license and value"),
        (
            "usher tenant create --region ire --key a --name A --seats member=many",
            "`many` is no number of seats",
        ),
        ("usher tenant create --region ire --key a --name A --seats member=-1", "`-1` is no number of seats"),
        ("usher tenant create --region ire --key a --name A --seats member", "such as `member=5`"),
        (
            "usher tenant create --region ire --key a --name A --policy member=maybe",
            "it is `refuse`, `fallback`, `hold` or `overage:SEATS[:DAY]`",
        ),
        ("usher seats policy --region ire --key a member=overage", "`overage` is no policy"),
        ("usher seats policy --region ire --key a member=overage:5:soon", "`soon` is no day"),
        ("usher seats policy --region ire --key a member=hold:5", "`hold:5` is no policy"),
        ("usher seats add --region ire --key a member=5 --from 2026-2-1", "`2026-2-1` is no day"),
        ("usher seats grace --region ire --key a member=some", "`some` is no number of seats; `off` is none"),
        ("usher tenant create --region ire --key a", "--name <NAME>"),
        ("usher tenant show --region ire", "--key <KEY>"),
        ("usher tenant show --region ire --key a/../b", "lower-case letters, digits and hyphens"),
        ("usher tenant set --region ire --key a --unknown-members drop", "refuse, skip"),
        ("usher tenant set --region ire --key a --strict maybe", "true, false"),
        (
            "usher tenant set --region ire --key a --rate 24",
            "a rate is 25 to 1000000 requests a second, not 24",
        ),
        ("usher tenant set --region ire --key a --rate fast", "`fast` is no rate"),
        (
            "usher tenant set --region ire --key a --rate 25 --burst 499",
            "the burst of a rate is 500 to 1000000 requests, not 499",
        ),
        ("usher tenant set --region ire --key a --burst 500", "--rate"),
        ("usher tenant erase", "erase"),
        ("usher token issue --region ire --key a --expires-in-days 0", "--expires-in-days"),
        ("usher token issue --region ire --key a --token secret", "--token"),
        ("usher seats set --region ire --key a", "LICENSE=SEATS"),
        ("usher schema add --region ire --key a", "--file <FILE>"),
        ("usher schema add --region ire --key a --file f --resource Device", "User, Group"),
        ("usher schema show --region ire --key a", "<URN>"),
        ("usher schema remove --region ire --key a ../tokens", "such as urn:example:hr:2.0:User"),
        ("usher tenant show --region i/e --key a", "a region code is"),
        ("usher tenant show --region ire --key a_b", "a company key is"),
        ("usher tenant changes --region ire --key a --resource nope", "--resource <ID>"),
        ("usher serve --json", "--json"),
    ] {
        let sentence = sentence(line);
        assert!(sentence.contains(said), "{line}: {sentence}");
    }
}

#[test]
fn a_license_that_is_named_twice_is_wrong_usage() {
    let Command::Client(ClientCommand::Seats { act: SeatsAct::Set { seats, .. }, .. }) =
        parse("usher seats set --region ire --key a member=1 member=2").unwrap().command
    else {
        panic!("not `seats set`");
    };
    assert!(matches!(super::plan::once_each(seats), Err(Mistake::Usage(_))));
}

#[test]
fn mc3_and_mc7_letter_case_of_regions_and_blanks_of_pasted_keys_do_not_matter() {
    let args = ["usher", "tenant", "show", "--region", "IRE", "--key", " acme "];
    let Command::Client(ClientCommand::Tenant { act: TenantAct::Show(target), .. }) =
        Cli::try_parse_from(args).unwrap().command
    else {
        panic!("not `tenant show`");
    };
    assert_eq!(target.to_string(), "ire/acme");
}

#[test]
fn strict_alone_means_true() {
    let line = "usher tenant set --region ire --key a --strict";
    let Command::Client(ClientCommand::Tenant { act: TenantAct::Set { settings, .. }, .. }) =
        parse(line).unwrap().command
    else {
        panic!("not `tenant set`");
    };
    assert_eq!(settings.strict, Some(true));
}

#[test]
fn the_key_id_is_what_stands_alone() {
    let line = "usher token revoke k1 --region ire --key a";
    let Command::Client(ClientCommand::Token { act: TokenAct::Revoke { key_id, .. }, .. }) =
        parse(line).unwrap().command
    else {
        panic!("not `token revoke`");
    };
    assert_eq!(key_id.unwrap(), "k1");
}
