//! Walks by `startIndex`: a page that begins at a remembered position is the page that its offset gives.

use std::sync::Arc;

use directory::search::PageRequest;
use provisioning::{
    lists::{self, ListRequest, Part, Projections},
    walks::{Walk, Walks},
};
use scim_core::{ResourceKind, filter::Filter, leniency::Tolerance, projection::Projection, sort::Sort};
use serde_json::json;
use store::ReadTx;

use crate::support::{Tenant, for_each_tenant, person};

/// Lists that SQL decides and orders, and one that it does not.
const LISTS: &[(&str, &str, &str)] = &[
    ("", "", ""),
    ("", "userName", "descending"),
    ("userName sw \"u1\"", "externalId", "ascending"),
    ("", "externalId", "descending"),
    ("externalId pr", "meta.lastModified", "ascending"),
    ("title eq \"odd\"", "userName", "ascending"),
];

const STEPS: u32 = 250;

/// Small numbers in an order that looks like none.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn part(tenant: &Tenant, (filter, sort, order): (&str, &str, &str)) -> Part {
    let (rt, mut tolerance) = (&tenant.rules.user, Tolerance::lenient());
    let filter = (!filter.is_empty()).then(|| Filter::parse(filter, rt, &mut tolerance).unwrap());
    let sort = (!sort.is_empty())
        .then(|| Sort::parse(rt, &[], Some(sort), Some(order), &mut tolerance).unwrap())
        .flatten();
    Part { kind: ResourceKind::User, filter, sort }
}

fn page(
    tx: &mut ReadTx<'_>,
    tenant: &Tenant,
    part: &Part,
    request: PageRequest<'_>,
    walk: Option<Walk<'_>>,
) -> (Vec<String>, u64) {
    let projection = Projection::all(&tenant.rules.user);
    let projections = Projections { user: projection.clone(), group: projection };
    let (parts, is_over, has_room) = (std::slice::from_ref(part), &|| false, &|_| true);
    let asked = ListRequest { parts, request, projections: &projections, walk, is_over, has_room };
    let listed = lists::list(tx, &tenant.rules, &asked).unwrap();
    (listed.texts, listed.total)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_of_a_walk_is_what_its_offset_gives_whatever_changes_meanwhile() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10_000, 10_000).await;
        let (walks, mut dice) = (Arc::new(Walks::default()), Dice(0x9e37_79b9_7f4a_7c15));
        let (mut ids, mut offsets, mut remembered) = (Vec::new(), vec![0_u64; LISTS.len()], 0);
        for step in 0..STEPS {
            match dice.below(12) {
                _ if step < 20 => ids.push(made(&tenant, step, &mut dice).await),
                0 => ids.push(made(&tenant, step, &mut dice).await),
                1 if ids.len() > 10 => {
                    let id = ids.swap_remove(dice.below(ids.len()));
                    tenant.delete(&id).await.unwrap();
                }
                2 => {
                    let id = &ids[dice.below(ids.len())];
                    let name = format!("u{}-{step}", dice.below(30));
                    let operations = json!([{ "op": "replace", "path": "userName", "value": name }]);
                    tenant.patch(id, operations).await.unwrap();
                }
                _ => {
                    let list = dice.below(LISTS.len());
                    let count = u64::try_from(1 + dice.below(5)).unwrap();
                    let (reader, walks, offset) = (tenant.clone(), Arc::clone(&walks), offsets[list]);
                    let (shown, is_remembered) = tenant
                        .read(move |tx| {
                            let (part, list_name) = (part(&reader, LISTS[list]), list.to_string());
                            let walk = Walk { walks: &walks, tenant: "t", query: &|| list_name.clone() };
                            let request = PageRequest::Index { offset, count };
                            let is_remembered = walk.find(tx, &request)?.is_some();
                            let with = page(tx, &reader, &part, request, Some(walk));
                            assert_eq!(with, page(tx, &reader, &part, request, None), "{part:?} {offset}");
                            Ok((u64::try_from(with.0.len()).unwrap(), is_remembered))
                        })
                        .await;
                    remembered += u32::from(is_remembered);
                    offsets[list] = if shown < count { 0 } else { offset + shown };
                }
            }
        }
        assert!(remembered > STEPS / 10, "{remembered} pages began at a remembered position");
    })
    .await;
}

async fn made(tenant: &Tenant, step: u32, dice: &mut Dice) -> String {
    let mut body = person(&format!("u{}-{step}", dice.below(30)), "member");
    if dice.below(3) > 0 {
        body["externalId"] = json!(format!("e{}", dice.below(5)));
    }
    if dice.below(2) > 0 {
        body["title"] = json!("odd");
    }
    tenant.create(body).await.unwrap().view.record.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_is_remembered_for_its_own_list_until_something_changes() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(100, 100).await;
        for n in 0..6 {
            tenant.create(person(&format!("u{n}"), "member")).await.unwrap();
        }
        let walks = Arc::new(Walks::default());
        let is_remembered = |list: &'static str, offset| {
            let walks = Arc::clone(&walks);
            let request = PageRequest::Index { offset, count: 2 };
            tenant.read(move |tx| {
                Ok(Walk { walks: &walks, tenant: "t", query: &|| list.to_owned() }
                    .find(tx, &request)?
                    .is_some())
            })
        };
        let (reader, kept) = (tenant.clone(), Arc::clone(&walks));
        tenant
            .read(move |tx| {
                let request = PageRequest::Index { offset: 0, count: 2 };
                let walk = Walk { walks: &kept, tenant: "t", query: &|| "a".to_owned() };
                page(tx, &reader, &part(&reader, LISTS[0]), request, Some(walk));
                Ok(())
            })
            .await;
        assert!(is_remembered("a", 2).await);
        assert!(!is_remembered("a", 1).await && !is_remembered("b", 2).await && !is_remembered("a", 0).await);
        tenant.create(person("one more", "member")).await.unwrap();
        assert!(!is_remembered("a", 2).await);
    })
    .await;
}
