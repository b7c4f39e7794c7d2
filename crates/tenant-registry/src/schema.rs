//! The tables of `migrations/registry/` as Diesel sees them. No other crate reads them.

diesel::table! {
    tenants (id) {
        id -> Text,
        company_key -> Text,
        name -> Text,
        state -> Text,
        profile -> Text,
        settings -> Text,
        created_ms -> BigInt,
        cell -> Nullable<Text>,
        schema -> Nullable<Text>,
        store_version -> Text,
        profile_version -> BigInt,
        makers -> Text,
    }
}

diesel::table! {
    profiles (name, version) {
        name -> Text,
        version -> BigInt,
        text -> Nullable<Text>,
        added_ms -> BigInt,
    }
}

diesel::table! {
    cells (name) {
        name -> Text,
        open -> BigInt,
    }
}

diesel::table! {
    leases (tenant_id) {
        tenant_id -> Text,
        holder -> Text,
        until_ms -> BigInt,
    }
}

diesel::table! {
    due_times (tenant_id) {
        tenant_id -> Text,
        due_ms -> BigInt,
        noted_ms -> BigInt,
    }
}

diesel::table! {
    tick (only_row) {
        only_row -> BigInt,
        holder -> Text,
        until_ms -> BigInt,
        expiries_told_ms -> BigInt,
    }
}

diesel::table! {
    credentials (key_id) {
        key_id -> Text,
        tenant_id -> Text,
        salt -> Text,
        hash -> Text,
        created_ms -> BigInt,
        expires_ms -> Nullable<BigInt>,
        revoked_ms -> Nullable<BigInt>,
        last_used_ms -> Nullable<BigInt>,
        maker -> Text,
        kind -> Text,
        scopes -> Text,
        note -> Text,
        made_by -> Text,
        client_id -> Text,
        issuer -> Text,
        trust -> Text,
        sender -> Text,
        wrong_secrets -> BigInt,
        wrong_since_ms -> Nullable<BigInt>,
        wrong_last_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    verdicts (tenant_id) {
        tenant_id -> Text,
        codes -> Text,
        silent_since_ms -> Nullable<BigInt>,
        silent_from_ms -> Nullable<BigInt>,
        was_called -> BigInt,
        written_ms -> BigInt,
        figures -> Text,
        at_risk_ms -> Nullable<BigInt>,
        held -> BigInt,
        recounted_ms -> Nullable<BigInt>,
        adds_up -> BigInt,
    }
}

diesel::table! {
    seat_figures (tenant_id, license) {
        tenant_id -> Text,
        license -> Text,
        used -> BigInt,
        quota -> Nullable<BigInt>,
        waiting -> BigInt,
        refused -> BigInt,
        days_left -> Nullable<BigInt>,
    }
}

diesel::table! {
    exporter (only_row) {
        only_row -> BigInt,
        holder -> Text,
        until_ms -> BigInt,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        created_ms -> BigInt,
        sealed -> Text,
    }
}

diesel::table! {
    admin_tokens (key_id) {
        key_id -> Text,
        name -> Text,
        reach -> Text,
        tenant_id -> Nullable<Text>,
        salt -> Text,
        hash -> Text,
        maker -> Text,
        created_ms -> BigInt,
        revoked_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    staff_acts (id) {
        id -> Text,
        at_ms -> BigInt,
        tenant_id -> Text,
        act -> Text,
        detail -> Text,
        actor -> Text,
        request_id -> Text,
    }
}

diesel::table! {
    moves (tenant_id) {
        tenant_id -> Text,
        from_cell -> Nullable<Text>,
        from_schema -> Nullable<Text>,
        to_region -> Nullable<Text>,
        to_cell -> Nullable<Text>,
        to_schema -> Nullable<Text>,
        record -> Nullable<Text>,
        actor -> Text,
        request_id -> Text,
    }
}

diesel::table! {
    moved_credentials (key_id) {
        key_id -> Text,
        tenant_id -> Text,
        salt -> Text,
        hash -> Text,
        expires_ms -> Nullable<BigInt>,
        to_region -> Text,
        issuer -> Text,
    }
}

diesel::table! {
    used_assertions (id) {
        id -> Text,
        expires_ms -> BigInt,
    }
}

diesel::table! {
    region (code) {
        code -> Text,
    }
}

diesel::joinable!(credentials -> tenants (tenant_id));
diesel::joinable!(due_times -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(
    admin_tokens,
    credentials,
    staff_acts,
    tenants,
    leases,
    moves,
    moved_credentials,
    due_times
);
