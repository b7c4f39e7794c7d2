"""The parts of a dashboard as Grafana's classic JSON (schema 39) has them: panels, rows, variables, links.

What is the same everywhere stands here, so that fleet.py, tenant.py and stores.py say only what a panel asks and why.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "#8e8e8e"

# The status codes of HTTP in the colours that people expect.
BY_CODE = [("2..", GREEN), ("3..", BLUE), ("4..", ORANGE), ("5..", RED)]


def steps(*values):
    """Thresholds: a colour below the first value, then pairs of a value and the colour from it on."""
    first, *pairs = values
    found = [{"color": first, "value": None}]
    found += [{"color": colour, "value": value} for value, colour in pairs]
    return {"mode": "absolute", "steps": found}


def query(expr, legend="", instant=False, table=False, every=None):
    """One question to Prometheus. A table and a single figure ask for now, everything else for the shown time. `every` is how often the series are
    scraped, where that is not as often as Grafana's source says: $__rate_interval is made of it."""
    found = {"datasource": DATASOURCE, "editorMode": "code", "expr": expr, "legendFormat": legend or "__auto"}
    found.update({"instant": True, "range": False} if instant or table else {"instant": False, "range": True})
    if table:
        found["format"] = "table"
    if every:
        found["interval"] = every
    return found


def _panel(kind, title, description, queries, size, defaults, options, overrides=()):
    targets = [{**one, "refId": chr(ord("A") + index)} for index, one in enumerate(queries)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


def _colour(pattern, colour):
    value = {"mode": "fixed", "fixedColor": colour}
    return {"matcher": {"id": "byRegexp", "options": f"/^{pattern}$/"}, "properties": [{"id": "color", "value": value}]}


def _dashed(pattern):
    style = {"fill": "dash", "dash": [8, 6]}
    properties = [{"id": "custom.lineStyle", "value": style}, {"id": "custom.fillOpacity", "value": 0}]
    return {"matcher": {"id": "byRegexp", "options": f"/^{pattern}$/"}, "properties": properties}


def lines(title, description, unit, *queries, size=(8, 7), colours=(), dashed=(), limit=None, stack=False, top=None):
    """Lines over time. `limit` draws thresholds as lines, `dashed` names the series that are limits or forecasts."""
    defaults = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "palette-classic"},
        "custom": {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if stack else 4,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if stack else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if limit else "off"},
        },
    }
    if limit:
        defaults["thresholds"] = limit
    if top is not None:
        defaults["max"] = top
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    overrides = [_colour(*one) for one in colours] + [_dashed(one) for one in dashed]
    return _panel("timeseries", title, description, queries, size, defaults, options, overrides)


def _reduce():
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


def _figure_defaults(unit, thresholds, none):
    found = {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": thresholds}
    if none:
        found["noValue"] = none
    return found


def stat(title, description, unit, thresholds, *queries, size=(4, 4), text="auto", none="", words=()):
    """Figures of now. `none` is shown where nothing is known, `words` are shown instead of numbers."""
    options = {
        "reduceOptions": _reduce(),
        "orientation": "auto",
        "textMode": text,
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
    }
    defaults = _figure_defaults(unit, thresholds, none)
    if words:
        mapping = {str(value): {"text": word, "index": index} for index, (value, word) in enumerate(words)}
        defaults["mappings"] = [{"type": "value", "options": mapping}]
    queries = [{**one, "instant": True, "range": False} for one in queries]
    return _panel("stat", title, description, queries, size, defaults, options)


def bars(title, description, unit, thresholds, *queries, size=(4, 4), top=None, bottom=0, none=""):
    """A bar of now for each series."""
    options = {
        "reduceOptions": _reduce(),
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
    }
    defaults = {**_figure_defaults(unit, thresholds, none), "min": bottom}
    if top is not None:
        defaults["max"] = top
    queries = [{**one, "instant": True, "range": False} for one in queries]
    return _panel("bargauge", title, description, queries, size, defaults, options)


def gauge(title, description, unit, thresholds, *queries, size=(4, 6), top=1, none=""):
    """A figure of now between 0 and `top`."""
    options = {
        "reduceOptions": _reduce(),
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "sizing": "auto",
        "minVizWidth": 75,
        "minVizHeight": 75,
    }
    defaults = {**_figure_defaults(unit, thresholds, none), "min": 0, "max": top}
    queries = [{**one, "instant": True, "range": False} for one in queries]
    return _panel("gauge", title, description, queries, size, defaults, options)


def table(title, description, expr, columns, size=(12, 8), value=None, link=None, none=""):
    """Rows of now. `columns` are pairs of a label and its heading; `value` is heading and unit of the number, if it is shown."""
    hidden = {"Time": True} if value else {"Time": True, "Value": True}
    names = dict(columns)
    if value:
        names["Value"] = value[0]
    order = {name: index for index, name in enumerate(names)}
    organize = {"excludeByName": hidden, "indexByName": order, "renameByName": names}
    defaults = {"custom": {"align": "auto", "filterable": False}}
    if none:
        defaults["noValue"] = none
    overrides = []
    if value:
        properties = [{"id": "unit", "value": value[1]}]
        overrides.append({"matcher": {"id": "byName", "options": value[0]}, "properties": properties})
    if link:
        heading, url = link
        properties = [{"id": "links", "value": [{"title": "Open", "url": url, "targetBlank": False}]}]
        overrides.append({"matcher": {"id": "byName", "options": heading}, "properties": properties})
    options = {"showHeader": True, "cellHeight": "sm"}
    found = _panel("table", title, description, [query(expr, table=True)], size, defaults, options, overrides)
    found["transformations"] = [{"id": "organize", "options": organize}]
    return found


def _laid_out(rows):
    """Gives every panel its id and its place: from the left to the right, a new line when 24 columns are full."""
    found, y = [], 0
    for title, panels in rows:
        header = {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}
        found.append(header)
        x, y, height = 0, y + 1, 0
        for panel in panels:
            place = panel["gridPos"]
            if x + place["w"] > 24:
                x, y, height = 0, y + height, 0
            panel["gridPos"] = {"x": x, "y": y, **place}
            x, height = x + place["w"], max(height, place["h"])
            found.append(panel)
        y += height
    return [{"id": index + 1, **panel} for index, panel in enumerate(found)]


def variable(name, label, definition, many=False, regex=""):
    """A variable that Prometheus fills."""
    found = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": {"query": definition, "refId": name},
        "refresh": 2,
        "regex": regex,
        "sort": 1,
        "multi": many,
        "includeAll": many,
        "hide": 0,
        "options": [],
    }
    if many:
        found["allValue"] = ".*"
        found["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return found


def dashboard(uid, title, description, variables, rows):
    """The whole file."""
    source = {
        "type": "datasource",
        "name": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "options": [],
    }
    versions = {
        "name": "Versions",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": BLUE,
        # A version that was not there two minutes ago.
        "expr": "count by (version, commit) (usher_build_info) unless count by (version, commit) (usher_build_info offset 2m)",
        "step": "60s",
        "titleFormat": "Usher {{version}}",
        "textFormat": "{{commit}}",
    }
    link = {
        "type": "dashboards",
        "tags": ["usher"],
        "title": "Usher",
        "tooltip": "",
        "icon": "external link",
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "url": "",
    }
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["usher"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "links": [link],
        "annotations": {"list": [versions]},
        "templating": {"list": [source, *variables]},
        "panels": _laid_out(rows),
    }
