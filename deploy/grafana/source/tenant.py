"""Usher: one tenant. What support and operators look at when one customer is not well."""

from parts import BLUE, GREEN, GREY, ORANGE, RED, dashboard, gauge, lines, query, stat, steps, table, variable

ONE = 'region=~"$region",tenant="$tenant"'
DAY = 86400
# /metrics/tenants is scraped once a minute.
MINUTE = "1m"

NOW = [
    stat(
        "Tenant",
        "Company key, region, profile, and the identity provider that was recognised.",
        "short",
        steps(BLUE),
        query(
            f"max by (key, region, profile, idp) (usher_tenant_info{{{ONE}}})",
            "{{key}} in {{region}}: {{profile}}, {{idp}}",
        ),
        size=(12, 4),
        text="name",
        none="nothing is told of this tenant",
    ),
    stat(
        "Since the last call",
        "How long ago the identity provider called last. Normal is up to its usual gap; the panel below shows both.",
        "s",
        steps(GREEN, (6 * 3600, ORANGE), (DAY, RED)),
        query(f"time() - max by (idp) (usher_tenant_last_request_timestamp_seconds{{{ONE}}})", "{{idp}}"),
        size=(4, 4),
        none="never called",
    ),
    stat(
        "Credential ends in",
        "The last of its live credentials: then nothing gets in. Runbook: Credentials expire soon.",
        "s",
        steps(RED, (2 * DAY, ORANGE), (14 * DAY, GREEN)),
        query(f"max(usher_tenant_credential_expiry_timestamp_seconds{{{ONE}}}) - time()"),
        size=(4, 4),
        none="no end",
    ),
    stat(
        "Seats are used up in",
        "Our forecast at the pace of the last four weeks; nothing where use does not grow.",
        "d",
        steps(RED, (7, ORANGE), (14, GREEN)),
        query(f"min by (license) (usher_tenant_seats_days_to_exhaustion{{{ONE}}})", "{{license}}"),
        size=(4, 4),
        none="not growing",
    ),
    table(
        "Findings",
        "What the tenant needs a hand for; docs/support.md says what each code means. `usher health --region REGION --key KEY` has the sentences and the steps.",
        f"max by (code) (usher_tenant_findings{{{ONE}}})",
        [("code", "Finding")],
        size=(8, 7),
        none="no finding",
    ),
    gauge(
        "Seats in use",
        "Share of the quota by license. Full: the next person waits, is refused or gets the smaller license, as the tenant has chosen.",
        "percentunit",
        steps(GREEN, (0.8, ORANGE), (1, RED)),
        query(
            f"max by (license) (usher_tenant_seats_used{{{ONE}}}) / (max by (license) (usher_tenant_seats_limit{{{ONE}}}) > 0)",
            "{{license}}",
        ),
        size=(8, 7),
        none="no quota",
    ),
    gauge(
        "Risk of a quarantine",
        "How far the refused writes of 24 hours are on the way to what Entra ID slows a job down for. Somebody is told at a half.",
        "percentunit",
        steps(GREEN, (0.5, ORANGE), (0.8, RED)),
        query(f"max(usher_tenant_quarantine_risk_ratio{{{ONE}}})", "of the line"),
        size=(8, 7),
        none="none",
    ),
]

SEATS = [
    lines(
        "Seats and forecast",
        "In use, sold (dashed), and where a straight line through the last week leads within 14 days (dashed): a second opinion beside our forecast above.",
        "short",
        query(f"max by (license) (usher_tenant_seats_used{{{ONE}}})", "{{license}} used"),
        query(f"max by (license) (usher_tenant_seats_limit{{{ONE}}})", "{{license}} sold"),
        query(f"clamp_min(tenant_license:usher_seats_used:predict14d{{{ONE}}}, 0)", "{{license}} in 14 days"),
        size=(12, 8),
        dashed=[".* sold", ".* in 14 days"],
    ),
    lines(
        "People who wait",
        "They get a seat when one is free, in the order in which they came.",
        "short",
        query(f"max by (license) (usher_tenant_seats_waiting{{{ONE}}})", "{{license}}"),
        size=(6, 8),
    ),
    lines(
        "Refused for want of a seat",
        "Requests and operations of bulks within each interval.",
        "short",
        query(
            f"max by (license) (increase(usher_tenant_seats_refused_total{{{ONE}}}[$__rate_interval]))",
            "{{license}}",
            every=MINUTE,
        ),
        size=(6, 8),
    ),
]

CALLS = [
    lines(
        "Time since the last call",
        "A saw: it grows until the identity provider calls. UsherTenantSilent begins at four times the usual gap, and six hours at least.",
        "s",
        query(f"time() - max by (idp) (usher_tenant_last_request_timestamp_seconds{{{ONE}}})", "{{idp}}"),
        query(f"max(usher_tenant_request_gap_seconds{{{ONE}}})", "usual gap"),
        size=(12, 8),
        dashed=["usual gap"],
        colours=[("usual gap", GREY)],
    ),
    lines(
        "Requests that got 401",
        "With a key id of this tenant, within each interval: another secret, expired or revoked.",
        "short",
        query(f"max(increase(usher_tenant_auth_failures_total{{{ONE}}}[$__rate_interval]))", "401", every=MINUTE),
        size=(12, 8),
        colours=[("401", RED)],
    ),
]

TENANT = dashboard(
    "usher-tenant",
    "Usher: one tenant",
    "Whether one customer is well. Its commands are in docs/support.md.",
    [
        variable("region", "Region", "label_values(usher_tenant_info, region)"),
        # People know the company key, metrics the id: the list shows the one and fills in the other.
        variable(
            "tenant",
            "Tenant",
            'query_result(usher_tenant_info{region="$region"})',
            regex='/key="(?<text>[^"]+)".*tenant="(?<value>[^"]+)"/',
        ),
    ],
    [("Is this customer well?", NOW), ("Seats", SEATS), ("Calls", CALLS)],
)
