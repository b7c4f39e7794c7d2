"""Usher: fleet. Whether every customer is well, from the top: what is wrong now, then traffic, credentials, seats, processes."""

from parts import BLUE, BY_CODE, GREEN, GREY, ORANGE, RED, bars, dashboard, lines, query, stat, steps, table, variable

REGION = 'region=~"$region"'
SCIM = 'listener="scim",region=~"$region"'
# The company key beside the id, once for each tenant, whoever exports it.
KEY = "* on (region, tenant) group_left (key) max by (region, tenant, key) (usher_tenant_info)"


def quantile(share):
    buckets = f'rate(usher_http_request_duration_seconds_bucket{{{SCIM},operation!="bulk"}}[$__rate_interval])'
    return f"histogram_quantile({share}, sum by (le) ({buckets}))"


def count_of(severity):
    return f'count(ALERTS{{alertstate="firing",severity="{severity}"}}) or vector(0)'


NOW = [
    stat(
        "Regions that nobody serves",
        "Regions that every process reports as down. Above 0: all of its tenants get 503. Runbook: A region is down.",
        "short",
        steps(GREEN, (1, RED)),
        query(f"count(max by (region) (usher_region_served{{{REGION}}}) == 0) or vector(0)"),
    ),
    stat(
        "Processes that answer",
        "Processes that Prometheus reaches. 0: nobody is served, or Prometheus has lost the way.",
        "short",
        steps(RED, (1, GREEN)),
        query('sum(up{job="usher"})'),
    ),
    stat(
        "Alerts firing",
        "By severity: a page is for now, a ticket for today. The table below names them.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query(count_of("page"), "page"),
        query(count_of("ticket"), "ticket"),
        query(count_of("info"), "info"),
        size=(6, 4),
    ),
    stat(
        "Tenants that need a hand",
        "Tenants with a finding of `usher health`. The table below names them; `usher health --all --region REGION` does so too.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query(f"count(count by (region, tenant) (usher_tenant_findings{{{REGION}}})) or vector(0)"),
        size=(4, 4),
    ),
    bars(
        "Error budget left of 30 days",
        "What is left of the 0.1 % of SCIM requests that may get a 5xx within 30 days. Below 0 the objective is missed.",
        "percentunit",
        steps(RED, (0, ORANGE), (0.25, GREEN)),
        query(f"1 - region:usher_scim_errors:ratio_rate30d{{{REGION}}} / 0.001", "{{region}}"),
        size=(6, 4),
        top=1,
    ),
    table(
        "Alerts",
        "What fires now. Each alert leads to its heading in docs/operations.md.",
        'max by (severity, alertname, region, key, instance) (ALERTS{alertstate="firing"})',
        [("severity", "Severity"), ("alertname", "Alert"), ("region", "Region"), ("key", "Tenant"), ("instance", "Process")],
        size=(12, 8),
        none="no alert fires",
    ),
    table(
        "Tenants that need a hand",
        "Findings of `usher health`; docs/support.md says what each code means. A click on the id opens the tenant.",
        f"max by (region, tenant, code) (usher_tenant_findings{{{REGION}}}) {KEY}",
        [("key", "Tenant"), ("code", "Finding"), ("region", "Region"), ("tenant", "Id")],
        size=(12, 8),
        link=("Id", "/d/usher-tenant?var-region=${__data.fields.Region}&var-tenant=${__value.raw}&${__url_time_range}"),
        none="no tenant has a finding",
    ),
]

TRAFFIC = [
    lines(
        "SCIM requests by status",
        "Green is well. A 409 or 404 is everyday talk of identity providers, 401 is a wrong credential, 403 mostly a full license.",
        "reqps",
        query(f"sum by (code) (rate(usher_http_requests_total{{{SCIM}}}[$__rate_interval]))", "{{code}}"),
        colours=BY_CODE,
        stack=True,
    ),
    lines(
        "Time to answer",
        "Half, 95 and 99 of a hundred SCIM requests are answered faster; bulks are left out, since they may take 20 s. The line is where UsherSlow begins.",
        "s",
        query(quantile(0.5), "p50"),
        query(quantile(0.95), "p95"),
        query(quantile(0.99), "p99"),
        limit=steps(GREEN, (1, RED)),
    ),
    lines(
        "Time to answer by operation, p99",
        "Which kind of request is slow. Lists with filters that no index serves, and changes of large groups, take the longest.",
        "s",
        query(
            "histogram_quantile(0.99, sum by (operation, le) (rate(usher_http_request_duration_seconds_bucket"
            f"{{{SCIM}}}[$__rate_interval])))",
            "{{operation}}",
        ),
    ),
    lines(
        "Burn rate of the error budget",
        "1 spends exactly the month's budget within the month. Somebody is called at 14.4 for an hour, and at 6 for six hours.",
        "short",
        query(f"region:usher_scim_errors:ratio_rate1h{{{REGION}}} / 0.001", "{{region}} 1 h"),
        query(f"region:usher_scim_errors:ratio_rate6h{{{REGION}}} / 0.001", "{{region}} 6 h"),
        limit=steps(GREEN, (6, ORANGE), (14.4, RED)),
    ),
    lines(
        "SCIM operations by outcome",
        "What came of single operations, those of bulks too. noop: it was so already; refused: no seat or not allowed; conflict: a taken name or an old version.",
        "ops",
        query(f"sum by (outcome) (rate(usher_scim_operations_total{{{REGION}}}[$__rate_interval]))", "{{outcome}}"),
        colours=[("ok", GREEN), ("noop", GREY), ("refused", ORANGE), ("error", RED)],
        stack=True,
    ),
    lines(
        "SCIM operations by kind",
        "What identity providers do: a first sync is creates, the daily run is updates and reads.",
        "ops",
        query(
            f"sum by (resource, operation) (rate(usher_scim_operations_total{{{REGION}}}[$__rate_interval]))",
            "{{resource}} {{operation}}",
        ),
    ),
    lines(
        "Requests under way",
        "Requests that have begun and are not answered, of all processes.",
        "short",
        query("sum by (listener) (usher_http_requests_in_flight)", "{{listener}}"),
    ),
    lines(
        "Size of request bodies",
        "95 of a hundred bodies are smaller. Bodies above 64 KiB wait for their share of memory.",
        "bytes",
        query(
            "histogram_quantile(0.95, sum by (listener, le) (rate(usher_http_request_body_bytes_bucket[$__rate_interval])))",
            "{{listener}} p95",
        ),
    ),
    lines(
        "Leniencies, the ten most frequent",
        "What identity providers send beyond the RFC and Usher accepts; docs/scim.md explains each kind. A new kind after a change at a customer is worth a look.",
        "ops",
        query("topk(10, sum by (kind) (rate(usher_scim_leniency_total[$__rate_interval])))", "{{kind}}"),
    ),
]

CREDENTIALS = [
    lines(
        "Refused credentials by reason",
        "unknown: no such key; secret: a wrong secret; limited: too many wrong ones from one source. The line is where UsherAuthFailureStorm begins.",
        "reqps",
        query(f"sum by (reason) (rate(usher_auth_failures_total{{{REGION}}}[$__rate_interval]))", "{{reason}}"),
        limit=steps(GREEN, (5, RED)),
    ),
    lines(
        "Refused admin tokens by reason",
        "Somebody tries tokens, or a script has an old one.",
        "reqps",
        query("sum by (reason) (rate(usher_admin_auth_failures_total[$__rate_interval]))", "{{reason}}"),
    ),
    lines(
        "Acts of staff",
        "What staff do by the command line and the admin API.",
        "ops",
        query("sum by (act, outcome) (rate(usher_admin_actions_total[$__rate_interval]))", "{{act}} {{outcome}}"),
    ),
    lines(
        "Requests above their tenant's rate",
        "Answered with 429; identity providers wait and repeat.",
        "reqps",
        query(f"sum by (region) (rate(usher_rate_limited_total{{{REGION}}}[$__rate_interval]))", "{{region}}"),
    ),
    bars(
        "Credentials that expire",
        "Live credentials of tenants that expire within so many days; one that expires tomorrow counts in all four.",
        "short",
        steps(GREEN, (1, ORANGE)),
        *(
            query(f'sum(max by (region) (usher_credentials_expiring{{{REGION},within_days="{days}"}}))', f"within {words}")
            for days, words in ((1, "a day"), (7, "7 days"), (14, "14 days"), (30, "30 days"))
        ),
        size=(8, 7),
    ),
    lines(
        "Fetches of issuers' keys",
        "For tenants whose tokens another issuer signs. down: nothing usable came.",
        "ops",
        query("sum by (outcome) (rate(usher_jwks_fetches_total[$__rate_interval]))", "{{outcome}}"),
        colours=[("ok", GREEN), ("down", RED)],
    ),
]

SEATS = [
    lines(
        "Seats in use",
        "Sums over tenants. The dashed line is what is sold, to tenants with a quota.",
        "short",
        query(f"sum by (license) (max by (region, license) (usher_seats_used{{{REGION}}}))", "{{license}} used"),
        query(f"sum by (license) (max by (region, license) (usher_seats_limit{{{REGION}}}))", "{{license}} sold"),
        dashed=[".* sold"],
    ),
    lines(
        "People who wait for a seat",
        "They get one when a seat is free, in the order in which they came.",
        "short",
        query(f"sum by (license) (max by (region, license) (usher_seats_waiting{{{REGION}}}))", "{{license}}"),
    ),
    lines(
        "Refused for want of a seat",
        "By the license and what the tenant has chosen for a full one.",
        "ops",
        query(
            f"sum by (license, policy) (rate(usher_seats_refused_total{{{REGION}}}[$__rate_interval]))",
            "{{license}} {{policy}}",
        ),
    ),
    lines(
        "Movements of seats",
        "wait: somebody queues for a seat; promote: somebody who waited got one; fallback: somebody got the cheaper license for now.",
        "ops",
        query(f"sum by (kind) (rate(usher_seat_movements_total{{{REGION}}}[$__rate_interval]))", "{{kind}}"),
    ),
    lines(
        "Losses of access that wait",
        "Breakers on mass loss hold them until staff decide. Runbook: A breaker has opened.",
        "short",
        query(f"max by (region) (usher_breaker_held_operations{{{REGION}}})", "{{region}}"),
        limit=steps(GREEN, (1, RED)),
        size=(7, 7),
    ),
    stat(
        "Breakers opened",
        "Since the processes started, by what was lost first.",
        "short",
        steps(GREEN, (1, ORANGE)),
        query(f"sum by (kind) (usher_breaker_trips_total{{{REGION}}})", "{{kind}}"),
        size=(3, 7),
        text="value_and_name",
        none="none",
    ),
    stat(
        "Unbalanced ledgers",
        "Tenants whose seats do not add up. Must be 0. Runbook: The ledger does not add up.",
        "short",
        steps(GREEN, (1, RED)),
        query(f"sum(max by (region) (usher_seat_ledger_imbalanced_tenants{{{REGION}}}))"),
        size=(3, 7),
    ),
    stat(
        "Oldest recount",
        "Of the tenants that were written to since. Runbook: The recount of seats is old.",
        "s",
        steps(GREEN, (86400, ORANGE), (172800, RED)),
        query(f"time() - min(max by (region) (usher_seat_audit_timestamp_seconds{{{REGION}}}) > 0)"),
        size=(3, 7),
        none="none is due",
    ),
]

PROCESSES = [
    table(
        "Processes",
        "More than one version is a rollout, or one that stands still.",
        '(time() - process_start_time_seconds{job="usher"})'
        " * on (instance) group_left (version, commit) max by (instance, version, commit) (usher_build_info)",
        [("instance", "Process"), ("version", "Version"), ("commit", "Commit")],
        size=(8, 7),
        value=("Runs for", "s"),
    ),
    lines(
        "Processor time",
        "1 is one core that is always busy.",
        "short",
        query('rate(process_cpu_seconds_total{job="usher"}[$__rate_interval])', "{{instance}}"),
    ),
    lines(
        "Memory",
        "What is in RAM. It grows to its caches' bounds and stays there.",
        "bytes",
        query('process_resident_memory_bytes{job="usher"}', "{{instance}}"),
    ),
    lines(
        "File descriptors",
        "Open ones, and the limit dashed. At the limit unused stores are closed first.",
        "short",
        query('process_open_fds{job="usher"}', "{{instance}}"),
        query('process_max_fds{job="usher"}', "{{instance}} limit"),
        dashed=[".* limit"],
    ),
    lines(
        "Threads",
        "Workers of HTTP, and blocking threads of the stores.",
        "short",
        query('process_threads{job="usher"}', "{{instance}}"),
        size=(7, 7),
    ),
    stat(
        "Panics",
        "Within the shown time. Each is a defect: its caller got 500.",
        "short",
        steps(GREEN, (1, RED)),
        query("round(sum(increase(usher_panics_total[$__range])))"),
        size=(3, 7),
    ),
    stat(
        "Log lines summed up",
        "Within the shown time: lines about requests without a valid credential that became one line. Many: somebody knocks.",
        "short",
        steps(BLUE),
        query("round(sum(increase(usher_log_lines_dropped_total[$__range])))"),
        size=(3, 7),
    ),
    stat(
        "Doubted clocks",
        "Machines whose clock is far ahead. Runbook: The clock is wrong.",
        "short",
        steps(GREEN, (1, RED)),
        query("sum(usher_clock_doubted)"),
        size=(3, 7),
    ),
]

FLEET = dashboard(
    "usher-fleet",
    "Usher: fleet",
    "Whether every customer is well, and what all of them do.",
    [variable("region", "Region", "label_values(usher_region_served, region)", many=True)],
    [
        ("Is every customer well?", NOW),
        ("Traffic", TRAFFIC),
        ("Credentials and staff", CREDENTIALS),
        ("Seats", SEATS),
        ("Processes", PROCESSES),
    ],
)
