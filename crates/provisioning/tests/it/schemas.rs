//! A tenant's own schemas come and go while identity providers write, and no data rests that none declares.

use std::{iter, time::Duration};

use directory::{DirectoryError, changes};
use futures_util::future::join_all;
use provisioning::{
    Done as Written, Product, ProvisioningError, Rules, Shown, TENANT_MIGRATIONS, render,
    schemas::{self, NewSchema, OwnSchema, SchemaChange, SchemaError},
};
use scim_core::{ResourceKind, projection::Projection, schema::document, urn};
use serde_json::{Value, json};
use store::{Store, WriteTx};
use testkit::stores::on_each_store;

use crate::support::{Done, Request, act, is_busy, quotas};

const HR: &str = "urn:example:hr:2.0:User";

fn schema(attributes: &Value) -> NewSchema {
    let schema = document::read(&json!({ "id": HR, "attributes": attributes })).unwrap();
    NewSchema { schema, of: None, required: None }
}

fn hr() -> NewSchema {
    schema(&json!([
        { "name": "badge", "uniqueness": "server", "mutability": "immutable" },
        { "name": "skills", "multiValued": true },
    ]))
}

/// One tenant with room for everybody.
#[derive(Clone)]
struct Tenant(Store);

impl Tenant {
    async fn new(store: Store) -> Self {
        store.write(|tx| quotas(tx, 1_000, 1_000)).await.unwrap();
        Self(store)
    }

    async fn put(&self, new: NewSchema) -> Result<(OwnSchema, SchemaChange), SchemaError> {
        self.0.write(move |tx| schemas::put(tx, new, &act())).await
    }

    async fn remove(&self) -> Result<(), SchemaError> {
        self.0.write(|tx| schemas::remove(tx, HR, &act())).await
    }

    /// The rules as the next request finds them.
    async fn rules(&self) -> Rules {
        let own = self.0.read(schemas::all).await.unwrap();
        Rules::with_schemas(Product::built_in("default").unwrap(), &own)
    }

    async fn holders(&self) -> i64 {
        self.0.read(|tx| schemas::get(tx, HR)).await.unwrap().1
    }

    /// A write under rules that may be older than the store.
    async fn write(&self, rules: &Rules, request: Request) -> Done<Written> {
        let rules = rules.clone();
        let work = move |tx: &mut WriteTx<'_>| request.run(tx, &rules, ResourceKind::User, Shown::Links);
        self.0.write(work).await
    }

    async fn create(&self, rules: &Rules, name: &str, block: Value) -> Done<Written> {
        self.write(rules, Request::Create(person(name, &block))).await
    }

    async fn patch(&self, id: &str, operations: Value) -> Done<Written> {
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
        self.write(&self.rules().await, Request::Patch(id.to_owned(), body)).await
    }
}

fn person(name: &str, block: &Value) -> Value {
    json!({ "schemas": [urn::USER], "userName": name, HR: block })
}

fn id(done: &Written) -> String {
    done.view.as_ref().unwrap().id().to_owned()
}

fn conflict<T: std::fmt::Debug>(result: Result<T, SchemaError>) -> String {
    match result {
        Err(SchemaError::Conflict(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn is_stale<T>(done: &Done<T>) -> bool {
    matches!(done, Err(ProvisioningError::Directory(DirectoryError::SchemasChanged)))
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_58_a_schema_is_added_replaced_and_removed_with_a_record_of_each() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        assert_eq!(tenant.put(hr()).await.unwrap().1, SchemaChange::Added);
        assert_eq!(tenant.put(hr()).await.unwrap().1, SchemaChange::Unchanged);
        let required = NewSchema { required: Some(true), ..hr() };
        let (own, outcome) = tenant.put(required).await.unwrap();
        assert_eq!((own.of, own.required, outcome), (ResourceKind::User, true, SchemaChange::Replaced));
        // What is left out stays as it is.
        let (own, outcome) = tenant.put(hr()).await.unwrap();
        assert_eq!((own.required, outcome), (true, SchemaChange::Unchanged));
        let groups = NewSchema { of: Some(ResourceKind::Group), required: Some(false), ..hr() };
        assert_eq!(tenant.put(groups).await.unwrap().0.of, ResourceKind::Group);
        assert!(tenant.rules().await.group.extension(HR).is_some());
        tenant.remove().await.unwrap();
        assert!(matches!(tenant.remove().await, Err(SchemaError::NotFound(_))));
        assert!(tenant.rules().await.group.extension(HR).is_none());
        let newest = tenant.0.read(|tx| changes::newest(tx, 4)).await.unwrap();
        let kinds: Vec<&str> = newest.iter().map(|change| change.kind.as_str()).collect();
        assert_eq!(kinds, ["schema.removed", "schema.replaced", "schema.replaced", "schema.added"]);
        let detail: Value = serde_json::from_str(&newest[3].detail).unwrap();
        assert_eq!(detail, json!({ "schema": HR, "resource": "User", "required": false, "attributes": 2 }));
        assert_eq!(newest[3].request_id, "r");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_70_no_urn_is_another_schemas_or_begins_with_anothers() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        tenant.put(hr()).await.unwrap();
        let named = |urn: &str| NewSchema {
            schema: document::read(&json!({ "id": urn, "attributes": [{ "name": "a" }] })).unwrap(),
            of: None,
            required: None,
        };
        for urn in ["urn:example:hr:2.0", "urn:example:hr:2.0:User:more", "URN:EXAMPLE:HR"] {
            assert!(conflict(tenant.put(named(urn)).await).contains("could not be told apart"), "{urn}");
        }
        assert!(matches!(tenant.put(named(urn::ENTERPRISE_USER)).await, Err(SchemaError::Faults(_))));
        let longer = format!("{}:x", urn::ENTERPRISE_USER);
        assert!(conflict(tenant.put(named(&longer)).await).contains(urn::ENTERPRISE_USER));
        for n in 1..document::MAX_SCHEMAS {
            tenant.put(named(&format!("urn:example:n{n}"))).await.unwrap();
        }
        assert!(conflict(tenant.put(named("urn:example:more")).await).contains("at most 20 schemas"));
        assert_eq!(tenant.put(hr()).await.unwrap().1, SchemaChange::Unchanged);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_stays_as_long_as_somebody_holds_data_of_it() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        tenant.put(hr()).await.unwrap();
        let rules = tenant.rules().await;
        let ann = id(&tenant.create(&rules, "ann", json!({ "badge": "1" })).await.unwrap());
        let bob = id(&tenant.create(&rules, "bob", json!({ "skills": ["a"] })).await.unwrap());
        tenant.create(&rules, "cid", json!({})).await.unwrap();
        assert_eq!(tenant.holders().await, 2);
        assert!(conflict(tenant.remove().await).starts_with("there are 2 users of this tenant with data of"));
        tenant.patch(&bob, json!([{ "op": "remove", "path": HR }])).await.unwrap();
        assert!(conflict(tenant.remove().await).starts_with("there is 1 user"));
        let moved = NewSchema { of: Some(ResourceKind::Group), ..hr() };
        assert!(conflict(tenant.put(moved).await).contains("keep its resource type"));
        let mut respelled = hr();
        respelled.schema.id = HR.to_uppercase();
        assert!(conflict(tenant.put(respelled).await).contains("keep the spelling"));
        // An immutable value goes with its resource, or when it is none any more; and the sentence says so.
        let away = json!([{ "op": "remove", "path": HR }]);
        tenant.patch(&ann, away.clone()).await.unwrap_err();
        assert!(conflict(tenant.remove().await).contains("readWrite instead of immutable"));
        let loose = schema(
            &json!([{ "name": "badge", "uniqueness": "server" }, { "name": "skills", "multiValued": true }]),
        );
        tenant.put(NewSchema { required: Some(true), ..loose.clone() }).await.unwrap();
        tenant.patch(&ann, away.clone()).await.unwrap_err();
        assert!(conflict(tenant.remove().await).contains("by one that is not required"));
        tenant.put(NewSchema { required: Some(false), ..loose }).await.unwrap();
        tenant.patch(&ann, away).await.unwrap();
        tenant.remove().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_is_taken_when_all_that_rests_is_as_legal() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        tenant.put(hr()).await.unwrap();
        let rules = tenant.rules().await;
        let ann = tenant.create(&rules, "ann", json!({ "badge": "A1" })).await.unwrap();
        tenant.create(&rules, "bob", json!({ "badge": "b2" })).await.unwrap();
        let badge = json!({ "name": "badge", "uniqueness": "server", "mutability": "immutable" });
        for (attributes, said) in [
            (json!([{ "name": "skills" }]), "does not take: urn:example:hr:2.0:User:badge"),
            (json!([{ "name": "badge", "type": "integer" }]), ":badge"),
            (json!([{ "name": "Badge" }]), ":badge"),
            (json!([badge, { "name": "hired", "required": true }]), ":hired"),
            (
                json!([badge, { "name": "badges", "required": true }, { "name": "x", "required": true }]),
                ":badges, ",
            ),
        ] {
            let sentence = conflict(tenant.put(schema(&attributes)).await);
            assert!(sentence.contains(said) && sentence.contains(&id(&ann)), "{attributes}: {sentence}");
        }
        // Nobody holds skills, so they may go or become something else; badges may be told apart by their case.
        let exact = json!({ "name": "badge", "uniqueness": "server", "caseExact": true });
        let narrower = schema(&json!([exact, { "name": "skills", "type": "integer" }, { "name": "more" }]));
        assert_eq!(tenant.put(narrower).await.unwrap().1, SchemaChange::Replaced);
        let rules = tenant.rules().await;
        tenant.create(&rules, "cid", json!({ "badge": "a1" })).await.unwrap();
        tenant.create(&rules, "dan", json!({ "badge": "A1" })).await.unwrap_err();
        // From now on they would be one, which two people have.
        let sentence = conflict(tenant.put(hr()).await);
        assert!(sentence.contains("cannot be unique") && sentence.contains(&id(&ann)), "{sentence}");
        // Not unique, and then unique again: what was claimed in between counts.
        let free = || schema(&json!([{ "name": "badge", "caseExact": true }]));
        tenant.put(free()).await.unwrap();
        let rules = tenant.rules().await;
        let dan = id(&tenant.create(&rules, "dan", json!({ "badge": "A1" })).await.unwrap());
        let unique = || schema(&json!([{ "name": "badge", "caseExact": true, "uniqueness": "server" }]));
        assert!(conflict(tenant.put(unique()).await).contains("have the same value"));
        tenant
            .patch(&dan, json!([{ "op": "replace", "path": format!("{HR}:badge"), "value": "D" }]))
            .await
            .unwrap();
        tenant.put(unique()).await.unwrap();
        let rules = tenant.rules().await;
        for taken in ["A1", "D", "b2", "a1"] {
            tenant.create(&rules, "eve", json!({ "badge": taken })).await.unwrap_err();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_under_schemas_that_have_changed_is_told_to_come_again() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        let before_any = tenant.rules().await;
        let ann = id(&tenant.create(&before_any, "ann", json!({ "badge": "1" })).await.unwrap());
        tenant.put(hr()).await.unwrap();
        assert_eq!(tenant.holders().await, 0, "who knows of no schema wrote no data of one");
        let with_hr = tenant.rules().await;
        let bob = id(&tenant.create(&with_hr, "bob", json!({ "badge": "1" })).await.unwrap());
        // Such rules know of no badge: they would take data away unseen, and leave its badge taken for ever.
        let told = json!({ "schemas": [urn::PATCH_OP], "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
        for request in [
            Request::Create(person("cid", &json!({}))),
            Request::Replace(bob.clone(), person("bob", &json!({}))),
            Request::Patch(bob.clone(), told),
            Request::Delete(bob.clone()),
            Request::Delete(ann),
        ] {
            let asked = format!("{request:?}");
            assert!(is_stale(&tenant.write(&before_any, request).await), "{asked}");
        }
        assert_eq!(tenant.holders().await, 1);
        tenant.create(&with_hr, "cid", json!({ "badge": "1" })).await.unwrap_err();
        tenant.write(&with_hr, Request::Delete(bob)).await.unwrap();
        tenant.remove().await.unwrap();
        assert!(is_stale(&tenant.create(&with_hr, "cid", json!({ "badge": "1" })).await));
        tenant.put(hr()).await.unwrap();
        let now = tenant.rules().await;
        tenant.create(&now, "cid", json!({ "badge": "1" })).await.unwrap();
    })
    .await;
}

/// Whichever wins, no stored value lacks its schema; on PostgreSQL the two really run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_among_writes_leaves_no_data_without_a_schema() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        let (mut kept, mut removed) = (0, 0);
        for round in 0..21 {
            tenant.put(hr()).await.unwrap();
            let rules = tenant.rules().await;
            let write = |n: u64| {
                let (tenant, rules) = (tenant.clone(), rules.clone());
                let name = format!("r{round}n{n}");
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_micros(500 * (round % 2) * n)).await;
                    tenant.create(&rules, &name, json!({ "badge": name })).await
                })
            };
            let remove = || {
                let tenant = tenant.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_micros(300 * (round % 7))).await;
                    tenant.remove().await
                })
            };
            // The removal after a write, before all of them, and wherever it falls.
            let (writes, removal) = match round % 3 {
                0 => {
                    let first = write(0).await;
                    let (rest, removal) = tokio::join!(join_all((1..4).map(write)), remove());
                    (iter::once(first).chain(rest).collect(), removal)
                }
                1 => {
                    let removal = remove().await;
                    (join_all((0..4).map(write)).await, removal)
                }
                _ => tokio::join!(join_all((0..4).map(write)), remove()),
            };
            let created: Vec<Written> = writes
                .into_iter()
                .filter_map(|write| match write.unwrap() {
                    Ok(done) => Some(done),
                    refused => {
                        assert!(is_stale(&refused) || is_busy(&refused), "{refused:?}");
                        None
                    }
                })
                .collect();
            match removal.unwrap() {
                Ok(()) => {
                    removed += 1;
                    assert!(created.is_empty(), "data was written, and then its schema was removed");
                    tenant.put(hr()).await.unwrap();
                    assert_eq!(tenant.holders().await, 0, "data rests of a schema that was removed");
                }
                Err(SchemaError::Conflict(_)) => kept += 1,
                Err(SchemaError::Failed(error)) => assert!(is_busy(&Err::<(), _>(error))),
                Err(other) => panic!("{other:?}"),
            }
            let rules = tenant.rules().await;
            for done in created {
                tenant.write(&rules, Request::Delete(id(&done))).await.unwrap();
            }
        }
        assert!(kept >= 7 && removed >= 7, "{kept} were kept, {removed} removed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_to_an_answer_agree_about_a_tenants_own_data() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store).await;
        let hidden = schema(&json!([
            { "name": "badge" }, { "name": "salary", "type": "integer", "returned": "request" },
            { "name": "hash", "returned": "never" }, { "name": "site", "returned": "always" },
        ]));
        for (new, shown) in
            [(hr(), json!({ "badge": "1", "skills": ["a"] })), (hidden, json!({ "badge": "1", "site": "s" }))]
        {
            tenant.put(new).await.unwrap();
            let rules = tenant.rules().await;
            let block = json!({ "badge": "1", "skills": ["a"], "salary": 5, "hash": "h", "site": "s" });
            let done = tenant.create(&rules, "ann", block).await.unwrap();
            let view = done.view.as_ref().unwrap();
            let all = render::text(&rules, view, &Projection::all(&rules.user)).unwrap();
            let answer: Value = serde_json::from_str(&all).unwrap();
            assert_eq!(answer[HR], shown);
            assert_eq!(answer["schemas"], json!([urn::USER, HR, urn::SEAT, urn::USER_ORIGIN]));
            let mut value = render::resource(&rules, view).unwrap();
            Projection::all(&rules.user).apply(&rules.user, &mut value);
            assert_eq!(answer, Value::Object(value));
            tenant.write(&rules, Request::Delete(id(&done))).await.unwrap();
            tenant.remove().await.unwrap();
        }
    })
    .await;
}
