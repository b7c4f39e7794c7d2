"""Settings files name keys that the gateway has: those of its own file of defaults, and those of a region.

    settings.py FILE …
"""

import sys
import tomllib
from pathlib import Path

# Keys of a region that have no default (docs/configuration.md).
REGION = {"name", "base_url", "registry_url", "registry_url_file", "cells"}
CELL = {"name", "url", "url_file", "open"}


def unknown(given: dict, known: dict, above: str = "") -> list[str]:
    found = []
    for key, value in given.items():
        if key not in known:
            found.append(above + key)
        elif above == "" and key == "regions":
            for code, region in value.items():
                found += [f"regions.{code}.{name}" for name in region.keys() - REGION]
                found += [f"regions.{code}.cells.{name}" for cell in region.get("cells", []) for name in cell.keys() - CELL]
        elif isinstance(value, dict):
            found += unknown(value, known[key], f"{above}{key}.")
    return found


def of_the_gateway() -> dict:
    root = Path(__file__).parent.parent.parent
    return tomllib.loads((root / "crates/gateway/src/settings/default.toml").read_text())


def of_environment(variables: dict) -> dict:
    """The variables that are settings, as the gateway reads them."""
    settings: dict = {}
    for name, value in variables.items():
        if name.startswith("USHER__"):
            *above, key = name.removeprefix("USHER__").lower().split("__")
            at = settings
            for level in above:
                at = at.setdefault(level, {})
            at[key] = value
    return settings


if __name__ == "__main__":
    failed = False
    for path in sys.argv[1:]:
        try:
            given = tomllib.loads(Path(path).read_text())
        except tomllib.TOMLDecodeError as fault:
            sys.exit(f"{path}: {fault}")
        for key in unknown(given, of_the_gateway()):
            print(f"{path}: {key} is no setting")
            failed = True
    sys.exit(failed)
