//! Creates users and reads them back through the use cases, and nothing else: what a profiler is run on. The difference
//! between two runs of different length is the price of the operations.
//! `valgrind --tool=callgrind target/release/examples/cost 1000 0`, then `2000 0`; `1000 0` and `1000 5000` for reads.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use futures_util::future::join_all;
use provisioning::render::{self, Base};
use provisioning::{Act, Profile, ProvisioningError, Rules, TENANT_MIGRATIONS, plan, users};
use scim_core::{Document, projection::Projection, resource};
use seat_ledger::License;
use store::Store;
use testkit::bench::people;
use testkit::stores::FreshStore;

/// Creations that wait for each other, as with so many clients.
const CLIENTS: usize = 8;

#[derive(Clone)]
struct Tenant {
    store: Store,
    rules: Arc<Rules>,
    base: Base,
}

fn main() {
    let mut counts = std::env::args().skip(1).map(|word| word.parse::<usize>().unwrap());
    let (creations, reads) = (counts.next().unwrap(), counts.next().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let fresh = FreshStore::sqlite(TENANT_MIGRATIONS).await;
        let tenant = Tenant {
            store: fresh.store.clone(),
            rules: Arc::new(Rules::new(Profile::built_in("default").unwrap())),
            base: Base("https://scim.example.com/ire/acme/scim/v2".to_owned()),
        };
        let unlimited = |tx: &mut store::WriteTx<'_>| {
            for license in License::ALL {
                plan::set_quota(tx, license, None, &act())?;
            }
            Ok::<_, ProvisioningError>(())
        };
        tenant.store.write(unlimited).await.unwrap();
        let mut ids = Vec::new();
        for number in (0..creations).step_by(CLIENTS) {
            ids.extend(join_all((number..number + CLIENTS).map(|number| create(&tenant, number))).await);
        }
        for id in ids.iter().cycle().take(reads) {
            read(&tenant, id.clone()).await;
        }
        drop(tenant);
        fresh.remove().await;
    });
}

fn act() -> Act {
    Act { request_id: "01936f5e0c7e7c1c8000000000000000".to_owned() }
}

async fn create(tenant: &Tenant, number: usize) -> String {
    let Tenant { store, rules, base } = tenant.clone();
    let document: Document =
        resource::create(&rules.user, &people::user(number), &mut rules.tolerance()).unwrap();
    let new = users::NewUser::of(&rules, &document);
    let work =
        move |tx: &mut store::WriteTx<'_>| Ok::<_, ProvisioningError>(users::create(tx, &new, &act())?.view);
    let view = store.write_repeatable(work).await.unwrap();
    assert!(!render::user_text(&rules, &base, &view, &Projection::all(&rules.user)).unwrap().is_empty());
    view.record.id
}

async fn read(tenant: &Tenant, id: String) {
    let Tenant { store, rules, base } = tenant.clone();
    let work = move |tx: &mut store::ReadTx<'_>| {
        let view = users::get_at_once(tx, &id)?.unwrap();
        Ok::<_, ProvisioningError>(render::user_text(&rules, &base, &view, &Projection::all(&rules.user))?)
    };
    assert!(!store.look_up(work).await.unwrap().is_empty());
}
