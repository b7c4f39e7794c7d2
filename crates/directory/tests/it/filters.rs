//! Pages and the corners of filters that a random run meets too seldom.

use std::slice::from_ref;

use testkit::stores::on_each_store;

use crate::{
    people::settle_in,
    support::{
        Groups, MIGRATIONS, Users, add_group, add_user, document, filter, find, ids_of, person, read, team,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_in_the_order_of_ids_and_deep_ones_are_empty_with_the_true_total() {
    on_each_store(MIGRATIONS, async |store| {
        let people = settle_in(&store).await;
        let total = u64::try_from(people.user_ids.len()).unwrap();
        // Nothing, an exact filter, one that narrows, one that SQL knows nothing of.
        for text in
            ["", "userName pr or userName co \"\"", "userName co \"\"", "meta.resourceType eq \"User\""]
        {
            let filter = (!text.is_empty()).then(|| filter::<Users>(text));
            let expected = people.user_ids.clone();
            read(&store, move |tx| {
                let mut walked = Vec::new();
                for start in (1..=total).step_by(37) {
                    let (counted, page) = find::<Users>(tx, filter.as_ref(), (start, 37))?;
                    assert_eq!(counted, total);
                    walked.extend(page);
                }
                assert_eq!(walked, expected);
                for page in
                    [(total + 1, 10), (u64::MAX, 1000), (1 << 63, 1000), (1, 0), (total, 0), (u64::MAX, 0)]
                {
                    assert_eq!(find::<Users>(tx, filter.as_ref(), page)?, (total, Vec::new()), "{page:?}");
                }
                Ok(())
            })
            .await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_column_tells_its_total_on_every_page() {
    on_each_store(MIGRATIONS, async |store| {
        let ann = add_user(&store, person("ann")).await;
        let filter = filter::<Users>("userName eq \"ANN\"");
        read(&store, move |tx| {
            for (page, ids) in [
                ((1, 1), vec![ann.id.clone()]),
                ((1, 0), vec![]),
                ((2, 10), vec![]),
                ((u64::MAX, 10), vec![]),
            ] {
                assert_eq!(find::<Users>(tx, Some(&filter), page)?, (1, ids), "{page:?}");
            }
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blanks_around_a_user_name_are_nowhere_seen() {
    on_each_store(MIGRATIONS, async |store| {
        let kim = add_user(&store, person(" \u{1680}Kim\u{2028}")).await;
        for (text, is_found) in [
            ("eq \"kim\"", true),
            ("ge \"kim\"", true),
            ("lt \"kim\"", false),
            ("sw \"ki\"", true),
            ("sw \" kim\"", true),
            ("ew \"IM \"", true),
            ("co \" kim \"", true),
            ("ne \"kim \"", false),
        ] {
            let expected = if is_found { from_ref(&kim.id) } else { &[] };
            assert_eq!(ids_of::<Users>(&store, &format!("userName {text}")).await, expected, "{text}");
        }
    })
    .await;
}

/// SQLite fails on a pattern above 50,000 bytes, and one character can fold to eighteen.
#[tokio::test(flavor = "multi_thread")]
async fn attack_34_the_longest_filters_are_answered_on_both_databases() {
    on_each_store(MIGRATIONS, async |store| {
        let expands = "\u{fdfa}".repeat(1_024);
        let (user, group) =
            (add_user(&store, person(&expands)).await, add_group(&store, team(&expands)).await);
        add_user(&store, person("x")).await;
        for op in ["eq", "co", "le"] {
            let text = format!("userName {op} \"{expands}\"");
            let found = ids_of::<Users>(&store, &text).await;
            assert!(found.contains(&user.id), "{op}");
            let text = format!("displayName {op} \"{expands}\"");
            assert_eq!(ids_of::<Groups>(&store, &text).await, from_ref(&group.id), "{op}");
            for long in ["\u{fdfa}".repeat(5_000), "%".repeat(16_000), "\u{1f600}".repeat(4_000)] {
                ids_of::<Users>(&store, &format!("userName {op} \"{long}\"")).await;
                ids_of::<Users>(&store, &format!("emails.value {op} \"{long}\"")).await;
                ids_of::<Users>(&store, &format!("externalId {op} \"{long}\"")).await;
                ids_of::<Users>(&store, &format!("id {op} \"{long}\"")).await;
                ids_of::<Groups>(&store, &format!("displayName {op} \"{long}\"")).await;
            }
        }
        let many = vec!["userName co \"x\""; 200].join(" or ");
        assert_eq!(ids_of::<Users>(&store, &many).await.len(), 1);
        for path in ["groups.value", "groups[type eq \"direct\"].value", "not (groups.value"] {
            let end = if path.starts_with("not") { ")" } else { "" };
            let many = vec![format!("{path} eq \"{}\"{end}", group.id); 100].join(" or ");
            ids_of::<Users>(&store, &many).await;
        }
        let many = vec![format!("members.value eq \"{}\"", user.id); 100].join(" or ");
        assert!(ids_of::<Groups>(&store, &many).await.is_empty());
        let deep = format!("{}userName eq \"x\"{}", "not (".repeat(30), ")".repeat(30));
        assert_eq!(ids_of::<Users>(&store, &deep).await.len(), 1);
    })
    .await;
}

/// Nothing a client writes into a filter reaches SQL as SQL, nor a driver as something that it refuses.
#[tokio::test(flavor = "multi_thread")]
async fn attack_33_odd_characters_in_a_filter_are_data() {
    on_each_store(MIGRATIONS, async |store| {
        let odd = "a'; DROP TABLE users; --\u{7f}\u{85}\u{2028}\u{feff}\u{10ffff}";
        let ann = add_user(&store, document(serde_json::json!({ "userName": odd, "externalId": odd }))).await;
        for attribute in ["userName", "externalId"] {
            let text = format!("{attribute} eq {}", serde_json::Value::from(odd));
            assert_eq!(ids_of::<Users>(&store, &text).await, from_ref(&ann.id));
        }
        // PostgreSQL takes no NUL: whether the filter's parser lets it through or not, no query may fail.
        for text in [
            "userName eq \"a\\u0000b\"",
            "externalId eq \"a\\u0000b\"",
            "id eq \"\\u0000\"",
            "userName co \"\\u0000\"",
        ] {
            let parsed = scim_core::filter::Filter::parse(
                text,
                &scim_core::schema::user(),
                &mut scim_core::leniency::Tolerance::lenient(),
            );
            if let Ok(filter) = parsed {
                let found = read(&store, move |tx| find::<Users>(tx, Some(&filter), (1, 10))).await;
                assert_eq!(found.0, 0, "{text}");
            }
        }
    })
    .await;
}
