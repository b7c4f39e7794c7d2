//! Schema documents as rows, and the resources that hold data of one.

use std::sync::mpsc;
use std::time::Duration;

use directory::{
    DirectoryError,
    extensions::{self, Stored},
    resources::Record,
};
use scim_core::{
    ResourceKind, ResourceType,
    schema::{self, Extension},
};
use serde_json::{Value, json};
use store::WriteTx;
use testkit::stores::{FreshStore, on_each_store};
use tokio::sync::oneshot;

use crate::support::{FREE, MIGRATIONS, add_group, add_user, document, groups, read, users, write};

const URN: &str = "urn:example:h_r:2.0:User";

fn stored(of: ResourceKind, required: bool) -> Stored {
    Stored { of, required, document: format!("{{\"id\":\"{URN}\"}}") }
}

fn with(attributes: &Value) -> ResourceType {
    let schema = schema::document::read(&json!({ "id": URN, "attributes": attributes })).unwrap();
    let mut rt = schema::user();
    rt.add_extension(Extension { schema, required: false });
    rt
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_back_as_they_were_and_every_change_counts() {
    on_each_store(MIGRATIONS, async |store| {
        assert_eq!(read(&store, extensions::version).await, 0);
        write(&store, |tx| extensions::hold(tx, 0)).await.unwrap();
        write(&store, |tx| extensions::put(tx, URN, &stored(ResourceKind::User, true))).await.unwrap();
        write(&store, |tx| extensions::put(tx, "urn:example:a", &stored(ResourceKind::Group, false)))
            .await
            .unwrap();
        let both = vec![stored(ResourceKind::Group, false), stored(ResourceKind::User, true)];
        assert_eq!(read(&store, extensions::all).await, both);
        // In the place of the one with its URN, letter case ignored.
        write(&store, |tx| extensions::put(tx, &URN.to_uppercase(), &stored(ResourceKind::User, false)))
            .await
            .unwrap();
        assert_eq!(read(&store, extensions::all).await.last(), Some(&stored(ResourceKind::User, false)));
        write(&store, |tx| extensions::remove(tx, URN)).await.unwrap();
        assert_eq!(read(&store, extensions::all).await.len(), 1);
        assert_eq!(read(&store, extensions::version).await, 4);
        let stale = write(&store, |tx| extensions::hold(tx, 3)).await;
        assert!(matches!(stale, Err(DirectoryError::SchemasChanged)));
        write(&store, |tx| extensions::hold(tx, 4)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_writes_hold_the_documents_together_and_who_changes_them_waits() {
    let fresh = FreshStore::postgres(MIGRATIONS).await;
    let (first, second, staff) = (fresh.store.clone(), fresh.store.clone(), fresh.store.clone());
    let (is_held, held) = oneshot::channel();
    let (let_go, wait) = mpsc::channel();
    let first = tokio::spawn(async move {
        let work = move |tx: &mut WriteTx<'_>| {
            extensions::hold(tx, 0)?;
            is_held.send(()).unwrap();
            wait.recv().unwrap();
            Ok::<_, DirectoryError>(())
        };
        first.write(work).await
    });
    held.await.unwrap();
    write(&second, |tx| extensions::hold(tx, 0)).await.unwrap();
    let change = tokio::spawn(async move {
        write(&staff, |tx| {
            extensions::lock(tx)?;
            extensions::put(tx, URN, &stored(ResourceKind::User, true))
        })
        .await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!change.is_finished());
    let_go.send(()).unwrap();
    first.await.unwrap().unwrap();
    change.await.unwrap().unwrap();
    let stale = write(&second, |tx| extensions::hold(tx, 0)).await;
    assert!(matches!(stale, Err(DirectoryError::SchemasChanged)));
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_are_found_by_the_key_and_by_nothing_that_looks_like_it() {
    on_each_store(MIGRATIONS, async |store| {
        let lookalike = "urn:example:hXr:2.0:User";
        for (name, more) in [
            ("key", json!({ URN: { "badge": "1" } })),
            ("value", json!({ "title": format!("\"{URN}\":") })),
            ("value2", json!({ "title": URN })),
            ("like", json!({ lookalike: { "badge": "1" } })),
            ("none", json!({})),
        ] {
            let mut user = json!({ "userName": name, "active": true });
            user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            add_user(&store, document(user)).await;
        }
        add_group(&store, document(json!({ "displayName": "g", URN: { "badge": "1" } }))).await;
        assert_eq!(read(&store, |tx| extensions::holders(tx, ResourceKind::User, URN)).await, 1);
        assert_eq!(read(&store, |tx| extensions::holders(tx, ResourceKind::Group, URN)).await, 1);
        assert_eq!(read(&store, |tx| extensions::holders(tx, ResourceKind::Group, lookalike)).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_holder_is_visited_once_beyond_one_batch() {
    on_each_store(MIGRATIONS, async |store| {
        let made = write(&store, |tx| {
            for n in 0..1_100 {
                let mut user = json!({ "userName": format!("u{n}"), "active": true });
                if n % 10 > 0 {
                    user[URN] = json!({ "badge": n.to_string() });
                }
                users::insert(tx, &document(user), &FREE.user)?;
            }
            groups::insert(tx, &document(json!({ "displayName": "g", URN: { "badge": "g" } })), &FREE.group)
        });
        made.await.unwrap();
        let visited = write(&store, |tx| {
            let mut badges = Vec::new();
            extensions::for_each_holder(tx, ResourceKind::User, URN, |_, _, document| {
                badges.push(document.get(URN).unwrap()["badge"].as_str().unwrap().to_owned());
                Ok::<_, DirectoryError>(())
            })?;
            Ok(badges)
        });
        let mut badges = visited.await.unwrap();
        assert_eq!(badges.len(), 990);
        badges.sort();
        badges.dedup();
        assert_eq!(badges.len(), 990);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_a_unique_attribute_of_an_extension_has_one_holder_whatever_its_spelling() {
    on_each_store(MIGRATIONS, async |store| {
        let user =
            |name: &str, block: Value| document(json!({ "userName": name, "active": true, URN: block }));
        let taken = |result: Result<_, DirectoryError>| match result {
            Err(DirectoryError::ValueTaken { attribute, existing }) => (attribute, existing),
            other => panic!("{other:?}"),
        };
        for (kind, exact, first, same, other) in [
            ("string", false, json!("Ab"), json!("aB"), json!("b")),
            ("string", true, json!("Ab"), json!("Ab"), json!("aB")),
            ("integer", false, json!(7), json!(7), json!(8)),
            ("decimal", false, json!(7.5), json!(7.5), json!(7)),
            (
                "dateTime",
                false,
                json!("2026-01-01T00:00:00Z"),
                json!("2026-01-01T01:00:00+01:00"),
                json!("2026-01-02T00:00:00Z"),
            ),
            (
                "string",
                false,
                json!("x".repeat(20_000)),
                json!("X".repeat(20_000)),
                json!("x".repeat(20_001)),
            ),
        ] {
            let attributes =
                json!([{ "name": "badge", "type": kind, "caseExact": exact, "uniqueness": "server" }]);
            let rt = std::sync::Arc::new(with(&attributes));
            let insert = |name: &str, value: &Value| {
                let (document, rt) = (user(name, json!({ "badge": value })), std::sync::Arc::clone(&rt));
                let store = store.clone();
                async move { write(&store, move |tx| users::insert(tx, &document, &rt)).await }
            };
            let ann = insert("ann", &first).await.unwrap();
            assert_eq!(taken(insert("bob", &same).await), (format!("{URN}:badge"), ann.id.clone()));
            let cid = insert("cid", &other).await.unwrap();
            // A change to a value that is taken, to one that is free, and back to none.
            let change = |record: &Record, old: &Value, new: Value| {
                let old = user("cid", json!({ "badge": old }));
                let new = if new.is_null() {
                    document(json!({ "userName": "cid" }))
                } else {
                    user("cid", json!({ "badge": new }))
                };
                let (record, rt, store) = (record.clone(), std::sync::Arc::clone(&rt), store.clone());
                async move { write(&store, move |tx| users::update(tx, &record, &old, &new, &rt)).await }
            };
            assert_eq!(taken(change(&cid, &other, same.clone()).await).1, ann.id);
            let cid = change(&cid, &other, Value::Null).await.unwrap();
            let dan = insert("dan", &other).await.unwrap();
            for record in [ann, cid, dan] {
                let rt = std::sync::Arc::clone(&rt);
                write(&store, move |tx| users::remove(tx, &record, &rt).map(|_| ())).await.unwrap();
            }
            let again = insert("bob", &same).await.unwrap();
            let rt = std::sync::Arc::clone(&rt);
            write(&store, move |tx| users::remove(tx, &again, &rt).map(|_| ())).await.unwrap();
        }
    })
    .await;
}
