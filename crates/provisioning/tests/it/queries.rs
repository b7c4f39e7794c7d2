//! How often the database is asked: not once for each row, and not for values that are not returned.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use diesel::{Connection, connection::InstrumentationEvent};
use directory::search::PageRequest;
use provisioning::{
    Preconditions, ProvisioningError, Rules, Shown, Write,
    explain::{Asked, explain},
    groupless,
    lists::Part,
};
use scim_core::{ResourceKind, bulk::Method, urn};
use serde_json::json;
use store::{ReadTx, WriteTx};

use crate::{
    people::with,
    support::{Done, Request, Tenant, context, for_each_tenant, listed, person},
};

/// How many queries the work sends.
fn count<T>(
    tx: &mut T,
    connection: impl Fn(&mut T) -> &mut store::StoreConnection,
    work: impl FnOnce(&mut T),
) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    connection(tx).set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    work(tx);
    connection(tx).set_instrumentation(|_: InstrumentationEvent<'_>| {});
    sent.load(Ordering::Relaxed)
}

/// The queries that the work sends, without quotation marks around names.
fn texts(tx: &mut ReadTx<'_>, work: impl FnOnce(&mut ReadTx<'_>)) -> Vec<String> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&sent);
    tx.connection().set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            listener.lock().unwrap().push(query.to_string().replace(['`', '"'], ""));
        }
    });
    work(tx);
    tx.connection().set_instrumentation(|_: InstrumentationEvent<'_>| {});
    std::mem::take(&mut sent.lock().unwrap())
}

/// A user with this manager; its id.
async fn managed(tenant: &Tenant, name: &str, manager: &str) -> String {
    let mut body = person(name, "member");
    body[urn::ENTERPRISE_USER] = json!({ "manager": { "value": manager } });
    tenant.create(body).await.unwrap().view.record.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_users_is_asked_for_their_managers_once() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(100, 100).await;
        let mut manager = "elsewhere".to_owned();
        for n in 0..20 {
            manager = managed(&tenant, &format!("u{n}"), &manager).await;
        }
        let rules = tenant.rules.clone();
        let page = move |tx: &mut ReadTx<'_>, size: u64| {
            let part = [Part { kind: ResourceKind::User, filter: None, sort: None }];
            let page = PageRequest::Index { offset: 0, count: size };
            let list = |tx: &mut ReadTx<'_>| {
                let users = listed(tx, &rules, &part, page).unwrap();
                assert_eq!(users.len(), usize::try_from(size).unwrap());
            };
            count(tx, |tx| tx.connection(), list)
        };
        let (few, many) = tenant.read(move |tx| Ok((page(tx, 3), page(tx, 20)))).await;
        assert_eq!(few, many);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_tells_the_version_alone_does_not_ask_for_groups_and_manager() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10, 10).await;
        let boss = managed(&tenant, "boss", "elsewhere").await;
        let ada = managed(&tenant, "ada", &boss).await;
        tenant.group("crew", &[&ada]).await;
        let asked = tenant.write(move |tx, rules| {
            let mut asked = Vec::new();
            let rounds = [Shown::Links, Shown::Links, Shown::Links, Shown::Version];
            for (round, shown) in rounds.into_iter().enumerate() {
                let operations = json!([{ "op": "add", "path": "title", "value": round.to_string() }]);
                let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
                let context = &mut context(rules);
                let write = Write::new(ResourceKind::User, Method::Patch, Some(ada.clone()), body, context)?;
                asked.push(count(
                    tx,
                    |tx| tx.connection(),
                    |tx| {
                        let done: Done<_> = write.run(tx, shown, &Preconditions::default(), context);
                        assert_eq!(done.unwrap().view.unwrap().version(), i64::try_from(round).unwrap() + 2);
                    },
                ));
            }
            Ok::<_, ProvisioningError>((asked, tx.has_rivals()))
        });
        let (asked, has_rivals) = asked.await.unwrap();
        // The first takes the turn of the transaction, where writers have rivals.
        assert_eq!(asked[0], asked[1] + usize::from(has_rivals));
        assert_eq!(asked[1], asked[2]);
        assert!(asked[3] + 2 <= asked[2], "{asked:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_suspended_by_the_tick_is_explained_without_a_walk_through_the_changes() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "leaving": { "groupless": "suspend" } }));
        tenant.quotas(9, 9).await;
        let ada = tenant.create(person("ada", "user")).await.unwrap().view.record.id;
        let crew = tenant.group("crew", &[&ada]).await.view.record.id;
        let delete = Request::Delete(crew);
        let delete = move |tx: &mut WriteTx<'_>, rules: &Rules| {
            delete.run(tx, rules, ResourceKind::Group, Shown::Version).map(drop)
        };
        tenant.write(delete).await.unwrap();
        let tick = |tx: &mut WriteTx<'_>, rules: &Rules| groupless::carry_out(tx, rules, i64::MAX, "tick");
        assert_eq!(tenant.write(tick).await.unwrap().people, 1);
        let rules = tenant.rules.clone();
        let read = move |tx: &mut ReadTx<'_>| {
            let (asked, mut told) = (Asked { user: "ada", contact: "", target: "" }, String::new());
            let texts = texts(tx, |tx| told = explain(tx, &rules, asked).unwrap().sentence);
            Ok((told, texts))
        };
        let (told, texts) = tenant.read(read).await;
        assert!(told.contains("because the person has left the last group"), "{told}");
        assert!(
            !texts.is_empty() && texts.iter().all(|text| !text.contains("ORDER BY changes.number")),
            "{texts:#?}"
        );
    })
    .await;
}
