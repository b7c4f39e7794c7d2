//! Membership as rows: differences in order, unknown members, and no member lost between concurrent changes.

use std::{collections::BTreeSet, slice::from_ref, sync::Arc, time::Duration};

use directory::{
    DirectoryError,
    memberships::{self, UnknownMembers},
    resources,
};
use scim_core::{
    leniency::Tolerance,
    patch::{MemberChange, MemberSelection, PatchRequest},
    resource::Member,
    schema,
};
use serde_json::json;
use testkit::stores::on_each_store;

use crate::support::{
    FREE, MIGRATIONS, add_group, add_user, change_members, enrol, groups, member, member_ids, person, read,
    team, users, write, written,
};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_is_a_difference_and_no_difference_is_no_change() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let (a, b, c) = (
            add_user(&store, person("a")).await,
            add_user(&store, person("b")).await,
            add_user(&store, person("c")).await,
        );
        enrol(&store, &group, &[&a, &b]).await;
        let to = |ids: &[&str]| MemberChange::Replace(ids.iter().map(|id| member(id)).collect());
        for (ids, changed) in [([&b.id, &c.id], true), ([&c.id, &b.id], false)] {
            let change = to(&ids.map(String::as_str));
            let outcome = change_members(&store, &group, change, UnknownMembers::Refuse).await.unwrap();
            assert_eq!(outcome.changed, changed);
            assert_eq!(member_ids(&store, &group).await, [b.id.clone(), c.id.clone()]);
        }
        let again = MemberChange::Add(vec![member(&b.id), member(&b.id)]);
        assert!(!change_members(&store, &group, again, UnknownMembers::Refuse).await.unwrap().changed);
        let absent = MemberChange::Remove(MemberSelection::Values(vec![a.id.clone(), NOBODY.into()]));
        assert!(!change_members(&store, &group, absent, UnknownMembers::Refuse).await.unwrap().changed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_takes_the_place_of_those_who_are_chosen_or_nothing_changes() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let (a, b) = (add_user(&store, person("a")).await, add_user(&store, person("b")).await);
        enrol(&store, &group, &[&a]).await;
        let exchange = |who: &str, with: Member| MemberChange::Exchange {
            who: MemberSelection::Values(vec![who.to_owned()]),
            with,
            made: false,
        };
        let change = async |change| change_members(&store, &group, change, UnknownMembers::Refuse).await;
        assert!(change(exchange(&a.id, member(&b.id))).await.unwrap().changed);
        assert_eq!(member_ids(&store, &group).await, from_ref(&b.id));
        assert!(matches!(change(exchange(&a.id, member(&b.id))).await, Err(DirectoryError::NoSuchMember)));
        match change(exchange(&b.id, member("No-One"))).await {
            Err(DirectoryError::UnknownMembers(ids)) => assert_eq!(ids, ["No-One"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(member_ids(&store, &group).await, from_ref(&b.id));
        // Who stays is told of anew, and the same again is no change.
        let shown = || Member { display: Some("B".into()), ..member(&b.id) };
        for changed in [true, false] {
            assert_eq!(change(exchange(&b.id, shown())).await.unwrap().changed, changed);
        }
        assert!(change(exchange(&b.id, member(&b.id))).await.unwrap().changed, "its display is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn io9_unknown_members_are_named_and_nothing_changes_or_the_rest_is_applied() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let (a, b) = (add_user(&store, person("a")).await, add_user(&store, person("b")).await);
        enrol(&store, &group, &[&a]).await;
        let change = || MemberChange::Replace(vec![member(NOBODY), member(&b.id)]);
        match change_members(&store, &group, change(), UnknownMembers::Refuse).await {
            Err(DirectoryError::UnknownMembers(ids)) => assert_eq!(ids, [NOBODY]),
            other => panic!("{other:?}"),
        }
        assert_eq!(member_ids(&store, &group).await, from_ref(&a.id));
        let outcome = change_members(&store, &group, change(), UnknownMembers::Skip).await.unwrap();
        assert_eq!(outcome.skipped, [NOBODY]);
        assert_eq!(member_ids(&store, &group).await, from_ref(&b.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn io9_a_member_that_is_being_deleted_is_unknown() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let leaver = add_user(&store, person("a")).await;
        let (sender, removed) = tokio::sync::oneshot::channel();
        let record = leaver.clone();
        let deletion = write(&store, move |tx| {
            users::find_for_update(tx, &record.id)?;
            users::remove(tx, &record, &FREE.user)?;
            sender.send(()).unwrap();
            // Long enough for the other to find the user, who is there until this commits, and to wait for the row.
            std::thread::sleep(Duration::from_millis(300));
            Ok(())
        });
        let entry = async {
            removed.await.unwrap();
            let change = MemberChange::Add(vec![member(&leaver.id)]);
            change_members(&store, &group, change, UnknownMembers::Refuse).await
        };
        let (deleted, entered) = tokio::join!(deletion, entry);
        deleted.unwrap();
        match entered {
            Err(DirectoryError::UnknownMembers(ids)) => assert_eq!(ids, from_ref(&leaver.id)),
            other => panic!("{other:?}"),
        }
        assert_eq!(member_ids(&store, &group).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn io10_members_leave_by_a_filter_over_one_member() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let (a, b) = (add_user(&store, person("a")).await, add_user(&store, person("b")).await);
        let shown = vec![memberships_member(&a.id, "Ann"), memberships_member(&b.id, "Bob")];
        change_members(&store, &group, MemberChange::Add(shown), UnknownMembers::Refuse).await.unwrap();
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": "members[display sw \"BO\" and type eq \"user\"]" }] });
        let patch = PatchRequest::parse(&schema::group(), &body, &mut Tolerance::lenient()).unwrap();
        let (_, changes) = patch.split_members();
        let [change] = <[MemberChange; 1]>::try_from(changes).unwrap();
        let outcome = change_members(&store, &group, change, UnknownMembers::Refuse).await.unwrap();
        assert!(outcome.changed);
        assert_eq!(member_ids(&store, &group).await, [a.id]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_to_nothing_are_no_change() {
    on_each_store(MIGRATIONS, async |store| {
        let (group, inner) = (add_group(&store, team("g")).await, add_group(&store, team("h")).await);
        let (a, b) = (add_user(&store, person("a")).await, add_user(&store, person("b")).await);
        let named = vec![memberships_member(&a.id, "Ann"), member(&inner.id)];
        change_members(&store, &group, MemberChange::Add(named.clone()), UnknownMembers::Refuse)
            .await
            .unwrap();
        let all = || MemberChange::Remove(MemberSelection::All);
        let one = |id: &str| MemberChange::Remove(MemberSelection::Values(vec![id.to_owned()]));
        let add = |members: &[Member]| MemberChange::Add(members.to_vec());
        for (changes, changed) in [
            (vec![add(&[member(&b.id)]), one(&b.id)], false),
            (vec![all(), add(&named)], false),
            (vec![MemberChange::Replace(vec![]), MemberChange::Replace(named.clone())], false),
            (vec![one(&inner.id), add(&[member(&inner.id)])], false),
            (
                vec![add(&[memberships_member(&a.id, "Anna")]), add(&[memberships_member(&a.id, "Ann")])],
                false,
            ),
            (vec![all(), add(&[member(&a.id), member(&inner.id)])], true),
            (vec![add(&[member(&b.id)]), one(&inner.id)], true),
        ] {
            let id = group.id.clone();
            let outcome =
                write(&store, move |tx| memberships::apply(tx, &id, "", &changes, UnknownMembers::Refuse))
                    .await;
            assert_eq!(outcome.unwrap().changed, changed);
        }
    })
    .await;
}

fn memberships_member(id: &str, display: &str) -> Member {
    Member { display: Some(display.to_owned()), ..member(id) }
}

#[tokio::test(flavor = "multi_thread")]
async fn io7_the_groups_of_a_user_are_current_and_both_views_agree() {
    on_each_store(MIGRATIONS, async |store| {
        let (g, h) = (add_group(&store, team("G")).await, add_group(&store, team("H")).await);
        let (a, b) = (add_user(&store, person("a")).await, add_user(&store, person("b")).await);
        enrol(&store, &g, &[&a, &b]).await;
        enrol(&store, &h, &[&b]).await;
        let (old, renamed) = (g.clone(), team("Gruppe"));
        write(&store, move |tx| groups::update(tx, &old, &team("G"), &renamed, &FREE.group)).await.unwrap();
        let (a_id, b_id) = (a.id.clone(), b.id.clone());
        let (one, many) = read(&store, move |tx| {
            Ok((memberships::of_user(tx, &b_id)?, memberships::of_first(tx, &[&b_id, &a_id])?))
        })
        .await;
        assert_eq!((&many[0], many[1].len(), many.len()), (&one, 1, 2));
        assert!(
            Arc::ptr_eq(&many[0][0].group, &many[1][0].group),
            "a group is read once for all who are in it"
        );
        let names: Vec<_> =
            one.iter().map(|group| written(|text| group.write(text, "u"))["display"].clone()).collect();
        assert_eq!(names, ["Gruppe", "H"]);
        let marked = read(&store, move |tx| users::find(tx, &a.id)).await.unwrap();
        assert_eq!((marked.regrouped_version, marked.version), (1, 1));
        write(&store, move |tx| groups::remove(tx, &h, &FREE.group)).await.unwrap();
        assert_eq!(read(&store, move |tx| memberships::of_user(tx, &b.id)).await.len(), 1);
    })
    .await;
}

/// More members than one statement takes, so that every chunk is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_group_goes_in_and_out_whole() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let made = write(&store, |tx| {
            (0..1_101)
                .map(|n| Ok(users::insert(tx, &person(&format!("u{n}")), &FREE.user)?.id))
                .collect::<Result<Vec<_>, _>>()
        });
        let ids = made.await.unwrap();
        let add = MemberChange::Add(ids.iter().map(|id| member(id)).collect());
        change_members(&store, &group, add, UnknownMembers::Refuse).await.unwrap();
        assert_eq!(member_ids(&store, &group).await, ids);
        let (stay, leave) = ids.split_at(7);
        let remove = MemberChange::Remove(MemberSelection::Values(leave.to_vec()));
        change_members(&store, &group, remove, UnknownMembers::Refuse).await.unwrap();
        assert_eq!(member_ids(&store, &group).await, stay);
        let all = MemberChange::Remove(MemberSelection::All);
        change_members(&store, &group, all, UnknownMembers::Refuse).await.unwrap();
        assert_eq!(member_ids(&store, &group).await, <[String; 0]>::default());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_47_concurrent_changes_of_one_group_lose_nobody_and_no_version() {
    on_each_store(MIGRATIONS, async |store| {
        let group = add_group(&store, team("g")).await;
        let mut people = BTreeSet::new();
        for n in 0..24 {
            people.insert(add_user(&store, person(&format!("u{n}"))).await.id);
        }
        let joins = people.iter().map(|id| {
            let (store, group_id, id) = (store.clone(), group.id.clone(), id.clone());
            tokio::spawn(async move {
                write(&store, move |tx| {
                    let record = groups::find_for_update(tx, &group_id)?.unwrap();
                    let add = [MemberChange::Add(vec![member(&id)])];
                    memberships::apply(tx, &group_id, "", &add, UnknownMembers::Refuse)?;
                    resources::touch(tx, scim_core::ResourceKind::Group, &record)
                })
                .await
            })
        });
        for join in joins.collect::<Vec<_>>() {
            join.await.unwrap().unwrap();
        }
        assert_eq!(member_ids(&store, &group).await.into_iter().collect::<BTreeSet<_>>(), people);
        let version = read(&store, move |tx| groups::find(tx, &group.id)).await.unwrap().version;
        assert_eq!(version, 25);
    })
    .await;
}
