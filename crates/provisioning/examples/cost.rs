//! Creates users and reads them back through the use cases, for a profiler. The difference
//! between two runs of different length is the price of the operations.
//! `valgrind --tool=callgrind target/release/examples/cost 1000 0`, then `2000 0`; `1000 0` and `1000 5000` for reads.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{sync::Arc, time::Instant};

use futures_util::future::join_all;
use provisioning::{
    Act, Base, MayWrite, Preconditions, Product, ProvisioningError, RequestContext, Rules, SentPerson, Shown,
    TENANT_MIGRATIONS, Write, log::Sender, plan, render, view,
};
use scim_core::{ResourceKind, bulk::Method, projection::Projection};
use store::Store;
use testkit::bench::people;
use testkit::stores::FreshStore;

/// Creations that wait for each other, as with so many clients.
const CLIENTS: usize = 8;

#[derive(Clone)]
struct Tenant {
    store: Store,
    rules: Arc<Rules>,
}

fn main() {
    let mut counts = std::env::args().skip(1).map(|word| word.parse::<usize>().unwrap());
    let (creations, reads) = (counts.next().unwrap(), counts.next().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let fresh = FreshStore::sqlite(TENANT_MIGRATIONS).await;
        let mut rules = Rules::new(Product::built_in("default").unwrap());
        rules.base = Base("https://scim.example.com/ire/acme/scim/v2".to_owned());
        let tenant = Tenant { store: fresh.store.clone(), rules: Arc::new(rules) };
        let licenses = tenant.rules.product.licenses().clone();
        let unlimited = move |tx: &mut store::WriteTx<'_>| {
            for license in licenses.iter() {
                plan::set_quota(tx, &license, None, &act())?;
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
    let request_id = "01936f5e0c7e7c1c8000000000000000".to_owned();
    Act { request_id, actor: "root".to_owned(), sender: Sender::of_staff(None) }
}

async fn create(tenant: &Tenant, number: usize) -> String {
    let Tenant { store, rules } = tenant.clone();
    let mut context = RequestContext {
        request_id: act().request_id,
        credential: String::new(),
        may_write: MayWrite::ALL,
        tenant: "ire/acme".to_owned(),
        sender: Sender::default(),
        sent: SentPerson::default(),
        names_attributes: false,
        met_before: Vec::new(),
        tolerance: rules.tolerance(),
        rules: Arc::clone(&rules),
        instant: Instant::now(),
        is_trial: false,
    };
    let write =
        Write::new(ResourceKind::User, Method::Post, None, people::user(number), &mut context).unwrap();
    let work = move |tx: &mut store::WriteTx<'_>| {
        write.run(tx, Shown::Links, &Preconditions::default(), &mut context.attempt())
    };
    let view = store.write_repeatable(work).await.unwrap().view.unwrap();
    assert!(!render::text(&rules, &view, &Projection::all(&rules.user)).unwrap().is_empty());
    view.record.id
}

async fn read(tenant: &Tenant, id: String) {
    let Tenant { store, rules } = tenant.clone();
    let work = move |tx: &mut store::ReadTx<'_>| {
        let view = tx.small(|tx| view::get(tx, rules.product.licenses(), ResourceKind::User, &id, true))?;
        Ok::<_, ProvisioningError>(render::text(&rules, &view, &Projection::all(&rules.user))?)
    };
    assert!(!store.look_up(work).await.unwrap().is_empty());
}
