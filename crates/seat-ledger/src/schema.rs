//! The tables of `migrations/tenant/0007_licenses.sql`, the ledger of `0006_order.sql` (on SQLite of `0018_logs_in_order.sql`)
//! and the refusals of `0011_holds.sql` as Diesel sees them. No other crate reads them.

diesel::table! {
    seat_turn (only_row) {
        only_row -> BigInt,
        lines_given -> BigInt,
    }
}

diesel::table! {
    seat_lines (line) {
        line -> BigInt,
        license -> Text,
        seats -> BigInt,
        from_day -> Nullable<BigInt>,
        until_day -> Nullable<BigInt>,
        source -> Text,
    }
}

diesel::table! {
    seat_pools (license) {
        license -> Text,
        quota -> Nullable<BigInt>,
        quota_set -> Nullable<BigInt>,
        used -> BigInt,
        policy -> Text,
        hold_why -> Nullable<Text>,
        overage_seats -> Nullable<BigInt>,
        overage_until_ms -> Nullable<BigInt>,
        overage_in_force -> BigInt,
        grace_seats -> BigInt,
        grace_minutes -> BigInt,
        places_given -> BigInt,
        due_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    seats (user_id) {
        user_id -> Text,
        role -> Text,
        role_rank -> BigInt,
        may_fall_back -> BigInt,
        requested -> Text,
        granted -> Nullable<Text>,
        state -> Text,
        since_ms -> BigInt,
        waiting_place -> Nullable<BigInt>,
        beyond_place -> Nullable<BigInt>,
        borrowed_until_ms -> Nullable<BigInt>,
        kept_until_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    seat_refusals (idp, hour) {
        idp -> Text,
        hour -> BigInt,
        refused -> BigInt,
    }
}

diesel::table! {
    seat_ledger (number) {
        number -> BigInt,
        at_ms -> BigInt,
        user_id -> Text,
        license -> Text,
        movement -> BigInt,
        cause -> Text,
    }
}
