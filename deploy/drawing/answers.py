"""What Prometheus answers to a dashboard: its variables as Grafana would fill them, and the series of each query."""

import re
from dataclasses import dataclass, field

from questions import fill, panels


@dataclass
class Series:
    """A line with its points, or a figure with its value."""

    name: str
    labels: dict
    points: list = field(default_factory=list)
    value: float = float("nan")


def seconds(text):
    """`15s`, `1m` or `2h` as seconds."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def variables(dashboard, prometheus, chosen):
    """The values of the dashboard's variables, and how they are shown. `chosen` has those that are not to be the first."""
    values, texts = {}, {}
    for one in dashboard["templating"]["list"]:
        name = one["name"]
        if one["type"] != "query":
            continue
        if one["includeAll"]:
            values[name], texts[name] = one["allValue"], "All"
            continue
        options = _options(one, prometheus, values)
        wanted = [option for option in options if chosen.get(name) in option] or options[:1]
        if not wanted:
            raise ValueError(f"{dashboard['title']}: ${name} has no value")
        texts[name], values[name] = wanted[0]
    return values, texts


def _options(variable, prometheus, values):
    """Pairs of text and value."""
    definition = fill(variable["query"]["query"], values)
    if labels := re.fullmatch(r"label_values\((.+), (\w+)\)", definition):
        expr, label = labels.groups()
        return sorted({(found[label], found[label]) for found, _ in prometheus.now(expr)})
    expr = re.fullmatch(r"query_result\((.+)\)", definition).group(1)
    # Grafana applies the pattern to each series as Prometheus writes it. Its named groups are spelled as in JavaScript.
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    written = ["{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" for labels, _ in prometheus.now(expr)]
    return sorted({found.group("text", "value") for found in map(pattern.search, written) if found})


def ask(dashboard, prometheus, values, scraped_every=None):
    """The series of each query of each panel: `{panel id: [[Series, …] for each query]}`."""
    found = {}
    for annotation in dashboard["annotations"]["list"]:
        # Not drawn; an error in it is an error all the same.
        prometheus.over_time(fill(annotation["expr"], values), seconds(annotation["step"]))
    for panel in panels(dashboard):
        found[panel["id"]] = [_series(panel, target, prometheus, values, scraped_every) for target in panel.get("targets", [])]
    return found


def _series(panel, target, prometheus, values, scraped_every):
    scraped = scraped_every or seconds(target.get("interval", "15s"))
    wide = prometheus.end - prometheus.begin
    # A point for about each two pixels, and as Grafana does no more than are scraped.
    step = max(scraped, round(wide / (30 * panel["gridPos"]["w"])))
    filled = {
        **values,
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + scraped, 4 * scraped)}s",
        "__range": f"{round(wide)}s",
    }
    expr = fill(target["expr"], filled)
    if target["instant"]:
        return [Series(_name(target, labels), labels, value=value) for labels, value in prometheus.now(expr)]
    return [Series(_name(target, labels), labels, points=points) for labels, points in prometheus.over_time(expr, step)]


def _name(target, labels):
    if target["legendFormat"] == "__auto":
        return ", ".join(value for name, value in sorted(labels.items()) if name != "__name__")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found.group(1), ""), target["legendFormat"]).strip()
