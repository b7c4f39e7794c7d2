"""The Helm chart: linted, rendered with each file of its ci folder, and what comes of it judged by Kubernetes' own schemas.

    chart.py CHART                        everything
    chart.py --render VALUES CHART        print what these values render to
    chart.py --settings VALUES CHART      print the settings file among it
    chart.py --validate FILE              judge rendered files
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import helm_python.chart as helm
import kubernetes_validate
import settings
import yaml
from helm_python.errors import HelmError

VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34")
# Kinds of the Prometheus operator, whose schemas no package carries: their parts are judged below.
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
WORKLOADS = {"Deployment", "StatefulSet", "Job"}
# What the PodSecurity level `restricted` asks of a container, and a read-only root.
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


def render(chart: Path, values: dict) -> list[dict]:
    with helm.Chart.load(chart) as loaded:
        loaded.validate_schema(values)
        files = loaded.render(values, name="usher", namespace="usher")
    texts = [text for name, text in sorted(files.items()) if not name.endswith("NOTES.txt")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def judge(documents: list[dict]) -> list[str]:
    """Faults of rendered documents."""
    found = []
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    if len(names) != len(documents):
        found.append("two documents have one kind and name")
    for document in documents:
        title = f"{document['kind']} {document['metadata']['name']}"
        if document["kind"] not in FOREIGN:
            for version in VERSIONS:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except kubernetes_validate.ValidationError as fault:
                    found.append(f"{title}: {version}: {'.'.join(map(str, fault.path))}: {fault.message}")
        if document["kind"] in WORKLOADS:
            found += [f"{title}: {fault}" for fault in judge_pod(document["spec"]["template"]["spec"], names)]
        for name, text in document["data"].items() if document["kind"] == "ConfigMap" else ():
            if name.endswith(".json"):
                found += [] if json.loads(text).get("uid") else [f"{title}: {name} is no dashboard"]
                continue
            given = tomllib.loads(text)
            found += [f"{title}: {key} is no setting" for key in settings.unknown(given, settings.of_the_gateway())]
        if document["kind"] == "PrometheusRule":
            found += [f"{title}: {fault}" for fault in judge_rules(document["spec"])]
    return found


def judge_pod(pod: dict, names: set) -> list[str]:
    found = []
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("its pods are not restricted")
    if pod.get("automountServiceAccountToken") is not False:
        found.append("its pods hold a token of the cluster")
    for container in pod["containers"]:
        variables = {variable["name"]: variable["value"] for variable in container.get("env", [])}
        given = settings.of_environment(variables)
        found += [f"{key} is no setting" for key in settings.unknown(given, settings.of_the_gateway())]
        if container.get("securityContext") != LOCKED:
            found.append(f"container {container['name']} is not locked down")
        missing = {mount["name"] for mount in container["volumeMounts"]} - {volume["name"] for volume in pod["volumes"]} - {"data"}
        if missing:
            found.append(f"container {container['name']} mounts {missing}, which no volume is")
        if pod.get("terminationGracePeriodSeconds") and container.get("ports"):
            ports = {port["name"] for port in container["ports"]}
            asked = {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
            if not asked <= ports:
                found.append(f"container {container['name']} is probed at {asked}, its ports are {ports}")
    for volume in pod["volumes"]:
        if "configMap" in volume and ("ConfigMap", volume["configMap"]["name"]) not in names:
            found.append(f"volume {volume['name']} is a ConfigMap that nobody makes")
    return found


def judge_rules(spec: dict) -> list[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump(spec, file)
        file.flush()
        run = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    return [] if run.returncode == 0 and spec.get("groups") else ["its rules are wrong: " + run.stdout + run.stderr]


def judge_chart(chart: Path) -> list[str]:
    found = []
    for path in sorted((chart / "ci").glob("*.yaml")):
        values = yaml.safe_load(path.read_text())
        for version in VERSIONS:
            report = helm.lint(chart, values, strict=True, kube_version=f"v{version}.0")
            found += [f"{path.name}: lint for {version}: {m['path']}: {m['error']}" for m in report["messages"] if m["severity"] >= 2]
            found += [f"{path.name}: lint for {version}: {error}" for error in report["errors"]]
        try:
            documents = render(chart, values)
        except HelmError as fault:
            found.append(f"{path.name}: {fault}")
            continue
        found += [f"{path.name}: {fault}" for fault in judge(documents)]
        kinds = sorted(document["kind"] for document in documents)
        print(f"  {path.name}: {', '.join(kinds)}")
    # What the schema of values is there for: it refuses what cannot work.
    for values in ({"mode": "cluster"}, {"replica": 3}, {"mode": "cluster", "existingSecret": "s", "regions": [{"code": "ire"}]}):
        try:
            render(chart, values)
            found.append(f"the schema of values lets {values} pass")
        except HelmError:
            pass
    return found


match sys.argv[1:]:
    case ["--render", values, chart]:
        yaml.safe_dump_all(render(Path(chart), yaml.safe_load(Path(values).read_text())), sys.stdout, sort_keys=False)
        found = []
    case ["--settings", values, chart]:
        rendered = render(Path(chart), yaml.safe_load(Path(values).read_text()))
        print(next(d["data"]["usher.toml"] for d in rendered if d["kind"] == "ConfigMap" and "usher.toml" in d["data"]))
        found = []
    case ["--validate", path]:
        found = judge([document for document in yaml.safe_load_all(Path(path).read_text()) if document])
    case [chart]:
        found = judge_chart(Path(chart))
    case _:
        sys.exit(__doc__)
# Each fault once, although several versions and files have it.
print("\n".join(dict.fromkeys(found)), end="\n" if found else "")
sys.exit(bool(found))
