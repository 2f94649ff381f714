from __future__ import annotations

import pytest

from headgate.exchange import Call
from headgate.platform import paging
from headgate.platform.paging import Pager, PagingError, next_href, next_query

ORIGIN = "https://platform.adobe.io"
LIST = Call(
    "GET",
    "flow",
    "/flows",
    "GET /flows",
    "lookup",
    query=(("property", 'name=="a"'), ("limit", "100")),
    paged=True,
)


def page(href, items=(1,)):
    return {"items": list(items), "_links": {"next": {"href": href}}}


def test_pages_are_gathered_in_order_and_filters_repeated():
    pager = Pager(LIST, ORIGIN)
    second = pager.take(page("/flows?continuationToken=abc=="))
    assert second.path == "/flows"
    assert second.query == (*LIST.query, ("continuationToken", "abc=="))
    third = pager.take(page("/flows?continuationToken=def", (2, 3)))
    assert third.query[-1] == ("continuationToken", "def")
    assert pager.take({"items": [], "_links": {}}) is None
    assert pager.items == [1, 2, 3]


@pytest.mark.parametrize(
    ("href", "added"),
    [
        ("/flows?continuationToken=a%3D%3D", (("continuationToken", "a=="),)),
        ("/flows?continuationToken=a+b/c==", (("continuationToken", "a+b/c=="),)),
        ("?start=2", (("start", "2"),)),
        ("flows?start=2", (("start", "2"),)),
        ("https://platform.adobe.io/data/foundation/flowservice/flows?start=2", (("start", "2"),)),
        ("https://PLATFORM.adobe.io:443/flows?start=2", (("start", "2"),)),
        ("//platform.adobe.io/flows?start=2", (("start", "2"),)),
        ("/flows?property=other&start=2", (("start", "2"),)),
    ],
)
def test_the_links_query_is_added(href, added):
    assert next_query(href, LIST.query, ORIGIN) == LIST.query + added


def test_what_the_link_changes_is_not_sent_twice():
    assert next_query("/flows?limit=20&offset=x", LIST.query, ORIGIN) == (
        LIST.query[0],
        ("limit", "20"),
        ("offset", "x"),
    )


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/flows?start=2", "http://platform.adobe.io/flows?start=2", "//evil.example/flows?start=2",
        "https://platform.adobe.io@evil.example/?start=2", "https://platform.adobe.io:8443/?start=2", "https://[bad/?start=2",
        "https://platform.adobe.io:port/?start=2", "javascript:start?start=2", "https://platform.adobe.io.evil.example/?start=2",
    ],
)  # fmt: skip
def test_another_host_is_not_followed(href):
    with pytest.raises(PagingError) as caught:
        next_query(href, LIST.query, ORIGIN)
    assert caught.value.code == "page_elsewhere"
    assert not caught.value.again


def test_a_repeated_token_is_a_loop():
    pager = Pager(LIST, ORIGIN)
    pager.take(page("/flows?continuationToken=a"))
    pager.take(page("/flows?continuationToken=b", (2,)))
    with pytest.raises(PagingError, match="leads back"):
        pager.take(page("/flows?continuationToken=a"))


@pytest.mark.parametrize("href", ["/flows", "/flows?", "/flows?property=x"])
def test_a_link_without_a_token_leads_nowhere(href):
    with pytest.raises(PagingError) as caught:
        Pager(LIST, ORIGIN).take(page(href))
    assert caught.value.code == "page_loop"


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"count": 3}, "x"])
def test_a_page_without_a_list_is_not_an_empty_one(body):
    with pytest.raises(PagingError) as caught:
        Pager(LIST, ORIGIN).take(body)
    assert caught.value.again


def test_there_is_an_end(monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    pager = Pager(LIST, ORIGIN)
    pager.take(page("?t=1"))
    pager.take(page("?t=2", (2,)))
    with pytest.raises(PagingError, match="does not end"):
        pager.take(page("?t=3", (3,)))


def test_the_same_page_with_ever_new_tokens_is_a_loop():
    pager = Pager(LIST, ORIGIN)
    pager.take(page("?t=1"))
    with pytest.raises(PagingError) as caught:
        pager.take(page("?t=2"))
    assert caught.value.code == "page_loop"


def test_some_empty_pages_are_usual_and_many_are_a_loop():
    pager = Pager(LIST, ORIGIN)
    for number in range(paging.MAX_EMPTY):
        pager.take(page(f"?t={number}", ()))
    with pytest.raises(PagingError) as caught:
        pager.take(page("?t=more", ()))
    assert caught.value.code == "page_loop"


def test_all_pages_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(paging, "MAX_LISTING_BYTES", 1000)
    pager = Pager(LIST, ORIGIN)
    pager.take(page("?t=1"), 600)
    with pytest.raises(PagingError) as caught:
        pager.take(page("?t=2", (2,)), 600)
    assert (caught.value.code, caught.value.again) == ("listing_too_long", False)


@pytest.mark.parametrize(
    ("body", "href"),
    [
        ({"_links": {"next": {"href": "/a"}}}, "/a"), ({"link": {"next": "/b"}}, "/b"), ({"link": {"next": ""}}, ""),
        ({"_links": {"next": {}}}, ""), ({"_links": {"next": None}}, ""), ({"_links": []}, ""), ({}, ""), ({"_links": {"next": "/c"}}, "/c"),
    ],
)  # fmt: skip
def test_every_services_link_is_found(body, href):
    assert next_href(body) == href


def test_every_services_list_is_found():
    for key in ("items", "records", "children", "data"):
        pager = Pager(LIST, ORIGIN)
        assert pager.take({key: [1]}) is None
        assert pager.items == [1]
