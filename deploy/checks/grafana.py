"""Grafana's provisioning files: what they must have, since Grafana itself cannot be asked here, and the one source that dashboards use.

    grafana.py PROVISIONING_FOLDER
"""

import sys
from pathlib import Path

import jsonschema
import yaml

TEXT = {"type": "string", "minLength": 1}
SOURCES = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "datasources"],
    "properties": {
        "apiVersion": {"const": 1},
        "datasources": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "uid", "type", "access", "url"],
                "properties": {
                    "name": TEXT,
                    "uid": TEXT,
                    "type": {"const": "prometheus"},
                    "access": {"const": "proxy"},
                    "url": {"const": "$USHER_PROMETHEUS_URL"},
                    "isDefault": {"type": "boolean"},
                    "jsonData": {"type": "object"},
                },
            },
        },
    },
}
PROVIDERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "providers"],
    "properties": {
        "apiVersion": {"const": 1},
        "providers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "type", "options"],
                "properties": {
                    "name": TEXT,
                    "folder": TEXT,
                    "type": {"const": "file"},
                    "disableDeletion": {"type": "boolean"},
                    "allowUiUpdates": {"type": "boolean"},
                    "options": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["path"],
                        "properties": {"path": {"const": "$USHER_DASHBOARDS"}},
                    },
                },
            },
        },
    },
}

folder = Path(sys.argv[1])
failed = False
for path, schema in (("datasources/usher.yml", SOURCES), ("dashboards/usher.yml", PROVIDERS)):
    for fault in jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load((folder / path).read_text())):
        print(f"{folder / path}: {fault.json_path}: {fault.message}")
        failed = True
sys.exit(failed)
