"""What docs/deploy.md promises, played with the files of deploy/ and their ports, in a network namespace (deploy/rehearse.sh).

    rehearse.py BINARY
"""

import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from callers import DOMAIN, PATIENCE, Load, Port, Tls, good, try_proxy, wait_for
from sandbox import Sandbox, keys

ROOT = Path(__file__).parent.parent.parent
TOOLS = Path(sys.executable).parent
BINARY = Path(sys.argv[1])
# limits.wrong_secrets, lowered.
WRONG_SECRETS = 20


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sH14s", b"lo", 0x1 | 0x40, b"")
        fcntl.ioctl(any_socket, 0x8914, up)


class Scratch:
    """A folder in which the files of deploy/ lie with this folder instead of the machine's."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="usher-rehearsal-"))
        self.logs = self.path / "logs"
        self.logs.mkdir()

    def file(self, source: str, name: str, **replaced: str) -> Path:
        text = (ROOT / source).read_text()
        for old, new in replaced.items():
            if old not in text:
                sys.exit(f"rehearse: {source} has no {old}")
            text = text.replace(old, new)
        made = self.path / name
        made.write_text(text)
        return made

    def start(self, name: str, command: list, **more) -> subprocess.Popen:
        log = (self.logs / name).open("a")
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)


class Systemd:
    """What systemd does for usher.service and usher.socket: the socket, the messages, the sandbox."""

    def __init__(self, scratch: Scratch, settings: Path) -> None:
        self.scratch, self.settings = scratch, settings
        unit = ROOT / "deploy/systemd/usher.service"
        self.sandbox = Sandbox(unit)
        of_socket = keys(ROOT / "deploy/systemd/usher.socket")
        host, port = of_socket["ListenStream"][-1].rsplit(":", 1)
        self.name = of_socket["FileDescriptorName"][-1]
        self.socket = socket.create_server((host, int(port)), backlog=int(of_socket["Backlog"][-1]))
        self.notified = scratch.path / "notify"
        self.messages: list[str] = []
        self.receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.receiver.bind(str(self.notified))
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self) -> None:
        while True:
            self.messages += self.receiver.recv(4096).decode().splitlines()

    def begin(self) -> None:
        self.messages.clear()
        handed = self.socket.fileno()
        # The first socket is number 3; LISTEN_PID is the process's own number, which only it knows before it begins.
        self.process = self.scratch.start(
            "usher",
            ["/bin/sh", "-c", f'LISTEN_PID=$$ exec "$@" 3<&{handed}', "sh", BINARY, "serve", "--config", self.settings],
            preexec_fn=self.sandbox.enter,
            pass_fds=[handed],
            env={
                "PATH": os.environ["PATH"],
                "NOTIFY_SOCKET": str(self.notified),
                "WATCHDOG_USEC": "4000000",
                "LISTEN_FDS": "1",
                "LISTEN_FDNAMES": self.name,
                "USHER__LIMITS__WRONG_SECRETS": str(WRONG_SECRETS),
            },
        )
        wait_for("READY=1", lambda: self.ready())

    def ready(self) -> bool:
        if self.process.poll() is not None:
            sys.exit("rehearse: the gateway ended: " + (self.scratch.logs / "usher").read_text()[-3000:])
        return "READY=1" in self.messages

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


class Proxy(Tls):
    """Caddy with the Caddyfile, and what asks through it."""

    def __init__(self, scratch: Scratch, upstreams: str) -> None:
        environment = {"HOME": str(scratch.path), "USHER_DOMAIN": DOMAIN, "USHER_UPSTREAMS": upstreams, "USHER_GATEWAYS": "several" if " " in upstreams else "one"}
        self.process = scratch.start(
            "caddy", [TOOLS / "caddy", "run", "--config", ROOT / "deploy/caddy/Caddyfile", "--adapter", "caddyfile"], env=environment
        )
        authority = scratch.path / ".local/share/caddy/pki/authorities/local/root.crt"
        wait_for("Caddy's own authority", authority.exists)
        super().__init__(str(authority))
        wait_for("an answer through Caddy", lambda: self.ask("GET", "/readyz")[0] == 200)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def usher(*words: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(BINARY), *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, env=os.environ | environment, stdin=subprocess.DEVNULL
    )


def first_tenant(*where: object) -> str:
    """The two commands of the page; the token that the second one shows."""
    tenant = ["--region", "ire", "--key", "acme"]
    made = usher("tenant", "create", *tenant, "--name", "Acme", "--seats", "member=5", "--contact", "it@acme.example", *where)
    good("a first tenant is made by the page's command", made.returncode == 0, made.stderr)
    issued = usher("token", "issue", *tenant, *where)
    good("its base URL is on the region's host", f"https://ire.{DOMAIN}/acme/scim/v2" in issued.stdout, issued.stdout + issued.stderr)
    return re.search(r"\bush_\w+", issued.stdout).group()


def try_addresses(proxy: Proxy, token: str) -> None:
    """A client that invents addresses is counted as one: after WRONG_SECRETS wrong credentials it waits."""
    prefix, secret = token.rsplit("_", 1)
    answers = []
    for number in range(WRONG_SECRETS + 5):
        # The key ids differ too, because wrong secrets of one are counted as well.
        wrong = f"{prefix}_{number:04}{secret[4:]}"
        address = f"203.0.113.{number}"
        answers.append(proxy.ask("GET", "/acme/scim/v2/Users", Authorization=f"Bearer {wrong}", X_Forwarded_For=address, Forwarded=f"for={address}")[0])
    good("no client chooses its address", answers[0] == 401 and answers[-1] == 429, answers)


def systemd_way(scratch: Scratch) -> None:
    print("rehearse: == with systemd's socket, messages and sandbox ==")
    data = scratch.path / "data"
    data.mkdir(mode=0o700)
    settings = scratch.file("deploy/systemd/usher.toml", "usher.toml", **{"/var/lib/usher": str(data), "scim.example.com": DOMAIN})
    doctor = usher("doctor", "--config", settings)
    good("`usher doctor` finds nothing before the start", doctor.returncode == 0, doctor.stdout + doctor.stderr)
    service = Systemd(scratch, settings)
    service.begin()
    good("READY=1 arrives, inside the unit's system calls, address families and memory rules", True)
    good("`usher healthcheck` exits with 0", usher("healthcheck", "--config", settings).returncode == 0)
    doctor = usher("doctor", "--config", settings)
    good("`usher doctor` finds nothing beside the running gateway", doctor.returncode == 0, doctor.stdout + doctor.stderr)
    proxy = Proxy(scratch, "127.0.0.1:8080")
    token = first_tenant("--data-dir", data)
    try_proxy(proxy, token)
    try_addresses(proxy, token)
    prometheus(scratch)
    wait_for("WATCHDOG=1", lambda: "WATCHDOG=1" in service.messages)
    good("the watchdog is told", True)

    loads = {"Caddy": Load(proxy, "/acme/scim/v2/Users", token), "the port alone": Load(Port(), "/ire/acme/scim/v2/Users", token)}
    time.sleep(1)
    codes = []
    for _ in range(3):
        begun = time.monotonic()
        codes.append(service.end())
        good("STOPPING=1 arrives before the end", "STOPPING=1" in service.messages, service.messages)
        service.begin()
        print(f"rehearse: a restart under load took {time.monotonic() - begun:.1f} s")
        time.sleep(1)
    for at, load in loads.items():
        load.end()
        good(f"three restarts under load at {at}: {load.calls} calls on new connections, none refused or cut, the slowest {load.longest:.1f} s", not load.wrong, load.wrong[:3])
    good("each stop exits with 0", codes == [0, 0, 0], codes)
    good("the last stop exits with 0", service.end() == 0)
    # What the sandbox refuses, the log says.
    warned = [line for line in (scratch.logs / "usher").read_text().splitlines() if '"level":"WARN"' in line or '"level":"ERROR"' in line]
    good("nothing is refused to the gateway", not any("os error 1)" in line for line in warned), warned)
    service.socket.close()
    proxy.end()


def prometheus(scratch: Scratch) -> None:
    scratch.file("deploy/prometheus/rules.yml", "rules.yml")
    settings = scratch.file("deploy/prometheus/prometheus.yml", "prometheus.yml", **{"scrape_interval: 15s": "scrape_interval: 1s", "scrape_interval: 60s": "scrape_interval: 2s"})
    process = scratch.start("prometheus", ["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={scratch.path}/tsdb", "--web.listen-address=127.0.0.1:9090"])

    def ask(path: str) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=PATIENCE)
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())["data"]

    def up() -> dict:
        return {target["labels"]["job"]: target["health"] for target in ask("/api/v1/targets")["activeTargets"]}

    wait_for("two jobs of Prometheus that are up", lambda: up() == {"usher": "up", "usher-tenants": "up"})
    good("Prometheus' two jobs are up", True)
    rules = [rule for group in ask("/api/v1/rules")["groups"] for rule in group["rules"]]
    good(f"its {len(rules)} rules are loaded and none has an error", all(not rule.get("lastError") for rule in rules), rules)
    process.terminate()
    process.wait(PATIENCE)


def cluster_way(scratch: Scratch) -> None:
    print("rehearse: == the compose file's cluster: two gateways on PostgreSQL and Redis ==")
    services = subprocess.Popen(
        ["bash", "-c", f"'{ROOT}/deploy/test-services.sh' start"], stdout=subprocess.PIPE, text=True, env=os.environ | {"USHER_TEST_SERVICES": str(scratch.path / "services")}
    )
    exported = dict(line.removeprefix("export ").split("=", 1) for line in services.communicate(timeout=PATIENCE)[0].splitlines())
    try:
        play_cluster(scratch, exported["USHER_TEST_POSTGRES"], exported["USHER_TEST_REDIS"])
    finally:
        subprocess.run([ROOT / "deploy/test-services.sh", "stop"], env=os.environ | {"USHER_TEST_SERVICES": str(scratch.path / "services")}, check=True)


def play_cluster(scratch: Scratch, postgres: str, redis: str) -> None:
    compose = scratch.path / "deploy/compose"
    compose.mkdir(parents=True)
    shutil.copy(ROOT / "deploy/compose/prepare.sh", compose)
    subprocess.run([compose / "prepare.sh", "cluster", DOMAIN], check=True)
    secrets = compose / "secrets"
    good("secrets are in a folder of their owner's alone", secrets.stat().st_mode & 0o777 == 0o700)
    sql = scratch.file("deploy/compose/database.sql", "database.sql", **{"/run/secrets": str(secrets)})
    subprocess.run(["psql", "--quiet", "--no-psqlrc", postgres, "--file", str(sql)], check=True)
    # The names of the compose network are addresses here.
    server = postgres.split("@")[1].split("/")[0]
    for name, old, new in (("database_url", "@postgres/", f"@{server}/"), ("redis_url", "redis:6379", redis.split("//")[1])):
        path = secrets / name
        path.chmod(0o600)
        path.write_text(re.sub(r"//:[^@]*@", "//", path.read_text().replace(old, new)) if name == "redis_url" else path.read_text().replace(old, new))
    settings = scratch.file("deploy/compose/cluster.toml", "cluster.toml", **{"/run/secrets": str(secrets)})
    addresses = {f"USHER__REGIONS__{code.upper()}__BASE_URL": f"https://{code}.{DOMAIN}" for code in ("ire", "us", "nl", "uk", "ca")}
    addresses |= {"USHER__SERVER__PUBLIC_URL": f"https://{DOMAIN}", "USHER__SERVER__TRUSTED_PROXIES": "127.0.0.1"}

    migrated = usher("migrate", "--config", settings, **addresses)
    good("the migration succeeds on an empty database", migrated.returncode == 0, migrated.stdout + migrated.stderr)
    ports = {"a": 18080, "b": 28080}

    def begin(name: str) -> subprocess.Popen:
        own = {f"USHER__{part}__LISTEN": f"127.0.0.1:{ports[name] + offset}" for part, offset in (("SERVER", 0), ("ADMIN", 1), ("HEALTH", 2), ("METRICS", 3))}
        process = scratch.start(f"usher-{name}", [BINARY, "serve", "--config", settings], env=os.environ | addresses | own, cwd=scratch.path)
        wait_for(f"the health of usher-{name}", lambda: process.poll() is not None or usher("healthcheck", "--config", settings, **addresses, **own).returncode == 0)
        good(f"usher-{name} is healthy", process.poll() is None, (scratch.logs / f"usher-{name}").read_text()[-2000:])
        return process

    processes = {name: begin(name) for name in ports}
    proxy = Proxy(scratch, " ".join(f"127.0.0.1:{port}" for port in ports.values()))
    token = first_tenant("--server", f"http://127.0.0.1:{ports['a'] + 1}", "--admin-token-file", secrets / "admin_token")
    try_proxy(proxy, token)
    load = Load(proxy, "/acme/scim/v2/Users", token)
    time.sleep(1)
    for name in ports:
        migrated = usher("migrate", "--config", settings, **addresses)
        good("a migration beside running gateways succeeds", migrated.returncode == 0, migrated.stdout + migrated.stderr)
        processes[name].send_signal(signal.SIGTERM)
        good(f"usher-{name} stops with 0", processes[name].wait(PATIENCE) == 0)
        processes[name] = begin(name)
        time.sleep(1)
    load.end()
    good(f"a rolling upgrade under load: {load.calls} calls on new connections, none refused, cut or answered with 5xx, the slowest {load.longest:.1f} s", not load.wrong, load.wrong[:3])
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    good("both stop with 0", [process.wait(PATIENCE) for process in processes.values()] == [0, 0])
    proxy.end()


def image_settings(scratch: Scratch) -> None:
    print("rehearse: == settings files of the image and of the chart ==")
    chart = scratch.path / "usher-chart"
    shutil.copytree(ROOT / "deploy/helm/usher", chart, symlinks=False)
    rendered = subprocess.run([sys.executable, ROOT / "deploy/checks/chart.py", "--settings", chart / "ci/embedded-all.yaml", chart], capture_output=True, text=True, check=True)
    (scratch.path / "chart.toml").write_text(rendered.stdout)
    for name, source in (("the image", ROOT / "deploy/container/usher.toml"), ("the chart", scratch.path / "chart.toml")):
        data = scratch.path / f"data of {name}"
        data.mkdir(mode=0o700)
        process = scratch.start("usher-settings", [BINARY, "serve", "--config", source], env=os.environ | {"USHER__DATA_DIR": str(data)})
        wait_for("its health", lambda: process.poll() is not None or usher("healthcheck", "--config", source, USHER__DATA_DIR=str(data)).returncode == 0)
        good(f"the settings file of {name} makes a healthy gateway", process.poll() is None, (scratch.logs / "usher-settings").read_text()[-2000:])
        listed = usher("tenant", "list", USHER__DATA_DIR=str(data))
        good("the command line beside it finds it by USHER__DATA_DIR", listed.returncode == 0, listed.stderr)
        process.send_signal(signal.SIGTERM)
        good("it stops with 0", process.wait(PATIENCE) == 0)


raise_loopback()
scratch = Scratch()
try:
    systemd_way(scratch)
    image_settings(scratch)
    cluster_way(scratch)
except BaseException:
    print(f"rehearse: logs are in {scratch.logs}", file=sys.stderr)
    raise
shutil.rmtree(scratch.path)
print("rehearse: all of it is so")
