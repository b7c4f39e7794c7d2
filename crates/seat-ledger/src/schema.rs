//! The tables of `migrations/tenant/0002_seats.sql` and `0006_order.sql` as Diesel sees them. No other crate reads them.

diesel::table! {
    seat_pools (license) {
        license -> Text,
        quota -> Nullable<BigInt>,
        used -> BigInt,
        policy -> Text,
        places_given -> BigInt,
    }
}

diesel::table! {
    seats (user_id) {
        user_id -> Text,
        role -> Text,
        requested -> Text,
        granted -> Nullable<Text>,
        state -> Text,
        since_ms -> BigInt,
        waiting_place -> Nullable<BigInt>,
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
