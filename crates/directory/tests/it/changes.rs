//! The change log keeps its order and its words.

use directory::{
    DirectoryError,
    changes::{self, NewRecord},
};
use serde_json::json;
use testkit::stores::on_each_store;

use crate::support::{MIGRATIONS, read, write};

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_back_newest_first() {
    on_each_store(MIGRATIONS, async |store| {
        for (resource_id, versions) in [("a", 1..4), ("b", 1..3)] {
            write(&store, move |tx| {
                for version in versions {
                    let detail = &json!({ "text": "it's \"%\" \u{1f600}" }).to_string();
                    let kind = "user.changed";
                    changes::append(
                        tx,
                        &NewRecord {
                            kind,
                            resource_id,
                            version,
                            request_id: "r",
                            actor: None,
                            detail,
                            entry: None,
                            person: None,
                        },
                    )?;
                }
                Ok(())
            })
            .await
            .unwrap();
        }
        let of_a = read(&store, |tx| changes::of_resource(tx, "a", 2)).await;
        assert_eq!(of_a.iter().map(|change| change.version).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(of_a[0].detail, "{\"text\":\"it's \\\"%\\\" \u{1f600}\"}");
        let of_numbers = read(&store, |tx| {
            let mut version = |number, id| {
                Ok::<_, DirectoryError>(changes::of_number(tx, number, id)?.map(|change| change.version))
            };
            Ok([version(2, "a")?, version(2, "b")?, version(9, "a")?])
        });
        assert_eq!(of_numbers.await, [Some(2), None, None]);
        let newest = read(&store, |tx| changes::newest(tx, 3)).await;
        let newest: Vec<_> =
            newest.iter().map(|change| (change.resource_id.as_str(), change.version)).collect();
        assert_eq!(newest, [("b", 2), ("b", 1), ("a", 3)]);
    })
    .await;
}
