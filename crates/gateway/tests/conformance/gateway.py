"""A gateway of our own: the built binary on free loopback ports over a fresh directory, and tenants made by its command line."""

import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

START_SECONDS = 30


@dataclass(frozen=True)
class Tenant:
    """One tenant and a token that opens it."""

    key: str
    base_url: str
    token: str
    strict: bool


class Gateway:
    """A running gateway."""

    def __init__(self, binary: pathlib.Path, environment: dict[str, str]):
        self._binary = binary
        self._environment = environment

    def onboard(self, key: str, *settings: str) -> Tenant:
        """A tenant with room for everybody; `settings` are words of `usher tenant create`, such as `--strict`."""
        where = ["--region", "ire", "--key", key]
        seats = ["--seats", "member=unlimited", "--seats", "member_lite=unlimited"]
        self.usher("tenant", "create", *where, "--name", key, *seats, *settings)
        issued = json.loads(self.usher("token", "issue", *where, "--json"))
        return Tenant(key, issued["base_url"], issued["token"], "--strict" in settings)

    def usher(self, *words: str) -> str:
        """Runs the command line, which must succeed; what it wrote."""
        done = subprocess.run([self._binary, *words], env=self._environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"usher {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout


@contextlib.contextmanager
def running(binary: pathlib.Path) -> Iterator[Gateway]:
    """Starts a gateway and ends it, whatever happens in between."""
    with tempfile.TemporaryDirectory(prefix="usher-conformance-") as directory:
        port, metrics_port = free_ports(2)
        environment = os.environ | {
            "USHER__DATA_DIR": f"{directory}/data",
            "USHER__SERVER__LISTEN": f"127.0.0.1:{port}",
            "USHER__METRICS__LISTEN": f"127.0.0.1:{metrics_port}",
            # schemathesis tries thousands of wrong credentials, which is what the limit is for.
            "USHER__LIMITS__WRONG_SECRETS": "1000000",
        }
        with open(f"{directory}/log", "w+") as log:
            process = subprocess.Popen([binary, "serve"], env=environment, stdout=log, stderr=log)
            try:
                wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
                yield Gateway(binary, environment)
                if process.poll() is not None:
                    raise RuntimeError(f"the gateway ended with {process.returncode} during the run")
            except BaseException:
                log.seek(0)
                print("the end of the gateway's log:", log.read()[-4000:], sep="\n")
                raise
            finally:
                process.terminate()
                process.wait(timeout=30)


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody listens on, below those that outgoing connections are given: no client takes one meanwhile."""
    with contextlib.ExitStack() as open_sockets:
        ports = []
        for port in random.sample(range(20_000, 32_000), 1_000):
            with contextlib.suppress(OSError):
                open_sockets.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == how_many:
                return ports
    raise RuntimeError("no free port")


def wait_until_ready(process: subprocess.Popen, url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the gateway was not ready within {START_SECONDS} s")
