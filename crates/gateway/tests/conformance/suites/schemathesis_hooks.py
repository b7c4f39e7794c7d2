"""What an OpenAPI document cannot say, told to schemathesis: how filters are written, that two parameters exclude each other,
which ids are those of users."""

import os

import schemathesis
from hypothesis import strategies as st

# Attributes that users and groups both have.
STRINGS = st.sampled_from(["externalId", "displayName", "id", "meta.resourceType", "DISPLAYNAME"])
TIMES = st.sampled_from(["meta.created", "meta.lastModified"])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
QUOTED = TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
ORDERED = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le", "EQ"])
INSTANTS = st.datetimes().map(lambda when: f'"{when.isoformat(timespec="seconds")}Z"').filter(lambda t: t[1] != "0")

COMPARISONS = st.one_of(
    st.tuples(STRINGS, st.one_of(ORDERED, st.sampled_from(["co", "sw", "ew"])), QUOTED).map(" ".join),
    st.tuples(TIMES, ORDERED, INSTANTS).map(" ".join),
    st.one_of(STRINGS, TIMES).map(lambda name: f"{name} pr"),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
        inner.map(lambda text: f"not ({text})"),
        inner.map(lambda text: f"({text})"),
    ),
    max_leaves=6,
)

schemathesis.openapi.format("scim-filter", FILTERS)
schemathesis.openapi.format("scim-sort", st.one_of(STRINGS, TIMES))
# A cursor is good in the query that it was given to; the steps of suites/client.py walk with them.
schemathesis.openapi.format("scim-cursor", st.just(""))

MEMBERS = os.environ["USHER_MEMBERS"].split(",")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes good requests good in what the document cannot say; bad ones stay as they are."""
    if case.method == "DELETE" and (case.path_parameters or {}).get("id") in MEMBERS:
        case.path_parameters["id"] = "spared"
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    leave_parameters_that_agree(case.query)
    if case.path.endswith("/.search"):
        leave_parameters_that_agree(case.body)
    leave_names_once(case.body)
    name_members(case.body)
    if isinstance(case.body, dict) and isinstance(case.body.get("failOnErrors"), float):
        # JSON Schema takes 3.0 for an integer, RFC 7643 §2.3.4 does not.
        case.body["failOnErrors"] = int(case.body["failOnErrors"])


def leave_parameters_that_agree(query):
    """`attributes` or `excludedAttributes`; `startIndex` or `cursor`, and with that a `count` that a page can have."""
    if not isinstance(query, dict):
        return
    sent = {name for name, value in query.items() if value is not None}
    if {"attributes", "excludedAttributes"} <= sent:
        del query["excludedAttributes"]
    if "cursor" in sent:
        query.pop("startIndex", None)
        if not str(query.get("count", "0")).isdigit() or int(query.get("count", 0)) > 1000:
            query.pop("count", None)


def leave_names_once(value):
    """Names have no letter case, so `A` and `a` are one name, and may not stand twice."""
    if isinstance(value, list):
        for element in value:
            leave_names_once(element)
    elif isinstance(value, dict):
        seen = set()
        for key in list(value):
            if key.lower() in seen:
                del value[key]
            seen.add(key.lower())
        for inner in value.values():
            leave_names_once(inner)


def name_members(value, inside_members=False):
    """Puts ids of users in the place of made-up ones, wherever members are named."""
    if isinstance(value, list):
        for element in value:
            name_members(element, inside_members)
    elif isinstance(value, dict):
        if inside_members and isinstance(value.get("value"), str):
            value["value"] = MEMBERS[len(value["value"]) % len(MEMBERS)]
            value.pop("type", None)
        names_members = value.get("path") == "members"
        for key, inner in value.items():
            name_members(inner, key == "members" or (names_members and key == "value"))
