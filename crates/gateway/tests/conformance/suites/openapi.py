"""schemathesis against our own OpenAPI document: it makes requests from the document, good and bad ones, and holds every answer
to it.

A check here is one kind of schemathesis' checks on one operation; it passes when it passed in every request of the run.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator

import jsonschema_rs
import requests
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from gateway import Gateway, Tenant
from verdict import FAILED, PASSED, Check

NAME = "schemathesis"

HERE = pathlib.Path(__file__).parent

# Everything is drawn from these, so that two runs ask the same.
FIXED = ["--seed=7644", "--generation-deterministic", "--generation-codec=utf-8"]
# Requests for each operation, beside those that the document's own boundaries make. One worker: several share what they have
# seen of the tenant, and no two runs are alike.
BOUNDED = ["--max-examples=15", "--request-timeout=30", "--workers=1", "--suppress-health-check=all"]

# What the command line cannot say.
CONFIGURATION = """
[checks.positive_data_acceptance]
# A good request may still name a version that is outdated, or a name that is taken.
expected-statuses = ["2xx", 304, 401, 404, 409, 412]

[checks.negative_data_rejection]
# An outdated version is said before what else is wrong.
expected-statuses = [400, 401, 404, 405, 409, 412, 413, 415]

# The document describes a PATCH as it should be sent. What identity providers send besides is understood as well, in strict
# tenants too (an empty value, a value beside remove), so that a request which is not described need not be refused. Its
# boundaries are a third of all requests: one of the two runs tries them.
[[operations]]
include-method = "PATCH"
checks.negative_data_rejection.enabled = false
phases.coverage.enabled = {coverage_of_patch}

# What is wrong with one operation of a bulk is told in a 200. Its bodies are those of the other operations, whose boundaries
# are tried there.
[[operations]]
include-path = "/Bulk"
checks.negative_data_rejection.enabled = false
phases.coverage.enabled = false
"""


def run(tenant: Tenant, gateway: Gateway) -> list[Check]:
    strict = ["--strict"] if tenant.strict else []
    with tempfile.TemporaryDirectory(prefix="usher-schemathesis-") as directory:
        document, report = f"{directory}/openapi.json", f"{directory}/report.ndjson"
        configuration = f"{directory}/schemathesis.toml"
        coverage_of_patch = "true" if tenant.strict else "false"
        pathlib.Path(configuration).write_text(CONFIGURATION.format(coverage_of_patch=coverage_of_patch))
        described = json.loads(gateway.usher("openapi", *strict))
        sound = is_sound(described)
        send_only("application/scim+json" if tenant.strict else "application/json", described)
        pathlib.Path(document).write_text(json.dumps(described))
        command = [
            pathlib.Path(sys.executable).parent / "schemathesis",
            f"--config-file={configuration}",
            "run",
            document,
            f"--url={tenant.base_url}",
            f"--header=Authorization: Bearer {tenant.token}",
            f"--report-ndjson-path={report}",
            "--continue-on-failure",
            "--no-color",
            *FIXED,
            *BOUNDED,
        ]
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
            "USHER_MEMBERS": ",".join(new_users(tenant)),
        }
        done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True)
        try:
            checks = [sound, *read(pathlib.Path(report), operations(described))]
        except FileNotFoundError:
            checks = []
    if done.returncode not in (0, 1) or not checks:
        checks.append(Check("the run", FAILED, f"exit {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}"))
    return checks


def is_sound(document: dict) -> Check:
    """The document is OpenAPI 3.1, and its schemas are JSON Schema."""
    faults = [str(fault) for fault in OPENAPI_31_VALIDATOR.iter_errors(document)]
    faults += [name for name, schema in document["components"]["schemas"].items() if not jsonschema_rs.meta.is_valid(schema)]
    return Check("the document is valid OpenAPI 3.1", FAILED if faults else PASSED, "; ".join(faults)[:2000])


def send_only(media_type: str, document: dict) -> None:
    """One of the two media types in each run: sending everything in both takes twice the time and shows nothing more."""
    for operation in (operation for item in document["paths"].values() for operation in item.values()):
        if body := operation.get("requestBody"):
            body["content"] = {media_type: body["content"][media_type]}


def new_users(tenant: Tenant) -> list[str]:
    """Ids of users who can be members; the hooks spare them."""
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
    headers = {"Authorization": f"Bearer {tenant.token}"}
    made = [
        requests.post(f"{tenant.base_url}/Users", json=body | {"userName": f"member-{n}"}, headers=headers, timeout=30)
        for n in range(5)
    ]
    return [answer.json()["id"] for answer in made]


def operations(document: dict) -> set[str]:
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def read(report: pathlib.Path, known: set[str]) -> Iterator[Check]:
    """The checks of a run, from its events."""
    results: dict[tuple[str, str], list[str]] = defaultdict(list)
    with report.open() as lines:
        for line in lines:
            (kind, event), *_ = json.loads(line).items()
            if kind in ("FatalError", "NonFatalError"):
                yield Check(f"{kind} {event.get('label', '')}", FAILED, str(event)[:2000])
            if kind != "ScenarioFinished":
                continue
            recorder = event["recorder"]
            for case, checks in recorder.get("checks", {}).items():
                value = recorder["cases"][case]["value"]
                operation = f"{value['method']} {value['path']}"
                if operation not in known:
                    operation = f"{value['path']} by any other method"
                for check in checks:
                    failed = check["status"] != "success"
                    results[check["name"], operation] += [told(recorder, case, check)] if failed else []
    for (name, operation), failures in sorted(results.items()):
        if failures:
            yield Check(f"{name} {operation}", FAILED, f"{len(failures)} times, such as {failures[0]}")
        else:
            yield Check(f"{name} {operation}", PASSED)


def told(recorder: dict, case: str, check: dict) -> str:
    """One failure: what is wrong, what was asked, what was answered."""
    failure = check.get("failure_info", {}).get("failure", {})
    interaction = recorder["interactions"].get(case) or {}
    request, response = interaction.get("request") or {}, interaction.get("response") or {}
    asked = f"{request.get('method')} {str(request.get('uri'))[:500]} {text(request.get('body'))}"
    answered = f"{response.get('status_code')} {text(response.get('content'))}"
    return f"{failure.get('title')}: {failure.get('message')}\n    asked: {asked}\n    answered: {answered}"


def text(encoded: dict | None) -> str:
    """A body of the report, cut where one has read enough."""
    return base64.b64decode(encoded["$base64"]).decode(errors="replace")[:2000] if encoded else ""
