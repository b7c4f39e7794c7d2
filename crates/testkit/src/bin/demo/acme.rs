//! `ire/acme` with Entra ID: five Member seats, three Member Lite, eight people get a seat and two are refused; then one
//! leaves, and the one who waited longest moves up.

use crate::{
    admin, entra,
    stage::Stage,
    story::Story,
    told::{Told, Tone},
};

/// As they stand in Entra's scope: the first five fill Member.
const SEATED: [(&str, &str); 5] = [
    ("Ada Byrne", "admin"),
    ("Brian Casey", "user"),
    ("Ciara Doyle", "user"),
    ("Declan Egan", "user"),
    ("Eimear Foley", "user"),
];

pub(crate) fn play<'a>(stage: &Stage, told: &'a Told) -> Story<'a> {
    told.heading(
        "ire/acme, default profile, Microsoft Entra ID: 5 Member, 3 Member Lite; a full Member falls back",
    );
    let plan = ["--seats", "member=5", "--seats", "member_lite=3", "--contact", "it@acme.example"];
    let tenant = admin::onboard(&stage.gateway, told, "ire", "Acme", &plan);
    let mut story = Story::new(stage, told, tenant, "default", "Microsoft-Azure-AD-SCIM (demo)");
    entra::test_connection(&mut story);
    told.act("Test Connection: GET /Users, a random userName", "200 empty list", Tone::Plain);
    first_cycle(&mut story);
    group(&mut story);
    somebody_leaves(&mut story);
    next_cycle(&mut story);
    story
}

fn first_cycle(story: &mut Story<'_>) {
    for (name, asked) in SEATED {
        entra::provision(story, name, asked).expect_seat("member", "granted");
    }
    for name in ["Fiona Gallagher", "Gavin Healy"] {
        entra::provision(story, name, "user").expect_seat("member_lite", "fallback");
    }
    entra::provision(story, "Hazel Ivers", "member_lite").expect_seat("member_lite", "granted");
    for (name, asked) in [("Ian Joyce", "user"), ("Judith Kelly", "member_lite")] {
        entra::provision(story, name, asked).expect_full();
    }
}

/// A group, and people in and out of it, one PATCH each.
fn group(story: &mut Story<'_>) {
    let group = entra::create_group(story, "Sales");
    for (op, name) in [("Add", "brian"), ("Add", "ciara"), ("Add", "fiona"), ("Remove", "ciara")] {
        let user = story.id(&format!("{name}@acme.example"));
        let answer = entra::membership(story, op, &group, &user);
        story.tell(&format!("PATCH /Groups/Sales {op} {name}"), answer, 204);
    }
    let answer = story.get(&format!("/Groups/{group}"));
    let now = story.tell("GET /Groups/Sales: brian and fiona", answer, 200);
    assert_eq!(now.body["members"].as_array().map(Vec::len), Some(2), "{}", now.text);
}

/// Brian leaves: his Member seat goes to Fiona, who waited longest, in the same transaction.
fn somebody_leaves(story: &mut Story<'_>) {
    let brian = story.id("brian@acme.example");
    let mut answer = entra::deactivate(story, &brian);
    if answer.status == 204 {
        // A 204 is a right answer too; then the user is read.
        answer = story.get(&format!("/Users/{brian}"));
    }
    let act = "PATCH /Users/brian active \"False\"";
    story.note(act, "brian@acme.example", "user", &answer).expect_no_seat();

    let fiona = story.id("fiona@acme.example");
    let answer = story.get(&format!("/Users/{fiona}"));
    let act = "GET /Users/fiona, who waited for Member";
    story.note(act, "fiona@acme.example", "user", &answer).expect_seat("member", "granted");
}

/// Entra tries the refused again: the Lite seat that Fiona left is free for one of them.
fn next_cycle(story: &mut Story<'_>) {
    entra::provision(story, "Ian Joyce", "user").expect_seat("member_lite", "fallback");
    entra::provision(story, "Judith Kelly", "member_lite").expect_full();
}
