//! Values that a tenant's settings make unique beside userName.

use directory::DirectoryError;
use serde_json::json;
use testkit::stores::on_each_store;

use crate::support::{FREE, MIGRATIONS, STRICT, add_group, document, groups, person, team, users, write};

fn taken<T: std::fmt::Debug>(result: Result<T, DirectoryError>) -> (String, String) {
    match result {
        Err(DirectoryError::ValueTaken { attribute, existing }) => (attribute, existing),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn io15_a_group_name_is_taken_whatever_its_case_and_its_holder_is_named() {
    on_each_store(MIGRATIONS, async |store| {
        let first = write(&store, |tx| groups::insert(tx, &team("Sales"), &STRICT.group)).await.unwrap();
        let second = write(&store, |tx| groups::insert(tx, &team("SALES"), &STRICT.group)).await;
        assert_eq!(taken(second), ("displayName".to_owned(), first.id.clone()));
        // A later PUT of the same group to itself is never refused.
        let same = write(&store, move |tx| {
            groups::update(tx, &first, &team("Sales"), &team("sales"), &STRICT.group)
        });
        let first = same.await.unwrap();
        write(&store, move |tx| groups::remove(tx, &first, &STRICT.group)).await.unwrap();
        write(&store, |tx| groups::insert(tx, &team("Sales"), &STRICT.group)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn me11_an_external_id_is_unique_where_the_tenant_says_so_and_compares_byte_for_byte() {
    on_each_store(MIGRATIONS, async |store| {
        let named = |name: &str, id: &str| document(json!({ "userName": name, "externalId": id }));
        let (a, b, c, d) = (named("a", "E"), named("b", "E"), named("c", "e"), named("d", "E"));
        let first = write(&store, move |tx| users::insert(tx, &a, &STRICT.user)).await.unwrap();
        let second = write(&store, move |tx| users::insert(tx, &b, &STRICT.user)).await;
        assert_eq!(taken(second), ("externalId".to_owned(), first.id));
        write(&store, move |tx| users::insert(tx, &c, &STRICT.user)).await.unwrap();
        write(&store, move |tx| users::insert(tx, &d, &FREE.user)).await.unwrap();
        // A group's externalId is another name than a user's.
        let group = document(json!({ "displayName": "g", "externalId": "E" }));
        write(&store, move |tx| groups::insert(tx, &group, &STRICT.group)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_gives_back_its_own_claim_only() {
    on_each_store(MIGRATIONS, async |store| {
        // Made before the tenant asked for unique names, so it has claimed nothing.
        let early = add_group(&store, team("Sales")).await;
        let claimant = write(&store, |tx| groups::insert(tx, &team("Sales"), &STRICT.group)).await.unwrap();
        write(&store, move |tx| {
            groups::update(tx, &early, &team("Sales"), &team("Marketing"), &STRICT.group)
        })
        .await
        .unwrap();
        let third = write(&store, |tx| groups::insert(tx, &team("Sales"), &STRICT.group)).await;
        assert_eq!(taken(third), ("displayName".to_owned(), claimant.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_of_many_who_claim_one_external_id_at_once_one_gets_it() {
    on_each_store(MIGRATIONS, async |store| {
        let claimants = (0..16).map(|n| {
            let store = store.clone();
            let mut user = person(&format!("u{n}"));
            user.0.insert("externalId".into(), "E".into());
            tokio::spawn(async move { write(&store, move |tx| users::insert(tx, &user, &STRICT.user)).await })
        });
        let mut winners = 0;
        for claimant in claimants.collect::<Vec<_>>() {
            match claimant.await.unwrap() {
                Ok(_) => winners += 1,
                Err(error) => assert_eq!(taken(Err::<(), _>(error)).0, "externalId"),
            }
        }
        assert_eq!(winners, 1);
    })
    .await;
}
