"""Usher: stores and limits. Where time and room go below the requests: permits, transactions, files, disk, registry, Redis."""

from parts import BLUE, GREEN, ORANGE, RED, bars, dashboard, lines, query, stat, steps, variable

REGION = 'region=~"$region"'


def quantile(share, metric, by):
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket[$__rate_interval])))"


NOW = [
    stat(
        "Stores that cannot be used",
        "Their tenants get 503. Runbook: A store cannot be used.",
        "short",
        steps(GREEN, (1, RED)),
        query(f"sum(max by (region) (usher_stores_unavailable{{{REGION}}}))"),
    ),
    stat(
        "Stores that lack a migration",
        "Above 0 during a rollout, and 0 after it.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query(f"sum(max by (region) (usher_store_migrations_behind{{{REGION}}}))"),
    ),
    bars(
        "Free on disk",
        "Of the file system of each region's data. UsherDiskNearlyFull begins at 5 %.",
        "percentunit",
        steps(RED, (0.05, ORANGE), (0.3, GREEN)),
        query(
            f"min by (region) (usher_data_dir_free_bytes{{{REGION}}} / (usher_data_dir_size_bytes{{{REGION}}} > 0))",
            "{{region}}",
        ),
        size=(8, 4),
        top=1,
        none="no tenant is in a file",
    ),
    stat(
        "Processes without Redis",
        "They keep their own limits; callers notice nothing. Runbook: Redis is down or slow.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query("count(usher_redis_up == 0) or 0 * count(usher_redis_up)"),
        none="no Redis",
    ),
    stat(
        "Processes bypassing Redis",
        "It is down or slow, so limits are those of each process.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query("sum(usher_redis_fallback_active)"),
        none="no Redis",
    ),
]

PERMITS = [
    lines(
        "Turns that are taken",
        "Share of the turns of a kind, in the process that has fewest left. Near 1 callers wait. UsherPermitsScarce begins at the line.",
        "percentunit",
        query(
            "max by (kind) (usher_store_permits_in_use / (usher_store_permits_limit > 0))",
            "{{kind}}",
        ),
        limit=steps(GREEN, (0.9, RED)),
        top=1,
    ),
    lines(
        "Wait for a turn",
        "99 of a hundred wait shorter. After store.admission_deadline_ms a caller gets 503.",
        "s",
        query(quantile(0.99, "usher_store_permit_wait_seconds", "kind"), "{{kind}} p99"),
    ),
    lines(
        "Callers turned away",
        "No turn was free in time: 503 with Retry-After.",
        "reqps",
        query("sum by (kind) (rate(usher_store_permit_timeouts_total[$__rate_interval]))", "{{kind}}"),
    ),
]

TRANSACTIONS = [
    lines(
        "Transactions",
        "Of registries and of tenants' stores. failed: also what the gateway refused, such as a taken name or a full license.",
        "ops",
        query(
            "sum by (kind, mode, outcome) (rate(usher_store_transactions_total[$__rate_interval]))",
            "{{kind}} {{mode}} {{outcome}}",
        ),
    ),
    lines(
        "Time of a transaction, p99",
        "With the wait for a turn. A write on a file is mostly one flush to the disk; on PostgreSQL it is round trips.",
        "s",
        query(quantile(0.99, "usher_store_transaction_duration_seconds", "kind, mode"), "{{kind}} {{mode}}"),
    ),
    lines(
        "Writes in one commit",
        "The mean. Above 1 writes that wait for one file share a commit: group commit at work.",
        "short",
        query(
            "sum(rate(usher_store_commit_group_size_sum[$__rate_interval]))"
            " / (sum(rate(usher_store_commit_group_size_count[$__rate_interval])) > 0)",
            "mean",
        ),
        query(
            "histogram_quantile(0.99, sum by (le) (rate(usher_store_commit_group_size_bucket[$__rate_interval])))",
            "p99",
        ),
    ),
]

STORES = [
    lines(
        "Open stores",
        "Stores with connections of their own. The others are at rest and are read by shared ones.",
        "short",
        query("usher_stores_open", "{{instance}}"),
    ),
    lines(
        "Stores opened and put to rest",
        "Many of both all the time: store.memory_mib or store.max_open is too small for the tenants that write.",
        "ops",
        query("sum(rate(usher_store_opens_total[$__rate_interval]))", "opened"),
        query("sum(rate(usher_store_evictions_total[$__rate_interval]))", "put to rest"),
    ),
    lines(
        "Connections to databases",
        "To PostgreSQL, by cell and state. All in use for long: requests wait for a connection.",
        "short",
        query(
            f"sum by (region, cell, state) (usher_store_pool_connections{{{REGION}}})",
            "{{region}} {{cell}} {{state}}",
        ),
    ),
    lines(
        "Free on disk",
        "Of the file system of each region's data, and its size dashed.",
        "bytes",
        query(f"min by (region) (usher_data_dir_free_bytes{{{REGION}}})", "{{region}} free"),
        query(f"min by (region) (usher_data_dir_size_bytes{{{REGION}}})", "{{region}} size"),
        dashed=[".* size"],
    ),
    lines(
        "Look-ups of credentials answered from memory",
        "Share of look-ups that need no read of the registry. It drops after a start and after many changes by staff.",
        "percentunit",
        query(
            f'sum by (region) (rate(usher_registry_cache_requests_total{{{REGION},result="hit"}}[$__rate_interval]))'
            f" / (sum by (region) (rate(usher_registry_cache_requests_total{{{REGION}}}[$__rate_interval])) > 0)",
            "{{region}}",
        ),
        top=1,
    ),
    lines(
        "Tenants read again",
        "Because staff changed something, or another process said so.",
        "ops",
        query(f"sum by (region) (rate(usher_registry_invalidations_total{{{REGION}}}[$__rate_interval]))", "{{region}}"),
    ),
]

REDIS = [
    lines(
        "Time of a command",
        "Beyond 0.1 s a request waits no longer and its process decides alone.",
        "s",
        query(
            "histogram_quantile(0.5, sum by (le) (rate(usher_redis_command_duration_seconds_bucket[$__rate_interval])))", "p50"
        ),
        query(
            "histogram_quantile(0.99, sum by (le) (rate(usher_redis_command_duration_seconds_bucket[$__rate_interval])))",
            "p99",
        ),
        limit=steps(GREEN, (0.1, RED)),
        size=(12, 7),
    ),
    lines(
        "Failed commands",
        "Calls and attempts to connect that failed or took too long.",
        "ops",
        query("sum by (instance) (rate(usher_redis_errors_total[$__rate_interval]))", "{{instance}}"),
        size=(12, 7),
    ),
]

TENANTS = [
    stat(
        "Tenants that metrics leave out",
        "They need watching and are beyond metrics.tenant_limit. Runbook: Tenants are missing from the metrics.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query(f"sum(max by (region) (usher_tenant_metrics_omitted{{{REGION}}}))"),
        size=(6, 4),
    ),
    stat(
        "Tenants that metrics name",
        "At risk, or all of them, as metrics.tenants says.",
        "short",
        steps(BLUE),
        query(f"count(count by (region, tenant) (usher_tenant_info{{{REGION}}})) or vector(0)"),
        size=(6, 4),
    ),
]

STORES_AND_LIMITS = dashboard(
    "usher-stores",
    "Usher: stores and limits",
    "Where time and room go below the requests.",
    [variable("region", "Region", "label_values(usher_region_served, region)", many=True)],
    [
        ("Now", NOW),
        ("Turns", PERMITS),
        ("Transactions", TRANSACTIONS),
        ("Stores and registry", STORES),
        ("Redis", REDIS),
        ("Metrics of tenants", TENANTS),
    ],
)
