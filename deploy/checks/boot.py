"""The section "With systemd" of docs/deploy.md, line by line, in a system that systemd has booted (deploy/boot.sh).

    boot.py LEADER ROOT ARCHIVE      the process number of its systemd, its root folder, the archive's name in /root
"""

import ctypes
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from callers import DOMAIN, PATIENCE, Load, Port, Tls, good, try_proxy, wait_for

LEADER, ROOT, ARCHIVE = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
PAGE = Path(__file__).parent.parent.parent / "docs/deploy.md"
# The system has no network, and Debian no Grafana.
SKIPPED = ("apt-get install ", "systemctl restart grafana-server")
CLONE_NEWNET = 0x40000000


def inside(*command: str) -> subprocess.CompletedProcess:
    environment = ["/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    return subprocess.run(["nsenter", "-t", LEADER, "-m", "-p", "-n", "-u", "-i", "--", *environment, *command], capture_output=True, text=True)


def lines() -> list[str]:
    section = PAGE.read_text().split("\n## With systemd\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    text = "".join(blocks).replace("YOUR HOST", DOMAIN)
    return re.sub(r"usher-[0-9.]+-x86_64-unknown-linux-gnu", ARCHIVE.removesuffix(".tar.gz"), text).splitlines()


def state(key: str) -> str:
    return inside("systemctl", "show", "usher", "--property", key, "--value").stdout.strip()


def play() -> str:
    """Runs the page's lines in one shell; the token that one of them shows."""
    run, token = ["set -eu", "cd /root", "mkdir -p /etc/grafana/provisioning"], ""
    for line in lines():
        if line.startswith(SKIPPED):
            print(f"boot: not run here: {line.split('#')[0].strip()}")
        else:
            run.append(line)
    played = inside("bash", "-c", "\n".join(run))
    good(f"{len(run) - 3} lines of the page run as they stand there", played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:])
    token = re.search(r"\bush_ire_\w+", played.stdout)
    good("a token is shown, with a base URL on the region's host", token and f"https://ire.{DOMAIN}/acme/scim/v2" in played.stdout, played.stdout)
    return token.group()


token = play()
with open(f"/proc/{LEADER}/ns/net") as network:
    if ctypes.CDLL(None).setns(network.fileno(), CLONE_NEWNET) != 0:
        sys.exit("boot: the container's network cannot be entered")

good("the service is active, by notification, with a watchdog", [state(k) for k in ("ActiveState", "Type", "WatchdogUSec")] == ["active", "notify", "30s"])
number = state("MainPID")
status = inside("cat", f"/proc/{number}/status").stdout
user = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE).group(1)
good("it runs as a user of its own, without capabilities, behind a filter of system calls", int(user) > 60000 and "CapBnd:\t0000000000000000" in status and "Seccomp:\t2" in status, status)
score = inside("systemd-analyze", "security", "usher").stdout.splitlines()[-1]
good(f"systemd says: {score.strip('→ ')}", float(re.search(r"[0-9.]+", score.split(":")[1]).group()) <= 2.0)

authority = ROOT / "var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
wait_for("Caddy's own authority", authority.exists)
tls = Tls(str(authority))
wait_for("an answer through Caddy", lambda: tls.ask("GET", "/readyz")[0] == 200)
try_proxy(tls, token)
manual = inside("man", "--where", "usher")
good("its manual page is found", manual.returncode == 0, manual.stderr)

loads = {"Caddy": Load(tls, "/acme/scim/v2/Users", token), "the socket unit's port": Load(Port(), "/ire/acme/scim/v2/Users", token)}
for _ in range(3):
    time.sleep(2)
    begun = time.monotonic()
    restarted = inside("systemctl", "restart", "usher")
    print(f"boot: `systemctl restart usher` under load took {time.monotonic() - begun:.1f} s")
    good("it succeeds", restarted.returncode == 0, restarted.stderr)
for at, load in loads.items():
    load.end()
    good(f"at {at}: {load.calls} calls on new connections, none refused or cut, the slowest {load.longest:.1f} s", not load.wrong, load.wrong[:3])

inside("kill", "-KILL", state("MainPID"))
wait_for("a restart after kill -9", lambda: state("NRestarts") == "1" and state("ActiveState") == "active")
good("after kill -9 it is started again", Port().ask("GET", "/readyz")[0] == 200)
inside("kill", "-STOP", state("MainPID"))
begun = time.monotonic()
wait_for("a restart by the watchdog", lambda: state("NRestarts") == "2" and state("ActiveState") == "active")
good(f"a process that hangs is replaced after {time.monotonic() - begun:.0f} s", Port().ask("GET", "/readyz")[0] == 200)
stopped = inside("systemctl", "stop", "usher.socket", "usher.service")
good("a stop is clean", stopped.returncode == 0 and state("Result") == "success", stopped.stderr)
# Some kernels let no process without rights filter its own port, inside a sandbox or not; the log tells of that with other words.
refused = [line[:300] for line in inside("journalctl", "--unit=usher", "--no-pager").stdout.splitlines() if "os error 1)" in line and "without a filter" not in line]
good("the sandbox refuses the gateway nothing that it asks for", not refused, refused[:3])
