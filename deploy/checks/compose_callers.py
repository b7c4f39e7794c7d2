"""Callers of the compose file's proxy, until a file appears (deploy/compose/try.sh).

    compose_callers.py TOKEN AUTHORITY STOP_FILE MAY_LOSE     the last is a share of all calls
"""

import http.client
import json
import sys
import time
from pathlib import Path

from callers import PATIENCE, Load, Tls, good, try_proxy, wait_for


def jobs() -> set[str]:
    """The jobs of Prometheus, of which every gateway that is named is up."""
    connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=PATIENCE)
    connection.request("GET", "/api/v1/targets")
    targets = json.loads(connection.getresponse().read())["data"]["activeTargets"]
    return {target["labels"]["job"] for target in targets if target["health"] == "up"}


token, authority, stop, may_lose = sys.argv[1:]
tls = Tls(authority)
try_proxy(tls, token)
load = Load(tls, "/acme/scim/v2/Users", token)
while not Path(stop).exists():
    time.sleep(0.1)
load.end()
lost = len(load.wrong)
good(
    f"{load.calls} calls on new connections meanwhile, {lost} lost (at most {float(may_lose):.1%} may be), the slowest {load.longest:.1f} s",
    lost <= load.calls * float(may_lose),
    load.wrong[:3],
)
# The second job asks once a minute.
wait_for("Prometheus' two jobs", lambda: jobs() == {"usher", "usher-tenants"}, patience=100)
good("Prometheus finds the gateways by their names", True)
