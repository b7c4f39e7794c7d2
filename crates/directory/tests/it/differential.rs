//! The differential property: what a store answers to a filter is what `scim_core::filter::matches` says of every whole
//! resource, totals and pages included, for any part of the filter that SQL decides.

use std::cell::{Cell, RefCell};

use directory::{
    resources,
    search::{Plan, plan},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use scim_core::{filter::Filter, leniency::Tolerance};
use serde_json::{Map, Value};
use store::ReadTx;
use testkit::stores::on_each_store;

use crate::{
    people::{People, settle_in, shown, word},
    support::{Groups, MIGRATIONS, Users, Whole, find, iso, read},
};

const CASES: u32 = 500;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn one_of(options: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(options)
}

/// `"…"`: a word, an id (in either letter case), or an id of no resource.
fn literal(people: &People) -> BoxedStrategy<String> {
    let ids: Vec<String> = people.user_ids.iter().step_by(17).chain(&people.group_ids).cloned().collect();
    let shouted = ids.iter().map(|id| id.to_uppercase()).collect::<Vec<_>>();
    prop_oneof![
        6 => word(),
        1 => one_of(&["direct", "Indirect", "User", "group"]).prop_map(str::to_owned),
        2 => prop::sample::select(ids),
        1 => prop::sample::select(shouted),
        1 => Just(String::new()),
        1 => Just("00000000-0000-7000-8000-000000000000".to_owned()),
    ]
    .prop_map(|text| quoted(&text))
    .boxed()
}

/// A time at, just before or just after one that is stored, in every way to write it.
fn time(people: &People) -> BoxedStrategy<String> {
    let finer = one_of(&["", "0", "1", "4999", "000000"]);
    let zone = one_of(&["Z", "z", "", "+00:00", "-00:00"]);
    (prop::sample::select(people.times.clone()), -2..=2_i64, finer, zone, any::<bool>())
        .prop_map(|(ms, off, finer, zone, elsewhere)| {
            // The same instant, on a clock two hours east.
            let (ms, zone) = if elsewhere { (ms + off + 7_200_000, "+02:00") } else { (ms + off, zone) };
            let text = iso(ms);
            quoted(&format!("{}{finer}{zone}", text.trim_end_matches('Z')))
        })
        .boxed()
}

const TEXT_OPS: &[&str] = &["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co"];
const ORDER_OPS: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];

/// The paths of one resource type, by what may be asked of them.
pub(crate) struct Paths {
    indexed: &'static [&'static str],
    texts: &'static [&'static str],
    booleans: &'static [&'static str],
    present: &'static [&'static str],
    elements: &'static [(&'static str, &'static [&'static str])],
    /// The attribute that tells of memberships, and what its `type` may say.
    memberships: (&'static str, &'static [&'static str]),
}

pub(crate) const OF_USERS: Paths = Paths {
    indexed: &[
        "userName",
        "USERNAME",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "id",
        "externalId",
        "emails",
        "emails.value",
        "groups",
        "groups.value",
    ],
    texts: &[
        "displayName",
        "name.givenName",
        "title",
        "nickName",
        "emails.type",
        "groups.display",
        "groups.type",
        "meta.resourceType",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    ],
    booleans: &["active", "emails.primary"],
    present: &[
        "id",
        "userName",
        "externalId",
        "displayName",
        "name",
        "name.givenName",
        "emails",
        "emails.type",
        "groups",
        "active",
        "meta.created",
        "manager",
    ],
    elements: &[("emails", &["value", "type", "display"]), ("groups", &["value", "display", "type"])],
    memberships: ("groups", &["direct", "Direct", "indirect", "User"]),
};

pub(crate) const OF_GROUPS: Paths = Paths {
    indexed: &["displayName", "displayname", "id", "ID", "externalId", "members", "members.value"],
    texts: &["members.display", "members.type", "meta.resourceType"],
    booleans: &[],
    present: &["displayName", "externalId", "members", "members.display", "meta"],
    elements: &[("members", &["value", "type"])],
    memberships: ("members", &["User", "user", "Group", "GROUP", "direct"]),
};

fn leaf(paths: &'static Paths, people: &People) -> BoxedStrategy<String> {
    let text = literal(people);
    let compare = |names: &'static [&'static str]| {
        (one_of(names), one_of(TEXT_OPS), text.clone())
            .prop_map(|(path, op, value)| format!("{path} {op} {value}"))
    };
    let dated = (one_of(&["meta.created", "meta.lastModified"]), one_of(ORDER_OPS), time(people));
    let null =
        (one_of(paths.present), one_of(&["eq", "ne"])).prop_map(|(path, op)| format!("{path} {op} null"));
    let elements = prop::sample::select(paths.elements);
    let inner = (one_of(&["eq", "eq", "ne", "co", "sw"]), text.clone());
    let value_path =
        (elements, any::<[prop::sample::Index; 2]>(), inner.clone(), inner, one_of(&["and", "or", ""]))
            .prop_map(|((path, subs), picks, first, second, word)| {
                let term = |pick: &prop::sample::Index, (op, value): (&str, String)| {
                    format!("{} {op} {value}", pick.get(subs))
                };
                let [a, b] = &picks;
                match word {
                    "" => format!("{path}[{}]", term(a, first)),
                    word => format!("{path}[{} {word} {}]", term(a, first), term(b, second)),
                }
            });
    let work = (one_of(&["work", "Home", "\u{200b}", ""]), text.clone());
    let typed = work.prop_map(|(kind, value)| format!("emails[type eq {}].value eq {value}", quoted(kind)));
    let (path, kinds) = paths.memberships;
    let ids: Vec<String> =
        people.group_ids.iter().chain(people.user_ids.iter().step_by(29)).cloned().collect();
    let membership =
        (prop::sample::select(ids), one_of(kinds), 0..4_u8).prop_map(move |(id, kind, shape)| match shape {
            0 => format!("{path}.value eq \"{id}\""),
            1 => format!("{path}[value eq \"{id}\"]"),
            2 => format!("{path}[type eq \"{kind}\" and value eq \"{id}\"]"),
            _ => format!("{path}[type ne \"{kind}\" and value eq \"{id}\"]"),
        });
    let mut options = vec![
        (3, membership.boxed()),
        (6, compare(paths.indexed).boxed()),
        (2, compare(paths.texts).boxed()),
        (2, dated.prop_map(|(path, op, time)| format!("{path} {op} {time}")).boxed()),
        (1, one_of(paths.present).prop_map(|path| format!("{path} pr")).boxed()),
        (1, null.boxed()),
        (2, value_path.boxed()),
    ];
    if !paths.booleans.is_empty() {
        let words = one_of(&["true", "false", "\"True\"", "\"FALSE\""]);
        let boolean = (one_of(paths.booleans), one_of(&["eq", "ne"]), words);
        options.push((1, boolean.prop_map(|(path, op, value)| format!("{path} {op} {value}")).boxed()));
        options.push((1, typed.boxed()));
        let primary = (one_of(&["eq true", "eq false", "ne false", "pr"]), text.clone());
        let primary =
            primary.prop_map(|(asked, value)| format!("emails[primary {asked} and value eq {value}]"));
        options.push((1, primary.boxed()));
    }
    prop::strategy::Union::new_weighted(options).boxed()
}

pub(crate) fn filters(paths: &'static Paths, people: &People) -> impl Strategy<Value = String> + use<> {
    let combined = leaf(paths, people).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    });
    prop_oneof![1 => leaf(paths, people), 2 => combined]
}

/// How far SQL went, counted so that no way is left out by accident.
#[derive(Default)]
struct Ways {
    exact: Cell<u32>,
    at_most_one: Cell<u32>,
    narrowing: Cell<u32>,
    unplanned: Cell<u32>,
    refused: Cell<u32>,
    some_found: Cell<u32>,
}

impl Ways {
    fn note(&self, plan: &Plan<()>) {
        let way = match (plan.predicate.is_some(), plan.exact) {
            (true, true) if plan.at_most_one => &self.at_most_one,
            (true, true) => &self.exact,
            (true, false) => &self.narrowing,
            (false, _) => &self.unplanned,
        };
        bump(way);
    }
}

fn bump(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// Every id with its whole resource.
pub(crate) type Everyone = Vec<(String, Map<String, Value>)>;

/// All resources, in the order of their ids.
pub(crate) fn everyone<S: Whole>(tx: &mut ReadTx<'_>) -> Result<Everyone, directory::DirectoryError> {
    let mut records = Vec::new();
    resources::for_each(tx, S::KIND, |record| {
        records.push(record);
        Ok(())
    })?;
    let resources = S::whole(tx, &records)?;
    Ok(records.iter().map(|r| r.id.clone()).zip(resources).collect())
}

fn holds<S: Whole>(
    tx: &mut ReadTx<'_>,
    everyone: &[(String, Map<String, Value>)],
    ways: &Ways,
    (text, start, count): (&str, u64, u64),
) -> Result<(), TestCaseError> {
    let Ok(filter) = Filter::parse(text, &S::resource_type(), &mut Tolerance::lenient()) else {
        bump(&ways.refused);
        return Ok(());
    };
    ways.note(&plan(S::KIND, &filter));
    let matching: Vec<&String> =
        everyone.iter().filter(|(_, r)| filter.matches(r)).map(|(id, _)| id).collect();
    if !matching.is_empty() {
        bump(&ways.some_found);
    }
    let skipped = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let page: Vec<String> =
        matching.iter().skip(skipped).take(usize::try_from(count).unwrap()).map(|id| (*id).clone()).collect();
    let (total, found) = find::<S>(tx, Some(&filter), (start, count))
        .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    if total != u64::try_from(matching.len()).unwrap() {
        let (_, all) = find::<S>(tx, Some(&filter), (1, 10_000)).unwrap();
        let odd = everyone.iter().find(|(id, _)| all.contains(id) != matching.contains(&id));
        let odd = odd.map(|(_, resource)| shown(resource));
        let real = matching.len();
        return Err(TestCaseError::fail(format!("{text}: {total} found, {real} match, such as {odd:?}")));
    }
    prop_assert_eq!(found, page, "{} from {} count {}", text, start, count);
    Ok(())
}

async fn search_is_matching<S: Whole + 'static>(paths: &'static Paths, store: &store::Store, people: People) {
    let ways = read(store, move |tx| {
        let everyone = everyone::<S>(tx)?;
        let ways = Ways::default();
        let page = (
            1..=u64::try_from(everyone.len()).unwrap() + 3,
            prop::sample::select(vec![0_u64, 1, 7, 100, 1000]),
        );
        let page = prop_oneof![2 => Just((1_u64, 1000_u64)), 1 => page];
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let tx = RefCell::new(tx);
        let outcome = runner.run(&(filters(paths, &people), page), |(text, (start, count))| {
            holds::<S>(&mut tx.borrow_mut(), &everyone, &ways, (&text, start, count))
        });
        Ok(outcome.map(|()| ways).map_err(|error| error.to_string()))
    })
    .await;
    let ways = ways.unwrap_or_else(|error| panic!("{error}"));
    for (name, way) in [
        ("exact", &ways.exact),
        ("exact by a unique column", &ways.at_most_one),
        ("narrowing", &ways.narrowing),
        ("unplanned", &ways.unplanned),
        ("matching anything", &ways.some_found),
    ] {
        assert!(way.get() >= CASES / 100, "only {} filters were {name}", way.get());
    }
    assert!(ways.refused.get() < CASES / 3, "{} filters were refused", ways.refused.get());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_users_selects_what_matches_in_memory() {
    on_each_store(MIGRATIONS, async |store| {
        let people = settle_in(&store).await;
        search_is_matching::<Users>(&OF_USERS, &store, people).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_groups_selects_what_matches_in_memory() {
    on_each_store(MIGRATIONS, async |store| {
        let people = settle_in(&store).await;
        search_is_matching::<Groups>(&OF_GROUPS, &store, people).await;
    })
    .await;
}
