//! Values as long as SCIM lets them be stand in indexes of both databases, are told apart to their last character, and are
//! found again. PostgreSQL refuses index rows above 2.7 kB, and it compresses, so the texts here do not repeat.

use directory::DirectoryError;
use scim_core::{
    Document,
    resource::{MAX_KEY, MAX_STRING},
};
use serde_json::{Value, json};
use testkit::stores::on_each_store;

use crate::support::{Groups, MIGRATIONS, STRICT, Users, document, groups, ids_of, users, write};

/// `length` characters of four bytes, in an order that no compression makes short.
fn noise(length: usize, seed: u32) -> String {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // CJK Extension B: one form each, no letter case.
        char::from_u32(0x20000 + (state >> 8) % 0xA000).unwrap()
    };
    (0..length).map(next).collect()
}

/// The same text with another last character.
fn twin(text: &str) -> String {
    let mut twin: String = text.to_owned();
    twin.pop();
    twin.push('x');
    twin
}

fn user(name: &str, external_id: &str, email: &str, kind: &str) -> Document {
    document(json!({
        "userName": name,
        "externalId": external_id,
        "active": true,
        "emails": [{ "value": email, "type": kind }],
    }))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_names_ids_and_addresses_are_stored_and_told_apart() {
    on_each_store(MIGRATIONS, async |store| {
        let (name, external_id) = (noise(MAX_KEY, 1), noise(MAX_KEY, 2));
        let (email, kind) = (noise(MAX_STRING / 4, 3), noise(MAX_STRING / 4, 4));
        let mut ids = Vec::new();
        let people = [
            user(&name, &external_id, &email, &kind),
            user(&twin(&name), &twin(&external_id), &twin(&email), &kind),
            user("c", "c", &email, &twin(&kind)),
        ];
        for person in people {
            ids.push(write(&store, move |tx| users::insert(tx, &person, &STRICT.user)).await.unwrap().id);
        }
        let again = user(&name, "d", "d", "d");
        let taken = write(&store, move |tx| users::insert(tx, &again, &STRICT.user)).await;
        assert!(matches!(taken, Err(DirectoryError::UserNameTaken { existing }) if existing == ids[0]));
        let again = user("e", &external_id, "e", "e");
        let taken = write(&store, move |tx| users::insert(tx, &again, &STRICT.user)).await;
        assert!(matches!(taken, Err(DirectoryError::ValueTaken { existing, .. }) if existing == ids[0]));

        let (name_end, name_q) = (quoted(&name[name.len() - 40..]), quoted(&name));
        let external_q = quoted(&external_id);
        let common = quoted(&name[..40]);
        for (filter, expected) in [
            (format!("userName eq {name_q}"), vec![0]),
            (format!("userName ne {name_q}"), vec![1, 2]),
            (format!("userName ew {name_end}"), vec![0]),
            (format!("userName co {name_end}"), vec![0]),
            (format!("userName sw {common}"), vec![0, 1]),
            (format!("externalId eq {external_q}"), vec![0]),
            (format!("not (externalId eq {external_q})"), vec![1, 2]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(|n: usize| ids[n].clone()).collect();
            assert_eq!(ids_of::<Users>(&store, &filter).await, expected, "{}", &filter[..20]);
        }
    })
    .await;
}

/// A filter text is bounded at 16 KiB, so of the longest addresses only those can be asked for that fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_address_is_found_by_value_and_type() {
    on_each_store(MIGRATIONS, async |store| {
        let (email, kind) = (noise(1_800, 5), noise(900, 6));
        let mut ids = Vec::new();
        for person in [
            user("a", "a", &email, &kind),
            user("b", "b", &twin(&email), &kind),
            user("c", "c", &email, &twin(&kind)),
        ] {
            ids.push(write(&store, move |tx| users::insert(tx, &person, &STRICT.user)).await.unwrap().id);
        }
        let (email, kind) = (quoted(&email), quoted(&kind));
        for (filter, expected) in [
            (format!("emails.value eq {email}"), vec![0, 2]),
            (format!("emails[type eq {kind}].value eq {email}"), vec![0]),
            (format!("emails[value eq {email} and not (type eq {kind})]"), vec![2]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(|n: usize| ids[n].clone()).collect();
            assert_eq!(ids_of::<Users>(&store, &filter).await, expected, "{}", &filter[..20]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_group_names_are_stored_told_apart_and_given_up() {
    on_each_store(MIGRATIONS, async |store| {
        let name = noise(MAX_KEY, 7);
        let group = |name: &str| document(json!({ "displayName": name, "externalId": name }));
        let (long, other, again) = (group(&name), group(&twin(&name)), group(&name));
        let first = write(&store, move |tx| groups::insert(tx, &long, &STRICT.group)).await.unwrap();
        let second = write(&store, move |tx| groups::insert(tx, &other, &STRICT.group)).await.unwrap();
        let taken = write(&store, move |tx| groups::insert(tx, &again, &STRICT.group)).await;
        assert!(matches!(taken, Err(DirectoryError::ValueTaken { existing, .. }) if existing == first.id));
        for (filter, expected) in [
            (format!("displayName eq {}", quoted(&name)), vec![&first.id]),
            (format!("displayName ne {}", quoted(&name)), vec![&second.id]),
            (format!("displayName co {}", quoted(&name[name.len() - 80..])), vec![&first.id]),
            (format!("externalId eq {}", quoted(&name)), vec![&first.id]),
        ] {
            let found = ids_of::<Groups>(&store, &filter).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{}", &filter[..20]);
        }
        let gone = first.clone();
        write(&store, move |tx| groups::remove(tx, &gone, &STRICT.group)).await.unwrap();
        let again = group(&name);
        write(&store, move |tx| groups::insert(tx, &again, &STRICT.group)).await.unwrap();
    })
    .await;
}
