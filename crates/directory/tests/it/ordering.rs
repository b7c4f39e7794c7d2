//! The order of a list: what a store shows through any window, by place or from page to page, is what `Sort` and the ids say
//! of all whole resources, whichever part of it SQL did.

use std::cell::{Cell, RefCell};

use directory::{
    resources::Record,
    search::{Column, Page, PageRequest, Position, Side, is_decided},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use scim_core::{ResourceKind, filter::Filter, sort::Sort};
use store::{ReadTx, Store};
use testkit::stores::on_each_store;

use crate::{
    differential::{Everyone, OF_GROUPS, OF_USERS, Paths, everyone, filters},
    people::{People, settle_in},
    support::{self, Groups, MIGRATIONS, Users, Whole, read, stretch, stretch_of},
};

const CASES: u32 = 100;

/// What users are sorted by: by SQL up to `meta.lastModified`, by memory the rest.
const USER_SORTS: &[&str] = &[
    "",
    "id",
    "userName",
    "urn:ietf:params:scim:schemas:core:2.0:User:USERNAME",
    "externalId",
    "meta.created",
    "META.lastmodified",
    "displayName",
    "name.givenName",
    "title",
    "active",
    "emails",
    "emails.type",
    "emails.primary",
    "emails[type eq \"work\"].value",
    "emails[not (primary eq true)].type",
    "groups.display",
    "meta.resourceType",
    "meta.version",
    "schemas",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
];

const GROUP_SORTS: &[&str] = &[
    "",
    "id",
    "displayName",
    "externalId",
    "meta.created",
    "meta.lastModified",
    "members.value",
    "members[value co \"a\"].value",
    "meta.version",
];

/// One list and how it is paged.
#[derive(Clone, Debug)]
struct Case {
    filter: Option<String>,
    sort_by: &'static str,
    descending: bool,
    start: usize,
    count: usize,
}

fn cases(
    paths: &'static Paths,
    sorts: &'static [&'static str],
    people: &People,
    many: usize,
) -> impl Strategy<Value = Case> + use<> {
    let filter = prop::option::of(filters(paths, people));
    let count = prop::sample::select(vec![1_usize, 3, 7, 40, 100, 1000]);
    (filter, prop::sample::select(sorts), any::<bool>(), 0..many + 3, count).prop_map(
        |(filter, sort_by, descending, start, count)| Case { filter, sort_by, descending, start, count },
    )
}

struct List {
    filter: Option<Filter>,
    sort: Option<Sort>,
}

impl List {
    /// `None` when the filter means nothing: half of what is made up compares what does not compare.
    fn of<S: Whole>(case: &Case) -> Option<Self> {
        let rt = S::resource_type();
        let mut tolerance = scim_core::leniency::Tolerance::lenient();
        let filter = match &case.filter {
            Some(text) => Some(Filter::parse(text, &rt, &mut tolerance).ok()?),
            None => None,
        };
        let order = case.descending.then_some("descending");
        let sort = Sort::parse(&rt, &[], Some(case.sort_by), order, &mut tolerance).unwrap();
        Some(Self { filter, sort })
    }

    /// Everybody who matches, sorted as the RFC says: by key, without one at the end of large values, then by id.
    fn expected(&self, everyone: &Everyone) -> Vec<Position> {
        let matching =
            everyone.iter().filter(|(_, resource)| self.filter.as_ref().is_none_or(|f| f.matches(resource)));
        let key = |resource| self.sort.as_ref().and_then(|sort| sort.key(resource));
        let mut places: Vec<Position> =
            matching.map(|(id, resource)| Position { key: key(resource), id: id.clone() }).collect();
        // A stable sort of what is in the order of the ids.
        let descending = self.sort.as_ref().is_some_and(Sort::is_descending);
        places.sort_by(|a, b| {
            let keys = match (&a.key, &b.key) {
                (Some(a), Some(b)) => a.cmp(b),
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, None) => std::cmp::Ordering::Equal,
            };
            if descending { keys.reverse() } else { keys }
        });
        places
    }

    fn show<S: Whole>(&self, tx: &mut ReadTx<'_>, everyone: &Everyone, window: &PageRequest<'_>) -> Page {
        let known = |id: &str| everyone.binary_search_by(|(known, _)| known.as_str().cmp(id)).unwrap();
        let whole = |record: &Record| everyone[known(&record.id)].1.clone();
        let list = (self.filter.as_ref(), self.sort.as_ref());
        stretch_of::<S>(tx, list, window, |_, records| Ok(records.iter().map(whole).collect())).unwrap()
    }
}

fn long(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

/// A window by place, and a walk from the beginning to the end and back, all of them as expected.
fn holds<S: Whole>(
    tx: &mut ReadTx<'_>,
    everyone: &Everyone,
    case: &Case,
    by_sql: &Cell<u32>,
) -> Result<(), TestCaseError> {
    let Some(list) = List::of::<S>(case) else { return Ok(()) };
    let mut case = case.clone();
    let is_sorted_by_sql = list.sort.as_ref().is_some_and(|sort| Column::of(sort, S::KIND).is_some());
    let is_decided = list.filter.as_ref().is_none_or(|filter| is_decided(S::KIND, filter));
    by_sql.set(by_sql.get() + u32::from(is_sorted_by_sql));
    let expected = list.expected(everyone);
    if !is_sorted_by_sql || !is_decided {
        // Each page may read everybody, so a long list has few pages.
        case.count = case.count.max(expected.len() / 8);
    }
    let total = long(expected.len());

    let by_place = list.show::<S>(
        tx,
        everyone,
        &PageRequest::Index { offset: long(case.start), count: long(case.count) },
    );
    let page: Vec<Position> = expected.iter().skip(case.start).take(case.count).cloned().collect();
    prop_assert_eq!((by_place.total, by_place.positions), (total, page), "{:?}", case);

    let (mut seen, mut place, mut known) = (0, None::<Position>, None);
    loop {
        let window = PageRequest::Beside {
            side: Side::After,
            position: place.as_ref(),
            count: long(case.count),
            total: known,
        };
        let found = list.show::<S>(tx, everyone, &window);
        let upto = (seen + case.count).min(expected.len());
        prop_assert_eq!(&found.positions, &expected[seen..upto], "after {} of {:?}", seen, case);
        prop_assert_eq!((found.total, found.before), (total, seen > 0), "{:?}", case);
        prop_assert_eq!(found.behind, upto < expected.len(), "after {} of {:?}", seen, case);
        known = found.is_dear.then_some(found.total);
        seen = upto;
        place = found.positions.last().cloned();
        if !found.behind {
            break;
        }
    }
    // Back from the very end, as from a page that others emptied.
    let mut place = None::<Position>;
    loop {
        let window = PageRequest::Beside {
            side: Side::Before,
            position: place.as_ref(),
            count: long(case.count),
            total: known,
        };
        let found = list.show::<S>(tx, everyone, &window);
        let from = seen.saturating_sub(case.count);
        prop_assert_eq!(&found.positions, &expected[from..seen], "before {} of {:?}", seen, case);
        prop_assert_eq!((found.total, found.before), (total, from > 0), "{:?}", case);
        prop_assert_eq!(found.behind, seen < expected.len(), "before {} of {:?}", seen, case);
        seen = from;
        place = found.positions.first().cloned();
        if !found.before {
            return Ok(());
        }
    }
}

async fn lists_are_in_order<S: Whole + 'static>(
    paths: &'static Paths,
    sorts: &'static [&'static str],
    store: &Store,
    people: People,
) {
    let outcome = read(store, move |tx| {
        let everyone = everyone::<S>(tx)?;
        let by_sql = Cell::new(0);
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let strategy = cases(paths, sorts, &people, everyone.len());
        let tx = RefCell::new(tx);
        let outcome =
            runner.run(&strategy, |case| holds::<S>(&mut tx.borrow_mut(), &everyone, &case, &by_sql));
        Ok(outcome.map(|()| by_sql.get()).map_err(|error| error.to_string()))
    })
    .await;
    let by_sql = outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!((CASES / 10..CASES * 9 / 10).contains(&by_sql), "{by_sql} of {CASES} lists were sorted by SQL");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_users_are_in_the_order_of_their_keys_by_place_and_from_page_to_page() {
    on_each_store(MIGRATIONS, async |store| {
        let people = settle_in(&store).await;
        lists_are_in_order::<Users>(&OF_USERS, USER_SORTS, &store, people).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_groups_are_in_the_order_of_their_keys_by_place_and_from_page_to_page() {
    on_each_store(MIGRATIONS, async |store| {
        let people = settle_in(&store).await;
        lists_are_in_order::<Groups>(&OF_GROUPS, GROUP_SORTS, &store, people).await;
    })
    .await;
}

/// Every sort of the lists above, whole and in both directions, so that none depends on what is made up.
#[tokio::test(flavor = "multi_thread")]
async fn every_sort_orders_everybody_in_both_directions() {
    on_each_store(MIGRATIONS, async |store| {
        settle_in(&store).await;
        read(&store, |tx| {
            whole::<Users>(tx, USER_SORTS)?;
            whole::<Groups>(tx, GROUP_SORTS)
        })
        .await;
    })
    .await;
}

fn whole<S: Whole>(
    tx: &mut ReadTx<'_>,
    sorts: &'static [&'static str],
) -> Result<(), directory::DirectoryError> {
    let everyone = everyone::<S>(tx)?;
    for sort_by in sorts {
        for descending in [false, true] {
            let case = Case { filter: None, sort_by, descending, start: 0, count: 1000 };
            let list = List::of::<S>(&case).unwrap();
            let shown = list.show::<S>(tx, &everyone, &PageRequest::Index { offset: 0, count: 1000 });
            assert_eq!(shown.positions, list.expected(&everyone), "{case:?}");
        }
    }
    Ok(())
}

/// Names whose order differs from one locale to the next, and from theirs to that of their bytes.
#[tokio::test(flavor = "multi_thread")]
async fn no_locale_has_a_say_in_the_order() {
    on_each_store(MIGRATIONS, async |store| {
        let names =
            ["a b", "a-c", "A.d", "aé", "az", "Ångström", "z", "ä", "é", "日本", "a'e", "_a", "0", "ﬁ", "~"];
        for name in names {
            support::add_user(&store, support::person(name)).await;
        }
        let mut expected: Vec<String> = names.map(scim_core::fold::user_name_key).to_vec();
        expected.sort_unstable();
        let sorted = read(&store, |tx| {
            let by_name = support::sort::<Users>("userName");
            let all = PageRequest::Index { offset: 0, count: 100 };
            let places = stretch::<Users>(tx, (None, Some(&by_name)), &all)?.positions;
            let records = directory::search::records(tx, ResourceKind::User, &places)?;
            Ok(records
                .iter()
                .map(|r| scim_core::fold::user_name_key(r.parse().unwrap().str("userName").unwrap()))
                .collect::<Vec<_>>())
        })
        .await;
        assert_eq!(sorted, expected);
    })
    .await;
}

/// Long values are compared by what an index can hold of them: the same in SQL and in memory, and never the same place twice.
#[tokio::test(flavor = "multi_thread")]
async fn long_values_have_a_place_of_their_own() {
    on_each_store(MIGRATIONS, async |store| {
        let long = "\u{e9}".repeat(400);
        for end in ["c", "a", "", "b"] {
            let mut user = support::person(&format!("{long}{end}"));
            user.0.insert("displayName".to_owned(), format!("{long}{end}").into());
            support::add_user(&store, user).await;
        }
        read(&store, |tx| {
            let by = |text: &str| Some(support::sort::<Users>(text));
            let mut ids = Vec::new();
            for sort in ["userName", "displayName"].map(by) {
                let mut place = None::<Position>;
                let mut walked = Vec::new();
                loop {
                    let next = PageRequest::Beside {
                        side: Side::After,
                        position: place.as_ref(),
                        count: 1,
                        total: None,
                    };
                    let found = stretch::<Users>(tx, (None, sort.as_ref()), &next)?;
                    walked.extend(found.positions.iter().map(|place| place.id.clone()));
                    place = found.positions.last().cloned();
                    assert!(found.positions.iter().all(|p| serde_json::to_string(p).unwrap().len() < 800));
                    if !found.behind {
                        break;
                    }
                }
                ids.push(walked);
            }
            assert_eq!(ids[0].len(), 4);
            assert_eq!(ids[0], ids[1], "SQL and memory");
            Ok(())
        })
        .await;
    })
    .await;
}

/// Who comes and goes between two pages neither hides nor repeats who stays, wherever the walk was when it happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_walk_meets_everybody_who_stays_exactly_once_while_others_come_and_go() {
    on_each_store(MIGRATIONS, async |store| {
        for sort_by in ["", "userName", "userName descending", "externalId", "displayName descending"] {
            let sort = || (!sort_by.is_empty()).then(|| support::sort::<Users>(sort_by));
            let name = |kind: &str, n: usize| format!("{sort_by}-{kind}-{n:03}");
            let person = |kind: &str, n: usize| {
                let mut user = support::person(&name(kind, n));
                user.0.insert("displayName".to_owned(), name(kind, n % 7).into());
                if n.is_multiple_of(3) {
                    user.0.insert("externalId".to_owned(), name(kind, n % 5).into());
                }
                user
            };
            let (mut staying, mut leaving) = (Vec::new(), Vec::new());
            for n in 0..40 {
                staying.push(support::add_user(&store, person("m", n)).await.id);
                leaving.push(support::add_user(&store, person("l", n)).await);
            }
            let (mut seen, mut place) = (Vec::new(), None::<Position>);
            for turn in 0.. {
                let from = place.clone();
                let sort = sort();
                let found = read(&store, move |tx| {
                    let next = PageRequest::Beside {
                        side: Side::After,
                        position: from.as_ref(),
                        count: 7,
                        total: None,
                    };
                    stretch::<Users>(tx, (None, sort.as_ref()), &next)
                })
                .await;
                seen.extend(found.positions.iter().map(|place| place.id.clone()));
                place = found.positions.last().cloned().or(place);
                if !found.behind {
                    break;
                }
                // The place itself may go: the walk goes on from where it was.
                let stood = leaving.iter().position(|user| Some(&user.id) == place.as_ref().map(|p| &p.id));
                for index in stood.into_iter().chain([leaving.len() / 2]) {
                    if index < leaving.len() {
                        let gone = leaving.remove(index);
                        support::write(&store, move |tx| {
                            support::users::remove(tx, &gone, &support::FREE.user)
                        })
                        .await
                        .unwrap();
                    }
                }
                for kind in ["a", "z"] {
                    support::add_user(&store, person(kind, turn)).await;
                }
            }
            for id in &staying {
                let times = seen.iter().filter(|seen| *seen == id).count();
                assert_eq!(
                    times,
                    1,
                    "{sort_by:?}: one of {} pages' users was met {times} times",
                    seen.len() / 7
                );
            }
            // Nobody at all was met twice.
            let mut once = seen.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "{sort_by:?}");
        }
    })
    .await;
}
