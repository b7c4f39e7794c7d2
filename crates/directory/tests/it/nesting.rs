//! Groups in groups as rows: what may stand in what, how far a walk goes, and what is marked for conditional reads.

use std::slice::from_ref;

use diesel::{RunQueryDsl, sql_query};
use directory::{
    DirectoryError,
    changes::{self, NewRecord},
    memberships::{self, UnknownMembers},
    nesting::{MAX_LEVELS, MAX_NESTINGS},
    resources::Record,
};
use scim_core::{
    ResourceKind,
    patch::{MemberChange, MemberSelection},
};
use store::Store;
use testkit::stores::on_each_store;

use crate::support::{
    FREE, Groups, MIGRATIONS, add_group, add_user, change_members, enrol, groups, ids_of, member, member_ids,
    nest, person, read, team, write, written,
};

async fn put_in(
    store: &Store,
    outer: &Record,
    inner: &Record,
) -> Result<memberships::Applied, DirectoryError> {
    let add = MemberChange::Add(vec![member(&inner.id)]);
    change_members(store, outer, add, UnknownMembers::Refuse).await
}

async fn teams(store: &Store, count: usize) -> Vec<Record> {
    let make = move |tx: &mut store::WriteTx<'_>| {
        (0..count).map(|n| groups::insert(tx, &team(&format!("g{n}")), &FREE.group)).collect()
    };
    write(store, make).await.unwrap()
}

/// The user's groups as (id, direct).
async fn told(store: &Store, user: &str) -> Vec<(String, bool)> {
    let id = user.to_owned();
    let groups = read(store, move |tx| {
        let one = memberships::of_user(tx, &id)?;
        assert_eq!(memberships::of_first(tx, &[&id])?, from_ref(&one));
        // At once: only where nothing leads on and they are few.
        let plain = one.len() <= 16 && one.iter().all(|group| group.direct);
        match tx.small(|tx| memberships::of_user(tx, &id)) {
            Ok(at_once) => assert!(plain && at_once == one, "{at_once:?}"),
            Err(error) => assert_eq!(error.to_string(), store::StoreError::LargeRead.to_string()),
        }
        Ok(one)
    })
    .await;
    groups.into_iter().map(|group| (group.group.id.clone(), group.direct)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_what_its_id_is_and_a_wrong_type_is_told() {
    on_each_store(MIGRATIONS, async |store| {
        let (outer, inner) = (add_group(&store, team("outer")).await, add_group(&store, team("inner")).await);
        let ann = add_user(&store, person("ann")).await;
        let as_kind = |id: &str, kind: &str| scim_core::resource::Member {
            kind: Some(kind.to_owned()),
            display: Some("d".to_owned()),
            ..member(id)
        };
        for (kinds, mislabelled) in [(["user", "GROUP"], false), (["Group", "User"], true)] {
            let all = vec![as_kind(&ann.id, kinds[0]), as_kind(&inner.id, kinds[1])];
            let change = MemberChange::Replace(all);
            let outcome = change_members(&store, &outer, change, UnknownMembers::Refuse).await.unwrap();
            assert_eq!(outcome.mislabelled, mislabelled, "{kinds:?}");
        }
        let id = outer.id.clone();
        let members = read(&store, move |tx| memberships::of_group(tx, &id)).await;
        let found: Vec<_> =
            members.iter().map(|m| (m.member_id.as_str(), m.kind, m.display.as_deref())).collect();
        assert_eq!(
            found,
            [(&*inner.id, ResourceKind::Group, Some("d")), (&*ann.id, ResourceKind::User, Some("d"))]
        );
        let shown = written(|text| members[0].write(text, "https://h/scim"));
        assert_eq!(
            shown,
            serde_json::json!({
                "value": inner.id, "$ref": format!("https://h/scim/Groups/{}", inner.id), "display": "d", "type": "Group"
            })
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_never_in_itself() {
    on_each_store(MIGRATIONS, async |store| {
        let chain = teams(&store, 5).await;
        for pair in chain.windows(2) {
            put_in(&store, &pair[0], &pair[1]).await.unwrap();
        }
        for (outer, inner) in [(0, 0), (1, 0), (4, 0), (3, 1)] {
            match put_in(&store, &chain[outer], &chain[inner]).await {
                Err(DirectoryError::GroupCycle(ids)) => assert_eq!(ids, from_ref(&chain[inner].id)),
                other => panic!("{outer} holds {inner}: {other:?}"),
            }
            assert!(!member_ids(&store, &chain[outer]).await.contains(&chain[inner].id));
        }
        // Two ways to one group are no cycle.
        put_in(&store, &chain[0], &chain[3]).await.unwrap();
        // What all changes of a request come to is judged, not what stood between them.
        let last = chain[4].id.clone();
        let ids = [chain[0].id.clone(), chain[2].id.clone()];
        let between = write(&store, move |tx| {
            let add = MemberChange::Add(ids.iter().map(|id| member(id)).collect());
            let out = MemberChange::Remove(MemberSelection::Values(ids.to_vec()));
            memberships::apply(tx, &last, "", &[add, out], UnknownMembers::Refuse)
        });
        between.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_groups_ends_at_its_limit_wherever_it_is_lengthened() {
    on_each_store(MIGRATIONS, async |store| {
        let chain = teams(&store, MAX_LEVELS).await;
        // From both ends, so that the last link joins two long halves.
        let (upper, lower) = chain.split_at(MAX_LEVELS / 2);
        for half in [upper, lower] {
            for pair in half.windows(2) {
                put_in(&store, &pair[0], &pair[1]).await.unwrap();
            }
        }
        let (last, first) = (&upper[upper.len() - 1], &lower[0]);
        put_in(&store, last, first).await.unwrap();
        let ann = add_user(&store, person("ann")).await;
        enrol(&store, &chain[MAX_LEVELS - 1], &[&ann]).await;
        assert_eq!(told(&store, &ann.id).await.len(), MAX_LEVELS);
        let one_more = add_group(&store, team("one more")).await;
        for (outer, inner) in [(&one_more, &chain[0]), (&chain[MAX_LEVELS - 1], &one_more)] {
            let refused = put_in(&store, outer, inner).await;
            assert!(matches!(refused, Err(DirectoryError::NestingTooDeep)), "{refused:?}");
        }
        put_in(&store, &chain[MAX_LEVELS - 2], &one_more).await.unwrap();
        let refused = put_in(&store, &one_more, &add_group(&store, team("x")).await).await;
        assert!(matches!(refused, Err(DirectoryError::NestingTooDeep)), "{refused:?}");
    })
    .await;
}

/// Two layers of groups, each of the upper of which holds each of the lower: many rows of few groups.
#[tokio::test(flavor = "multi_thread")]
async fn attack_34_a_tenant_has_a_limit_of_groups_in_groups_and_may_go_on_below_it() {
    on_each_store(MIGRATIONS, async |store| {
        let lowest = write(&store, |tx| {
            let mut layer = |name: &str, count: i64| {
                let made = (0..count).map(|n| groups::insert(tx, &team(&format!("{name}{n}")), &FREE.group));
                made.collect::<Result<Vec<_>, _>>()
            };
            let (lower, upper) = (layer("lower", 100)?, layer("upper", MAX_NESTINGS / 100)?);
            sql_query(
                "INSERT INTO nested_groups (group_id, member_id) SELECT a.id, b.id FROM groups a, groups b \
                 WHERE a.display_name_key LIKE 'upper%' AND b.display_name_key LIKE 'lower%'",
            )
            .execute(tx.connection())?;
            sql_query("UPDATE groups SET moved_number = 1").execute(tx.connection())?;
            Ok((lower[0].clone(), upper[0].clone()))
        });
        let (lower, upper) = lowest.await.unwrap();
        let outer = add_group(&store, team("outer")).await;
        let refused = put_in(&store, &outer, &upper).await;
        assert!(matches!(refused, Err(DirectoryError::TooManyNestings)), "{refused:?}");
        let out = MemberChange::Remove(MemberSelection::Values(vec![lower.id.clone()]));
        assert!(change_members(&store, &upper, out, UnknownMembers::Refuse).await.unwrap().changed);
        put_in(&store, &outer, &upper).await.unwrap();
        let ann = add_user(&store, person("ann")).await;
        enrol(&store, &lower, &[&ann]).await;
        let above = usize::try_from(MAX_NESTINGS / 100).unwrap();
        assert_eq!(told(&store, &ann.id).await.len(), above, "its own and all but one of those above");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn io7_indirect_groups_are_current_and_a_way_that_is_direct_too_is_told_as_direct() {
    on_each_store(MIGRATIONS, async |store| {
        let [top, middle, side, low] = <[Record; 4]>::try_from(teams(&store, 4).await).unwrap();
        let ann = add_user(&store, person("ann")).await;
        enrol(&store, &low, &[&ann]).await;
        enrol(&store, &side, &[&ann]).await;
        let of = |group: &Record, direct| (group.id.clone(), direct);
        assert_eq!(told(&store, &ann.id).await, [of(&side, true), of(&low, true)]);
        nest(&store, &top, &[&middle, &side]).await;
        nest(&store, &middle, &[&low, &side]).await;
        let all = [of(&top, false), of(&middle, false), of(&side, true), of(&low, true)];
        assert_eq!(told(&store, &ann.id).await, all);
        enrol(&store, &top, &[&ann]).await;
        assert_eq!(told(&store, &ann.id).await[0], of(&top, true));
        let out = MemberChange::Remove(MemberSelection::All);
        change_members(&store, &middle, out, UnknownMembers::Refuse).await.unwrap();
        assert_eq!(told(&store, &ann.id).await, [of(&top, true), of(&side, true), of(&low, true)]);
        let record = side.clone();
        let left = write(&store, move |tx| groups::remove(tx, &record, &FREE.group)).await.unwrap();
        let left: Vec<_> = left.iter().map(|left| left.group_id.as_str()).collect();
        assert_eq!(left, [&*top.id], "each group that held it has a new version");
        assert_eq!(told(&store, &ann.id).await, [of(&top, true), of(&low, true)]);
        assert_eq!(member_ids(&store, &top).await, [middle.id.clone(), ann.id.clone()]);
    })
    .await;
}

/// What a conditional GET of a user asks: did anything that its `groups` tell come after the user?
#[tokio::test(flavor = "multi_thread")]
async fn every_change_above_a_user_is_seen_in_the_numbers_of_its_groups() {
    on_each_store(MIGRATIONS, async |store| {
        let [top, middle, low] = <[Record; 3]>::try_from(teams(&store, 3).await).unwrap();
        let ann = add_user(&store, person("ann")).await;
        enrol(&store, &low, &[&ann]).await;
        let newest = async || {
            let id = ann.id.clone();
            read(&store, move |tx| {
                let groups = memberships::of_user(tx, &id)?;
                Ok(groups.iter().map(|group| group.group.changed_number).max().unwrap_or(0))
            })
            .await
        };
        let mut last = newest().await;
        // Each change has its record.
        let record = async || {
            write(&store, |tx| {
                let detail = "{}";
                changes::append(
                    tx,
                    &NewRecord {
                        kind: "x",
                        resource_id: "",
                        version: 0,
                        request_id: "",
                        actor: None,
                        detail,
                        entry: None,
                        person: None,
                    },
                )
            })
            .await
            .unwrap();
        };
        record().await;
        let mut later = async |what: &str| {
            let now = newest().await;
            assert!(now > last, "{what}: {now} after {last}");
            last = now;
            record().await;
        };
        nest(&store, &middle, &[&low]).await;
        later("into a group").await;
        nest(&store, &top, &[&middle]).await;
        later("into a group, one level up").await;
        let (old, new) = (top.clone(), team("renamed"));
        let name = team("g0");
        write(&store, move |tx| groups::update(tx, &old, &name, &new, &FREE.group)).await.unwrap();
        later("an indirect group is renamed").await;
        let out = MemberChange::Remove(MemberSelection::Values(vec![middle.id.clone()]));
        change_members(&store, &top, out, UnknownMembers::Refuse).await.unwrap();
        later("out of a group, one level up").await;
        write(&store, move |tx| groups::remove(tx, &middle, &FREE.group)).await.unwrap();
        later("a group above is deleted").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_by_the_groups_in_them_and_never_by_what_is_deeper() {
    on_each_store(MIGRATIONS, async |store| {
        let [top, middle, low] = <[Record; 3]>::try_from(teams(&store, 3).await).unwrap();
        nest(&store, &top, &[&middle]).await;
        nest(&store, &middle, &[&low]).await;
        for filter in [
            format!("members.value eq \"{}\"", low.id),
            format!("members[type eq \"group\" and value eq \"{}\"]", low.id.to_uppercase()),
            format!("members[value eq \"{}\"]", low.id),
            format!("members[value eq \"{}\" and not (type eq \"User\")]", low.id),
        ] {
            assert_eq!(ids_of::<Groups>(&store, &filter).await, from_ref(&middle.id), "{filter}");
        }
        let as_user = format!("members[type eq \"User\" and value eq \"{}\"]", low.id);
        assert!(ids_of::<Groups>(&store, &as_user).await.is_empty());
        let holders = ids_of::<Groups>(&store, "members.type eq \"Group\"").await;
        assert_eq!(holders, [top.id.clone(), middle.id.clone()]);
    })
    .await;
}
