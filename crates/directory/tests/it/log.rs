//! The log finds the rows of a person in every segment of it.

use diesel::{RunQueryDsl as _, sql_query};
use directory::log::{self, About, End, Place, RowsBehind, Wanted};
use store::{ReadTx, Store};
use testkit::stores::on_each_store;

use crate::support::{MIGRATIONS, read, write};

/// Numbers at both ends of segments, and one far behind them, so that many segments between have no row.
const NUMBERS: [i64; 6] = [1, 4_095, 4_096, 8_191, 8_192, 3_000_000];

/// Rows of Ada and of Bob under these numbers, in both tables. The row with the greatest number is of an earlier time, because a clock may go back,
/// and rows of three segments have the same time.
const FILL: [&str; 2] = [
    "INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, result, idp, user_key, user_name) \
     SELECT n + d, CASE WHEN n IN (4096, 3000000) THEN 4095 ELSE n END * 10, 'user.changed', id, 1, 'r', '{}', \
     CASE WHEN n = 4096 THEN 'held' ELSE 'applied' END, 'okta', who, who || '!' FROM numbers, people",
    "INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key, user_name) \
     SELECT n + d, CASE WHEN n IN (4096, 3000000) THEN 4095 ELSE n END * 10 + 1, 'user.refused', \
     CASE WHEN n = 1 THEN '' ELSE id END, 'r', '{}', 'refused', 'okta', who, who || '!' FROM numbers, people",
];

async fn fill(store: &Store) {
    for insert in FILL {
        let numbers = NUMBERS.map(|number| format!("({number})")).join(", ");
        let tables = format!(
            "WITH numbers (n) AS (VALUES {numbers}), people (who, id, d) AS (VALUES ('ada', 'a', 0), ('bob', 'b', 2)) SELECT n"
        );
        let sql = insert.replacen("SELECT n", &tables, 1);
        write(store, move |tx| Ok(sql_query(sql).execute(tx.connection()).map(drop)?)).await.unwrap();
    }
}

fn every_row_about(about: About) -> Wanted {
    Wanted {
        about: vec![about],
        results: vec!["applied", "held", "refused"],
        idps: vec!["okta"],
        ..Wanted::default()
    }
}

/// The ids of all rows that are wanted, read in pages of this many.
async fn ids(store: &Store, wanted: &Wanted, most: usize) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), None::<Place>);
    loop {
        let wanted = wanted.clone();
        let page = read(store, move |tx| log::page(tx, &wanted, before, most)).await;
        let Some(last) = page.last() else { return ids };
        before = Some(last.place);
        ids.extend(page.iter().map(|row| row.place.id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_person_are_found_in_every_segment_in_the_order_of_their_times() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        let ada = every_row_about(About::Person("ada".to_owned()));
        let in_order = [
            "a8192", "c8192", "a8191", "c8191", "a3000000", "a4096", "a4095", "c3000000", "c4096", "c4095",
            "a1", "c1",
        ];
        for most in [1, 2, 5, 12, 100] {
            assert_eq!(ids(&store, &ada, most).await, in_order, "pages of {most}");
        }
        let changes = Wanted { results: vec!["applied", "held"], ..ada.clone() };
        assert_eq!(ids(&store, &changes, 1).await, ["c8192", "c8191", "c3000000", "c4096", "c4095", "c1"]);
        let held = Wanted { results: vec!["held"], ..ada.clone() };
        assert_eq!(ids(&store, &held, 1).await, ["c4096"]);
        let between = Wanted { since_ms: Some(40_000), until_ms: Some(40_960), ..ada.clone() };
        assert_eq!(
            ids(&store, &between, 2).await,
            ["a3000000", "a4096", "a4095", "c3000000", "c4096", "c4095"]
        );
        let other = every_row_about(About::Deleted { key: "ada".to_owned(), id: "b".to_owned() });
        assert_eq!(ids(&store, &other, 2).await, ["a1"], "a refused create has no id");
        let nobody = every_row_about(About::Person("cid".to_owned()));
        assert_eq!(ids(&store, &nobody, 2).await, [""; 0]);
        // After the tick has removed the oldest segments, the others are still found.
        write(&store, |tx| log::prune(tx, 81_000, 100)).await.unwrap();
        assert_eq!(ids(&store, &ada, 2).await, ["a8192", "c8192", "a8191", "c8191", "a3000000", "c3000000"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_behind_an_end_are_found_by_the_order_of_their_writing_whatever_their_times_are() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        let newest = read(&store, log::end).await;
        assert_eq!(
            (newest.text().as_str(), End::of_text(&newest.text())),
            ("c3000002-a3000002", Some(newest))
        );
        let ada = every_row_about(About::Person("ada".to_owned()));
        let (mut found, mut end) = (Vec::new(), End::of_text("c4096-a8191").unwrap());
        loop {
            let ada = ada.clone();
            let RowsBehind { rows, end: next, more } =
                read(&store, move |tx| log::behind(tx, &ada, end, 4)).await;
            found.extend(rows.iter().map(|row| row.place.id()));
            end = next;
            if !more {
                break;
            }
        }
        // Each page of four in the order of the times.
        assert_eq!(found, ["a8192", "a3000000", "c8191", "c8192", "c3000000"]);
        assert_eq!(end, newest);
        // A store that was put back from a backup ends before: what it gets next is found.
        let later = End::of_text("c9000000-a9000000").unwrap();
        let behind = read(&store, move |tx| log::behind(tx, &ada, later, 4)).await;
        assert_eq!((behind.rows.len(), behind.end), (0, newest));
        for none in ["", "c1", "a1-c1", "c1-a", "1-1"] {
            assert_eq!(End::of_text(none), None, "{none}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_behind_the_beginning_are_those_of_all_pages_whatever_is_wanted() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        let about = |about: About| every_row_about(about);
        let ada = || About::Person("ada".to_owned());
        let wanted = [
            about(ada()),
            about(About::Deleted { key: "ada".to_owned(), id: "b".to_owned() }),
            about(About::Resource("b".to_owned())),
            about(About::Resource(String::new())),
            Wanted { about: Vec::new(), ..about(ada()) },
            Wanted { about: vec![ada(), About::Person("bob".to_owned())], ..about(ada()) },
            Wanted { results: vec!["held"], ..about(ada()) },
            Wanted { results: vec!["applied", "refused"], about: Vec::new(), ..about(ada()) },
            Wanted { idps: vec!["okta"], ..about(ada()) },
            Wanted { since_ms: Some(40_000), until_ms: Some(40_960), ..about(ada()) },
        ];
        for wanted in wanted {
            let (of_page, beginning) = (wanted.clone(), End::of_text("c0-a0").unwrap());
            let mut page = read(&store, move |tx| log::page(tx, &of_page, None, 1_000)).await;
            page.reverse();
            let of_end = wanted.clone();
            let behind = read(&store, move |tx| log::behind(tx, &of_end, beginning, 1_000)).await;
            assert_eq!((behind.rows, behind.more), (page, false), "{wanted:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_about_two_things_that_are_wanted_is_one_row_of_a_page() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        let ada = every_row_about(About::Person("ada".to_owned()));
        let also = About::Deleted { key: "ada".to_owned(), id: String::new() };
        let both = Wanted { about: [ada.about.clone(), vec![also]].concat(), ..ada.clone() };
        for most in [1, 5, 12] {
            assert_eq!(ids(&store, &both, most).await, ids(&store, &ada, most).await, "pages of {most}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_given_to_the_rows_of_every_segment() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        write(&store, |tx| log::rename(tx, "ada", "hash:1")).await.unwrap();
        assert_eq!(ids(&store, &every_row_about(About::Person("ada".to_owned())), 5).await, [""; 0]);
        let renamed = every_row_about(About::Person("hash:1".to_owned()));
        let rows = read(&store, move |tx| log::page(tx, &renamed, None, 100)).await;
        assert_eq!(rows.iter().map(|row| row.user_name.as_deref()).collect::<Vec<_>>(), [None; 12]);
        assert_eq!(ids(&store, &every_row_about(About::Person("bob".to_owned())), 5).await.len(), 12);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_under_other_keys_get_new_ones_segment_by_segment() {
    on_each_store(MIGRATIONS, async |store| {
        fill(&store).await;
        write(&store, |tx| log::rename(tx, "ada", "hash:1")).await.unwrap();
        let others = |tx: &mut ReadTx<'_>| log::segments_of_other_keys(tx, "hash:");
        let segments = read(&store, others).await;
        assert_eq!(segments.len(), 8, "{segments:?}");
        for segment in segments {
            write(&store, move |tx| {
                log::rename_in_segment(tx, segment, "hash:", |key| format!("hash:{key}"))
            })
            .await
            .unwrap();
        }
        assert_eq!(read(&store, others).await, []);
        for (key, many) in [("hash:1", 12), ("hash:bob", 12), ("bob", 0)] {
            assert_eq!(ids(&store, &every_row_about(About::Person(key.to_owned())), 5).await.len(), many);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_rows_has_none_of_a_person() {
    on_each_store(MIGRATIONS, async |store| {
        assert_eq!(ids(&store, &every_row_about(About::Person("ada".to_owned())), 5).await, [""; 0]);
    })
    .await;
}
