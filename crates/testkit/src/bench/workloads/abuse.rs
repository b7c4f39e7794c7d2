//! The harm that one tenant can do to others: eight clients send the most expensive requests over and over, while a neighbour
//! sends its probe. A refusal is a right answer here; the measure is the neighbour's latency.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use hyper::Method;
use serde_json::{Value, json};
use strum::{IntoStaticStr, VariantArray};

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Target, Worker, play_turns};
use crate::bench::people;

use super::{Directory, single};
use crate::urn::BULK_REQUEST;

/// Abusive clients.
pub const CLIENTS: usize = 8;

/// The name of a request of theirs that was done, in a record.
pub const DONE: &str = "abuse";
/// The name of one that was refused.
pub const REFUSED: &str = "refused abuse";

/// How much later than the abuse the neighbour begins, so that it never meets the beginning, and earlier ends.
const MARGIN: Duration = Duration::from_millis(500);

/// The niceness of the thread of the abusive clients: they stand for other machines, which take no core from the server.
const NICENESS: i32 = 10;

/// One way to be a burden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[allow(missing_docs, reason = "the text says it")]
pub enum Abuse {
    #[strum(serialize = "filter of 200 terms in memory")]
    WideFilter,
    #[strum(serialize = "filter of 30 levels in memory")]
    DeepFilter,
    #[strum(serialize = "sort in memory")]
    Sort,
    #[strum(serialize = "filter by names of groups")]
    GroupFilter,
    #[strum(serialize = "pages of 1,000")]
    LongPages,
    #[strum(serialize = "bulks of 1,000 new users")]
    Bulks,
    #[strum(serialize = "new users of 2,000 addresses")]
    Addresses,
    #[strum(serialize = "POSTs of 790,000 numbers")]
    Numbers,
}

impl Abuse {
    /// Whether it changes the tenant.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Bulks | Self::Addresses | Self::Numbers)
    }

    /// The request; `number` is another one each time.
    fn request(self, number: usize, numbers: &Bytes) -> (Method, String, Option<Bytes>) {
        let find = |filter: &str, more: &str| {
            let filter: String = byte_serialize(filter.as_bytes()).collect();
            (Method::GET, format!("/Users?filter={filter}{more}"), None)
        };
        let post =
            |path: &str, body: &Value| (Method::POST, path.to_owned(), Some(Bytes::from(body.to_string())));
        match self {
            Self::WideFilter => {
                let terms: Vec<_> = (0..200).map(|n| format!("title co \"x{n}\"")).collect();
                find(&terms.join(" or "), "")
            }
            Self::DeepFilter => {
                find(&format!("{}title co \"x\"{}", "not (".repeat(30), ")".repeat(30)), "&count=1")
            }
            Self::Sort => (Method::GET, "/Users?sortBy=title&count=10".to_owned(), None),
            Self::GroupFilter => find("groups.display co \"x\"", ""),
            Self::LongPages => {
                (Method::GET, format!("/Users?startIndex={}&count=1000", 1 + number % 9 * 1_000), None)
            }
            Self::Bulks => {
                let operation = |n: usize| {
                    let data = people::user(number * 1_000 + n);
                    json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data})
                };
                let operations: Vec<Value> = (0..1_000).map(operation).collect();
                post("/Bulk", &json!({"schemas": [BULK_REQUEST], "Operations": operations}))
            }
            Self::Addresses => {
                let emails: Vec<Value> =
                    (0..2_000).map(|n| json!({"value": format!("a{n}@{number}.example")})).collect();
                let mut user = people::user(number);
                user["userName"] = format!("addresses-{number}").into();
                user["emails"] = emails.into();
                post("/Users", &user)
            }
            Self::Numbers => {
                let head = format!(
                    "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"numbers-{number}\",\"x\":["
                );
                (Method::POST, "/Users".to_owned(), Some([head.as_bytes(), numbers].concat().into()))
            }
        }
    }
}

/// The answers to the abusive clients and to their neighbour.
pub struct Seen {
    /// The neighbour's probes.
    pub probes: Phase,
    /// The abuse.
    pub abuse: Phase,
}

/// Plays an abuse of one tenant and the probe of another at the same time. `offset` keeps the names of users apart from those of
/// other phases.
pub async fn run(
    abuse: Abuse,
    abused: &Target,
    offset: usize,
    neighbour: &Directory,
    window: Duration,
) -> Result<Seen> {
    let target = abused.clone();
    let clients = thread::spawn(move || {
        rustix::process::setpriority_process(None, NICENESS)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(burden(abuse, &target, offset, window + MARGIN * 2))
    });
    tokio::time::sleep(MARGIN).await;
    let probes = single::probe(neighbour, 1, Bound::time(window)).await?;
    // The probe has ended; nothing else waits for this thread.
    let abuse = clients.join().map_err(|_| "the abusive clients panicked")??;
    Ok(Seen { probes, abuse })
}

async fn burden(abuse: Abuse, target: &Target, offset: usize, time: Duration) -> Result<Phase> {
    let numbers = Bytes::from(format!("{}0]}}", "10,".repeat(789_999)));
    let number = Cell::new(offset);
    play_turns(target, CLIENTS, Bound::time(time), async |worker: &mut Worker<'_>, _| {
        let (method, path, body) = abuse.request(number.replace(number.get() + 1), &numbers);
        worker.burden(method, &path, body).await
    })
    .await
}
