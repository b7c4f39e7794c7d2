"""Callers over HTTP and what is asked of their answers, for the rehearsals of docs/deploy.md."""

import http.client
import json
import socket
import ssl
import sys
import threading
import time

# The host that regions share in all rehearsals: it leads to this machine without any DNS.
DOMAIN = "scim.localhost"
# Longer than anything here takes.
PATIENCE = 60


def wait_for(what: str, ask, patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if ask():
                return
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            pass  # not there yet
        time.sleep(0.05)
    sys.exit(f"rehearse: {what} did not come about within {patience} s")


def good(what: str, is_so: bool, seen: object = "") -> None:
    if not is_so:
        sys.exit(f"rehearse: NOT SO: {what}: {seen}")
    print(f"rehearse: {what}", flush=True)


def call(connection: http.client.HTTPConnection, method: str, path: str, body: object, **headers: str) -> tuple[int, str, dict]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=None if body is None else json.dumps(body), headers=sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}


class Tls:
    """The region's host behind Caddy, trusted by Caddy's own authority."""

    def __init__(self, authority: str) -> None:
        self.trust = ssl.create_default_context(cafile=authority)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str, dict]:
        host = f"ire.{DOMAIN}"
        connection = http.client.HTTPSConnection("127.0.0.1", 443, timeout=PATIENCE, context=self.trust)
        connection.sock = self.trust.wrap_socket(socket.create_connection(("127.0.0.1", 443), PATIENCE), server_hostname=host)
        return call(connection, method, path, body, Host=host, **headers)


def try_proxy(proxy: Tls, token: str) -> None:
    credential = {"Authorization": f"Bearer {token}", "Content_Type": "application/scim+json"}
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example", "userType": "user"}
    status, text, headers = proxy.ask("POST", "/acme/scim/v2/Users", user, X_Request_Id="chosen-by-a-client", **credential)
    good("a user is created through TLS, on the region's host", status == 201, text)
    good("locations lead to the region's host", headers["location"].startswith(f"https://ire.{DOMAIN}/acme/scim/v2/Users/"), headers)
    good("no client chooses a request id", headers.get("x-request-id") != "chosen-by-a-client", headers)
    for path in ("/admin/v1/tenants", "/metrics", "/metrics/tenants"):
        status, text, _ = proxy.ask("GET", path, **credential)
        good(f"{path} is not reached through the proxy", status == 404, f"{status} {text[:200]}")


class Port:
    """The port that systemd holds, without a proxy that tries again."""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str, dict]:
        return call(http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE), method, path, body, **headers)


class Load:
    """Callers that open a connection for each call and count what is not answered as it should be."""

    def __init__(self, at, path: str, token: str) -> None:
        self.at, self.path, self.token = at, path, token
        self.calls, self.wrong, self.longest, self.running = 0, [], 0.0, True
        self.threads = [threading.Thread(target=self.call) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def call(self) -> None:
        number = 0
        while self.running:
            number += 1
            begun = time.monotonic()
            try:
                user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{time.monotonic_ns()}.{threading.get_native_id()}"}
                body = user | {"active": False} if number % 2 else None
                headers = {"Authorization": f"Bearer {self.token}", "Content_Type": "application/scim+json"}
                status, text, _ = self.at.ask("POST" if body else "GET", self.path, body, **headers)
                if status not in (200, 201):
                    self.wrong.append(f"{status} {text[:200]}")
            except (OSError, http.client.HTTPException) as fault:
                self.wrong.append(repr(fault))
            self.calls += 1
            self.longest = max(self.longest, time.monotonic() - begun)

    def end(self) -> None:
        self.running = False
        for thread in self.threads:
            thread.join(PATIENCE)
