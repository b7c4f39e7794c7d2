//! What a creation costs under a profile with 16 sources and 500 group rules, against one under `default`: in turns, in one run.
//! `cargo run --release -p provisioning --example wide_profile [ROUNDS]`. It fails when the wide one costs more than 10 % more.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "it prints a ratio"
)]

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use profiles::Profile;
use provisioning::{
    Act, Base, MayWrite, Preconditions, Product, ProvisioningError, RequestContext, Rules, SentPerson, Shown,
    TENANT_MIGRATIONS, Write, log::Sender, plan,
};
use scim_core::{ResourceKind, bulk::Method};
use store::Store;
use testkit::bench::people;
use testkit::stores::FreshStore;

/// Creations that wait for each other, as with so many clients.
const CLIENTS: usize = 8;
/// Creations of one turn.
const TURN: usize = 25 * CLIENTS;
/// How much more the wide profile may cost.
const MOST: f64 = 1.10;

/// Attributes that most people do not have, so that each is asked in vain before `userType` decides.
const ASKED_FIRST: [&str; 14] = [
    "nickName",
    "preferredLanguage",
    "locale",
    "timezone",
    "profileUrl",
    "name.honorificPrefix",
    "name.honorificSuffix",
    "name.middleName",
    "roles.value",
    "entitlements.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
];

struct Tenant {
    store: Store,
    rules: Arc<Rules>,
    made: usize,
    took: Vec<Duration>,
}

fn wide() -> Profile {
    let text = profiles::built_in_text("default").unwrap();
    let (head, _) = text.split_once("\n# Compared without").unwrap();
    let mut text = head.replace("name = \"default\"", "name = \"wide\"");
    for attribute in ASKED_FIRST.into_iter().chain(["userType"]) {
        let values = "values = { admin = \"admin\", member = \"member\", member_lite = \"member_lite\", user = \"member\" }";
        text.push_str(&format!("\n[[sources]]\nattribute = \"{attribute}\"\n{values}\n"));
    }
    let rules: Vec<String> =
        (0..500).map(|number| format!("{{ name = \"Group {number}\", role = \"member\" }}")).collect();
    text.push_str(&format!("\n[[sources]]\ngroups = [{}]\n", rules.join(", ")));
    let profile = Profile::parse("wide", &text).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(profile.sources.len(), 16);
    profile
}

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1).map_or(20, |word| word.parse::<usize>().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let stores =
            [FreshStore::sqlite(TENANT_MIGRATIONS).await, FreshStore::sqlite(TENANT_MIGRATIONS).await];
        let mut tenants = Vec::new();
        for (fresh, profile) in stores.iter().zip([Profile::built_in("default").unwrap(), wide()]) {
            tenants.push(tenant(fresh.store.clone(), profile).await);
        }
        // The first turn of each warms up.
        for round in 0..=rounds {
            for at in [round % 2, 1 - round % 2] {
                turn(&mut tenants[at]).await;
            }
        }
        let ratio = median(&tenants[1].took[1..]) / median(&tenants[0].took[1..]);
        println!(
            "A creation under 16 sources and 500 group rules costs {:.1} % of one under default.",
            ratio * 100.0
        );
        drop(tenants);
        for fresh in stores {
            fresh.remove().await;
        }
        if ratio <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

fn median(all: &[Duration]) -> f64 {
    let mut all = all.to_vec();
    all.sort();
    all[all.len() / 2].as_secs_f64()
}

async fn tenant(store: Store, profile: Profile) -> Tenant {
    let mut rules = Rules::new(Product::new(profile, 1).unwrap());
    rules.base = Base("https://scim.example.com/ire/acme/scim/v2".to_owned());
    let licenses = rules.product.licenses().clone();
    let unlimited = move |tx: &mut store::WriteTx<'_>| {
        for license in licenses.iter() {
            let act =
                Act { request_id: "0".repeat(32), actor: "root".to_owned(), sender: Sender::of_staff(None) };
            plan::set_quota(tx, &license, None, &act)?;
        }
        Ok::<_, ProvisioningError>(())
    };
    store.write(unlimited).await.unwrap();
    Tenant { store, rules: Arc::new(rules), made: 0, took: Vec::new() }
}

async fn turn(tenant: &mut Tenant) {
    let began = Instant::now();
    for number in (tenant.made..tenant.made + TURN).step_by(CLIENTS) {
        join_all((number..number + CLIENTS).map(|number| create(tenant, number))).await;
    }
    tenant.took.push(began.elapsed());
    tenant.made += TURN;
}

async fn create(tenant: &Tenant, number: usize) {
    let (store, rules) = (tenant.store.clone(), Arc::clone(&tenant.rules));
    let mut context = RequestContext {
        request_id: "01936f5e0c7e7c1c8000000000000000".to_owned(),
        credential: "k".repeat(12),
        may_write: MayWrite::ALL,
        tenant: "ire/acme".to_owned(),
        sender: Sender::default(),
        sent: SentPerson::default(),
        names_attributes: false,
        met_before: Vec::new(),
        tolerance: rules.tolerance(),
        rules,
        instant: Instant::now(),
        is_trial: false,
    };
    let write =
        Write::new(ResourceKind::User, Method::Post, None, people::user(number), &mut context).unwrap();
    let work = move |tx: &mut store::WriteTx<'_>| {
        write.run(tx, Shown::Links, &Preconditions::default(), &mut context.attempt())
    };
    assert!(store.write_repeatable(work).await.unwrap().view.is_some());
}
