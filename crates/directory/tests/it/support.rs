//! The tenant's tables, documents made of literals, and whole resources as the gateway would answer them.

use std::{collections::BTreeMap, sync::LazyLock};

use directory::{
    DirectoryError,
    memberships::{self, Applied, UnknownMembers},
    resources::Record,
    search::{self, Complete, InMemory, Page, PageRequest, Query},
};

use scim_core::{
    Document, ResourceKind, ResourceType,
    filter::Filter,
    leniency::Tolerance,
    patch::MemberChange,
    resource::{self, Member, Meta, Parts},
    schema::{self, Uniqueness},
    sort::Sort,
};
use serde_json::{Map, Value, json};
use store::{Migration, ReadTx, Store, WriteTx};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: "0001_directory",
        sql: include_str!("../../../../migrations/tenant/0001_directory.sql"),
        newest: None,
    },
    Migration {
        version: "0002_seats",
        sql: include_str!("../../../../migrations/tenant/0002_seats.sql"),
        newest: None,
    },
    Migration {
        version: "0003_nested_groups",
        sql: include_str!("../../../../migrations/tenant/0003_nested_groups.sql"),
        newest: None,
    },
    Migration {
        version: "0004_lists",
        sql: include_str!("../../../../migrations/tenant/0004_lists.sql"),
        newest: None,
    },
    Migration {
        version: "0005_extension_schemas",
        sql: include_str!("../../../../migrations/tenant/0005_extension_schemas.sql"),
        newest: None,
    },
    Migration {
        version: "0006_order",
        sql: include_str!("../../../../migrations/tenant/0006_order.sql"),
        newest: None,
    },
    Migration {
        version: "0008_origins",
        sql: include_str!("../../../../migrations/tenant/0008_origins.sql"),
        newest: None,
    },
    Migration {
        version: "0009_actors",
        sql: include_str!("../../../../migrations/tenant/0009_actors.sql"),
        newest: None,
    },
    Migration {
        version: "0010_group_roles",
        sql: include_str!("../../../../migrations/tenant/0010_group_roles.sql"),
        newest: None,
    },
    Migration {
        version: "0012_log",
        sql: include_str!("../../../../migrations/tenant/0012_log.sql"),
        newest: None,
    },
    Migration {
        version: "0013_health",
        sql: include_str!("../../../../migrations/tenant/0013_health.sql"),
        newest: None,
    },
    Migration {
        version: "0014_before_images",
        sql: include_str!("../../../../migrations/tenant/0014_before_images.sql"),
        newest: None,
    },
    Migration {
        version: "0015_breaker",
        sql: include_str!("../../../../migrations/tenant/0015_breaker.sql"),
        newest: None,
    },
    Migration {
        version: "0016_one_tree_of_images",
        sql: include_str!("../../../../migrations/tenant/0016_one_tree_of_images.sql"),
        newest: None,
    },
    Migration {
        version: "0017_log_by_resource",
        sql: include_str!("../../../../migrations/tenant/0017_log_by_resource.sql"),
        newest: None,
    },
    Migration {
        version: "0018_logs_in_order",
        sql: include_str!("../../../../migrations/tenant/0018_logs_in_order.sql"),
        newest: None,
    },
    Migration {
        version: "0019_log_in_segments",
        sql: include_str!("../../../../migrations/tenant/0019_log_in_segments.sql"),
        newest: None,
    },
];

/// The two types of a tenant.
pub(crate) struct Types {
    pub(crate) user: ResourceType,
    pub(crate) group: ResourceType,
}

fn types(unique: Uniqueness) -> Types {
    let mut types = Types { user: schema::user(), group: schema::group() };
    types.user.set_uniqueness("externalId", unique);
    types.group.set_uniqueness("externalId", unique);
    types.group.set_uniqueness("displayName", unique);
    types
}

/// Nothing but userName is unique.
pub(crate) static FREE: LazyLock<Types> = LazyLock::new(|| types(Uniqueness::None));
/// Names of groups and external ids are unique too.
pub(crate) static STRICT: LazyLock<Types> = LazyLock::new(|| types(Uniqueness::Server));

/// The rows of one kind, as the tests call them.
macro_rules! rows {
    ($kind:ident) => {
        use directory::{
            DirectoryError,
            memberships::LeftGroup,
            resources::{self, Record, Row},
        };
        use scim_core::{Document, ResourceKind, ResourceType};
        use store::{ReadTx, WriteTx};

        const KIND: ResourceKind = ResourceKind::$kind;
        type Done<T> = Result<T, DirectoryError>;

        pub(crate) fn insert(tx: &mut WriteTx<'_>, document: &Document, rt: &ResourceType) -> Done<Record> {
            let id = tx.new_id();
            resources::insert(tx, KIND, id, &Row::of(rt, document))
        }

        pub(crate) fn find(tx: &mut ReadTx<'_>, id: &str) -> Done<Option<Record>> {
            resources::find(tx, KIND, id)
        }

        pub(crate) fn find_for_update(tx: &mut WriteTx<'_>, id: &str) -> Done<Option<Record>> {
            resources::find_for_update(tx, KIND, id)
        }

        pub(crate) fn update(
            tx: &mut WriteTx<'_>,
            record: &Record,
            old: &Document,
            new: &Document,
            rt: &ResourceType,
        ) -> Done<Record> {
            resources::update(tx, rt, record, old, new)
        }

        pub(crate) fn remove(
            tx: &mut WriteTx<'_>,
            record: &Record,
            rt: &ResourceType,
        ) -> Done<Vec<LeftGroup>> {
            resources::remove(tx, rt, record)
        }
    };
}

pub(crate) mod users {
    rows!(User);
}

pub(crate) mod groups {
    rows!(Group);
}

pub(crate) fn document(attributes: Value) -> Document {
    match attributes {
        Value::Object(map) => Document(map),
        other => panic!("{other} is no object"),
    }
}

pub(crate) fn person(user_name: &str) -> Document {
    document(json!({ "userName": user_name, "active": true }))
}

pub(crate) fn team(display_name: &str) -> Document {
    document(json!({ "displayName": display_name }))
}

pub(crate) async fn write<T, F>(store: &Store, work: F) -> Result<T, DirectoryError>
where
    T: Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, DirectoryError> + Send + 'static,
{
    store.write(work).await
}

pub(crate) async fn read<T, F>(store: &Store, work: F) -> T
where
    T: Send + 'static,
    F: FnOnce(&mut ReadTx<'_>) -> Result<T, DirectoryError> + Send + 'static,
{
    store.read(work).await.unwrap()
}

pub(crate) async fn add_user(store: &Store, document: Document) -> Record {
    write(store, move |tx| users::insert(tx, &document, &FREE.user)).await.unwrap()
}

pub(crate) async fn add_group(store: &Store, document: Document) -> Record {
    write(store, move |tx| groups::insert(tx, &document, &FREE.group)).await.unwrap()
}

pub(crate) fn member(id: &str) -> Member {
    Member::new(id)
}

pub(crate) async fn change_members(
    store: &Store,
    group: &Record,
    change: MemberChange,
    unknown: UnknownMembers,
) -> Result<Applied, DirectoryError> {
    let id = group.id.clone();
    write(store, move |tx| memberships::apply(tx, &id, "", &[change], unknown)).await
}

pub(crate) async fn enrol(store: &Store, group: &Record, users: &[&Record]) {
    let members = users.iter().map(|user| member(&user.id)).collect();
    change_members(store, group, MemberChange::Add(members), UnknownMembers::Refuse).await.unwrap();
}

/// Puts groups into a group.
pub(crate) async fn nest(store: &Store, group: &Record, inside: &[&Record]) {
    let members = inside.iter().map(|group| member(&group.id)).collect();
    change_members(store, group, MemberChange::Add(members), UnknownMembers::Refuse).await.unwrap();
}

pub(crate) async fn member_ids(store: &Store, group: &Record) -> Vec<String> {
    let id = group.id.clone();
    let rows = read(store, move |tx| memberships::of_group(tx, &id)).await;
    rows.into_iter().map(|row| row.member_id).collect()
}

pub(crate) struct Users;

pub(crate) struct Groups;

/// The type that a search is about, and how its rows become whole resources.
pub(crate) trait Whole {
    const KIND: ResourceKind;
    fn resource_type() -> ResourceType;
    fn whole(tx: &mut ReadTx<'_>, records: &[Record]) -> Result<Vec<Map<String, Value>>, DirectoryError>;
}

impl Whole for Users {
    const KIND: ResourceKind = ResourceKind::User;

    fn resource_type() -> ResourceType {
        schema::user()
    }

    fn whole(tx: &mut ReadTx<'_>, records: &[Record]) -> Result<Vec<Map<String, Value>>, DirectoryError> {
        let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
        let groups: BTreeMap<_, _> =
            records.iter().map(|r| r.id.clone()).zip(memberships::of_first(tx, &ids)?).collect();
        let rt = schema::user();
        let whole = |record: &Record| {
            let groups = listed(&groups, &record.id, |g, text| g.write(text, "https://h"));
            let times = (record.created_ms, record.modified_ms, record.version);
            Ok(rendered(&rt, &record.id, &record.parse()?, ("groups", groups), times))
        };
        records.iter().map(whole).collect()
    }
}

impl Whole for Groups {
    const KIND: ResourceKind = ResourceKind::Group;

    fn resource_type() -> ResourceType {
        schema::group()
    }

    fn whole(tx: &mut ReadTx<'_>, records: &[Record]) -> Result<Vec<Map<String, Value>>, DirectoryError> {
        let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
        let members: BTreeMap<_, _> =
            records.iter().map(|r| r.id.clone()).zip(memberships::members_of_first(tx, &ids)?).collect();
        let rt = schema::group();
        let whole = |record: &Record| {
            let members = listed(&members, &record.id, |m, text| m.write(text, "https://h"));
            let times = (record.created_ms, record.modified_ms, record.version);
            Ok(rendered(&rt, &record.id, &record.parse()?, ("members", members), times))
        };
        records.iter().map(whole).collect()
    }
}

fn listed<T>(rows: &BTreeMap<String, Vec<T>>, id: &str, write: impl Fn(&T, &mut String)) -> Vec<Value> {
    rows.get(id).into_iter().flatten().map(|row| written(|text| write(row, text))).collect()
}

/// The value of a JSON text.
pub(crate) fn written(write: impl FnOnce(&mut String)) -> Value {
    let mut text = String::new();
    write(&mut text);
    serde_json::from_str(&text).unwrap()
}

fn rendered(
    rt: &ResourceType,
    id: &str,
    document: &Document,
    (name, values): (&'static str, Vec<Value>),
    (created, modified, version): (i64, i64, i64),
) -> Map<String, Value> {
    let computed = if values.is_empty() { Vec::new() } else { vec![(name, values.into())] };
    let meta = Meta {
        created: &iso(created),
        last_modified: &iso(modified),
        version: &format!("W/\"{version}\""),
        location: "https://h/x",
    };
    resource::render(rt, Parts { id, document, computed, meta })
}

/// Milliseconds as a time of 1970-01-01 and later, by the calendar's simplest rules: the tests' own clock is enough.
pub(crate) fn iso(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (mut year, mut day) = (1970, days);
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", day + 1)
}

/// A filter, leniently read.
pub(crate) fn filter<S: Whole>(text: &str) -> Filter {
    let read = Filter::parse(text, &S::resource_type(), &mut Tolerance::lenient());
    read.unwrap_or_else(|error| panic!("{text}: {}", error.detail))
}

/// A sort, leniently read: `userName` or `userName descending`.
pub(crate) fn sort<S: Whole>(text: &str) -> Sort {
    let (by, order) = match text.strip_suffix(" descending") {
        Some(by) => (by, Some("descending")),
        None => (text, None),
    };
    let read = Sort::parse(&S::resource_type(), &[], Some(by), order, &mut Tolerance::lenient());
    read.unwrap_or_else(|error| panic!("{text}: {}", error.detail)).unwrap()
}

/// The same by a small read, where one will do.
fn small<S: Whole>(
    tx: &mut ReadTx<'_>,
    query: Query<'_>,
    window: &PageRequest<'_>,
) -> Result<Option<Page>, DirectoryError> {
    let in_memory = InMemory { complete: &mut |_, _, _| panic!("SQL decides"), is_over: &|| false };
    match tx.small(|tx| search::find(tx, S::KIND, query, window, in_memory)) {
        Err(DirectoryError::Store(store::StoreError::LargeRead)) => Ok(None),
        found => found.map(Some),
    }
}

/// What a window shows of a list, which is the same where the list is short and found as such.
pub(crate) fn stretch<S: Whole>(
    tx: &mut ReadTx<'_>,
    list: (Option<&Filter>, Option<&Sort>),
    window: &PageRequest<'_>,
) -> Result<Page, DirectoryError> {
    stretch_of::<S>(tx, list, window, |tx, records| S::whole(tx, records))
}

/// The same, with whole resources from elsewhere: to make them anew for every page takes long.
pub(crate) fn stretch_of<S: Whole>(
    tx: &mut ReadTx<'_>,
    list: (Option<&Filter>, Option<&Sort>),
    window: &PageRequest<'_>,
    mut whole: impl FnMut(&mut ReadTx<'_>, &[Record]) -> Result<Vec<Map<String, Value>>, DirectoryError>,
) -> Result<Page, DirectoryError> {
    let complete: &mut Complete<'_> = &mut |tx, records, show| {
        for resource in whole(tx, &records)? {
            if !show(resource)? {
                break;
            }
        }
        Ok(())
    };
    let query = Query { filter: list.0, sort: list.1 };
    let found = search::find(tx, S::KIND, query, window, InMemory { complete, is_over: &|| false })?;
    if let Some(few) = small::<S>(tx, query, window)? {
        assert_eq!((&few.positions, few.total), (&found.positions, found.total), "{list:?} {window:?}");
        if let PageRequest::Beside { .. } = window {
            assert_eq!((few.before, few.behind), (found.before, found.behind), "{list:?} {window:?}");
        }
    }
    Ok(found)
}

/// The total and the ids of one page of what a filter selects, and that the rows behind the places are those.
pub(crate) fn find<S: Whole>(
    tx: &mut ReadTx<'_>,
    filter: Option<&Filter>,
    (start_index, count): (u64, u64),
) -> Result<(u64, Vec<String>), DirectoryError> {
    let found = stretch::<S>(tx, (filter, None), &PageRequest::Index { offset: start_index - 1, count })?;
    let records = search::records(tx, S::KIND, &found.positions)?;
    let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    assert_eq!(ids, found.positions.iter().map(|place| place.id.clone()).collect::<Vec<_>>());
    Ok((found.total, ids))
}

/// The ids of everything that a filter selects, at most 1,000.
pub(crate) async fn ids_of<S: Whole>(store: &Store, text: &str) -> Vec<String> {
    let filter = filter::<S>(text);
    read(store, move |tx| Ok(find::<S>(tx, Some(&filter), (1, 1000))?.1)).await
}
