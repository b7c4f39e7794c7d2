//! The services that the gateway uses: the databases behind regions and cells, and Redis.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use store::{PostgresUrl, StoreError, Stores};
use tenant_registry::RegistryPlace;

use super::looked::Looked;
use crate::settings::Settings;

/// Clocks that differ by more make leases, and the times of acts, hard to compare.
const MOST_APART_MS: i64 = 5_000;

/// A Redis that takes longer is not waited for by requests.
const PROMPT: Duration = Duration::from_millis(100);

/// For all of a connection and an answer.
const PATIENCE: Duration = Duration::from_secs(3);

const SILENT: &str = "Redis does not answer in time";

/// Each database of the served regions: whether it can be reached, holds what stores need, and has the time.
pub(super) async fn databases(settings: &Settings, stores: &Stores) -> Vec<Looked> {
    let mut all = Vec::new();
    for (code, region) in &settings.regions {
        if let RegistryPlace::Database(url) = &region.place.registry {
            all.push(database(&format!("The registry's database of region {code}"), url, stores).await);
        }
        for (name, cell) in &region.place.cells {
            all.push(database(&format!("Cell {name} of region {code}"), &cell.url, stores).await);
        }
    }
    all
}

async fn database(name: &str, url: &PostgresUrl, stores: &Stores) -> Looked {
    match stores.check_cell(url).await {
        Ok(()) => {}
        Err(StoreError::Unfit(sentence)) => {
            // Its sentence says what to do behind the first colon.
            let (fault, remedy) = sentence
                .split_once(": ")
                .unwrap_or((&sentence, "see \"The database\" in docs/operations.md"));
            return Looked::finding("database", format!("{name}: {fault}"), remedy);
        }
        Err(error) => {
            let fault = format!("{name} cannot be reached ({error})");
            return Looked::finding(
                "database",
                fault,
                "start it, or correct its URL, its password or the network",
            );
        }
    }
    let before_ms = stores.clock().now_ms();
    let theirs_ms = match stores.clock_of_cell(url).await {
        Ok(theirs_ms) => theirs_ms,
        Err(error) => {
            return Looked::finding(
                "database",
                format!("{name} does not tell its time ({error})"),
                "run the doctor again",
            );
        }
    };
    // Our time when it was asked lies between these two.
    let after_ms = stores.clock().now_ms();
    let apart_ms = (before_ms - theirs_ms).max(theirs_ms - after_ms);
    if apart_ms > MOST_APART_MS {
        let fault = format!("The clocks of {name} and of this machine are {} s apart", apart_ms / 1_000);
        return Looked::finding("database", fault, "set both by NTP");
    }
    Looked::well(
        "database",
        format!("{name} can be reached, is fit for stores, and has this machine's time."),
    )
}

/// Whether Redis answers, and how promptly.
pub(super) async fn redis(settings: &Settings) -> Looked {
    let Some(url) = &settings.redis else {
        return Looked::well("redis", "None is set; limits are those of each process.");
    };
    let remedy = "start Redis, or correct redis.url; requests are served meanwhile";
    let client = match url.client() {
        Ok(client) => client,
        Err(fault) => return Looked::finding("redis", fault, remedy),
    };
    let Some(connected) = in_time(client.get_multiplexed_async_connection()).await else {
        return Looked::finding("redis", SILENT, remedy);
    };
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(error) if error.is_timeout() => return Looked::finding("redis", SILENT, remedy),
        // What the library says of an error holds no password.
        Err(error) => {
            return Looked::finding(
                "redis",
                format!("Redis cannot be reached ({})", error.category()),
                remedy,
            );
        }
    };
    let began = Instant::now();
    let ping = redis::cmd("PING");
    match in_time(ping.query_async::<String>(&mut connection)).await {
        None => Looked::finding("redis", SILENT, remedy),
        Some(Err(error)) if error.is_timeout() => Looked::finding("redis", SILENT, remedy),
        Some(Err(error)) => {
            Looked::finding("redis", format!("Redis refuses to answer ({})", error.category()), remedy)
        }
        Some(Ok(_)) => {
            let took = began.elapsed();
            let told = format!("Redis answers within {} µs", took.as_micros());
            if took > PROMPT {
                return Looked::finding(
                    "redis",
                    told,
                    "look at its load and at the network: requests do not wait for it",
                );
            }
            Looked::well("redis", format!("{told}."))
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, asked).await.ok()
}
