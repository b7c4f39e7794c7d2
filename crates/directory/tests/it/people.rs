//! A population of awkward users and groups, the same at every run: names that differ in case, blanks, invisible characters
//! and normal form, wildcards, quotes, addresses with and without a type.

use directory::memberships;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use scim_core::{Document, patch::MemberChange};
use serde_json::{Map, Value, json};
use store::Store;

use crate::support::{FREE, document, groups, member, users, write};

/// More than one batch of the in-memory search (200).
const USERS: usize = 260;
const GROUPS: usize = 24;

const WORDS: &[&str] = &[
    "bob",
    "Bob",
    " bob",
    "BOB ",
    "\u{3000}bob",
    "\u{200b}bob",
    "bo\u{ad}b",
    "\u{200b}",
    "Ｂｏｂ",
    "bobby",
    "b%b",
    "b_b",
    "%",
    "_",
    "\\",
    "b\\b",
    "100%",
    "o'neil",
    "'",
    "say \"hi\"",
    "\"",
    "); DROP TABLE users; --",
    "ÅSA",
    "a\u{30a}sa",
    "straße",
    "STRASSE",
    "ﬁnn",
    "Finn",
    "İstanbul",
    "i\u{307}stanbul",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "日本",
    "\u{1f600}",
    "\u{fdfa}",
    "bob@example.com",
    "BOB@Example.com",
    "work",
    "Work",
    "home",
    "true",
    "null",
    "a",
    "A",
    "0",
];

/// A word of the list, or a few of its most awkward characters.
pub(crate) fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => "[abB%_\\\\'\" éÉ\u{200b}@.]{1,5}",
    ]
}

fn full(word: &str) -> bool {
    !word.trim().is_empty()
}

fn maybe_word() -> impl Strategy<Value = Option<String>> {
    prop::option::of(word().prop_filter("not blank", |word| full(word)))
}

fn email() -> impl Strategy<Value = Value> {
    let kind = prop::option::of(prop::sample::select(vec!["work", "Work", "home", "other", "\u{200b}"]));
    (word().prop_filter("not blank", |word| full(word)), kind, prop::option::of(any::<bool>())).prop_map(
        |(value, kind, primary)| {
            let mut email = json!({ "value": value });
            put(&mut email, "type", kind);
            put(&mut email, "primary", primary);
            email
        },
    )
}

fn put(value: &mut Value, name: &str, part: Option<impl Into<Value>>) {
    if let (Value::Object(map), Some(part)) = (value, part) {
        map.insert(name.to_owned(), part.into());
    }
}

fn user() -> impl Strategy<Value = Document> {
    let texts = (maybe_word(), maybe_word(), maybe_word(), maybe_word(), maybe_word());
    (word(), texts, prop::collection::vec(email(), 0..3), prop::option::of(any::<bool>())).prop_map(
        |(user_name, (external_id, display, given, title, department), emails, active)| {
            let mut user = json!({});
            put(&mut user, "externalId", external_id);
            put(&mut user, "userName", Some(user_name));
            if let Some(given) = given {
                put(&mut user, "name", Some(json!({ "givenName": given })));
            }
            put(&mut user, "displayName", display);
            put(&mut user, "title", title);
            put(&mut user, "active", active);
            if !emails.is_empty() {
                put(&mut user, "emails", Some(emails));
            }
            if let Some(department) = department {
                let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
                put(&mut user, enterprise, Some(json!({ "department": department })));
            }
            document(user)
        },
    )
}

fn group() -> impl Strategy<Value = Document> {
    (word().prop_filter("not blank", |word| full(word)), maybe_word()).prop_map(
        |(display_name, external_id)| {
            let mut group = json!({});
            put(&mut group, "externalId", external_id);
            put(&mut group, "displayName", Some(display_name));
            document(group)
        },
    )
}

/// `count` documents whose key is not blank and not taken.
fn distinct(
    runner: &mut TestRunner,
    strategy: impl Strategy<Value = Document>,
    name: &str,
    count: usize,
    unique: bool,
) -> Vec<Document> {
    let mut taken = std::collections::BTreeSet::new();
    (0..count)
        .map(|number| {
            let mut one = strategy.new_tree(runner).unwrap().current();
            let key = scim_core::fold::user_name_key(one.str(name).unwrap());
            if unique && (key.is_empty() || !taken.insert(key)) {
                let longer = format!("{}{number}", one.str(name).unwrap());
                taken.insert(scim_core::fold::user_name_key(&longer));
                one.0.insert(name.to_owned(), longer.into());
            }
            one
        })
        .collect()
}

/// All users, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) user_ids: Vec<String>,
    pub(crate) group_ids: Vec<String>,
    /// Some of the times at which something was made.
    pub(crate) times: Vec<i64>,
}

/// Fills a store, in several transactions so that the times differ.
pub(crate) async fn settle_in(store: &Store) -> People {
    let mut runner = TestRunner::deterministic();
    let users = distinct(&mut runner, user(), "userName", USERS, true);
    let groups = distinct(&mut runner, group(), "displayName", GROUPS, false);
    let mut people = People { user_ids: Vec::new(), group_ids: Vec::new(), times: Vec::new() };
    for (chunk, groups) in users.chunks(USERS / 4).zip(groups.chunks(GROUPS / 4)) {
        let (chunk, groups) = (chunk.to_vec(), groups.to_vec());
        let (user_ids, group_ids, time) = write(store, move |tx| {
            let mut made = (Vec::new(), Vec::new(), tx.now_ms());
            for document in &chunk {
                made.0.push(users::insert(tx, document, &FREE.user)?.id);
            }
            for document in &groups {
                made.1.push(groups::insert(tx, document, &FREE.group)?.id);
            }
            Ok(made)
        })
        .await
        .unwrap();
        people.user_ids.extend(user_ids);
        people.group_ids.extend(group_ids);
        people.times.push(time);
        // The next transaction is to have another time.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    let (groups, users) = (people.group_ids.clone(), people.user_ids.clone());
    write(store, move |tx| {
        // Group n has every n-th user; the first has nobody.
        for (step, group) in groups.iter().enumerate().skip(1) {
            let members = users.iter().step_by(step * 3).map(|id| member(id)).collect();
            memberships::apply(
                tx,
                group,
                "",
                &[MemberChange::Add(members)],
                memberships::UnknownMembers::Refuse,
            )?;
        }
        // Some groups are in others: a chain, two ways to one group, a group of groups alone, and who is a member both ways.
        for (outer, inner) in [(1, 2), (2, 3), (3, 4), (1, 4), (5, 4), (0, 6), (0, 7), (8, 9)] {
            let inner = MemberChange::Add(vec![member(&groups[inner])]);
            memberships::apply(tx, &groups[outer], "", &[inner], memberships::UnknownMembers::Refuse)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    people
}

/// One attribute of a resource, for messages.
pub(crate) fn shown(resource: &Map<String, Value>) -> String {
    Value::Object(resource.clone()).to_string()
}
