//! `uk/hooli` with MetaCompliance and Okta: mandatory attributes are told together, and a retry needs no cleaning.

use serde_json::{Value, json};

use crate::{
    admin, okta,
    stage::Stage,
    story::Story,
    told::{Told, Tone},
};

pub(crate) fn play<'a>(stage: &Stage, told: &'a Told) -> Story<'a> {
    told.heading(
        "uk/hooli, MetaCompliance with Okta: first name, last name and e-mail address are mandatory",
    );
    let plan = ["--profile", "metacompliance", "--contact", "help@meta.example"];
    let tenant = admin::onboard(&stage.gateway, told, "uk", "Hooli", &plan);
    let mut story = Story::new(stage, told, tenant, "metacompliance", okta::USER_AGENT);
    okta::test_credentials(&mut story);
    told.act("Test API Credentials: GET /Users", "200", Tone::Plain);
    // The names are not mapped yet.
    let unmapped = okta::assign(&mut story, "Sam Turner", "access", json!({ "name": Value::Null }));
    unmapped.expect_refused(400, &["name.givenName", "name.familyName"]);
    okta::assign(&mut story, "Sam Turner", "access", json!({})).expect_seat("user", "granted");
    okta::assign(&mut story, "Tess Unger", "access", json!({})).expect_seat("user", "granted");
    let tess = story.user_name("Tess");
    let id = story.id(&tess);
    let off = okta::put_changed(&mut story, &id, "active", json!(false));
    story.note("PUT /Users/tess active false", &tess, "access", &off).expect_no_seat();
    story
}
