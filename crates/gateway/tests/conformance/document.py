"""The parts of docs/conformance.md that a run writes, and that every run holds to be true."""

import importlib.metadata
import pathlib
import re
from collections.abc import Iterable

from verdict import Allowed, Report

PART = re.compile(r"(<!-- written by `make conformance-docs`: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(text: str, parts: dict[str, str]) -> str:
    """The document with its parts as this run has them; a missing part is an error."""
    missing = set(parts) - {name for _, name, _ in PART.findall(text)}
    if missing:
        raise ValueError(f"docs/conformance.md has no part {missing}")
    return PART.sub(lambda found: found[1] + parts[found[2]] + found[3], text)


def parts(reports: list[Report], allowed: list[Allowed]) -> dict[str, str]:
    return {"suites": suites(reports), "allowed": allowed_checks(allowed)}


def suites(reports: list[Report]) -> str:
    rows = []
    for suite in dict.fromkeys(report.suite for report in reports):
        version = importlib.metadata.version(suite)
        for report in reports:
            if report.suite == suite:
                passed, allowed = report.passed, len(report.allowed)
                rows.append([suite, version, report.tenant, str(len(report.checks)), str(passed), str(allowed)])
    return table(["suite", "version", "tenant", "checks", "passed", "allowed to fail or be skipped"], rows)


def allowed_checks(allowed: list[Allowed]) -> str:
    rows = [[e.suite, ", ".join(e.tenants), f"`{e.check}`", e.says, e.rfc, e.why] for e in allowed]
    return table(["suite", "tenants", "check", "what it says", "what decides", "why it cannot pass"], rows)


def table(headings: list[str], rows: Iterable[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def is_true(file: pathlib.Path, told: dict[str, str]) -> bool:
    text = file.read_text()
    return written(text, told) == text
