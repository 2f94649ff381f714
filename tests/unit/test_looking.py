"""Reading outside of a run: pages, patience, and an end to lists that have none."""

from __future__ import annotations

import pytest

from headgate.engine.gate import Gate
from headgate.errors import PlatformError
from headgate.exchange import Verdict
from headgate.looking import Looker
from headgate.pacing import RetryPolicy

from tests.unit.workflows.steps import items, no, ok


class Clock:
    """Time flies: nobody waits at the gate."""

    at = 0.0

    def mono(self):
        self.at += 60.0
        return self.at

    def now(self):
        return 0.0

    async def sleep(self, seconds):
        """No time passes."""


class Platform:
    def __init__(self, answers):
        self.answers, self.calls = list(answers), []

    async def perform(self, call):
        self.calls.append(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def looker(*answers):
    platform = Platform(answers)
    policy = RetryPolicy(attempts=3, first_s=0.01, cap_s=0.01)
    return platform, Looker(platform, Gate(1000.0, Clock()), policy, Clock())


async def test_pages_are_followed_and_an_object_seen_twice_counts_once():
    platform, there = looker(items({"id": "a"}, {"id": "b"}, token="x="), items({"id": "b"}, {"id": "c"}))
    assert [one.id for one in await there.whole("flows")] == ["a", "b", "c"]
    assert [dict(call.query).get("continuationToken") for call in platform.calls] == [None, "x="]
    assert {call.method for call in platform.calls} == {"GET"}


async def test_trouble_is_asked_again_and_a_refusal_is_not():
    platform, there = looker(no(503, verdict=Verdict.FAULT), no(429, verdict=Verdict.THROTTLED), items({"id": "a"}))
    assert len(await there.whole("flows")) == 1
    assert len(platform.calls) == 3
    platform, there = looker(no(403, "you may not", verdict=Verdict.REFUSED))
    with pytest.raises(
        PlatformError, match="the list of connections cannot be read: the platform refused: you may not"
    ):
        await there.whole("connections")
    assert len(platform.calls) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ok({"nothing": 1}), "there is none in the answer"),
        (items({"id": "a"}, token="again"), "does not end"),
        (no(500, verdict=Verdict.FAULT), "cannot be read"),
    ],
)
async def test_a_list_that_is_none_or_has_no_end_is_an_error_and_never_empty(answer, said):
    with pytest.raises(PlatformError, match=said):
        await looker(answer)[1].whole("flows")


async def test_one_object_is_read_where_it_lives_and_none_is_not_an_error():
    schema = "https://ns.adobe.com/acme/schemas/0ff"
    for collection, remote, body, path in (
        ("flows", "f", {"items": [{"id": "f"}]}, "/flows/f"),
        ("flows", "f", {"id": "f"}, "/flows/f"),
        ("schemas", schema, {"$id": schema}, "/tenant/schemas/_acme.schemas.0ff"),
        ("dataSets", "d", {"d": {"name": "x"}}, "/dataSets/d"),
        ("mappingSets", "m", {"id": "m", "version": 0}, "/mappingSets/m"),
    ):
        platform, there = looker(ok(body))
        assert await there.one(collection, remote), collection
        assert platform.calls[0].path == path
    assert await looker(no(404))[1].one("flows", "f") is None
    with pytest.raises(PlatformError):  # no such sandbox is not "no such flow"
        await looker(no(404, verdict=Verdict.REFUSED))[1].one("flows", "f")
