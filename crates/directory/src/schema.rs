//! The tables of a tenant's store that are the directory's (`migrations/tenant/0001_directory.sql`,
//! `0003_nested_groups.sql`, `0004_lists.sql`, `0005_extension_schemas.sql`, `0006_order.sql`, `0008_origins.sql`,
//! `0009_actors.sql`, `0010_group_roles.sql`, `0015_breaker.sql`, `0018_logs_in_order.sql`), as Diesel sees them. No other crate
//! reads them.
//!
//! `users` and `groups` have the same columns under the same names here, so that a query is written once for both
//! ([`crate::table`]):
//! - `name_key`, `name_folded`: a user's `userName`, a group's `displayName`.
//! - `moved_mark`: when the resource last went into or out of a group; 0: never. A user's is the version that it had, a group's
//!   the number of a change record.
//! - `changed_number`: the number of the change record of the last change that other resources show. Of a group that is the
//!   last change of its name.

diesel::table! {
    users (id) {
        id -> Text,
        #[sql_name = "user_name_key"]
        name_key -> Text,
        #[sql_name = "user_name_folded"]
        name_folded -> Text,
        external_id_key -> Nullable<Text>,
        document -> Text,
        version -> BigInt,
        created_ms -> BigInt,
        modified_ms -> BigInt,
        #[sql_name = "regrouped_version"]
        moved_mark -> BigInt,
        changed_number -> BigInt,
        origin -> Text,
        origin_since_ms -> Nullable<BigInt>,
        set_role -> Nullable<Text>,
        set_role_by -> Nullable<Text>,
        set_active -> Nullable<BigInt>,
        held -> Nullable<Text>,
        ungrouped_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_emails (value_key, user_id, type_key) {
        value_key -> Text,
        user_id -> Text,
        type_key -> Text,
    }
}

diesel::table! {
    groups (id) {
        id -> Text,
        #[sql_name = "display_name_key"]
        name_key -> Text,
        #[sql_name = "display_name_folded"]
        name_folded -> Text,
        external_id_key -> Nullable<Text>,
        document -> Text,
        version -> BigInt,
        created_ms -> BigInt,
        modified_ms -> BigInt,
        #[sql_name = "moved_number"]
        moved_mark -> BigInt,
        #[sql_name = "renamed_number"]
        changed_number -> BigInt,
        origin -> Text,
        origin_since_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    memberships (group_id, user_id) {
        group_id -> Text,
        user_id -> Text,
        display -> Nullable<Text>,
        origin -> Text,
    }
}

diesel::table! {
    nested_groups (group_id, member_id) {
        group_id -> Text,
        member_id -> Text,
        display -> Nullable<Text>,
        origin -> Text,
    }
}

diesel::table! {
    unique_claims (claim) {
        claim -> Text,
        resource_id -> Text,
    }
}

diesel::table! {
    directory_totals (resource_type) {
        resource_type -> Text,
        total -> BigInt,
    }
}

diesel::table! {
    changes (number) {
        number -> BigInt,
        at_ms -> BigInt,
        kind -> Text,
        resource_id -> Text,
        version -> BigInt,
        request_id -> Text,
        detail -> Text,
        actor -> Nullable<Text>,
        result -> Nullable<Text>,
        idp -> Nullable<Text>,
        user_key -> Nullable<Text>,
        user_name -> Nullable<Text>,
    }
}

diesel::table! {
    before_images (number) {
        number -> BigInt,
        at_ms -> BigInt,
        resource_id -> Text,
        image -> Text,
    }
}

diesel::table! {
    attempts (number) {
        number -> BigInt,
        at_ms -> BigInt,
        kind -> Text,
        resource_id -> Text,
        request_id -> Text,
        detail -> Text,
        result -> Text,
        idp -> Text,
        user_key -> Nullable<Text>,
        user_name -> Nullable<Text>,
    }
}

diesel::table! {
    log_losses (place) {
        place -> BigInt,
        lost -> BigInt,
    }
}

diesel::table! {
    cursor_keys (place) {
        place -> BigInt,
        secret -> Text,
    }
}

diesel::table! {
    extension_schemas (urn_key) {
        urn_key -> Text,
        resource_type -> Text,
        required -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    extension_schemas_version (only_row) {
        only_row -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    traffic (credential) {
        credential -> Text,
        facts -> Text,
    }
}

diesel::table! {
    role_changes (number) {
        number -> BigInt,
        at_ms -> BigInt,
        user_id -> Text,
    }
}

diesel::table! {
    group_wipes (group_id, user_id) {
        group_id -> Text,
        user_id -> Text,
        since_ms -> BigInt,
    }
}

diesel::table! {
    archived_users (id) {
        id -> Text,
        user_name_key -> Text,
        document -> Text,
        version -> BigInt,
        created_ms -> BigInt,
        modified_ms -> BigInt,
        origin -> Text,
        origin_since_ms -> Nullable<BigInt>,
        archived_ms -> BigInt,
        archived_number -> BigInt,
    }
}

diesel::table! {
    breaker (only_row) {
        only_row -> BigInt,
        people -> Nullable<BigInt>,
        percent -> Nullable<BigInt>,
        minutes -> Nullable<BigInt>,
        began_ms -> Nullable<BigInt>,
        active -> BigInt,
        lost -> BigInt,
        opened_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    breaker_losses (user_id) {
        user_id -> Text,
        place -> BigInt,
        held -> BigInt,
        since_ms -> BigInt,
        opened -> BigInt,
        lost -> Text,
        set_role -> Nullable<Text>,
        set_role_by -> Nullable<Text>,
        set_active -> Nullable<BigInt>,
        user_name_key -> Nullable<Text>,
        external_id_key -> Nullable<Text>,
        document -> Nullable<Text>,
        version -> Nullable<BigInt>,
        created_ms -> Nullable<BigInt>,
        modified_ms -> Nullable<BigInt>,
        origin -> Nullable<Text>,
        origin_since_ms -> Nullable<BigInt>,
        memberships -> Nullable<Text>,
    }
}

diesel::table! {
    group_rules (rule) {
        rule -> Text,
        group_id -> Text,
    }
}

diesel::joinable!(memberships -> groups (group_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(nested_groups -> groups (group_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    user_emails,
    groups,
    memberships,
    nested_groups,
    group_rules
);
diesel::allow_tables_to_appear_in_same_query!(changes, before_images);
