"""Runs suites that others wrote against a gateway of our own, and says what they found. See README.md beside this file."""

import argparse
import os
import pathlib
import sys
import time

import document
import verdict
from gateway import Gateway, running
from suites import client, openapi, sanity, tester

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[3]
DOCUMENT = ROOT / "docs/conformance.md"

# Every suite meets a tenant as most customers have it and one that holds everybody to the letter of the RFC.
TENANTS = {"lenient": [], "strict": ["--strict"]}

# Which suites meet yet another tenant: scim-sanity adds members that are nowhere.
MORE_TENANTS = {sanity: {"skipping": ["--strict", "--unknown-members", "skip"]}}

SUITES = [tester, client, sanity, openapi]


def main() -> int:
    arguments = parse_arguments()
    # What stands in a proxy's settings is not meant for a gateway on this machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    allowed = verdict.read_allowed(HERE / "allowed.toml")
    with running(arguments.binary) as gateway:
        reports = [
            one_run(gateway, suite, name, settings, allowed)
            for suite in SUITES
            if arguments.only in (None, suite.NAME)
            for name, settings in (TENANTS | MORE_TENANTS.get(suite, {})).items()
        ]
    good = all(report.is_good for report in reports)
    told = document.parts(reports, allowed)
    if arguments.write_docs:
        DOCUMENT.write_text(document.written(DOCUMENT.read_text(), told))
    elif arguments.only is None and not document.is_true(DOCUMENT, told):
        print("docs/conformance.md tells of another run than this one: make conformance-docs")
        good = False
    print("conformance:", "every check passed or is allowed" if good else "FAILED")
    return 0 if good else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/debug/usher", help="the built gateway")
    parser.add_argument("--only", choices=[suite.NAME for suite in SUITES], help="one suite instead of all")
    parser.add_argument("--write-docs", action="store_true", help="write what was found into docs/conformance.md")
    return parser.parse_args()


def one_run(gateway: Gateway, suite, name: str, settings: list[str], allowed: list[verdict.Allowed]) -> verdict.Report:
    """One suite against a tenant of its own."""
    began = time.monotonic()
    tenant = gateway.onboard(f"{suite.NAME}-{name}", *settings)
    report = verdict.judge(suite.NAME, name, suite.run(tenant, gateway), allowed)
    gateway.usher("seats", "audit", "--region", "ire", "--key", tenant.key)
    seconds = time.monotonic() - began
    print(
        f"{report.suite:13} {report.tenant:8} {len(report.checks):4} checks: {report.passed} passed, "
        f"{len(report.allowed)} allowed, {len(report.refused)} not allowed; {seconds:.1f} s",
        flush=True,
    )
    for check in report.refused:
        print(f"  {check.outcome}: {check.name}\n    {check.detail[:5000]}")
    for entry in report.stale:
        print(f"  allowed.toml allows {entry.check!r} with {entry.says!r}, but nothing fails so any more: take it out")
    return report


if __name__ == "__main__":
    sys.exit(main())
