"""Paging, counting, ordering and filtering of lists."""

from urllib.parse import parse_qs, urlsplit

import pytest


@pytest.fixture
async def many(caller, wire):
    for index in range(7):
        await caller.made("/connections", {"name": f"n{index}", "connectionSpec": wire.spec(wire.DLZ)})
    return caller


def names(answer):
    return [row["name"] for row in answer.body["items"]]


async def walk(caller, params, *, repeat=False):
    answer, seen, pages = await caller.get("/connections", params), [], 0
    while True:
        pages += 1
        seen += names(answer)
        if "next" not in answer.body["_links"]:
            return seen, pages
        href = answer.body["_links"]["next"]["href"]
        assert href.startswith("/connections?continuationToken=")
        assert href.endswith("=")
        token = parse_qs(urlsplit(href).query)["continuationToken"][0]
        more = [pair for pair in params if pair[0] != "limit"] if repeat else []
        answer = await caller.get("/connections", [*more, ("continuationToken", token)])


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_every_object_once_newest_first(many, limit, repeat):
    seen, pages = await walk(many, [("limit", str(limit))], repeat=repeat)
    assert seen == [f"n{index}" for index in range(6, -1, -1)]
    assert pages == -(-7 // limit)


@pytest.mark.parametrize("repeat", [True, False])
async def test_a_token_keeps_its_filters(many, repeat):
    params = [("limit", "1"), ("property", "name==n1,n3,n5")]
    assert (await walk(many, params, repeat=repeat))[0] == ["n5", "n3", "n1"]


async def test_pages_are_stable_while_objects_come(many, wire):
    first = await many.get("/connections", {"limit": "3"})
    await many.made("/connections", {"name": "late", "connectionSpec": wire.spec(wire.DLZ)})
    token = parse_qs(urlsplit(first.body["_links"]["next"]["href"]).query)["continuationToken"][0]
    rest = await many.get("/connections", {"continuationToken": token, "limit": "100"})
    assert names(rest) == ["n3", "n2", "n1", "n0"]


async def test_the_default_page(start, wire):
    caller = await start(default_limit=2)
    for index in range(3):
        await caller.made("/connections", {"name": f"n{index}", "connectionSpec": wire.spec(wire.DLZ)})
    assert names(await caller.get("/connections")) == ["n2", "n1"]


async def test_counting(many):
    assert (await many.get("/connections", {"count": "true"})).body == {"count": 7}
    params = {"count": "true", "property": "name==n1,n2,nothing"}
    assert (await many.get("/connections", params)).body == {"count": 2}
    assert (await many.get("/connections", {"count": "true", "limit": "5"})).code == "1401-400"


@pytest.mark.parametrize(
    ("orderby", "first"), [("name", "n0"), ("+name", "n0"), ("-name", "n6"), ("-createdAt,name", "n0")]
)
async def test_ordering(many, orderby, first):
    seen, pages = await walk(many, [("orderby", orderby), ("limit", "3")])
    assert (seen[0], len(set(seen)), pages) == (first, 7, 3)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"orderby": " name"}, "1432-400"),
        ({"orderby": "nonsense"}, "1433-400"),
        ({"orderBy": "name"}, "1451-400"),
        ({"property": "name~n"}, "1440-400"),
    ],
)
async def test_mistakes(many, params, code):
    assert (await many.get("/connections", params)).code == code


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"continuationToken": "x"}])
async def test_wrong_limits_and_tokens(many, params):
    assert (await many.get("/connections", params)).status == 400


@pytest.mark.parametrize(("value", "found"), [("name==n3", ["n3"]), ('name=="n3"', ["n3"]), ("name==none", [])])
async def test_names_quoted_or_not(many, value, found):
    assert names(await many.get("/connections", {"property": value})) == found


async def test_conditions_add_up(many):
    ids = [row["id"] for row in (await many.get("/connections")).body["items"]]
    params = [("property", f"id=={ids[0]},{ids[1]}"), ("property", "name==n5")]
    assert names(await many.get("/connections", params)) == ["n5"]


async def test_flows_by_base_connection(caller):
    one, _ = await caller.flow("one"), await caller.flow("two")
    flow = await caller.fetched("flows", one)
    base = flow["inheritedAttributes"]["targetConnections"][0]["baseConnection"]["id"]
    params = {"property": f"inheritedAttributes.targetConnections[].baseConnection.id=={base}"}
    assert names(await caller.get("/flows", params)) == ["one"]


async def test_renamed_objects_are_found_by_their_new_name(many):
    entity = (await many.get("/connections", {"property": "name==n1"})).body["items"][0]
    rename = [{"op": "replace", "path": "/name", "value": "other"}]
    assert (await many.patch(f"/connections/{entity['id']}", rename, entity["etag"])).status == 200
    assert names(await many.get("/connections", {"property": "name==n1"})) == []
    assert names(await many.get("/connections", {"property": "name==other"})) == ["other"]
