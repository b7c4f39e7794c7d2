//! `us/globex` with Okta: a plan that refuses rather than falls back, a plan that grows while the gateway runs, and people
//! whose license changes by PUT.

use serde_json::json;
use testkit::gateway::Gateway;

use crate::{
    admin, okta,
    stage::Stage,
    story::{Outcome, Story},
    told::{Told, Tone},
};

pub(crate) fn play<'a>(stage: &Stage, told: &'a Told) -> Story<'a> {
    told.heading(
        "us/globex, Mentimeter with Okta: 2 Member, unlimited Member Lite; a full Member is refused",
    );
    let seats = ["--profile", "mentimeter", "--seats", "member=2", "--seats", "member_lite=unlimited"];
    let plan = [&seats[..], &["--policy", "member=refuse", "--contact", "help@globex.example"]].concat();
    let tenant = admin::onboard(&stage.gateway, told, "us", "Globex", &plan);
    let mut story = Story::new(stage, told, tenant, "mentimeter", okta::USER_AGENT);
    okta::test_credentials(&mut story);
    told.act("Test API Credentials: GET /Users", "200", Tone::Plain);
    assignments(&mut story);
    plan_grows(&stage.gateway, &mut story);
    group_push(&mut story);
    licenses_change(&mut story);
    story
}

/// `userType` stands at the assignment of the group.
fn assign(story: &mut Story<'_>, name: &str, user_type: &str) -> Outcome {
    okta::assign(story, name, user_type, json!({ "userType": user_type }))
}

fn assignments(story: &mut Story<'_>) {
    for (name, asked, license) in [
        ("Kurt Larsen", "admin", "member"),
        ("Lena Moreno", "user", "member"),
        ("Miles Novak", "member_lite", "member_lite"),
    ] {
        assign(story, name, asked).expect_seat(license, "granted");
    }
    assign(story, "Nora Ortiz", "user").expect_full();
}

/// Sales sells a seat; the running gateway knows at once, and Retry in Okta succeeds.
fn plan_grows(gateway: &Gateway, story: &mut Story<'_>) {
    admin::set_seats(gateway, story, "member=3");
    assign(story, "Nora Ortiz", "user").expect_seat("member", "granted");
}

fn group_push(story: &mut Story<'_>) {
    let group = okta::push_group(story, "Engineering");
    let [kurt, lena, nora] = ["kurt", "lena", "nora"].map(|name| story.id(&format!("{name}@globex.example")));
    let added = okta::change_members(story, &group, "Engineering", &[], &[kurt, lena.clone()]);
    story.tell("PATCH /Groups/Engineering add kurt, lena", added, 204);
    let changed = okta::change_members(story, &group, "Platform", &[lena], &[nora]);
    story.tell("PATCH /Groups/Engineering: rename, lena out, nora in", changed, 204);

    let answer = story.get(&format!("/Groups/{group}"));
    let now = story.tell("GET /Groups: Platform with kurt and nora", answer, 200);
    assert_eq!(now.body["displayName"], "Platform");
    assert_eq!(now.body["members"].as_array().map(Vec::len), Some(2), "{}", now.text);
}

/// Lena needs less; Kurt, the last admin, may leave when Nora is one too. All by PUT, and the two free Member seats.
fn licenses_change(story: &mut Story<'_>) {
    let lena = story.id("lena@globex.example");
    let answer = okta::put_changed(story, &lena, "userType", json!("member_lite"));
    let act = "PUT /Users/lena userType member_lite";
    let outcome = story.note(act, "lena@globex.example", "member_lite", &answer);
    outcome.expect_seat("member_lite", "granted");

    let kurt = story.id("kurt@globex.example");
    let leaves = |story: &mut Story<'_>| {
        let answer = okta::put_changed(story, &kurt, "active", json!(false));
        story.note("PUT /Users/kurt active false", "kurt@globex.example", "admin", &answer)
    };
    leaves(story).expect_refused(403, &["the last active admin"]);
    let nora = story.id("nora@globex.example");
    let answer = okta::put_changed(story, &nora, "userType", json!("admin"));
    let outcome = story.note("PUT /Users/nora userType admin", "nora@globex.example", "admin", &answer);
    outcome.expect_seat("member", "granted");
    leaves(story).expect_no_seat();
}
