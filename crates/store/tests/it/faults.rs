//! SQLite's messages about a damaged or missing file, and the errors that they become.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use store::{StoreError, StoreSettings, WriteTx};
use testkit::stores::FreshStore;

use crate::group_commit::hold_the_writer;
use crate::support::{MIGRATIONS, add_one, counter, insert, names, path_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_held_by_another_process_is_busy_and_passes() {
    let settings = StoreSettings { busy_timeout: Duration::from_millis(30), ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let mut other = SqliteConnection::establish(path_of(&fresh).to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let both = tokio::join!(fresh.store.write(add_one), fresh.store.write(add_one));
    assert!(matches!(both, (Err(StoreError::Busy), Err(StoreError::Busy))), "{both:?}");
    assert_eq!(fresh.store.read(counter).await.unwrap(), 0, "reads go on");
    other.batch_execute("ROLLBACK").unwrap();
    fresh.store.write(add_one).await.unwrap();
    drop(other);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_something_else_is_corrupt() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    fresh.stores.close(&fresh.location).await;
    let whole = std::fs::read(path_of(&fresh)).unwrap();
    std::fs::write(path_of(&fresh), vec![b'x'; whole.len()]).unwrap();
    let opened = fresh.stores.open(&fresh.location, MIGRATIONS).await;
    assert!(matches!(opened, Err(StoreError::Corrupt(_))), "{:?}", opened.err());

    // A good header and damaged pages behind it.
    let mut damaged = whole.clone();
    damaged.iter_mut().skip(4096).for_each(|byte| *byte = 0xa5);
    std::fs::write(path_of(&fresh), damaged).unwrap();
    let result = match fresh.stores.open(&fresh.location, MIGRATIONS).await {
        Ok(store) => store.read(counter).await,
        Err(error) => Err(error),
    };
    assert!(matches!(result, Err(StoreError::Corrupt(_))), "{result:?}");

    fresh.stores.close(&fresh.location).await;
    std::fs::write(path_of(&fresh), whole).unwrap();
    let healed = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
    assert_eq!(healed.read(counter).await.unwrap(), 0);
    drop(healed);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_full_and_heals() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    fresh.store.write(|tx| insert(tx, "before")).await.unwrap();
    // A page limit is met just as a full disk is; it belongs to the writer's connection.
    let limited = fresh.store.write(|tx| {
        sql_query("PRAGMA max_page_count=1").execute(tx.connection())?;
        insert(tx, "small")?;
        let filler = "INSERT INTO things (name, amount) SELECT name || hex(zeroblob(900000)), 1 FROM things";
        Ok::<_, StoreError>(sql_query(filler).execute(tx.connection())?)
    });
    let limited = limited.await;
    assert!(matches!(limited, Err(StoreError::Full)), "{limited:?}");
    assert_eq!(names(&fresh.store).await, ["before"]);
    fresh.stores.close(&fresh.location).await;
    let again = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
    again.write(|tx| insert(tx, "later")).await.unwrap();
    assert_eq!(names(&again).await, ["before", "later"]);
    drop(again);
    fresh.remove().await;
}

/// A row that does not fit, at which SQLite ends the transaction by itself; then there is room again.
fn meet_a_full_disk(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    sql_query("PRAGMA max_page_count=1").execute(tx.connection())?;
    let full = insert(tx, &"x".repeat(900_000));
    sql_query("PRAGMA max_page_count=1000000").execute(tx.connection())?;
    full
}

/// What a bulk does: goes on after the part that failed.
fn go_on_after_a_full_disk(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    insert(tx, "before")?;
    let full = tx.savepoint(meet_a_full_disk);
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    let after = tx.savepoint(|tx| insert(tx, "in a savepoint"));
    assert!(matches!(after, Err(StoreError::Unavailable(_))), "{after:?}");
    let _ignored = insert(tx, "in none");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_that_follows_the_end_sqlite_itself_makes_of_a_transaction() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let alone = fresh.store.write(go_on_after_a_full_disk).await;
    assert!(matches!(alone, Err(StoreError::Unavailable(_))), "{alone:?}");

    let without_savepoint = fresh.store.write(|tx| {
        insert(tx, "before")?;
        let _swallowed = meet_a_full_disk(tx);
        insert(tx, "after")
    });
    let without_savepoint = without_savepoint.await;
    assert!(matches!(without_savepoint, Err(StoreError::Unavailable(_))), "{without_savepoint:?}");

    // In company: the others are told that theirs is not there either.
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let (store, other) = (&fresh.store, &fresh.store);
    let (first, bad, last, ()) = tokio::join!(
        store.write(|tx| insert(tx, "first")),
        store.write(go_on_after_a_full_disk),
        other.write(|tx| insert(tx, "last")),
        async {
            tokio::task::yield_now().await;
            go_on.send(()).unwrap();
        }
    );
    holding.await.unwrap().unwrap();
    for told in [first, bad, last] {
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    }
    assert!(names(&fresh.store).await.is_empty());
    fresh.store.write(|tx| insert(tx, "healed")).await.unwrap();
    assert_eq!(names(&fresh.store).await, ["healed"]);
    fresh.remove().await;
}
