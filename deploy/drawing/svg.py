"""SVG as text: elements, colours, and about how wide a text is."""

from html import escape

INK, MUTED, FAINT, LINE, PAGE, PANEL = "#24292f", "#6b7480", "#9aa3ad", "#e3e6ea", "#f5f6f7", "#ffffff"
NAMED = {"green": "#3f9b62", "orange": "#dd8a24", "red": "#cc4b43", "blue": "#3b74c4"}
# For series without a colour of their own: apart from each other, calm, and also for people who see no red and green.
SERIES = ["#3b74c4", "#dd8a24", "#3f9b62", "#a05fb0", "#4aa5b5", "#c25b7c", "#8a7a45", "#6d7fd0", "#b5563c", "#7f8c99"]
FONT = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def colour(name):
    """The colour that a dashboard names."""
    return NAMED.get(name, name)


def element(tag, text=None, **attributes):
    """One element. An underscore in a name is a hyphen; a text is escaped, elements within are given with `raw`."""
    raw = attributes.pop("raw", None)
    inner = raw if raw is not None else escape(text, quote=False) if text is not None else ""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_number(value))}"' for name, value in attributes.items() if value is not None
    )
    return f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>"


def _number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def words(x, y, text, size=11, fill=INK, anchor="start", weight=None):
    """A line of text; `y` is its base line."""
    anchor = None if anchor == "start" else anchor
    return element("text", text, x=x, y=y, font_size=size, fill=fill, text_anchor=anchor, font_weight=weight)


def width(text, size=11):
    """About how wide it is: fonts differ, so this is on the wide side."""
    return sum(0.32 if one in "iljtf.,:;|' " else 0.85 if one in "mwMW%" else 0.66 if one.isupper() else 0.57 for one in text) * size


def shortened(text, room, size=11):
    """The text, or as much of it as there is room for."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text + "…"
