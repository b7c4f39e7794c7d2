//! Licenses and roles as draft-ietf-scim-roles-entitlements has them, with the numbers of the moment.

use profiles::{Overrides, Profile};
use provisioning::{Product, Rules, TENANT_MIGRATIONS, entitlements};
use scim_core::ResourceKind;
use serde_json::{Map, Value, json};
use testkit::stores::on_each_store;

use crate::support::{Tenant, person};

async fn all(tenant: &Tenant, kind: ResourceKind) -> Vec<Map<String, Value>> {
    let rules = tenant.rules.clone();
    tenant.read(move |tx| entitlements::all(tx, kind, &rules)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_has_numbers_that_move_with_each_claim() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let mut tenant = Tenant::new(store, "default");
        let Value::Object(own) = json!({ "discovery": { "roles_and_entitlements": true } }) else { unreachable!() };
        let profile = Profile::built_in("default").unwrap().with(&Overrides(own)).unwrap();
        tenant.rules = Rules::new(Product::new(profile, 1).unwrap());
        tenant.quotas(3, 1).await;
        for (name, role) in [("ann", "admin"), ("bob", "member"), ("cid", "member_lite")] {
            tenant.create(person(name, role)).await.unwrap();
        }
        let licenses = all(&tenant, ResourceKind::Entitlement).await;
        assert_eq!(
            Value::Object(licenses[0].clone()),
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Entitlement"], "id": "member", "value": "member",
                "display": "Member", "type": "License", "supported": true, "limitedAssignmentsPermitted": true,
                "totalAssignmentsPermitted": 3, "totalAssignmentsUsed": 2,
                "meta": { "resourceType": "Entitlement", "location": "/Entitlements/member" },
            })
        );
        let roles = async || {
            let roles = all(&tenant, ResourceKind::Role).await;
            assert_eq!(roles[0]["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Role"]));
            let numbers = roles.iter().map(|role| {
                let number = |name: &str| role[name].as_i64().unwrap();
                (number("totalAssignmentsPermitted"), number("totalAssignmentsUsed"))
            });
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(roles().await, [(2, 1), (2, 1), (1, 1)]);
        tenant.create(person("dan", "member")).await.unwrap();
        assert_eq!(roles().await, [(1, 1), (2, 2), (1, 1)]);
        let kinds: Vec<_> = tenant.rules.types().map(|rt| (rt.kind.name(), rt.core.id.clone())).collect();
        assert_eq!(kinds.len(), 4, "{kinds:?}");
        assert!(entitlements::in_config(&tenant.rules).is_some());
        assert!(entitlements::in_config(&Tenant::new(tenant.store.clone(), "mentimeter").rules).is_none());
    })
    .await;
}
