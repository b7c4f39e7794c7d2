//! `nl/umbrella` with IOMETE and Okta: seats are not counted; groups are pushed, and who is archived comes back.

use serde_json::json;

use crate::{
    admin, okta,
    stage::Stage,
    story::Story,
    told::{Told, Tone},
};
use testkit::urn::PATCH_OP;

pub(crate) fn play<'a>(stage: &Stage, told: &'a Told) -> Story<'a> {
    told.heading(
        "nl/umbrella, IOMETE with Okta: everybody has a seat; people and groups are marked as the IdP's",
    );
    let plan = ["--profile", "iomete", "--contact", "help@iomete.example"];
    let tenant = admin::onboard(&stage.gateway, told, "nl", "Umbrella", &plan);
    let mut story = Story::new(stage, told, tenant, "iomete", okta::USER_AGENT);
    okta::test_credentials(&mut story);
    told.act("Test Connector Configuration: GET /Users", "200", Tone::Plain);
    for name in ["Pia Romano", "Rui Santos"] {
        okta::assign(&mut story, name, "access", json!({})).expect_seat("user", "granted");
    }
    group_with_a_stranger(&mut story);
    archived_and_back(&mut story);
    story
}

/// A member that is not here is skipped, and the others are applied.
fn group_with_a_stranger(story: &mut Story<'_>) {
    let group = okta::push_group(story, "Engineers");
    let ids = ["Pia", "Rui"].map(|given| story.id(&story.user_name(given)));
    let stranger = "00000000-0000-4000-8000-000000000001".to_owned();
    let come: Vec<_> = ids.into_iter().chain([stranger]).map(|id| json!({ "value": id })).collect();
    let operation = json!({ "op": "add", "path": "members", "value": come });
    let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
    let answer = story.send("PATCH", &format!("/Groups/{group}"), Some(&body));
    story.tell("PATCH /Groups/Engineers add pia, rui and somebody unknown", answer, 204);
    let answer = story.get(&format!("/Groups/{group}"));
    let now = story.tell("GET /Groups/Engineers: pia and rui", answer, 200);
    assert_eq!(now.body["members"].as_array().map(Vec::len), Some(2), "{}", now.text);
}

/// A deleted person is archived; the same userName brings the old record back.
fn archived_and_back(story: &mut Story<'_>) {
    let id = story.id(&story.user_name("Rui"));
    let path = format!("/Users/{id}");
    let gone = story.send("DELETE", &path, None);
    story.tell("DELETE /Users/rui, who is archived", gone, 204);
    okta::assign(story, "Rui Santos", "access", json!({})).expect_seat("user", "granted");
    let back = story.get(&path);
    story.tell("GET /Users/rui: the old id", back, 200);
}
