//! Walks from page to page while others write.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use testkit::gateway::Tenant;

use super::{cursor, ids, list};
use crate::running::{new_group, roomy, user_body};

/// All pages of a list, forth and back again: how often each id was met on each way.
fn there_and_back(tenant: &Tenant, path: &str, parameters: &[(&str, &str)]) -> [BTreeMap<String, usize>; 2] {
    let page =
        |cursor: &str| list(tenant, path, &[parameters, &[("cursor", cursor)]].concat()).expect(200).body;
    let mut met = [BTreeMap::new(), BTreeMap::new()];
    let note = |met: &mut BTreeMap<String, usize>, ids: Vec<String>| {
        for id in ids {
            *met.entry(id).or_insert(0) += 1;
        }
    };
    let mut current = page("");
    loop {
        note(&mut met[0], ids(&current));
        let Some(next) = cursor(&current, "nextCursor") else { break };
        current = page(&next);
    }
    note(&mut met[1], ids(&current));
    while let Some(previous) = cursor(&current, "previousCursor") {
        current = page(&previous);
        note(&mut met[1], ids(&current));
    }
    met
}

#[test]
fn who_stays_is_met_once_on_every_way_while_others_are_created_and_deleted() {
    let (_gateway, acme) = roomy();
    let person = |name: &str, n: usize| {
        user_body(
            &json!({ "userName": name, "title": format!("T{}", n % 5), "externalId": format!("x{}", n % 9) }),
        )
    };
    let mut stay = Vec::new();
    for n in 0..60 {
        stay.push(acme.post("/Users", &person(&format!("m-stays-{n:02}"), n)).expect(201).id());
        if n % 10 == 0 {
            stay.push(new_group(&acme, &format!("Group {n}"), &[]));
        }
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (acme, over) = (&acme, &over);
            scope.spawn(move || {
                let mut mine = Vec::new();
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let letter = ["a", "m", "z"][n % 3];
                    mine.push(
                        acme.post("/Users", &person(&format!("{letter}-{writer}-{n}"), n)).expect(201).id(),
                    );
                    // Few at a time, so that a walk from page to page comes to its end.
                    if mine.len() > 12 {
                        acme.delete(&format!("/Users/{}", mine.remove(mine.len() / 2))).expect(204);
                    }
                }
            });
        }
        for (path, parameters) in [
            ("/Users", vec![("count", "7")]),
            ("/Users", vec![("count", "9"), ("sortBy", "userName")]),
            ("/Users", vec![("count", "9"), ("sortBy", "userName"), ("sortOrder", "descending")]),
            ("/Users", vec![("count", "11"), ("sortBy", "externalId")]),
            ("/Users", vec![("count", "11"), ("sortBy", "title"), ("sortOrder", "descending")]),
            ("/Users", vec![("count", "8"), ("filter", "title pr")]),
            ("/Users", vec![("count", "8"), ("filter", "meta.created pr and userName sw \"m\"")]),
            ("", vec![("count", "10")]),
            ("", vec![("count", "10"), ("sortBy", "meta.created")]),
        ] {
            let is_listed = |id: &&String| path.is_empty() || acme.get(&format!("/Users/{id}")).status == 200;
            let expected: Vec<&String> = stay.iter().filter(is_listed).collect();
            assert!(expected.len() >= 60);
            for met in there_and_back(&acme, path, &parameters) {
                for id in &expected {
                    assert_eq!(met.get(*id), Some(&1), "{path} {parameters:?}");
                }
                assert!(
                    met.values().all(|times| *times == 1),
                    "{path} {parameters:?}: somebody was met twice"
                );
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_walk_goes_on_where_it_was_when_its_place_is_gone() {
    let (_gateway, acme) = roomy();
    let mut made = Vec::new();
    for n in 0..6 {
        made.push(acme.create_user(&format!("user-{n}"), "").expect(201).id());
    }
    for sort_by in [vec![], vec![("sortBy", "userName")], vec![("sortBy", "title")]] {
        let ask = |cursor: &str| {
            list(&acme, "/Users", &[&sort_by[..], &[("cursor", cursor), ("count", "2")]].concat())
                .expect(200)
                .body
        };
        let first = ask("");
        let second = ask(&cursor(&first, "nextCursor").unwrap());
        let (on, back) = (cursor(&second, "nextCursor").unwrap(), cursor(&second, "previousCursor").unwrap());
        // Both ends of the page go.
        for n in [2, 3] {
            acme.delete(&format!("/Users/{}", made[n])).expect(204);
        }
        assert_eq!(ids(&ask(&on)), made[4..6]);
        assert_eq!(ids(&ask(&back)), made[0..2]);
        // Then all that was in front of them: the page is empty and says what lies behind.
        for n in [0, 1] {
            acme.delete(&format!("/Users/{}", made[n])).expect(204);
        }
        let empty = ask(&back);
        assert_eq!((ids(&empty).len(), empty.get("previousCursor")), (0, None));
        assert_eq!(ids(&ask(&cursor(&empty, "nextCursor").unwrap())), made[4..6]);
        // And what was behind: what there was is in front now.
        for id in &made[4..] {
            acme.delete(&format!("/Users/{id}")).expect(204);
        }
        let nobody = ask(&on);
        assert_eq!(
            (ids(&nobody).len(), nobody.get("nextCursor"), nobody.get("previousCursor")),
            (0, None, None)
        );
        made.clear();
        for n in 0..6 {
            made.push(acme.create_user(&format!("user-{n}"), "").expect(201).id());
        }
    }
}
