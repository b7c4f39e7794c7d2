//! The list. A metric is added here, made and moved in [`Metrics`](crate::Metrics) or [`TenantMetrics`](crate::TenantMetrics), and then shown
//! by a dashboard or an alert. Names follow Prometheus' conventions: `usher_`, the thing, the unit.

#![allow(missing_docs, reason = "each has its help")]

use crate::{Declaration, Label, Type};

/// Seconds of requests: from a look-up in memory to the longest that a client waits.
const REQUEST_SECONDS: &[f64] =
    &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Seconds of what a request does inside.
const STORE_SECONDS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

const BODY_BYTES: &[f64] =
    &[256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 8_388_608.0];

const GROUP_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

const REGION: Label = Label { name: "region", values: "a served region" };
const REGION_OR_NONE: Label = Label { name: "region", values: "a served region, or `none`" };
const LISTENER: Label = Label { name: "listener", values: "`scim`, `admin`" };
const LICENSE: Label = Label { name: "license", values: "`member`, `member_lite`" };
const TENANT: Label = Label { name: "tenant", values: "the id of the tenant" };

pub const BUILD_INFO: Declaration = Declaration {
    name: "usher_build_info",
    metric: Type::Gauge,
    labels: &[
        Label { name: "version", values: "of Usher" },
        Label { name: "commit", values: "that it was built from, or `unknown`" },
    ],
    help: "1, with the version of this process.",
};

pub const CLOCK_DOUBTED: Declaration = Declaration {
    name: "usher_clock_doubted",
    metric: Type::Gauge,
    labels: &[],
    help: "1 while the machine's clock is so far from what the stores hold that it is not believed.",
};

pub const LOG_LINES_DROPPED: Declaration = Declaration {
    name: "usher_log_lines_dropped_total",
    metric: Type::Counter,
    labels: &[],
    help: "Log lines that were counted into one line instead of written, because clients without a credential can cause them.",
};

pub const PANICS: Declaration = Declaration {
    name: "usher_panics_total",
    metric: Type::Counter,
    labels: &[],
    help: "Panics. A panic in a request is a 500 and ends nothing else.",
};

pub const HTTP_REQUESTS: Declaration = Declaration {
    name: "usher_http_requests_total",
    metric: Type::Counter,
    labels: &[
        LISTENER,
        REGION_OR_NONE,
        Label { name: "route", values: "the template of the path, or `other`" },
        Label { name: "method", values: "of HTTP, `dry_run`, or `other`" },
        Label { name: "code", values: "the status" },
    ],
    help: "Requests answered.",
};

pub const HTTP_SECONDS: Declaration = Declaration {
    name: "usher_http_request_duration_seconds",
    metric: Type::Histogram(REQUEST_SECONDS),
    labels: &[
        LISTENER,
        REGION_OR_NONE,
        Label {
            name: "operation",
            values: "`read`, `list`, `create`, `change`, `delete`, `group_change`, `bulk`, `discovery`, `other`",
        },
    ],
    help: "Time to answer a request.",
};

pub const HTTP_IN_FLIGHT: Declaration = Declaration {
    name: "usher_http_requests_in_flight",
    metric: Type::Gauge,
    labels: &[LISTENER],
    help: "Requests that are being answered.",
};

pub const HTTP_BODY_BYTES: Declaration = Declaration {
    name: "usher_http_request_body_bytes",
    metric: Type::Histogram(BODY_BYTES),
    labels: &[LISTENER],
    help: "Length of the bodies of requests, as announced.",
};

pub const SCIM_OPERATIONS: Declaration = Declaration {
    name: "usher_scim_operations_total",
    metric: Type::Counter,
    labels: &[
        REGION,
        Label { name: "resource", values: "`User`, `Group`, `other`" },
        Label { name: "operation", values: "`create`, `replace`, `update`, `delete`, `read`, `list`" },
        Label {
            name: "outcome",
            values: "`ok`, `noop`, `refused`, `conflict`, `invalid`, `throttled`, `error`",
        },
    ],
    help: "Operations on people and groups with a right credential, those of a bulk one by one.",
};

pub const SCIM_LENIENCIES: Declaration = Declaration {
    name: "usher_scim_leniency_total",
    metric: Type::Counter,
    labels: &[Label {
        name: "kind",
        values: "[of leniency](scim.md#leniencies-and-what-strict-makes-of-them)",
    }],
    help: "Things accepted that the letter of the RFC does not have.",
};

pub const AUTH_FAILURES: Declaration = Declaration {
    name: "usher_auth_failures_total",
    metric: Type::Counter,
    labels: &[
        REGION_OR_NONE,
        Label {
            name: "reason",
            values: "`missing`, `malformed`, `unknown` (no such credential), `secret` (a wrong one), `expired`, `revoked`, `jwt`, `region` (of another region), `tenant` (of another tenant), `suspended`, `not_activated`, `not_in_plan`, `limited`",
        },
    ],
    help: "SCIM requests refused for their credential, or for the state of its tenant.",
};

pub const ADMIN_AUTH_FAILURES: Declaration = Declaration {
    name: "usher_admin_auth_failures_total",
    metric: Type::Counter,
    labels: &[Label { name: "reason", values: "`unknown`, `limited`, `out_of_reach`" }],
    help: "Admin requests refused for their credential.",
};

pub const ADMIN_ACTIONS: Declaration = Declaration {
    name: "usher_admin_actions_total",
    metric: Type::Counter,
    labels: &[
        Label { name: "act", values: "method and template of the path below `/admin/v1`" },
        Label { name: "outcome", values: "`ok`, `refused`, `failed`" },
    ],
    help: "Acts of staff: admin requests that change something.",
};

pub const RATE_LIMITED: Declaration = Declaration {
    name: "usher_rate_limited_total",
    metric: Type::Counter,
    labels: &[REGION, Label { name: "scope", values: "`tenant`" }],
    help: "SCIM requests refused for a limit of requests a second.",
};

pub const JWKS_FETCHES: Declaration = Declaration {
    name: "usher_jwks_fetches_total",
    metric: Type::Counter,
    labels: &[Label { name: "outcome", values: "`ok`, `down` (also an answer that is no set of keys)" }],
    help: "Fetches of issuers' keys.",
};

pub const CREDENTIALS_EXPIRING: Declaration = Declaration {
    name: "usher_credentials_expiring",
    metric: Type::Gauge,
    labels: &[REGION, Label { name: "within_days", values: "`1`, `7`, `14`, `30`" }],
    help: "Live credentials of tenants that expire within so many days, one that expires tomorrow in all four; counted every 15 minutes, up to 10,000.",
};

pub const SEATS_USED: Declaration = Declaration {
    name: "usher_seats_used",
    metric: Type::Gauge,
    labels: &[REGION, LICENSE],
    help: "Seats in use, of all tenants.",
};

pub const SEATS_LIMIT: Declaration = Declaration {
    name: "usher_seats_limit",
    metric: Type::Gauge,
    labels: &[REGION, LICENSE],
    help: "Seats that tenants may use, of those with a limit.",
};

pub const SEATS_WAITING: Declaration = Declaration {
    name: "usher_seats_waiting",
    metric: Type::Gauge,
    labels: &[REGION, LICENSE],
    help: "People who wait for a seat, of all tenants.",
};

pub const SEAT_MOVEMENTS: Declaration = Declaration {
    name: "usher_seat_movements_total",
    metric: Type::Counter,
    labels: &[
        REGION,
        LICENSE,
        Label {
            name: "kind",
            values: "`claim`, `fallback` (a cheaper seat for now), `wait`, `release`, `promote`",
        },
    ],
    help: "Seats that moved, by the license that was asked for.",
};

pub const SEATS_REFUSED: Declaration = Declaration {
    name: "usher_seats_refused_total",
    metric: Type::Counter,
    labels: &[
        REGION,
        LICENSE,
        Label {
            name: "policy",
            values: "`refuse` (also where overage is used up), `fallback` (the cheaper license had no seat either)",
        },
    ],
    help: "Operations refused for want of a seat.",
};

pub const LEDGER_IMBALANCED: Declaration = Declaration {
    name: "usher_seat_ledger_imbalanced_tenants",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Tenants whose seats did not add up when they were last recounted. Must be 0.",
};

pub const SEAT_AUDIT_TIMESTAMP: Declaration = Declaration {
    name: "usher_seat_audit_timestamp_seconds",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "The oldest recount that is overdue, of tenants that have been written since; now where none is. A tenant that is written is recounted once an hour.",
};

pub const BREAKER_HELD: Declaration = Declaration {
    name: "usher_breaker_held_operations",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Losses of access that breakers hold now, of all tenants.",
};

pub const BREAKER_TRIPS: Declaration = Declaration {
    name: "usher_breaker_trips_total",
    metric: Type::Counter,
    labels: &[
        REGION,
        Label { name: "kind", values: "of the first loss that was held: `suspension`, `deletion`" },
    ],
    help: "Times that a breaker on mass loss has opened.",
};

pub const REGION_SERVED: Declaration = Declaration {
    name: "usher_region_served",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "1 while the region is served, else 0.",
};

pub const MIGRATIONS_BEHIND: Declaration = Declaration {
    name: "usher_store_migrations_behind",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Tenants' stores that lack a migration, as far as the registry knows.",
};

pub const STORES_UNAVAILABLE: Declaration = Declaration {
    name: "usher_stores_unavailable",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Stores that could not be used when they were last asked for, by this process.",
};

pub const STORES_OPEN: Declaration = Declaration {
    name: "usher_stores_open",
    metric: Type::Gauge,
    labels: &[],
    help: "Stores with connections of their own.",
};

pub const STORE_OPENS: Declaration = Declaration {
    name: "usher_store_opens_total",
    metric: Type::Counter,
    labels: &[],
    help: "Stores opened.",
};

pub const STORE_EVICTIONS: Declaration = Declaration {
    name: "usher_store_evictions_total",
    metric: Type::Counter,
    labels: &[],
    help: "Stores closed to make room for others.",
};

pub const STORE_TRANSACTIONS: Declaration = Declaration {
    name: "usher_store_transactions_total",
    metric: Type::Counter,
    labels: &[
        Label { name: "kind", values: "`registry`, `tenant`" },
        Label { name: "mode", values: "`read`, `write`" },
        Label { name: "outcome", values: "`ok`, `failed` (also what the gateway itself refused)" },
    ],
    help: "Transactions that ended.",
};

pub const STORE_TRANSACTION_SECONDS: Declaration = Declaration {
    name: "usher_store_transaction_duration_seconds",
    metric: Type::Histogram(STORE_SECONDS),
    labels: &[
        Label { name: "kind", values: "`registry`, `tenant`" },
        Label { name: "mode", values: "`read`, `write`" },
    ],
    help: "Time of a transaction, with its wait for a turn.",
};

pub const COMMIT_GROUP_SIZE: Declaration = Declaration {
    name: "usher_store_commit_group_size",
    metric: Type::Histogram(GROUP_SIZES),
    labels: &[],
    help: "Writes that shared one commit of a SQLite store.",
};

pub const PERMITS_IN_USE: Declaration = Declaration {
    name: "usher_store_permits_in_use",
    metric: Type::Gauge,
    labels: &[Label { name: "kind", values: "`background`, `connection`, `cell`" }],
    help: "Turns that are taken: of work in the background, of client connections, of connections to cells.",
};

pub const PERMITS_LIMIT: Declaration = Declaration {
    name: "usher_store_permits_limit",
    metric: Type::Gauge,
    labels: &[Label { name: "kind", values: "`background`, `connection`, `cell`" }],
    help: "Turns that there are.",
};

pub const PERMIT_WAIT_SECONDS: Declaration = Declaration {
    name: "usher_store_permit_wait_seconds",
    metric: Type::Histogram(STORE_SECONDS),
    labels: &[Label { name: "kind", values: "`read`, `write`, `cell`, `background`" }],
    help: "Wait for a turn: to read or write a tenant's store, for a connection to a cell, for work in the background.",
};

pub const PERMIT_TIMEOUTS: Declaration = Declaration {
    name: "usher_store_permit_timeouts_total",
    metric: Type::Counter,
    labels: &[Label { name: "kind", values: "`read`, `write`, `cell`, `background`" }],
    help: "Calls that got no turn in time, or found too many waiting: 503.",
};

pub const POOL_CONNECTIONS: Declaration = Declaration {
    name: "usher_store_pool_connections",
    metric: Type::Gauge,
    labels: &[
        REGION,
        Label { name: "cell", values: "by its name; `registry` of the registry" },
        Label { name: "state", values: "`idle`, `in_use`" },
    ],
    help: "Open connections to PostgreSQL databases.",
};

pub const DATA_DIR_FREE: Declaration = Declaration {
    name: "usher_data_dir_free_bytes",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Bytes that are free on the disk of the region; of regions with files.",
};

pub const DATA_DIR_SIZE: Declaration = Declaration {
    name: "usher_data_dir_size_bytes",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Bytes of that disk.",
};

pub const CACHE_REQUESTS: Declaration = Declaration {
    name: "usher_registry_cache_requests_total",
    metric: Type::Counter,
    labels: &[REGION, Label { name: "result", values: "`hit`, `miss`" }],
    help: "Credentials looked for in memory before the registry is read.",
};

pub const INVALIDATIONS: Declaration = Declaration {
    name: "usher_registry_invalidations_total",
    metric: Type::Counter,
    labels: &[REGION],
    help: "Tenants, or all of a region, that were forgotten from memory because they changed.",
};

pub const REDIS_UP: Declaration = Declaration {
    name: "usher_redis_up",
    metric: Type::Gauge,
    labels: &[],
    help: "1 while this process is connected to Redis, else 0; absent without `[redis]`.",
};

pub const REDIS_FALLBACK: Declaration = Declaration {
    name: "usher_redis_fallback_active",
    metric: Type::Gauge,
    labels: &[],
    help: "1 while limits are those of this process alone: Redis is down or slow; absent without `[redis]`.",
};

pub const REDIS_ERRORS: Declaration = Declaration {
    name: "usher_redis_errors_total",
    metric: Type::Counter,
    labels: &[],
    help: "Calls of Redis, and attempts to connect, that failed or took too long; absent without `[redis]`.",
};

pub const REDIS_SECONDS: Declaration = Declaration {
    name: "usher_redis_command_duration_seconds",
    metric: Type::Histogram(STORE_SECONDS),
    labels: &[],
    help: "Time of a call of Redis; absent without `[redis]`.",
};

pub const TENANT_METRICS_OMITTED: Declaration = Declaration {
    name: "usher_tenant_metrics_omitted",
    metric: Type::Gauge,
    labels: &[REGION],
    help: "Tenants of the region that `/metrics/tenants` leaves out because there are more than `metrics.tenant_limit`.",
};

pub const TENANT_INFO: Declaration = Declaration {
    name: "usher_tenant_info",
    metric: Type::Gauge,
    labels: &[
        REGION,
        TENANT,
        Label { name: "key", values: "its company key" },
        Label { name: "profile", values: "its profile" },
        Label { name: "idp", values: "the identity provider that called last, or `none`" },
    ],
    help: "1, with what the tenant is called.",
};

pub const TENANT_SEATS_USED: Declaration = Declaration {
    name: "usher_tenant_seats_used",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, LICENSE],
    help: "Seats in use.",
};

pub const TENANT_SEATS_LIMIT: Declaration = Declaration {
    name: "usher_tenant_seats_limit",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, LICENSE],
    help: "Seats in force; absent where there is no limit.",
};

pub const TENANT_SEATS_WAITING: Declaration = Declaration {
    name: "usher_tenant_seats_waiting",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, LICENSE],
    help: "People who wait for a seat.",
};

pub const TENANT_SEATS_REFUSED: Declaration = Declaration {
    name: "usher_tenant_seats_refused_total",
    metric: Type::Counter,
    labels: &[REGION, TENANT, LICENSE],
    help: "Operations refused for want of a seat, from the tenant's store, so that a restart keeps the count.",
};

pub const TENANT_DAYS_TO_EXHAUSTION: Declaration = Declaration {
    name: "usher_tenant_seats_days_to_exhaustion",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, LICENSE],
    help: "Days until the last seat is taken at the pace of the last four weeks; 0 while people are refused for want of one, absent where seats do not grow fewer.",
};

pub const TENANT_LAST_REQUEST: Declaration = Declaration {
    name: "usher_tenant_last_request_timestamp_seconds",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, Label { name: "idp", values: "the identity provider" }],
    help: "The last call of an identity provider.",
};

pub const TENANT_REQUEST_GAP: Declaration = Declaration {
    name: "usher_tenant_request_gap_seconds",
    metric: Type::Gauge,
    labels: &[REGION, TENANT],
    help: "The usual pause between two calls, learned from the last 50 pauses.",
};

pub const TENANT_AUTH_FAILURES: Declaration = Declaration {
    name: "usher_tenant_auth_failures_total",
    metric: Type::Counter,
    labels: &[REGION, TENANT],
    help: "Requests with a key id of the tenant and a wrong secret since that credential's last success.",
};

pub const TENANT_QUARANTINE_RISK: Declaration = Declaration {
    name: "usher_tenant_quarantine_risk_ratio",
    metric: Type::Gauge,
    labels: &[REGION, TENANT],
    help: "How near the tenant is to the line at which Entra ID puts a job into quarantine: 1 is the line.",
};

pub const TENANT_CREDENTIAL_EXPIRY: Declaration = Declaration {
    name: "usher_tenant_credential_expiry_timestamp_seconds",
    metric: Type::Gauge,
    labels: &[REGION, TENANT],
    help: "When the last of its live credentials expires; absent where one never does.",
};

pub const TENANT_FINDINGS: Declaration = Declaration {
    name: "usher_tenant_findings",
    metric: Type::Gauge,
    labels: &[REGION, TENANT, Label { name: "code", values: "[of a finding](support.md) of `usher health`" }],
    help: "1 for each thing that needs a hand.",
};

/// Everything that `/metrics` shows, beside the `process_*` metrics of the library.
pub const OF_PROCESS: &[Declaration] = &[
    BUILD_INFO,
    CLOCK_DOUBTED,
    LOG_LINES_DROPPED,
    PANICS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_IN_FLIGHT,
    HTTP_BODY_BYTES,
    SCIM_OPERATIONS,
    SCIM_LENIENCIES,
    AUTH_FAILURES,
    ADMIN_AUTH_FAILURES,
    ADMIN_ACTIONS,
    RATE_LIMITED,
    JWKS_FETCHES,
    CREDENTIALS_EXPIRING,
    SEATS_USED,
    SEATS_LIMIT,
    SEATS_WAITING,
    SEAT_MOVEMENTS,
    SEATS_REFUSED,
    LEDGER_IMBALANCED,
    SEAT_AUDIT_TIMESTAMP,
    BREAKER_HELD,
    BREAKER_TRIPS,
    REGION_SERVED,
    MIGRATIONS_BEHIND,
    STORES_UNAVAILABLE,
    STORES_OPEN,
    STORE_OPENS,
    STORE_EVICTIONS,
    STORE_TRANSACTIONS,
    STORE_TRANSACTION_SECONDS,
    COMMIT_GROUP_SIZE,
    PERMITS_IN_USE,
    PERMITS_LIMIT,
    PERMIT_WAIT_SECONDS,
    PERMIT_TIMEOUTS,
    POOL_CONNECTIONS,
    DATA_DIR_FREE,
    DATA_DIR_SIZE,
    CACHE_REQUESTS,
    INVALIDATIONS,
    REDIS_UP,
    REDIS_FALLBACK,
    REDIS_ERRORS,
    REDIS_SECONDS,
];

/// Everything that `/metrics/tenants` shows.
pub const OF_TENANTS: &[Declaration] = &[
    TENANT_METRICS_OMITTED,
    TENANT_INFO,
    TENANT_SEATS_USED,
    TENANT_SEATS_LIMIT,
    TENANT_SEATS_WAITING,
    TENANT_SEATS_REFUSED,
    TENANT_DAYS_TO_EXHAUSTION,
    TENANT_LAST_REQUEST,
    TENANT_REQUEST_GAP,
    TENANT_AUTH_FAILURES,
    TENANT_QUARANTINE_RISK,
    TENANT_CREDENTIAL_EXPIRY,
    TENANT_FINDINGS,
];
