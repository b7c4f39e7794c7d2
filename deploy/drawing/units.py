"""Numbers as people read them, and the ticks of axes."""

import math
import time

SECONDS = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")]
BYTES = [(2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")]
COUNTS = [(1e9, " G"), (1e6, " M"), (1e3, " k"), (1, "")]
AFTER = {"reqps": " req/s", "ops": " /s", "d": " d", "percentunit": " %"}


def _digits(value):
    """Three digits that count, without zeros that do not."""
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value, unit):
    """The value with its unit."""
    if not math.isfinite(value):
        return "no value"
    if unit == "percentunit":
        return _digits(value * 100) + AFTER[unit]
    scales = {"s": SECONDS, "bytes": BYTES}.get(unit, COUNTS)
    least = scales[-1] if unit in ("s", "bytes") else (1, "")
    size, name = next(((size, name) for size, name in scales if abs(value) >= size), least)
    if value == 0:
        size, name = (1, {"s": "s", "bytes": "B"}.get(unit, ""))
    gap = " " if unit in ("s", "bytes") else ""
    return _digits(value / size) + gap + name + AFTER.get(unit, "")


def _step(wide, count, unit):
    """A round distance so that about `count` ticks fit."""
    rough = wide / count
    if unit == "s" and rough > 1:
        for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400):
            if step >= rough:
                return step
    base = 2 if unit == "bytes" else 10
    power = base ** (10 * math.floor(math.log2(rough) / 10)) if unit == "bytes" else 10 ** math.floor(math.log10(rough))
    candidates = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if unit == "bytes" else (1, 2, 2.5, 5, 10)
    return next((power * one for one in candidates if power * one >= rough), power * 10)


def ticks(highest, unit, count=4):
    """Round values from 0 to at least `highest`."""
    if highest <= 0:
        highest = 1
    step = _step(highest, count, unit)
    return [step * index for index in range(math.ceil(highest / step - 1e-9) + 1)]


def times(begin, end, count):
    """Round moments between the two, with their text in UTC."""
    for step in (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400):
        if (end - begin) / step <= count:
            break
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%d %b"
    first = math.ceil(begin / step) * step
    return [(at, time.strftime(form, time.gmtime(at))) for at in range(first, int(end) + 1, step)]
