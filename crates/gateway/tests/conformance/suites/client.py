"""scim2-client used strictly: it plans its requests by what discovery says, and every answer must have a status that the RFC
names, a SCIM media type, and a body that scim2-models reads without finding anything unknown, missing or of a wrong type.

Each step stands alone and is named after what it shows.
"""

import itertools
import traceback
from collections.abc import Callable, Iterator

import scim2_models
from httpx2 import Client
from scim2_client import Me
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    BulkOperation,
    BulkRequest,
    Context,
    Error,
    PatchOp,
    PatchOperation,
    ResponseParameters,
    SearchRequest,
)

from gateway import Gateway, Tenant
from verdict import FAILED, PASSED, Check

NAME = "scim2-client"

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

NUMBER = itertools.count(1)

# Every writable attribute of RFC 7643 §4.1 and §4.3, but `password`, which comes back nowhere.
WHOLE_USER = {
    "externalId": "hr-1815",
    "name": {
        "formatted": "Countess Ada Byron Lovelace, PhD",
        "familyName": "Lovelace",
        "givenName": "Ada",
        "middleName": "Byron",
        "honorificPrefix": "Countess",
        "honorificSuffix": "PhD",
    },
    "displayName": "Ada Lovelace",
    "nickName": "Ada",
    "profileUrl": "https://people.example/ada",
    "emails": [
        {"value": "ada@work.example", "type": "work", "primary": True, "display": "At work"},
        {"value": "ada@home.example", "type": "home"},
    ],
    "phoneNumbers": [{"value": "tel:+44-20-1234-5678", "type": "work"}],
    "ims": [{"value": "ada", "type": "xmpp"}],
    "photos": [{"value": "https://photos.example/ada.jpg", "type": "photo"}],
    "addresses": [
        {
            "type": "work",
            "streetAddress": "12 St James's Square",
            "locality": "London",
            "region": "London",
            "postalCode": "SW1Y 4JH",
            "country": "GB",
            "formatted": "12 St James's Square, London",
            "primary": True,
        }
    ],
    "userType": "member",
    "title": "Analyst",
    "preferredLanguage": "en-GB",
    "locale": "en-GB",
    "active": True,
    "timezone": "Europe/London",
    "entitlements": [{"value": "engine"}],
    "roles": [{"value": "author", "primary": True}],
    "x509Certificates": [{"value": "TUlJ"}],
    ENTERPRISE: {
        "employeeNumber": "1815",
        "costCenter": "engines",
        "organization": "Analytical",
        "division": "Research",
        "department": "Mathematics",
    },
}


class Session:
    """A client of one tenant, with the models that its discovery endpoints describe."""

    def __init__(self, tenant: Tenant, http: Client):
        self.tenant = tenant
        self.scim = SyncSCIMClient(http)
        self.scim.discover()
        self.user_model = self.scim.get_resource_model("User")
        self.group_model = self.scim.get_resource_model("Group")

    def new_user(self, **attributes):
        """A user that was made; names never repeat."""
        schemas = [USER, ENTERPRISE] if ENTERPRISE in attributes else [USER]
        body = {"schemas": schemas, "userName": f"user-{next(NUMBER)}@client.example", **attributes}
        return self.scim.create(self.user_model.model_validate(body))

    def new_group(self, *members, **attributes):
        body = {"schemas": [GROUP], "displayName": f"Group {next(NUMBER)}", **attributes}
        body["members"] = [{"value": member.id} for member in members]
        return self.scim.create(self.group_model.model_validate(body))

    def patch(self, resource, *operations: dict):
        """What a PATCH answers: the resource, or None for 204."""
        model = type(resource)
        parsed = [PatchOperation[model].model_validate(operation) for operation in operations]
        return self.scim.modify(model, resource.id, PatchOp[model](operations=parsed))

    def read(self, resource):
        return self.scim.query(type(resource), resource.id)

    def find(self, model, **parameters):
        """One page of a list."""
        return self.scim.query(model, query_parameters=SearchRequest[model](**parameters))


def shown(resource) -> dict:
    """A resource as it came over the wire."""
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def holds(told: object, sent: object, where: str = "") -> None:
    """Asserts that everything sent is told; objects may tell more."""
    if isinstance(sent, dict):
        for key, value in sent.items():
            assert isinstance(told, dict) and key in told, f"{where}{key} is not told"
            holds(told[key], value, f"{where}{key}.")
    elif isinstance(sent, list):
        assert isinstance(told, list) and len(told) == len(sent), f"{where} {told} is not {sent}"
        for index, value in enumerate(sent):
            holds(told[index], value, f"{where}{index}.")
    else:
        assert told == sent, f"{where} {told!r} is not {sent!r}"


def refused(kind: type[scim2_models.SCIMException], act: Callable[[], object]) -> None:
    """Asserts that the server refuses with this status and keyword; both are read from a body that was validated."""
    try:
        answered = act()
    except scim2_models.SCIMException as refusal:
        told = getattr(refusal, "error", None)
        assert isinstance(told, Error), f"the client, not the server, refused: {refusal}"
        assert isinstance(refusal, kind), f"{told.status} {told.scim_type}: {told.detail}"
        return
    raise AssertionError(f"not refused: {answered}")


def names(page) -> list[str]:
    return [resource.user_name for resource in page.resources or []]


STEPS: list[Callable[[Session], None]] = []


def step(function: Callable[[Session], None]) -> Callable[[Session], None]:
    STEPS.append(function)
    return function


@step
def discovery_describes_users_and_groups(s: Session) -> None:
    endpoints = {kind.name: str(kind.endpoint) for kind in s.scim.provider.resource_types}
    holds(endpoints, {"User": "/Users", "Group": "/Groups"})
    config = s.scim.provider.config
    for feature in (config.patch, config.filter, config.etag):
        assert feature.supported, feature


@step
def every_discovery_resource_is_read_by_its_id(s: Session) -> None:
    for model in (scim2_models.ResourceType, scim2_models.Schema):
        for resource in s.scim.query(model).resources:
            assert shown(s.scim.query(model, resource.id)) == shown(resource), resource.id


@step
def a_created_user_is_told_with_everything_that_was_sent(s: Session) -> None:
    made = s.new_user(**WHOLE_USER)
    holds(shown(made), WHOLE_USER)
    assert shown(s.read(made)) == shown(made)
    assert made.meta.location.endswith(f"/Users/{made.id}") and made.meta.version


@step
def a_password_is_taken_and_never_told(s: Session) -> None:
    made = s.new_user(password="t1meMa$heen")
    assert made.password is None and s.read(made).password is None


@step
def a_name_that_is_taken_is_refused_in_any_letter_case(s: Session) -> None:
    made = s.new_user()
    refused(scim2_models.UniquenessException, lambda: s.new_user(userName=made.user_name.upper()))


@step
def an_unknown_id_is_not_found(s: Session) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    refused(scim2_models.NotFoundException, lambda: s.scim.query(s.user_model, nobody))
    refused(scim2_models.NotFoundException, lambda: s.scim.delete(s.user_model, nobody))


@step
def a_conditional_read_of_what_did_not_change_is_304(s: Session) -> None:
    made = s.new_user()
    assert s.scim.query(made) is made, "the client gives the object itself back after a 304"
    s.patch(made, {"op": "replace", "path": "title", "value": "Dr"})
    assert s.scim.query(made) is not made


@step
def a_stale_version_stops_put_patch_and_delete(s: Session) -> None:
    made = s.new_user()
    s.patch(made, {"op": "replace", "path": "title", "value": "Dr"})
    title = PatchOperation[s.user_model](op="replace", path="title", value="Prof")
    for act in (
        lambda: s.scim.replace(made),
        lambda: s.scim.modify(made, PatchOp[s.user_model](operations=[title])),
        lambda: s.scim.delete(made),
    ):
        refused(scim2_models.PreconditionFailedException, act)
    s.scim.delete(s.read(made))


@step
def attributes_and_excluded_attributes_choose_what_is_told(s: Session) -> None:
    made = s.new_user(**WHOLE_USER)
    few = s.scim.query(s.user_model, made.id, ResponseParameters(attributes=["userName", "name.givenName"]))
    # The client itself puts the entity tag of the answer in `meta.version`.
    assert set(shown(few)) - {"meta"} == {"schemas", "id", "userName", "name"}, shown(few)
    assert shown(few)["name"] == {"givenName": "Ada"}
    less = s.scim.query(s.user_model, made.id, ResponseParameters(excluded_attributes=["emails", "id"]))
    assert "emails" not in shown(less) and less.id == made.id
    extension = ResponseParameters(attributes=[f"{ENTERPRISE}:department"])
    only = shown(s.scim.query(s.user_model, made.id, extension))
    assert only[ENTERPRISE] == {"department": "Mathematics"} and "userName" not in only, only


@step
def filters_find_exactly_who_they_describe(s: Session) -> None:
    crew = f"crew-{next(NUMBER)}"
    ada = s.new_user(nickName=crew, title="Countess", emails=[{"value": "ada@crew.example", "type": "work"}])
    bob = s.new_user(nickName=crew, title="Lord", active=False)
    for expression, expected in [
        (f'nickName eq "{crew}"', [ada, bob]),
        (f'nickName eq "{crew.upper()}" and title sw "count"', [ada]),
        (f'nickName eq "{crew}" and title co "or"', [bob]),
        (f'nickName eq "{crew}" and not (title ew "ss")', [bob]),
        (f'nickName eq "{crew}" and title pr and active eq true', [ada]),
        (f'nickName eq "{crew}" and (title eq "Lord" or title eq "Countess")', [ada, bob]),
        (f'nickName eq "{crew}" and emails[type eq "work" and value co "@crew."]', [ada]),
        (f'userName eq "{ada.user_name}" or id eq "{bob.id}"', [ada, bob]),
        (f'nickName eq "{crew}" and title gt "d"', [bob]),
        (f'nickName eq "{crew}" and meta.created ge "{ada.meta.created.isoformat()}"', [ada, bob]),
        (f'{USER}:nickName eq "{crew}" and title ne "Lord"', [ada]),
        (f'nickName eq "{crew}" and title eq null', []),
    ]:
        page = s.find(s.user_model, filter=expression)
        assert names(page) == [user.user_name for user in expected], f"{expression}: {names(page)}"
        assert page.total_results == len(expected), expression


@step
def a_filter_that_cannot_be_understood_is_refused(s: Session) -> None:
    for expression in ('userName ex "x"', "userName eq", 'shoeSize eq "x"', 'userName eq "x" and', "("):
        ask = {"filter": expression}
        refused(
            scim2_models.InvalidFilterException,
            lambda ask=ask: s.scim.query(s.user_model, query_parameters=ask, check_request_payload=False),
        )


@step
def index_pages_show_everybody_once(s: Session) -> None:
    crew = f"crew-{next(NUMBER)}"
    made = [s.new_user(nickName=crew) for _ in range(5)]
    seen = []
    for start in (1, 3, 5, 7):
        page = s.find(s.user_model, filter=f'nickName eq "{crew}"', start_index=start, count=2)
        assert (page.total_results, page.start_index) == (5, start)
        assert page.items_per_page == len(page.resources), page
        seen += names(page)
    assert seen == [user.user_name for user in made]
    assert s.find(s.user_model, count=0).resources in (None, [])


@step
def put_clears_what_it_leaves_out_and_gives_a_new_version(s: Session) -> None:
    made = s.new_user(**WHOLE_USER)
    small = s.user_model.model_validate({"schemas": [USER], "id": made.id, "userName": made.user_name})
    replaced = s.scim.replace(small)
    assert replaced.id == made.id and replaced.meta.version != made.meta.version
    told = shown(replaced)
    for gone in ("name", "displayName", "emails", "phoneNumbers", "title", ENTERPRISE, "externalId"):
        assert gone not in told, gone
    assert shown(s.read(made)) == told


@step
def patch_adds_replaces_and_removes_by_every_kind_of_path(s: Session) -> None:
    made = s.new_user(**WHOLE_USER)
    told = s.patch(
        made,
        {"op": "replace", "path": "displayName", "value": "Ada"},
        {"op": "add", "path": "name.middleName", "value": "King"},
        {"op": "add", "path": "emails", "value": [{"value": "ada@other.example", "type": "other"}]},
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "ada@new.example"},
        {"op": "remove", "path": 'phoneNumbers[type eq "work"]'},
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Engines"},
        {"op": "add", "value": {"nickName": "Augusta"}},
    )
    holds(
        shown(told),
        {
            "displayName": "Ada",
            "nickName": "Augusta",
            "name": {"middleName": "King", "familyName": "Lovelace"},
            "emails": [
                {"value": "ada@work.example", "type": "work"},
                {"value": "ada@new.example", "type": "home"},
                {"value": "ada@other.example", "type": "other"},
            ],
            ENTERPRISE: {"department": "Engines", "employeeNumber": "1815"},
        },
    )
    assert "phoneNumbers" not in shown(told) and "title" not in shown(told)
    assert shown(s.read(made)) == shown(told)


@step
def a_patch_happens_in_full_or_not_at_all(s: Session) -> None:
    made = s.new_user(title="Countess")
    both = [
        {"op": "replace", "path": "title", "value": "Lady"},
        {"op": "replace", "path": "meta.created", "value": "2000-01-01T00:00:00Z"},
    ]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": both}
    refused(scim2_models.MutabilityException, lambda: s.scim.modify(s.user_model, made.id, body))
    assert shown(s.read(made)) == shown(made)


@step
def a_second_primary_takes_it_from_the_first(s: Session) -> None:
    made = s.new_user(emails=[{"value": "a@x.example", "type": "work", "primary": True}])
    other = [{"value": "b@x.example", "type": "home", "primary": True}]
    told = s.patch(made, {"op": "add", "path": "emails", "value": other})
    assert [bool(email.primary) for email in told.emails] == [False, True], told.emails


@step
def a_deleted_user_is_gone_from_everywhere(s: Session) -> None:
    made = s.new_user()
    group = s.new_group(made)
    s.scim.delete(made)
    refused(scim2_models.NotFoundException, lambda: s.read(made))
    assert not s.find(s.user_model, filter=f'userName eq "{made.user_name}"').resources
    assert not s.read(group).members
    assert s.new_user(userName=made.user_name).id != made.id


@step
def members_come_and_go_and_users_tell_their_groups(s: Session) -> None:
    ada, bob, eve = s.new_user(), s.new_user(), s.new_user()
    group = s.new_group(ada)
    told = s.patch(group, {"op": "add", "path": "members", "value": [{"value": bob.id}, {"value": eve.id}]})
    assert (told is not None) == s.tenant.strict, "204, and 200 in a strict tenant"
    s.patch(group, {"op": "remove", "path": f'members[value eq "{eve.id}"]'})
    members = s.read(group).members
    assert [member.value for member in members] == [ada.id, bob.id], members
    assert {member.type for member in members} == {"User"}
    assert all(str(member.ref).endswith(f"/Users/{member.value}") for member in members)
    assert [mine.value for mine in s.read(bob).groups] == [group.id] and not s.read(eve).groups
    found = s.find(s.group_model, filter=f'members.value eq "{bob.id}"')
    assert [one.id for one in found.resources] == [group.id]
    s.patch(group, {"op": "replace", "path": "members", "value": [{"value": eve.id}]})
    assert [member.value for member in s.read(group).members] == [eve.id]
    s.patch(group, {"op": "remove", "path": "members"})
    assert not s.read(group).members


@step
def a_member_that_is_not_here_is_refused(s: Session) -> None:
    group = s.new_group()
    stranger = {"op": "add", "path": "members", "value": [{"value": "00000000-0000-7000-8000-000000000000"}]}
    refused(scim2_models.InvalidValueException, lambda: s.patch(group, stranger))


@step
def me_stands_for_nobody_because_a_token_is_no_user(s: Session) -> None:
    # The client does not count 501 among the answers to a GET, RFC 7644 §3.11 does.
    refused(scim2_models.NotImplementedException, lambda: s.scim.query(Me, expected_status_codes=[501]))


def run(tenant: Tenant, _: Gateway) -> list[Check]:
    headers = {"Authorization": f"Bearer {tenant.token}"}
    with Client(base_url=tenant.base_url, headers=headers, timeout=60) as http:
        session = Session(tenant, http)
        return list(checks(session))


def checks(session: Session) -> Iterator[Check]:
    for one in STEPS:
        try:
            one(session)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            line = next(frame.lineno for frame in reversed(where) if frame.filename == __file__)
            notes = " ".join(getattr(error, "__notes__", []))
            yield Check(one.__name__, FAILED, f"line {line}: {type(error).__name__}: {error} {notes}")
        else:
            yield Check(one.__name__, PASSED)
