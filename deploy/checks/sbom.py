"""The bill of materials: valid CycloneDX, and each crate that the binary says it is made of is in it.

    sbom.py BILL.cdx.json BINARY
"""

import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = Path(sys.argv[1]).read_text()
bill = json.loads(text)
fault = JsonStrictValidator(SchemaVersion.from_version(bill["specVersion"])).validate_str(text)
if fault:
    sys.exit(f"{sys.argv[1]} is no CycloneDX {bill['specVersion']}: {fault}")

# cargo-auditable's section: the crates of this build, as JSON, compressed.
with tempfile.NamedTemporaryFile() as section:
    subprocess.run(["objcopy", "--dump-section", f".dep-v0={section.name}", sys.argv[2], "/dev/null"], check=True)
    built = json.loads(zlib.decompress(Path(section.name).read_bytes()))["packages"]
linked = {(crate["name"], crate["version"]) for crate in built if crate.get("kind", "runtime") == "runtime"}
listed = {(component["name"], component["version"]) for component in bill["components"]}
main = bill["metadata"]["component"]
listed.add((main["name"], main["version"]))
missing = sorted(linked - listed - {("gateway", main["version"])})
if missing or not linked:
    sys.exit(f"{len(missing)} of the binary's {len(linked)} crates are not in the bill of materials: {missing}")
print(f"release: {len(listed)} components in the bill of materials; all {len(linked)} crates that are linked into the binary are among them")
