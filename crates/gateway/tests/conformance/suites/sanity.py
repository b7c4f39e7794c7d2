"""scim-sanity: its probe in the strict mode, which its compat mode is a part of."""

import re

from scim_sanity.probe.runner import run_probe_api

from gateway import Gateway, Tenant
from verdict import FAILED, PASSED, SKIPPED, Check

NAME = "scim-sanity"

# A warning is a SHOULD that was not followed: not good enough.
OUTCOMES = {"pass": PASSED, "skip": SKIPPED}

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def run(tenant: Tenant, _: Gateway) -> list[Check]:
    found = run_probe_api(tenant.base_url, token=tenant.token, strict=True)
    return [
        Check(ID.sub("{id}", result["name"]), OUTCOMES.get(result["status"], FAILED), result.get("message") or "")
        for result in found["results"]
    ]
