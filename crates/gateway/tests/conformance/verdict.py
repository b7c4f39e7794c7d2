"""What a suite found, and the list of what may be found: allowed.toml.

A check that does not pass must be in the list, with the words of its failure; an entry of the list that nothing failed any
more is a failure as well, so that the list stays true.
"""

import pathlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Check:
    """One check of a suite. Its name is the same in every run; what changes from run to run is in `detail`."""

    name: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Allowed:
    """A check that need not pass, because its tool is wrong or does not speak of us."""

    suite: str
    tenants: tuple[str, ...]
    # "* Role" means every check of that resource type.
    check: str
    # What the failure says: another failure of the same check is not allowed.
    says: str
    # The sentence of the RFC that decides, with its section.
    rfc: str
    why: str

    def covers(self, suite: str, tenant: str, check: Check) -> bool:
        here = self.suite == suite and tenant in self.tenants
        of_type = self.check.startswith("* ") and check.name.endswith(self.check[1:])
        return here and (of_type or self.check == check.name) and self.says in check.detail


@dataclass
class Report:
    """All checks of one suite against one tenant, judged."""

    suite: str
    tenant: str
    checks: list[Check]
    allowed: list[Check] = field(default_factory=list)
    refused: list[Check] = field(default_factory=list)
    stale: list[Allowed] = field(default_factory=list)

    @property
    def passed(self) -> int:
        return sum(check.outcome == PASSED for check in self.checks)

    @property
    def is_good(self) -> bool:
        return self.passed > 0 and not self.refused and not self.stale


def read_allowed(file: pathlib.Path) -> list[Allowed]:
    """The list; a misspelt or missing key is an error."""
    entries = tomllib.loads(file.read_text())["allowed"]
    return [Allowed(**entry | {"tenants": tuple(entry["tenants"])}) for entry in entries]


def judge(suite: str, tenant: str, checks: Iterable[Check], allowed: list[Allowed]) -> Report:
    """Holds what was found against the list."""
    report = Report(suite, tenant, list(checks))
    used = set()
    for check in report.checks:
        if check.outcome == PASSED:
            continue
        covering = [entry for entry in allowed if entry.covers(suite, tenant, check)]
        used.update(covering)
        (report.allowed if covering else report.refused).append(check)
    mine = [entry for entry in allowed if entry.suite == suite and tenant in entry.tenants]
    report.stale = [entry for entry in mine if entry not in used]
    return report
