//! Users and groups as rows: names that are taken, versions that grow, totals that are kept.

use directory::{DirectoryError, resources};
use scim_core::ResourceKind;
use serde_json::json;
use store::{Store, StoreError};
use testkit::stores::on_each_store;

use crate::support::{
    self, FREE, MIGRATIONS, STRICT, add_group, add_user, document, enrol, find, groups, ids_of, member_ids,
    person, read, team, users, write,
};

async fn total<S: crate::support::Whole>(store: &Store) -> u64 {
    read(store, |tx| Ok(find::<S>(tx, None, (1, 0))?.0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_name_is_taken_whatever_its_case_blanks_and_invisible_characters() {
    on_each_store(MIGRATIONS, async |store| {
        let first = add_user(&store, person("Bob@Example.com")).await;
        for again in ["bob@example.com", " BOB@EXAMPLE.COM ", "bob\u{200b}@example.com", "ｂｏｂ@example.com"]
        {
            let refused = write(&store, move |tx| users::insert(tx, &person(again), &FREE.user)).await;
            match refused {
                Err(DirectoryError::UserNameTaken { existing }) => assert_eq!(existing, first.id, "{again}"),
                other => panic!("{again}: {other:?}"),
            }
        }
        add_user(&store, person("bob@example.co")).await;
        assert_eq!(total::<support::Users>(&store).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn me8_a_user_keeps_its_id_when_its_name_changes_and_the_old_name_is_free() {
    on_each_store(MIGRATIONS, async |store| {
        let (ann, bob) = (add_user(&store, person("ann")).await, add_user(&store, person("bob")).await);
        let record = ann.clone();
        let renamed =
            write(&store, move |tx| users::update(tx, &record, &person("ann"), &person("Anna"), &FREE.user));
        let renamed = renamed.await.unwrap();
        assert_eq!((&renamed.id, renamed.version), (&ann.id, 2));
        let id = ids_of::<support::Users>(&store, "userName eq \"ANNA \"").await.pop();
        assert_eq!(id, Some(ann.id.clone()));
        assert_eq!(
            ids_of::<support::Users>(&store, "userName sw \"ANN\"").await,
            std::slice::from_ref(&ann.id)
        );
        add_user(&store, person("ann")).await;
        let taken =
            write(&store, move |tx| users::update(tx, &bob, &person("bob"), &person("ANNA"), &FREE.user));
        assert!(matches!(taken.await, Err(DirectoryError::UserNameTaken { existing }) if existing == ann.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_changes_is_searched_by_its_new_values_only() {
    on_each_store(MIGRATIONS, async |store| {
        let old = document(json!({ "userName": "ann", "externalId": "E1",
            "emails": [{ "value": "A@x", "type": "work" }, { "value": "b@x" }] }));
        let new = document(json!({ "userName": "ann", "externalId": "e1",
            "emails": [{ "value": "a@x" }, { "value": "c@x", "type": "Home" }] }));
        let record = add_user(&store, old.clone()).await;
        let id = record.id.clone();
        write(&store, move |tx| users::update(tx, &record, &old, &new, &FREE.user)).await.unwrap();
        for (filter, found) in [
            ("externalId eq \"e1\"", true),
            ("externalId eq \"E1\"", false),
            ("emails.value eq \"a@X\"", true),
            ("emails.value eq \"b@x\"", false),
            ("emails[type eq \"work\"].value eq \"a@x\"", false),
            ("emails[type eq \"HOME\" and value eq \"C@x\"]", true),
            ("emails[type eq \"home\" and value eq \"a@x\"]", false),
        ] {
            let expected: &[String] = if found { std::slice::from_ref(&id) } else { &[] };
            assert_eq!(ids_of::<support::Users>(&store, filter).await, expected, "{filter}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_user_leaves_its_groups_and_no_row_behind() {
    on_each_store(MIGRATIONS, async |store| {
        let (ann, bob) = (add_user(&store, person("ann")).await, add_user(&store, person("bob")).await);
        let (in_it, other) = (add_group(&store, team("a")).await, add_group(&store, team("b")).await);
        enrol(&store, &in_it, &[&ann, &bob]).await;
        let gone = ann.clone();
        write(&store, move |tx| users::remove(tx, &gone, &FREE.user).map(|_| ())).await.unwrap();
        assert_eq!(member_ids(&store, &in_it).await, [bob.id]);
        let (a, b) = (in_it.clone(), other.clone());
        let found = read(&store, move |tx| {
            Ok((users::find(tx, &ann.id)?, groups::find(tx, &a.id)?, groups::find(tx, &b.id)?))
        });
        let (user, a, b) = found.await;
        assert_eq!(user, None);
        let versions = (a.map(|g| g.version), b.map(|g| g.version));
        assert_eq!(versions, (Some(in_it.version + 1), Some(other.version)), "only groups it was in changed");
        assert_eq!(total::<support::Users>(&store).await, 1);
        add_user(&store, person("ANN")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_of_many_who_take_one_name_at_once_one_gets_it_and_the_others_are_told() {
    on_each_store(MIGRATIONS, async |store| {
        for round in 0..5 {
            let takers = (0..16).map(|n| {
                let store = store.clone();
                let name = if n % 2 == 0 { format!("Ann{round}") } else { format!("ANN{round} ") };
                tokio::spawn(async move {
                    write(&store, move |tx| users::insert(tx, &person(&name), &STRICT.user)).await
                })
            });
            let mut winners = 0;
            for taker in takers.collect::<Vec<_>>() {
                match taker.await.unwrap() {
                    Ok(_) => winners += 1,
                    Err(DirectoryError::UserNameTaken { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(winners, 1);
        }
        assert_eq!(total::<support::Users>(&store).await, 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_leaves_totals_rows_and_claims_as_they_were() {
    on_each_store(MIGRATIONS, async |store| {
        let undone: Result<(), DirectoryError> = write(&store, |tx| {
            users::insert(tx, &document(json!({ "userName": "ann", "externalId": "e" })), &STRICT.user)?;
            groups::insert(tx, &team("team"), &STRICT.group)?;
            Err(StoreError::Busy.into())
        })
        .await;
        assert!(undone.is_err());
        assert_eq!(total::<support::Users>(&store).await, 0);
        assert_eq!(total::<support::Groups>(&store).await, 0);
        write(&store, |tx| {
            users::insert(tx, &document(json!({ "userName": "ann", "externalId": "e" })), &STRICT.user)?;
            groups::insert(tx, &team("team"), &STRICT.group)
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_visits_every_user_once() {
    on_each_store(MIGRATIONS, async |store| {
        let made = write(&store, |tx| {
            (0..1203)
                .map(|n| Ok(users::insert(tx, &person(&format!("u{n}")), &FREE.user)?.id))
                .collect::<Result<Vec<_>, _>>()
        });
        let made = made.await.unwrap();
        let visited = read(&store, |tx| {
            let mut visited = Vec::new();
            resources::for_each(tx, ResourceKind::User, |record| {
                visited.push(record.id);
                Ok(())
            })?;
            Ok(visited)
        });
        assert_eq!(visited.await, made);
    })
    .await;
}
