"""What a dashboard asks: its panels' queries with Grafana's variables filled in, as Grafana would fill them."""

import json
import pathlib
import re

DASHBOARDS = pathlib.Path(__file__).resolve().parents[1] / "grafana" / "dashboards"


def load(folder=DASHBOARDS):
    """Every dashboard of the folder by its file's name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(pathlib.Path(folder).glob("*.json"))}


def panels(dashboard):
    """The panels in the order of the page, rows too."""
    return sorted(dashboard["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))


def fill(expr, values):
    """The query with each `$name` or `${name}` replaced. A variable without a value is an error, not an empty text."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found.group(1)], expr)
