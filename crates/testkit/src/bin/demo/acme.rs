//! `ire/acme` with Entra ID: five Member seats, three Member Lite, eight people who get one and two who do not; then somebody
//! leaves, and who waited moves up.

use crate::{
    admin, entra,
    gateway::Gateway,
    idp::Idp,
    story::{Outcome, Story, Wrong},
    told::Tone,
};

/// As they stand in Entra's scope: the first five fill Member, the next three fill Member Lite.
const SEATED: [(&str, &str, &str); 5] = [
    ("Ada", "Byrne", "admin"),
    ("Brian", "Casey", "user"),
    ("Ciara", "Doyle", "user"),
    ("Declan", "Egan", "user"),
    ("Eimear", "Foley", "user"),
];

pub(crate) fn play(gateway: &Gateway, story: &mut Story<'_>) -> Result<(), Wrong> {
    story.told.heading(
        "ire/acme, Microsoft Entra ID: 5 Member, 3 Member Lite, default policy (a full Member falls back)",
    );
    let plan = ["--seats", "member=5", "--seats", "member_lite=3", "--contact", "it@acme.example"];
    let connection = admin::onboard(gateway, story.told, ("ire", "acme", "Acme"), &plan)?;
    let idp = Idp::new(&connection.base_url, &connection.token, "Microsoft-Azure-AD-SCIM (demo)");

    let tested = entra::test_connection(&idp, story)?;
    story.told.act(
        "Test Connection: GET /Users, a random userName",
        &format!("{} empty list", tested.status),
        Tone::Plain,
    );
    story.expect(tested.found_none(), "Test Connection should be answered 200 with an empty list.")?;

    first_cycle(&idp, story)?;
    group(&idp, story)?;
    somebody_leaves(&idp, story)?;
    next_cycle(&idp, story)
}

fn first_cycle(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    for (given, family, asked) in SEATED {
        let outcome = entra::provision(idp, story, (given, family), asked)?;
        story.expect_seat(&outcome, "member", "granted", given)?;
    }
    for name in [("Fiona", "Gallagher"), ("Gavin", "Healy")] {
        let outcome = entra::provision(idp, story, name, "user")?;
        story.expect_seat(&outcome, "member_lite", "fallback", name.0)?;
    }
    let outcome = entra::provision(idp, story, ("Hazel", "Ivers"), "member_lite")?;
    story.expect_seat(&outcome, "member_lite", "granted", "Hazel")?;
    for (name, asked) in [(("Ian", "Joyce"), "user"), (("Judith", "Kelly"), "member_lite")] {
        let outcome = entra::provision(idp, story, name, asked)?;
        story.expect_full(&outcome, name.0)?;
    }
    Ok(())
}

/// A group, and people in and out of it, one PATCH each.
fn group(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    let created = entra::create_group(idp, story, "Sales")?;
    story.told.act("POST /Groups Sales", &created.status.to_string(), Tone::Plain);
    let group = created.id().ok_or_else(|| Wrong::new("Group Sales was answered without an id."))?;
    for (op, who) in [("Add", "brian"), ("Add", "ciara"), ("Add", "fiona"), ("Remove", "ciara")] {
        let user = story.id(&format!("{who}@acme.example"))?;
        let answer = entra::membership(idp, story, op, &group, &user)?;
        story.told.act(&format!("PATCH /Groups/Sales {op} {who}"), &answer.status.to_string(), Tone::Plain);
        story.expect(
            answer.status == 204,
            &format!("{op} {who} should be answered 204, not {}.", answer.status),
        )?;
    }
    let now = idp.get(story, &format!("/Groups/{group}"))?;
    story.told.act("GET /Groups/Sales", &format!("{}, {} members", now.status, now.members()), Tone::Plain);
    story.expect(now.members() == 2, &format!("Sales should have 2 members, but has {}.", now.members()))
}

/// Brian leaves: his Member seat goes to Fiona, who waited longest, in the same transaction.
fn somebody_leaves(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    let brian = story.id("brian@acme.example")?;
    let answer = entra::deactivate(idp, story, &brian)?;
    // Entra is free to be answered 204 here; what became of him is read then.
    let answer = if answer.status == 204 { idp.get(story, &format!("/Users/{brian}"))? } else { answer };
    let outcome = story.note("PATCH /Users/brian active \"False\"", "brian@acme.example", "user", &answer);
    story.expect(matches!(outcome, Outcome::NoSeat { .. }), "Brian should hold no seat after he left.")?;

    let fiona = story.id("fiona@acme.example")?;
    let answer = idp.get(story, &format!("/Users/{fiona}"))?;
    let outcome =
        story.note("GET /Users/fiona, who waited for Member", "fiona@acme.example", "user", &answer);
    story.expect_seat(&outcome, "member", "granted", "Fiona")
}

/// Entra tries the refused again: the Lite seat that Fiona left is free for one of them.
fn next_cycle(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    let outcome = entra::provision(idp, story, ("Ian", "Joyce"), "user")?;
    story.expect_seat(&outcome, "member_lite", "fallback", "Ian")?;
    let outcome = entra::provision(idp, story, ("Judith", "Kelly"), "member_lite")?;
    story.expect_full(&outcome, "Judith")
}
