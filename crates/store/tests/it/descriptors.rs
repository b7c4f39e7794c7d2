//! More stores than there are file descriptors for. The limit is the process's own: run each test in a process of its own, as
//! cargo-nextest does.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::{StoreError, StoreFile, StoreLocation, StoreSettings, Stores};

use crate::support::{MIGRATIONS, add_one, counter};

const STORES: usize = 40;
const CLIENTS: usize = 6;
const ROUNDS: usize = 40;

fn location(directory: &Path, number: usize) -> StoreLocation {
    StoreLocation::Sqlite(StoreFile::new(directory, &format!("tenant-{number}")).unwrap())
}

/// Leaves the process this many descriptors beside those that it has.
fn leave(descriptors: u64) {
    // Less the one that counts.
    let open = u64::try_from(std::fs::read_dir("/proc/self/fd").unwrap().count()).unwrap() - 1;
    let limit = Rlimit { current: Some(open + descriptors), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_file_descriptors_run_out_unused_stores_are_closed_and_every_call_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::new(StoreSettings {
        admission_deadline: Duration::from_secs(30),
        ..StoreSettings::default()
    })
    .unwrap();
    // Room for each client's store at its busiest, and for a third of all stores at rest.
    leave(64);
    let clients = (0..CLIENTS).map(|client| {
        let (stores, directory) = (stores.clone(), directory.path().to_owned());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let location = location(&directory, (client * 7 + round) % STORES);
                let store = stores.create(&location, MIGRATIONS).await?;
                store.write(add_one).await?;
                let (first, second) = tokio::join!(store.look_up(counter), store.read(counter));
                assert!(first? > 0 && second? > 0);
            }
            Ok::<(), StoreError>(())
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap().unwrap();
    }
    let mut total = 0;
    for number in 0..STORES {
        let store = stores.open(&location(directory.path(), number), MIGRATIONS).await.unwrap();
        total += store.read(counter).await.unwrap();
    }
    assert_eq!(total, i64::try_from(CLIENTS * ROUNDS).unwrap());
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_descriptor_a_call_says_so_and_the_next_one_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        StoreSettings { admission_deadline: Duration::from_millis(50), ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    let held = stores.create(&location(directory.path(), 0), MIGRATIONS).await.unwrap();
    let before = getrlimit(Resource::Nofile);
    leave(0);
    let opened = stores.create(&location(directory.path(), 1), MIGRATIONS).await;
    assert!(matches!(&opened, Err(StoreError::Unavailable(_))), "{:?}", opened.err());
    assert_eq!(held.read(counter).await.unwrap(), 0, "what is open serves on");
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(held.write(add_one).await.unwrap(), 1);
    stores.create(&location(directory.path(), 1), MIGRATIONS).await.unwrap();
    stores.shutdown().await;
}
