"""Identity providers that go on after the demo's story: they look people up, add, change, deactivate and remove them, and now and then err.

Every person of chance comes from one seed, so two runs send nearly the same.
"""

import http.client
import json
import random
import time
from urllib.parse import quote, urlsplit

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
EXPERT = "urn:usher:params:scim:schemas:extension:expert:2.0:User"

OKTA, ENTRA = "Okta SCIM Client 1.0.0", "Microsoft-Azure-AD-SCIM (demo)"
GIVEN = "Ada Brian Ciara Declan Eimear Fiona Gavin Hazel Ian Judith Kurt Lena Miles Nora Olga Pia Rui Sam Tess Uma".split()
FAMILY = "Byrne Casey Doyle Egan Foley Healy Joyce Kelly Larsen Moreno Novak Ortiz Quinn Reyes Santos Turner".split()

# The tenants of the demo: region, key, what calls itself how, what a new person asks for.
TENANTS = [
    ("ire", "acme", ENTRA, [{"userType": "user"}, {"userType": "user"}, {"userType": "member_lite"}]),
    ("us", "globex", OKTA, [{"userType": "user"}, {"userType": "member_lite"}]),
    ("us", "initech", OKTA, [{EXPERT: {"seated": True}}, {}]),
    ("nl", "umbrella", OKTA, [{}]),
    ("uk", "hooli", OKTA, [{}]),
]


class IdentityProvider:
    """One tenant's: what it has made, and one act after the other."""

    def __init__(self, url, token, tenant, seed):
        region, self.key, self.agent, self.wishes = tenant
        self.host, self.base, self.token = urlsplit(url).netloc, f"/{region}/{self.key}/scim/v2", token
        self.dice = random.Random(seed)
        self.connection = http.client.HTTPConnection(self.host, timeout=30)
        self.people, self.made, self.group = [], 0, None

    def send(self, method, path, body=None, token=None):
        """One request; its status and its document."""
        headers = {"Authorization": f"Bearer {token or self.token}", "User-Agent": self.agent, "Accept": "application/scim+json"}
        if body is not None:
            headers["Content-Type"] = "application/scim+json"
        self.connection.request(method, self.base + path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}

    def act(self):
        """One act, as often as it happens among customers: mostly looking, seldom changing."""
        acts = [
            (40, self.look_up), (12, self.read), (5, self.list), (7, self.join), (16, self.rename), (4, self.deactivate),
            (3, self.leave), (5, self.regroup), (2, self.join_twice), (1, self.bulk), (1, self.wrong_secret), (1, self.no_credential),
        ]  # fmt: skip
        weights, done = zip(*acts)
        self.dice.choices(done, weights)[0]()

    def one(self):
        return self.dice.choice(self.people) if self.people else None

    def look_up(self):
        name = self.one()[1] if self.people and self.dice.random() < 0.8 else "nobody@example.com"
        self.send("GET", "/Users?filter=" + quote(f'userName eq "{name}"'))

    def read(self):
        if person := self.one():
            self.send("GET", f"/Users/{person[0]}")

    def list(self):
        self.send("GET", f"/Users?startIndex={self.dice.randint(1, 20)}&count=20")

    def person(self):
        given, family = self.dice.choice(GIVEN), self.dice.choice(FAMILY)
        self.made += 1
        name = f"{given}.{family}.{self.made}@{self.key}.example".lower()
        body = {"schemas": [USER], "userName": name, "active": True, "displayName": f"{given} {family}"}
        body |= {"name": {"givenName": given, "familyName": family}, "emails": [{"value": name, "type": "work", "primary": True}]}
        return body | {"externalId": f"x-{self.made}"} | self.dice.choice(self.wishes)

    def join(self):
        body = self.person()
        status, made = self.send("POST", "/Users", body)
        if status == 201:
            self.people.append((made["id"], body["userName"]))

    def patch(self, person, path, value):
        body = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": path, "value": value}]}
        self.send("PATCH", f"/Users/{person[0]}", body)

    def rename(self):
        if person := self.one():
            # Half of the names are those that are there: nothing changes.
            self.patch(person, "title", self.dice.choice(["Engineer", "Engineer", "Engineer", "Architect"]))

    def deactivate(self):
        if person := self.one():
            # Entra's booleans are words.
            words = ["False", "True"] if self.agent == ENTRA else [False, True]
            self.patch(person, "active", self.dice.choice(words))

    def leave(self):
        if len(self.people) > 5:
            person = self.people.pop(self.dice.randrange(len(self.people)))
            self.send("DELETE", f"/Users/{person[0]}")

    def regroup(self):
        if not self.people:
            return
        if not self.group:
            status, made = self.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Everybody"})
            self.group = made.get("id") if status == 201 else None
            return
        operation = {"op": self.dice.choice(["Add", "Add", "Remove"]), "path": "members", "value": [{"value": self.one()[0]}]}
        self.send("PATCH", f"/Groups/{self.group}", {"schemas": [PATCH], "Operations": [operation]})

    def join_twice(self):
        if person := self.one():
            self.send("POST", "/Users", self.person() | {"userName": person[1]})

    def bulk(self):
        operations = [{"method": "POST", "path": "/Users", "bulkId": f"b{index}", "data": self.person()} for index in range(5)]
        _, answer = self.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        for one, sent in zip(answer.get("Operations", []), operations):
            if one.get("status") == "201":
                self.people.append((one["location"].rsplit("/", 1)[1], sent["data"]["userName"]))

    def wrong_secret(self):
        # The key id is right, the secret is not.
        self.send("GET", "/Users?count=1", token=self.token[:-6] + "AAAAAA")

    def no_credential(self):
        self.send("GET", "/Users?count=1", token="nothing")


def play(url, tokens, seconds, between=lambda: None):
    """All tenants in turn, some twenty requests a second, for so long. `between` is called every few seconds, for what staff do."""
    providers = [IdentityProvider(url, tokens[tenant[1]], tenant, seed) for seed, tenant in enumerate(TENANTS)]
    begun = time.monotonic()
    act_of_staff, rounds = begun + 5, 0
    while (passed := time.monotonic() - begun) < seconds:
        for provider in providers:
            provider.act()
        rounds += 1
        if time.monotonic() > act_of_staff:
            between()
            act_of_staff += 10
        # Mornings are busier than nights, and a picture of a flat line shows little.
        busy = 0.6 + 0.4 * abs((passed % 120) / 60 - 1)
        time.sleep(0.25 / busy)
