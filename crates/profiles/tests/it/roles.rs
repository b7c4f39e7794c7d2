//! The role of a person, product by product.

use profiles::{Bindings, Carried, Facts, Group, Profile, Received, RoleFrom};
use serde_json::{Value, json};

use crate::{document, facts, group, role_of, told, with_groups};

const EXPERT: &str = "urn:usher:params:scim:schemas:extension:expert:2.0:User";

fn built_in(name: &str) -> Profile {
    Profile::built_in(name).unwrap()
}

#[test]
fn mo1_user_type_gives_the_role_without_case_blank_underscore_and_hyphen() {
    for name in ["default", "mentimeter"] {
        let profile = built_in(name);
        for (value, role, license) in [
            ("admin", "admin", "member"),
            ("ADMIN", "admin", "member"),
            ("user", "member", "member"),
            ("User", "member", "member"),
            ("MEMBER", "member", "member"),
            ("member_lite", "member_lite", "member_lite"),
            ("Member Lite", "member_lite", "member_lite"),
            ("member-lite", "member_lite", "member_lite"),
        ] {
            let document = document(&profile, json!({ "userType": value }));
            let bindings = Bindings::default();
            let reading = profile.role(&facts(&document, &[], &bindings));
            assert_eq!(
                (reading.role.key.as_str(), reading.role.license.as_str()),
                (role, license),
                "{name} {value}"
            );
            assert_eq!(reading.from, RoleFrom::Attribute("userType"));
        }
    }
}

#[test]
fn me23_app_roles_of_entra_give_the_role_in_all_three_shapes() {
    let profile = built_in("mentimeter");
    for (attributes, role) in [
        (json!({"roles": [{"primary": true, "value": "admin"}]}), "admin"),
        (json!({"roles": [{"primary": "True", "value": "user"}, {"value": "admin"}]}), "member"),
        (json!({"roles": [{"value": "member_lite"}, {"value": "User"}]}), "member"),
        (json!({"roles": [{"value": "whatever"}]}), "member_lite"),
        (json!({"userType": "member_lite", "roles": [{"primary": true, "value": "admin"}]}), "member_lite"),
        (json!({}), "member_lite"),
    ] {
        assert_eq!(role_of(&profile, attributes.clone()), role, "{attributes}");
    }
}

#[test]
fn mo21_an_admin_uses_a_dear_seat_and_never_falls_back() {
    let profile = built_in("mentimeter");
    let role = |key| profile.role_of_key(key).unwrap();
    assert_eq!(
        (role("admin").license.as_str(), role("admin").admin, role("admin").may_fall_back),
        ("member", true, false)
    );
    assert!(role("member").may_fall_back && !role("member").admin);
}

#[test]
fn mo18_no_value_or_an_unknown_one_means_the_free_role_by_default() {
    let profile = built_in("default");
    for attributes in [json!({}), json!({"userType": "Employee"}), json!({"roles": [{"value": "x"}]})] {
        assert_eq!(role_of(&profile, attributes), "member_lite");
    }
    assert_eq!(role_of(&profile, json!({"entitlements": [{"value": "member"}]})), "member");
    assert_eq!(
        role_of(&profile, json!({"userType": "Employee", "entitlements": [{"value": "member"}]})),
        "member"
    );
}

#[test]
fn cx11_and_cx12_seated_decides_in_both_places_and_absence_is_the_free_role() {
    let profile = built_in("cxone-expert");
    for (value, role) in [
        (json!(true), "pro"),
        (json!("true"), "pro"),
        (json!("True"), "pro"),
        (json!(false), "community"),
        (json!("False"), "community"),
        (json!(null), "community"),
    ] {
        assert_eq!(role_of(&profile, json!({ "seated": value })), role, "{value}");
        assert_eq!(role_of(&profile, json!({ EXPERT: {"seated": value} })), role, "{value}");
    }
    assert_eq!(role_of(&profile, json!({})), "community");
    // The extension is asked first.
    assert_eq!(role_of(&profile, json!({"seated": true, EXPERT: {"seated": false}})), "community");
    for number in [json!(1), json!(0), json!("1")] {
        let error = crate::create(&profile, json!({ "seated": number })).unwrap_err();
        assert_eq!((error.status, error.detail.as_str()), (400, "seated must be true or false."));
    }
}

#[test]
fn cx25_staff_say_which_seat_level_a_seated_person_has() {
    let roles = r#"roles=[{key="author", license="pro"}, {key="reader", license="pro"}, {key="community", license="community"}]"#;
    let sources = r#"sources=[{attribute="seated", values={true="reader", false="community"}}]"#;
    let patch = profiles::patch_of_words(&[roles.to_owned(), sources.to_owned()], &[]).unwrap();
    let profile = built_in("cxone-expert").with(&profiles::Overrides::default().patched(&patch)).unwrap();
    let (document, bindings) = (document(&profile, json!({"seated": true})), Bindings::default());
    let asked = facts(&document, &[], &bindings);
    assert_eq!(told(&profile.role(&asked)), ("reader".into(), "seated".into()));
    let chosen = profile.role(&Facts { local: Some("author"), ..asked });
    assert_eq!(told(&chosen), ("author".into(), "local".into()));
    assert_eq!(chosen.role.license, "pro");
    assert_eq!(chosen.overruled.unwrap().key, "reader");
}

#[test]
fn iomete_takes_the_role_from_groups_and_the_rule_that_stands_first_decides() {
    let profile = with_groups(
        r#"[{name="Admins", role="admin"}, {external_id="okta-7", role="user"}, {id="g9", role="admin"}]"#,
    );
    let (document, bindings) = (document(&profile, json!({})), Bindings::default());
    let read =
        |groups: &[Group<'_>]| told(&profile.role(&Facts { groups, ..facts(&document, &[], &bindings) }));
    let by_external_id = Group { external_id: Some("okta-7"), ..group("g2", "Everybody") };
    assert_eq!(read(&[]), ("user".into(), "default".into()));
    assert_eq!(read(&[group("g1", "Sales")]), ("user".into(), "default".into()));
    assert_eq!(read(&[group("g1", "ADMINS ")]), ("admin".into(), "group:g1".into()));
    assert_eq!(read(&[by_external_id]), ("user".into(), "group:g2".into()));
    assert_eq!(read(&[by_external_id, group("g1", "admins")]), ("admin".into(), "group:g1".into()));
    assert_eq!(read(&[group("g9", "x"), by_external_id]), ("user".into(), "group:g2".into()));
    assert_eq!(read(&[group("g9", "x")]), ("admin".into(), "group:g9".into()));
}

#[test]
fn io14_a_rule_that_matched_stays_with_its_group_through_a_rename_until_the_group_is_deleted() {
    let profile = with_groups(r#"[{name="Admins", role="admin"}]"#);
    let document = document(&profile, json!({}));
    let mut bindings = Bindings::default();
    let read = |groups: &[Group<'_>], bindings: &Bindings| {
        let reading = profile.role(&Facts { groups, ..facts(&document, &[], bindings) });
        (reading.role.key.clone(), reading.bound)
    };
    let (role, bound) = read(&[group("g1", "Admins")], &bindings);
    assert_eq!(role, "admin");
    assert_eq!((bound[0].rule.as_str(), bound[0].group.as_str(), bound.len()), ("name:admins", "g1", 1));
    assert_eq!(profile.rules_about(&[group("g1", "Admins")]), ["name:admins"]);
    bindings.add(bound[0].clone());
    // The next one has nothing to bind; the renamed group counts, and a new group of the old name does not.
    assert_eq!(read(&[group("g1", "Admins")], &bindings), ("admin".into(), vec![]));
    assert_eq!(read(&[group("g1", "Writers")], &bindings), ("admin".into(), vec![]));
    assert_eq!(read(&[group("g2", "Admins")], &bindings), ("user".into(), vec![]));
    // Its group is deleted, and the binding with it.
    let (role, bound) = read(&[group("g2", "Admins")], &Bindings::default());
    assert_eq!((role.as_str(), bound[0].group.as_str()), ("admin", "g2"));
}

#[test]
fn io14_of_two_groups_with_one_external_id_the_older_one_is_bound() {
    let profile = with_groups(r#"[{external_id="x", role="admin"}]"#);
    let of = |id| Group { external_id: Some("x"), ..group(id, "any") };
    let bound = profile.bind(&[of("g2"), of("g1")], &Bindings::default());
    assert_eq!(bound.iter().map(|b| b.group.as_str()).collect::<Vec<_>>(), ["g1"]);
}

#[test]
fn metacompliance_has_one_role() {
    assert_eq!(
        role_of(
            &built_in("metacompliance"),
            json!({
                "name": {"givenName": "Ada", "familyName": "Byron"}, "emails": [{"value": "ada@example.com"}], "userType": "admin"
            })
        ),
        "user"
    );
}

#[test]
fn mo12_what_a_write_carried_is_absent_empty_mapped_or_unmapped() {
    let profile = built_in("default");
    let received = |attributes: Value, names: &[&str]| {
        let (document, bindings) = (document(&profile, attributes), Bindings::default());
        let carried = profile.carried_by(names.iter().copied());
        profile.role(&Facts { carried, ..facts(&document, &[], &bindings) }).received
    };
    for (attributes, names, expected) in [
        (json!({"userType": "admin"}), &["userType"][..], Received::Mapped),
        (json!({"userType": "admin"}), &[], Received::Absent),
        (json!({"userType": "admin"}), &["displayName", "emails"], Received::Absent),
        (json!({"userType": ""}), &["USERTYPE"], Received::Empty),
        (json!({"userType": "Employee"}), &["userType", "title"], Received::Unmapped),
        (json!({"userType": "Employee", "roles": []}), &["userType", "roles"], Received::Unmapped),
        (json!({"userType": "", "roles": [{"value": "x"}]}), &["userType", "roles"], Received::Unmapped),
        (
            json!({"userType": "Employee", "roles": [{"value": "user"}]}),
            &["userType", "roles"],
            Received::Mapped,
        ),
    ] {
        assert_eq!(received(attributes.clone(), names), expected, "{attributes} {names:?}");
    }
    let expert = built_in("cxone-expert");
    assert_eq!(expert.carried_by([EXPERT]), expert.carried_by([format!("{EXPERT}:seated").as_str()]));
    assert_ne!(expert.carried_by(["seated"]), expert.carried_by([EXPERT]));
    let by_groups = with_groups(r#"[{name="Admins", role="admin"}]"#);
    let (document, bindings) = (crate::document(&by_groups, json!({})), Bindings::default());
    let left = Facts { carried: by_groups.carried_by_groups(), ..facts(&document, &[], &bindings) };
    assert_eq!(by_groups.role(&left).received, Received::Empty);
    assert_eq!(by_groups.role(&Facts { groups: &[group("1", "admins")], ..left }).received, Received::Mapped);
}

#[test]
fn cx14_the_profile_says_whether_the_next_write_or_staff_decide() {
    for (wins, carried_role, ends) in
        [("idp", "member_lite", true), ("local_until_released", "admin", false), ("local", "admin", false)]
    {
        let patch = profiles::patch_of_words(&[format!("local.wins={wins}")], &[]).unwrap();
        let profile = built_in("default").with(&profiles::Overrides::default().patched(&patch)).unwrap();
        let (document, bindings) =
            (document(&profile, json!({"userType": "member_lite"})), Bindings::default());
        let chosen = Facts { local: Some("admin"), ..facts(&document, &[], &bindings) };
        let quiet = profile.role(&chosen);
        assert_eq!(told(&quiet), ("admin".into(), "local".into()), "{wins}");
        assert!(!quiet.local_ends);
        assert_eq!(quiet.overruled.unwrap().key, "member_lite");
        // Also with an equal value.
        let carries = Facts { carried: profile.carried_by(["userType"]), ..chosen };
        let reading = profile.role(&carries);
        assert_eq!((reading.role.key.as_str(), reading.local_ends), (carried_role, ends), "{wins}");
        // Released.
        assert_eq!(
            told(&profile.role(&Facts { local: None, ..carries })),
            ("member_lite".into(), "userType".into())
        );
    }
}

#[test]
fn a_choice_of_staff_that_the_profile_has_no_role_for_counts_no_more() {
    let profile = built_in("default");
    let (document, bindings) = (document(&profile, json!({})), Bindings::default());
    let reading = profile.role(&Facts { local: Some("owner"), ..facts(&document, &[], &bindings) });
    assert_eq!(told(&reading), ("member_lite".into(), "default".into()));
}

#[test]
fn unmapped_default_asks_no_further_source() {
    let words = [r#"sources=[{attribute="userType", values={a="admin"}, unmapped="default"}, {attribute="title", values={boss="admin"}}]"#.to_owned()];
    let patch = profiles::patch_of_words(&words, &[]).unwrap();
    let profile = built_in("default").with(&profiles::Overrides::default().patched(&patch)).unwrap();
    assert_eq!(role_of(&profile, json!({"userType": "b", "title": "boss"})), "member_lite");
    assert_eq!(role_of(&profile, json!({"title": "Boss"})), "admin");
}

#[test]
fn refusals_advise_the_value_that_takes_a_cheaper_license_in_words_of_the_deciding_source() {
    let advice = |profile: &Profile, from: RoleFrom<'_>, license: &str| {
        profile
            .cheaper_words(from, license)
            .map(|advice| format!("{advice} → {}", advice.license.title))
            .collect::<Vec<_>>()
    };
    let mentimeter = built_in("mentimeter");
    assert_eq!(
        advice(&mentimeter, RoleFrom::Attribute("userType"), "member"),
        ["send userType member_lite → Member Lite"]
    );
    let roles = RoleFrom::Attribute("roles[primary eq true].value");
    assert_eq!(advice(&mentimeter, roles, "member"), ["send roles member_lite → Member Lite"]);
    assert_eq!(advice(&mentimeter, RoleFrom::Attribute("userType"), "member_lite"), [""; 0]);
    let expert = built_in("cxone-expert");
    let seated = format!("{EXPERT}:seated");
    for from in [RoleFrom::Attribute(&seated), RoleFrom::Attribute("seated"), RoleFrom::Default] {
        assert_eq!(advice(&expert, from, "pro"), ["send seated false → Community Member"]);
    }
    assert_eq!(advice(&expert, RoleFrom::Local, "pro"), [""; 0]);
    assert_eq!(advice(&built_in("iomete"), RoleFrom::Group("g1"), "user"), [""; 0]);
    for profile in
        profiles::built_in_names().map(built_in).filter(|p| !p.name.contains("menti") && p.name != "default")
    {
        let all: Vec<String> =
            profile.licenses.iter().flat_map(|l| advice(&profile, RoleFrom::Default, &l.key)).collect();
        assert!(!all.concat().contains("userType"), "{}: {all:?}", profile.name);
    }
}

#[test]
fn carried_sources_join() {
    let profile = built_in("default");
    let both = profile.carried_by(["userType"]).and(profile.carried_by(["roles"]));
    assert_eq!(both, profile.carried_by(["roles", "userType"]));
    assert!(Carried::NOTHING.is_nothing() && !both.is_nothing());
}
