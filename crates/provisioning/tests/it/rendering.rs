//! A whole user is put together as text; it is the text of the value that a projected answer begins with.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use provisioning::render;
use scim_core::projection::Projection;
use serde_json::{Value, json};

use crate::{
    documents::bodies,
    support::{Tenant, for_each_tenant},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_whole_user_is_the_text_of_its_value() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(20, 200).await;
        let mut runner = TestRunner::deterministic();
        let mut ids = Vec::new();
        for n in 0..80 {
            let mut body = bodies().new_tree(&mut runner).unwrap().current();
            body["userName"] = format!("u{n}\"\\{{").into();
            if body["userType"] == "admin" {
                // An admin is refused where a member waits, and people who wait are wanted here.
                body["userType"] = "member".into();
            }
            ids.push(tenant.create(body).await.unwrap().view.record.id);
        }
        let some: Vec<&str> = ids.iter().step_by(2).map(String::as_str).collect();
        tenant.group("it's \"quoted\" \\", &some).await;
        tenant.group("{}", &some[..some.len() / 2]).await;
        let mut with = (0, 0, 0);
        for id in &ids {
            let view = tenant.get(id).await;
            let value = Value::Object(render::resource(&tenant.rules, &view).unwrap());
            let text = render::text(&tenant.rules, &view, &Projection::all(&tenant.rules.user)).unwrap();
            assert_eq!(text, value.to_string());
            with.0 += u32::from(value.get("groups").is_some());
            with.1 += u32::from(value["schemas"].as_array().is_some_and(|urns| urns.len() == 3));
            with.2 += u32::from(value[scim_core::urn::SEAT]["reason"].is_string());
            assert_eq!(value["meta"]["location"], json!(format!("{}/Users/{id}", tenant.rules.base.0)));
        }
        assert!(with.0 > 10 && with.1 > 10 && with.2 > 10, "too seldom: {with:?}");
    })
    .await;
}
