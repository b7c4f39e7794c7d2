"""A dashboard as one picture: the grid, and each kind of panel. Calm and light, so that the lines are what is seen."""

import math
import re
import time

from questions import panels
from svg import FAINT, FONT, INK, LINE, MUTED, PAGE, PANEL, SERIES, colour, element, shortened, width, words
from units import shown, ticks, times

COLUMN, UNIT, GAP, EDGE, HEAD = 56, 32, 8, 16, 64
WIDE = EDGE * 2 + COLUMN * 24


def picture(dashboard, answers, prometheus, texts):
    """The whole page."""
    drawn, bottom = [], 0
    for panel in panels(dashboard):
        place = panel["gridPos"]
        x, y = EDGE + place["x"] * COLUMN, HEAD + place["y"] * UNIT
        wide, high = place["w"] * COLUMN - GAP, place["h"] * UNIT - GAP
        bottom = max(bottom, y + high)
        if panel["type"] == "row":
            drawn.append(words(x, y + 19, panel["title"], size=14, weight=600))
            continue
        inner = _frame(panel, wide, high) + KINDS[panel["type"]](panel, answers[panel["id"]], prometheus, wide, high)
        drawn.append(element("g", raw=inner, transform=f"translate({x} {y})"))
    high = bottom + EDGE
    said = "  ".join(f"{name}: {text}" for name, text in texts.items())
    span = f"{_moment(prometheus.begin)} to {_moment(prometheus.end)}"
    top = words(EDGE, 30, dashboard["title"], size=19, weight=600)
    top += words(EDGE, 50, f"{said}   ·   {span} UTC", size=12, fill=MUTED)
    top += words(WIDE - EDGE - GAP, 30, "drawn by deploy/draw-dashboards from the answers of a Prometheus", size=11, fill=FAINT, anchor="end")
    page = element("rect", width=WIDE, height=high, fill=PAGE)
    return element(
        "svg", raw=page + top + "\n".join(drawn), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDE} {high}", font_family=FONT
    )


def _moment(at):
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def _frame(panel, wide, high):
    box = element("rect", width=wide, height=high, rx=4, fill=PANEL, stroke=LINE)
    # What a reader sees who points at the panel, as in Grafana.
    return element("title", panel["description"]) + box + words(12, 22, shortened(panel["title"], wide - 24, 13), size=12, weight=600)


def _defaults(panel):
    return panel["fieldConfig"]["defaults"]


def _override(panel, name, wanted):
    """What an override sets for the series of this name."""
    for one in panel["fieldConfig"]["overrides"]:
        matcher = one["matcher"]
        matches = name == matcher["options"] if matcher["id"] == "byName" else re.search(matcher["options"].strip("/"), name)
        for property_ in one["properties"] if matches else []:
            if property_["id"] == wanted:
                return property_["value"]
    return None


def _by_threshold(panel, value):
    found = None
    for step in _defaults(panel)["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return colour(found)


def _text(panel, value):
    for mapping in _defaults(panel).get("mappings", []):
        if str(round(value)) in mapping["options"]:
            return mapping["options"][str(round(value))]["text"]
    return shown(value, _defaults(panel)["unit"])


def _nothing(panel, wide, high):
    return words(wide / 2, high / 2 + 12, _defaults(panel).get("noValue", "nothing in this time"), size=13, fill=MUTED, anchor="middle")


def _finite(answers):
    return [one for answer in answers for one in answer if math.isfinite(one.value)]


def _stat(panel, answers, _prometheus, wide, high):
    found = _finite(answers)
    if not found:
        return _nothing(panel, wide, high)
    mode = panel["options"]["textMode"]
    named = mode == "value_and_name" or (mode == "auto" and len(found) > 1)
    drawn, room = "", (wide - 24) / len(found)
    upright = named and wide < 240 and high > 150
    for index, one in enumerate(found):
        text = one.name if mode == "name" else _text(panel, one.value)
        x, y = 12 + room * (index + 0.5), (high + 30) / 2
        across = room
        if upright:
            across, x, y = wide - 24, wide / 2, 40 + (high - 44) / len(found) * (index + 0.5)
        size = max(12, min(28, 28 * across * 0.9 / width(text, 28)))
        fill = _by_threshold(panel, one.value)
        drawn += words(x, y + (0 if named else size / 3), shortened(text, across, size), size=size, fill=fill, anchor="middle", weight=500)
        if named:
            drawn += words(x, y + 18, shortened(one.name, across, 11), fill=MUTED, anchor="middle")
    return drawn


def _gauge(panel, answers, _prometheus, wide, high):
    found = _finite(answers)
    if not found:
        return _nothing(panel, wide, high)
    drawn, room = "", (wide - 16) / len(found)
    radius = min(room * 0.40, (high - 84) * 0.72)
    for index, one in enumerate(found):
        x, y = 8 + room * (index + 0.5), 48 + radius
        share = max(0.0, min(1.0, one.value / _defaults(panel)["max"]))
        fill = _by_threshold(panel, one.value)
        drawn += _arc(x, y, radius, 0, 1, LINE) + (_arc(x, y, radius, 0, share, fill) if share > 0.004 else "")
        drawn += words(x, y + 6, _text(panel, one.value), size=max(14.0, radius * 0.3), fill=fill, anchor="middle", weight=500)
        drawn += words(x, high - 12, shortened(one.name, room, 11), fill=MUTED, anchor="middle")
    return drawn


def _arc(x, y, radius, begin, end, stroke):
    """Of the three quarters of a circle that a gauge has."""
    turn = lambda share: math.radians(150 + 240 * share)
    (x1, y1), (x2, y2) = [(x + radius * math.cos(turn(at)), y + radius * math.sin(turn(at))) for at in (begin, end)]
    large = int(240 * (end - begin) > 180)
    path = f"M{x1:.1f} {y1:.1f}A{radius:.1f} {radius:.1f} 0 {large} 1 {x2:.1f} {y2:.1f}"
    return element("path", d=path, fill="none", stroke=stroke, stroke_width=max(6.0, radius * 0.18))


def _bars(panel, answers, _prometheus, wide, high):
    found = _finite(answers)
    if not found:
        return _nothing(panel, wide, high)
    defaults = _defaults(panel)
    highest = defaults.get("max") or max([one.value for one in found] + [1])
    name_wide = min(wide * 0.4, max(width(one.name) for one in found) + 12)
    # Beyond this many bars nobody reads them.
    pitch = min(34.0, (high - 42) / len(found))
    track = wide - 24 - name_wide - 64
    drawn = ""
    for index, one in enumerate(found):
        y = 38 + pitch * index
        thick = max(6.0, min(16.0, pitch - 6))
        fill = _by_threshold(panel, one.value)
        base = y + thick / 2 + 4
        drawn += words(12, base, shortened(one.name, name_wide - 8), fill=INK)
        drawn += element("rect", x=12 + name_wide, y=y, width=track, height=thick, rx=2, fill=PAGE)
        long = track * max(0.0, min(1.0, one.value / highest))
        drawn += element("rect", x=12 + name_wide, y=y, width=long, height=thick, rx=2, fill=fill) if long > 0.5 else ""
        drawn += words(wide - 12, base, _text(panel, one.value), fill=fill, anchor="end", weight=600)
    return drawn


def _table(panel, answers, _prometheus, wide, high):
    organize = panel["transformations"][0]["options"]
    columns = [name for name in organize["renameByName"] if not organize["excludeByName"].get(name)]
    rows = [one for answer in answers for one in answer]
    if not rows:
        return _nothing(panel, wide, high)
    heads = [organize["renameByName"][name] for name in columns]
    cells = [[_cell(panel, one, name, head) for name, head in zip(columns, heads)] for one in rows]
    longest = [max(width(line[index]) for line in [heads, *cells]) + 18 for index in range(len(columns))]
    spare = max(0.0, wide - 24 - sum(longest)) / len(columns)
    scale = min(1.0, (wide - 24) / sum(longest))
    rooms = [long * scale + spare for long in longest]
    fit = int((high - 58) // 22)
    shown_cells = cells if len(cells) <= fit else cells[: fit - 1]
    drawn = ""
    for line, texts in enumerate([heads, *shown_cells]):
        x, y = 12.0, 47 + 22 * line
        for text, room in zip(texts, rooms):
            head = line == 0
            drawn += words(x, y, shortened(text, room - 10), fill=MUTED if head else INK, weight=600 if head else None)
            x += room
        drawn += element("line", x1=12, x2=wide - 12, y1=y + 7, y2=y + 7, stroke=LINE)
    if len(shown_cells) < len(cells):
        drawn += words(12, 47 + 22 * (len(shown_cells) + 1), f"and {len(cells) - len(shown_cells)} more", fill=MUTED)
    return drawn


def _cell(panel, one, column, head):
    if column != "Value":
        return one.labels.get(column, "")
    return shown(one.value, _override(panel, head, "unit") or "short")


def _lines(panel, answers, prometheus, wide, high):
    found = [one for answer in answers for one in answer if any(math.isfinite(value) for _, value in one.points)]
    defaults = _defaults(panel)
    custom = defaults["custom"]
    legend_high, legend = _legend(panel, found, wide, high)
    top, bottom, right = 36, high - legend_high - 26, wide - 14
    lines = _stacked(found) if custom["stacking"]["mode"] == "normal" else [(one, None, _kept(one.points)) for one in found]
    values = [value for _, _, points in lines for _, value in points]
    unit, highest = defaults["unit"], defaults.get("max") or max(values, default=0)
    marks = ticks(highest, unit, 4 if bottom - top > 90 else 2)
    if defaults.get("max") is not None:
        marks = [mark for mark in marks if mark <= defaults["max"] * 1.001]
    left = 19 + max(width(shown(mark, unit), 10) for mark in marks)
    across = lambda at: left + (at - prometheus.begin) / (prometheus.end - prometheus.begin) * (right - left)
    up = lambda value: bottom - min(value, marks[-1]) / marks[-1] * (bottom - top)
    drawn = ""
    for mark in marks:
        drawn += element("line", x1=left, x2=right, y1=up(mark), y2=up(mark), stroke=LINE)
        drawn += words(left - 7, up(mark) + 4, shown(mark, unit), size=10, fill=MUTED, anchor="end")
    for at, text in times(prometheus.begin, prometheus.end, max(2, int((right - left) / 70))):
        drawn += words(across(at), bottom + 16, text, size=10, fill=MUTED, anchor="middle")
    if custom["thresholdsStyle"]["mode"] == "line":
        for step in defaults["thresholds"]["steps"]:
            if step["value"] is not None and step["value"] <= marks[-1]:
                y = up(step["value"])
                drawn += element("line", x1=left, x2=right, y1=y, y2=y, stroke=colour(step["color"]), stroke_dasharray="2 3")
    for index, (one, floor, points) in enumerate(lines):
        drawn += _line(panel, index, one, floor, points, across, up)
    if not found:
        drawn += words((left + right) / 2, (top + bottom) / 2 + 4, "nothing in this time", size=12, fill=MUTED, anchor="middle")
    return drawn + legend


def _kept(points):
    return [(at, value) for at, value in points if math.isfinite(value)]


def _stacked(found):
    """Each series on top of those before it: its floor by moment, and its points."""
    height, lines = {}, []
    for one in found:
        floor = dict(height)
        points = []
        for at, value in _kept(one.points):
            height[at] = height.get(at, 0.0) + value
            points.append((at, height[at]))
        lines.append((one, floor, points))
    return lines


def _line(panel, index, one, floor, points, across, up):
    stroke = _stroke(panel, index, one)
    opacity = _override(panel, one.name, "custom.fillOpacity")
    opacity = panel["fieldConfig"]["defaults"]["custom"]["fillOpacity"] if opacity is None else opacity
    dashed = _override(panel, one.name, "custom.lineStyle")
    dash = " ".join(map(str, dashed["dash"])) if dashed else None
    drawn = ""
    for piece in _pieces(points):
        way = " ".join(f"{across(at):.1f},{up(value):.1f}" for at, value in piece)
        # A faint area is hardly seen and is half of the file.
        if opacity >= 10:
            below = " ".join(f"{across(at):.1f},{up(floor.get(at, 0.0) if floor else 0.0):.1f}" for at, _ in reversed(piece))
            drawn += element("polygon", points=f"{way} {below}", fill=stroke, fill_opacity=opacity / 100)
        if len(piece) == 1:
            at, value = piece[0]
            drawn += element("circle", cx=across(at), cy=up(value), r=1.8, fill=stroke)
        else:
            drawn += element("polyline", points=way, fill="none", stroke=stroke, stroke_width=1.4, stroke_dasharray=dash)
    return drawn


def _pieces(points):
    """The points without gaps between them: a series that pauses is not drawn through its pause."""
    if not points:
        return []
    gaps = sorted(later[0] - earlier[0] for earlier, later in zip(points, points[1:]))
    usual = gaps[0] if gaps else 0
    pieces = [[points[0]]]
    for earlier, later in zip(points, points[1:]):
        if later[0] - earlier[0] > usual * 1.5:
            pieces.append([])
        pieces[-1].append(later)
    return pieces


def _stroke(panel, index, one):
    chosen = _override(panel, one.name, "color")
    return colour(chosen["fixedColor"]) if chosen else SERIES[index % len(SERIES)]


def _legend(panel, found, wide, high):
    """The names below a graph, at most as many lines as leave the graph most of its room."""
    most = 2 if high < 300 else 3
    lines, x = [[]], 12.0
    for index, one in enumerate(found):
        text = shortened(one.name or "value", wide - 60)
        long = width(text) + 34
        if x + long > wide - 8 and lines[-1]:
            if len(lines) == most:
                lines[-1][-1] = (lines[-1][-1][0], f"and {len(found) - index + 1} more", FAINT)
                break
            lines.append([])
            x = 12.0
        lines[-1].append((x, text, _stroke(panel, index, one)))
        x += long
    high_of_legend = 18 * len([line for line in lines if line])
    drawn = ""
    for row, line in enumerate(lines):
        y = high - high_of_legend + 18 * row + 6
        for x, text, stroke in line:
            drawn += element("rect", x=x, y=y - 5, width=12, height=3, rx=1.5, fill=stroke) + words(x + 17, y, text, fill=MUTED)
    return high_of_legend, drawn


KINDS = {"stat": _stat, "gauge": _gauge, "bargauge": _bars, "table": _table, "timeseries": _lines}
