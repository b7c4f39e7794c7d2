//! `us/globex` with Okta: a plan that refuses rather than falls back, a plan that grows while the gateway runs, and people
//! whose license changes by PUT.

use serde_json::json;

use crate::{
    admin,
    gateway::Gateway,
    idp::Idp,
    okta,
    story::{Outcome, Story, Wrong},
    told::Tone,
};

pub(crate) fn play(gateway: &Gateway, story: &mut Story<'_>) -> Result<(), Wrong> {
    story.told.heading("us/globex, Okta: 2 Member, unlimited Member Lite, a full Member is refused");
    let seats = ["--seats", "member=2", "--seats", "member_lite=unlimited"];
    let plan = [&seats[..], &["--policy", "member=refuse", "--contact", "help@globex.example"]].concat();
    let connection = admin::onboard(gateway, story.told, ("us", "globex", "Globex"), &plan)?;
    let idp = Idp::new(&connection.base_url, &connection.token, "Okta SCIM Client 1.0.0");

    let tested = okta::test_credentials(&idp, story)?;
    story.told.act("Test API Credentials: GET /Users", &tested.status.to_string(), Tone::Plain);
    story.expect(tested.found_none(), "Test API Credentials should be answered 200 with an empty list.")?;

    assignments(&idp, story)?;
    plan_grows(gateway, &idp, story)?;
    group_push(&idp, story)?;
    licenses_change(&idp, story)
}

fn assignments(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    for (name, asked, license) in [
        (("Kurt", "Larsen"), "admin", "member"),
        (("Lena", "Moreno"), "user", "member"),
        (("Miles", "Novak"), "member_lite", "member_lite"),
    ] {
        let outcome = okta::assign(idp, story, name, asked)?;
        story.expect_seat(&outcome, license, "granted", name.0)?;
    }
    let outcome = okta::assign(idp, story, ("Nora", "Ortiz"), "user")?;
    story.expect_full(&outcome, "Nora")
}

/// Sales sells a seat; the running gateway knows at once, and Retry in Okta succeeds.
fn plan_grows(gateway: &Gateway, idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    admin::set_seats(gateway, story.told, ("us", "globex"), "member=3")?;
    let outcome = okta::assign(idp, story, ("Nora", "Ortiz"), "user")?;
    story.expect_seat(&outcome, "member", "granted", "Nora")
}

fn group_push(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    let created = okta::push_group(idp, story, "Engineering")?;
    story.told.act("POST /Groups Engineering", &created.status.to_string(), Tone::Plain);
    let group = created.id().ok_or_else(|| Wrong::new("Group Engineering was answered without an id."))?;
    let ids = |story: &Story<'_>, who: &[&str]| -> Result<Vec<String>, Wrong> {
        who.iter().map(|who| story.id(&format!("{who}@globex.example"))).collect()
    };
    let come = ids(story, &["kurt", "lena"])?;
    let added = okta::change_members(idp, story, (&group, "Engineering"), None, &come)?;
    story.told.act("PATCH /Groups/Engineering add kurt, lena", &added.status.to_string(), Tone::Plain);

    let (gone, come) = (story.id("lena@globex.example")?, ids(story, &["nora"])?);
    let changed = okta::change_members(idp, story, (&group, "Platform"), Some(&gone), &come)?;
    story.told.act(
        "PATCH /Groups/Engineering: rename, lena out, nora in",
        &changed.status.to_string(),
        Tone::Plain,
    );

    let now = idp.get(story, &format!("/Groups/{group}"))?;
    let name = crate::story::text(&now.body, "displayName");
    story.told.act("GET /Groups", &format!("{} {name}, {} members", now.status, now.members()), Tone::Plain);
    let holds = name == "Platform" && now.members() == 2;
    story.expect(
        holds,
        &format!("the group should be Platform with 2 members, not {name} with {}.", now.members()),
    )
}

/// Lena needs less, Kurt leaves: both by PUT, and both free a Member seat.
fn licenses_change(idp: &Idp, story: &mut Story<'_>) -> Result<(), Wrong> {
    let lena = story.id("lena@globex.example")?;
    let answer = okta::put_changed(idp, story, &lena, "userType", json!("member_lite"))?;
    let outcome =
        story.note("PUT /Users/lena userType member_lite", "lena@globex.example", "member_lite", &answer);
    story.expect_seat(&outcome, "member_lite", "granted", "Lena")?;

    let kurt = story.id("kurt@globex.example")?;
    let answer = okta::put_changed(idp, story, &kurt, "active", json!(false))?;
    let outcome = story.note("PUT /Users/kurt active false", "kurt@globex.example", "admin", &answer);
    story.expect(matches!(outcome, Outcome::NoSeat { .. }), "Kurt should hold no seat after he left.")
}
