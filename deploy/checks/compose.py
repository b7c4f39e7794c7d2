"""What the schema of compose files cannot know: each service is locked down, and what it waits for can become healthy.

    compose.py CONFIG.json     as `docker compose config --format json` prints it
"""

import json
import sys
from pathlib import Path

import settings

# The one capability that is given back: ports below 1024.
CAPABILITIES = {"caddy": ["NET_BIND_SERVICE"]}
# What this machine's other users and the network may reach.
PUBLISHED = {("caddy", "80"): "", ("caddy", "443"): "", ("prometheus", "9090"): "127.0.0.1", ("grafana", "3000"): "127.0.0.1"}
ROOT = Path(__file__).parent.parent.parent


def faults(config: dict) -> list[str]:
    found = []
    services = config["services"]
    for name, service in services.items():
        given = settings.of_environment(service.get("environment") or {})
        found += [f"{name}: {key} is no setting" for key in settings.unknown(given, settings.of_the_gateway())]
        image = service["image"]
        if ":" not in image or image.endswith(":latest"):
            found.append(f"{name}: {image} has no tag of a version")
        if not service.get("read_only"):
            found.append(f"{name}: its root is not read-only")
        if service.get("cap_drop") != ["ALL"] or service.get("cap_add", []) != CAPABILITIES.get(name, []):
            found.append(f"{name}: its capabilities are others than {CAPABILITIES.get(name, [])}")
        if service.get("security_opt") != ["no-new-privileges:true"]:
            found.append(f"{name}: it may gain privileges")
        for port in service.get("ports", []):
            if PUBLISHED.get((name, port["published"])) != port.get("host_ip", ""):
                found.append(f"{name}: port {port['published']} is published on {port.get('host_ip', 'every address')}")
        for variable in service.get("environment") or {}:
            if "PASSWORD" in variable and not variable.endswith("_FILE"):
                found.append(f"{name}: {variable} is a secret in the environment")
        for other, wait in (service.get("depends_on") or {}).items():
            check = services.get(other, {}).get("healthcheck", {})
            if wait["condition"] == "service_healthy" and (not check or check.get("disable")):
                found.append(f"{name}: it waits for the health of {other}, which has no health check")
        if service.get("restart") != "no" and not service.get("healthcheck"):
            found.append(f"{name}: it has no health check")
    for kind in ("configs", "secrets"):
        for name, source in (config.get(kind) or {}).items():
            path = Path(source["file"])
            if kind == "configs" and not path.is_file():
                found.append(f"config {name}: {path} does not exist")
            if kind == "secrets" and path.parent.relative_to(ROOT.resolve()) != Path("deploy/compose/secrets"):
                found.append(f"secret {name}: {path} is not below deploy/compose/secrets, which is never committed")
    return found


found = faults(json.loads(Path(sys.argv[1]).read_text()))
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
