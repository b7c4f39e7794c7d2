//! What equals what among names, on both databases: the unique key and the filter agree with `scim_core::fold`, however a name is
//! spelled, because no database folds anything here (attack 43).

use directory::DirectoryError;
use scim_core::fold::{fold, user_name_key};
use serde_json::{Value, json};
use store::Store;
use testkit::stores::on_each_store;

use crate::support::{
    FREE, Groups, MIGRATIONS, STRICT, Users, add_user, document, groups, ids_of, person, team, users, write,
};

/// Spellings of one name.
const ONE: &[&[&str]] = &[
    &["Ada", "ada", "ADA", " ada\u{a0}", "a\u{200b}da", "\u{202e}ada", "ada\u{fe0f}"],
    &["stra\u{df}e", "STRA\u{1e9e}E", "Stra\u{df}e"],
    &["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}", "CAFE\u{301}"],
    // Two marks, in either order, one of them composed or none.
    &["\u{1e69}", "s\u{323}\u{307}", "s\u{307}\u{323}", "\u{1e63}\u{307}", "\u{1e60}\u{323}"],
    &["\u{130}zmir", "i\u{307}zmir", "I\u{307}ZMIR"],
    &["\u{ff42}\u{ff4f}\u{ff42}\u{ff20}x", "BOB@X", "\u{ff22}\u{ff2f}\u{ff22}@x"],
    &["\u{212a}im", "kim", "KIM"],
    &["\u{212b}ke", "\u{e5}ke", "A\u{30a}ke"],
    &["\u{fb03}ce", "ffice"],
    &["\u{3bf}\u{3b4}\u{3bf}\u{3c2}", "\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"],
    &["\u{1c4}", "\u{1c5}", "\u{1c6}", "d\u{17e}"],
    &["\u{13a0}", "\u{ab70}"],
    &["\u{ac01}", "\u{1100}\u{1161}\u{11a8}"],
    &["\u{10400}", "\u{10428}"],
];

/// Names of different people.
const OTHERS: &[&str] =
    &["strasse", "\u{131}zmir", "izmir", "cafe", "s\u{323}", "bob", "\u{430}da", "ad a", "a.da", "k\u{131}m"];

async fn conflict(store: &Store, name: &'static str) -> Option<String> {
    match write(store, move |tx| users::insert(tx, &person(name), &FREE.user)).await {
        Ok(_) => None,
        Err(DirectoryError::UserNameTaken { existing }) => Some(existing),
        Err(other) => panic!("{name:?}: {other:?}"),
    }
}

fn quoted(text: &str) -> Value {
    Value::from(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_43_every_spelling_of_a_name_is_that_name_and_is_found() {
    on_each_store(MIGRATIONS, async |store| {
        for spellings in ONE {
            let first = add_user(&store, person(spellings[0])).await;
            assert_eq!(first.parse().unwrap().str("userName"), Some(spellings[0]), "kept as it was sent");
            for spelling in *spellings {
                assert_eq!(conflict(&store, spelling).await, Some(first.id.clone()), "{spelling:?}");
                let found = ids_of::<Users>(&store, &format!("userName eq {}", quoted(spelling))).await;
                assert_eq!(found, std::slice::from_ref(&first.id), "{spelling:?}");
            }
        }
        for other in OTHERS {
            assert_eq!(conflict(&store, other).await, None, "{other:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_43_names_of_groups_and_addresses_fold_the_same_way() {
    on_each_store(MIGRATIONS, async |store| {
        for (number, spellings) in ONE.iter().enumerate() {
            let first = spellings[0];
            let group =
                write(&store, move |tx| groups::insert(tx, &team(first), &STRICT.group)).await.unwrap();
            let email = json!({ "userName": format!("user{number}"), "emails": [{ "value": first }] });
            let user = add_user(&store, document(email)).await;
            // Blanks around it count in all but a userName.
            for spelling in spellings.iter().copied().filter(|s| s.trim() == *s) {
                let again = write(&store, move |tx| groups::insert(tx, &team(spelling), &STRICT.group)).await;
                assert!(matches!(again, Err(DirectoryError::ValueTaken { .. })), "{spelling:?}");
                let found = ids_of::<Groups>(&store, &format!("displayName eq {}", quoted(spelling))).await;
                assert_eq!(found, std::slice::from_ref(&group.id), "{spelling:?}");
                let found = ids_of::<Users>(&store, &format!("emails.value eq {}", quoted(spelling))).await;
                assert_eq!(found, std::slice::from_ref(&user.id), "{spelling:?}");
            }
        }
    })
    .await;
}

/// Every name of a few pieces that are easily mistaken for each other: some 250 names.
fn names() -> Vec<String> {
    const PIECES: [&[&str]; 2] = [
        &["", "i", "I", "\u{130}", "\u{131}", "\u{307}"],
        &["", "\u{df}", "\u{1e9e}", "ss", "\u{212a}", "\u{200d}"],
    ];
    let mut names = Vec::new();
    for pieces in PIECES {
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    names.push(format!("{a}{b}{c}"));
                }
            }
        }
    }
    names.retain(|name| !user_name_key(name).is_empty());
    names.sort();
    names.dedup();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_43_the_unique_key_and_the_filter_agree_for_every_pair_of_odd_names() {
    on_each_store(MIGRATIONS, async |store| {
        let (names, mut holders) = (names(), std::collections::BTreeMap::new());
        for name in &names {
            let inserted = person(name);
            let outcome = write(&store, move |tx| users::insert(tx, &inserted, &FREE.user)).await;
            match (outcome, holders.get(&user_name_key(name))) {
                (Ok(record), None) => {
                    holders.insert(user_name_key(name), record.id);
                }
                (Err(DirectoryError::UserNameTaken { existing }), Some(holder)) => {
                    assert_eq!(existing, *holder, "{name:?}");
                }
                (outcome, holder) => panic!("{name:?}: {outcome:?}, {holder:?}"),
            }
        }
        assert!((50..names.len() / 2).contains(&holders.len()), "{} of {}", holders.len(), names.len());
        for name in names.iter().step_by(7) {
            let found = ids_of::<Users>(&store, &format!("userName eq {}", quoted(name))).await;
            assert_eq!(found, std::slice::from_ref(&holders[&user_name_key(name)]), "{name:?}");
            // What looks into a name sees the folded text, too.
            let holds = ids_of::<Users>(&store, &format!("userName co {}", quoted(name))).await;
            let wanted = fold(name);
            let expected: Vec<&String> =
                holders.iter().filter(|(key, _)| key.contains(&*wanted)).map(|(_, id)| id).collect();
            assert_eq!(holds.len(), expected.len(), "co {name:?}");
        }
    })
    .await;
}
