//! `us/initech` with CXone Expert and Okta: closed until support activates it; `seated` takes the one Pro seat, all others are
//! Community Members.

use serde_json::{Value, json};

use crate::{
    admin, okta,
    stage::Stage,
    story::{Outcome, Story},
    told::{Told, Tone},
};

const EXPERT: &str = "urn:usher:params:scim:schemas:extension:expert:2.0:User";

pub(crate) fn play<'a>(stage: &Stage, told: &'a Told) -> Story<'a> {
    told.heading("us/initech, CXone Expert with Okta: 1 Pro Member, unlimited Community Members");
    let plan = ["--profile", "cxone-expert", "--seats", "pro=1", "--contact", "support@expert.example"];
    let tenant = admin::onboard(&stage.gateway, told, "us", "Initech", &plan);
    let mut story = Story::new(stage, told, tenant, "cxone-expert", okta::USER_AGENT);
    let closed = story.get("/Users?startIndex=1&count=2");
    let closed = story.tell("Test API Credentials before activation", closed, 403);
    assert_eq!(closed.body["scimType"], "provisioningNotActivated", "{}", closed.text);
    admin::activate(&stage.gateway, &story);
    okta::test_credentials(&mut story);
    told.act("Test API Credentials: GET /Users", "200", Tone::Plain);

    assign(&mut story, "Mia Nolan", Some(true)).expect_seat("pro", "granted");
    assign(&mut story, "Noah Quinn", Some(true)).expect_seat("community", "fallback");
    assign(&mut story, "Olga Reyes", None).expect_seat("community", "granted");
    leaves_and_returns(&mut story);
    story
}

fn assign(story: &mut Story<'_>, name: &str, seated: Option<bool>) -> Outcome {
    let asked = seated.map_or_else(|| "nothing".to_owned(), |seated| format!("seated {seated}"));
    let own = seated.map_or(Value::Null, |seated| json!({ "seated": seated }));
    okta::assign(story, name, &asked, json!({ EXPERT: own }))
}

/// Mia leaves, and Noah, who waited, has her seat; she comes back as a Community Member.
fn leaves_and_returns(story: &mut Story<'_>) {
    let [mia, noah] = ["Mia", "Noah"].map(|given| story.user_name(given));
    let id = story.id(&mia);
    let off = okta::put_changed(story, &id, "active", json!(false));
    story.note("PUT /Users/mia active false", &mia, "seated true", &off).expect_no_seat();
    let answer = story.get(&format!("/Users/{}", story.id(&noah)));
    story
        .note("GET /Users/noah, who waited for Pro", &noah, "seated true", &answer)
        .expect_seat("pro", "granted");
    let mut body = story.get(&format!("/Users/{id}")).body;
    body["active"] = true.into();
    // The attribute's mapping applies on create only, so it does not travel here.
    body.as_object_mut().unwrap().remove(EXPERT);
    let back = story.send("PUT", &format!("/Users/{id}"), Some(&body));
    story.note("PUT /Users/mia active true", &mia, "nothing", &back).expect_seat("community", "granted");
}
