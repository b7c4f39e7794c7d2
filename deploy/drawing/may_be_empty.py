"""Which panels may have an empty answer in `make pictures`, and why. Everywhere else an empty answer is a mistake in the query or in the metric."""

MAY_BE_EMPTY = {
    ("fleet", "Alerts"): "nothing needs to fire within minutes",
    ("fleet", "Requests above their tenant's rate"): "no tenant of the demo is faster than its rate",
    ("fleet", "Fetches of issuers' keys"): "no tenant of the demo has an issuer",
    ("stores", "Callers turned away"): "nobody is turned away by so little traffic",
    ("stores", "Stores opened and put to rest"): "a handful of stores needs no room to be made",
    ("stores", "Connections to databases"): "the demo's tenants are in files",
    ("tenant", "Findings"): "the tenant may be well",
    ("tenant", "Seats and forecast"): "the line through a week needs a day of it",
    ("tenant", "Seats are used up in"): "the forecast needs days of growth",
    ("tenant", "Time since the last call"): "a usual gap is learned from pauses of more than five minutes",
}
