"""scim2-tester: reads discovery, then tries every attribute of every resource type that it finds there."""

import random

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from gateway import Gateway, Tenant
from verdict import FAILED, PASSED, SKIPPED, Check

NAME = "scim2-tester"

# SHOULD and MAY are judged too: only what it calls good passes.
OUTCOMES = {
    Status.SUCCESS: PASSED,
    Status.COMPLIANT: PASSED,
    Status.ACCEPTABLE: PASSED,
    Status.SKIPPED: SKIPPED,
}


def run(tenant: Tenant, _: Gateway) -> list[Check]:
    # It draws booleans, canonical values and the primary element by chance.
    random.seed(7643)
    headers = {"Authorization": f"Bearer {tenant.token}"}
    with Client(base_url=tenant.base_url, headers=headers, timeout=60) as http:
        return [as_check(result) for result in check_server(SyncSCIMClient(http))]


def as_check(result: CheckResult) -> Check:
    parts = [result.title or "untitled", result.resource_type or ""]
    if isinstance(result.data, dict):
        parts.append(str(result.data.get("urn", "")))
    name = " ".join(part for part in parts if part)
    return Check(name, OUTCOMES.get(result.status, FAILED), result.reason or "")
