"""Looking at a sandbox and changing nothing: whole collections, single objects, any GET, with patience.

For those who read outside of a run: an export, a sweep, the preview of a plan. A run reads by its own jobs.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from headgate.clock import SystemClock
from headgate.engine.gate import Gate
from headgate.errors import PlatformError
from headgate.exchange import Call, Verdict
from headgate.export.live import COLLECTIONS, OF_THE_LAKE, Live, ingests
from headgate.pacing import parse_rate
from headgate.workflows.dialects import DIALECTS
from headgate.workflows.listing import PAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AsyncExitStack

    from headgate.clock import Clock
    from headgate.exchange import Answer
    from headgate.pacing import RetryPolicy
    from headgate.platform.contract import Platform
    from headgate.settings import Profile
    from headgate.workflows.dialects import Seen


class Looker:
    """Asks, and asks again as the profile's retries allow."""

    def __init__(self, platform: Platform, gate: Gate, retry: RetryPolicy, clock: Clock) -> None:
        self._platform, self._gate, self._retry, self._clock = platform, gate, retry, clock

    async def ask(self, call: Call) -> Answer:
        """The answer to a read: a good one, a refusal, or the last of several that were neither."""
        rng, attempt = Random(call.path), 0
        while True:
            await self._gate.pass_one(call.endpoint)
            answer = await self._platform.perform(call)
            self._gate.answered(call, answer)
            attempt += 1
            delay = self._retry.delay(answer.verdict, attempt, answer.retry_after_s, rng)
            if delay is None:
                return answer
            await self._clock.sleep(delay)

    async def whole(self, collection: str) -> list[Seen]:
        """Every object of ``collection`` (a key of ``DIALECTS``), all pages, each once.

        Raises:
            PlatformError: the platform refuses, cannot be reached within the retries, or gives no list or no end.
        """
        of, cursor, before, page = DIALECTS[collection], "", set[str](), list[str]()
        found: dict[str, Seen] = {}  # a list that changes while it is read may show an object twice
        while True:
            call = Call(
                "GET", of.service, of.path, f"GET {of.path}", "lookup", query=of.page(cursor), headers=of.listed_with
            )
            answer = await self.ask(call)
            if answer.verdict is not Verdict.OK:
                raise _unreadable(f"the list of {collection}", answer)
            seen = of.seen(answer.body)
            if seen is None:
                raise PlatformError(
                    f"the list of {collection} cannot be read: there is none in the answer; nothing was changed",
                    hint="check platform_url; if it is right, run again later",
                )
            found.update({one.id: one for one in seen})
            cursor = of.after(answer.body, cursor)
            if not cursor:
                return list(found.values())
            page, previous = [one.id for one in seen], page
            if cursor in before or len(before) >= PAGES or (page and page == previous):
                raise PlatformError(
                    f"the list of {collection} does not end; nothing was changed",
                    hint="the platform repeats its pages: run again later, and report it to Adobe if it stays",
                )
            before.add(cursor)

    async def one(self, collection: str, remote: str) -> Mapping[str, Any] | None:
        """The object ``remote`` of ``collection``; ``None`` when the platform says that there is none.

        Raises:
            PlatformError: the platform refuses, or cannot be reached within the retries.
        """
        of = DIALECTS[collection]
        answer = await self.ask(of.read(remote))
        if answer.verdict is Verdict.OK:
            return of.object_of(answer.body, remote)
        if answer.status == 404 and answer.verdict is Verdict.REJECTED:
            return None
        raise _unreadable(f"{collection} {remote}", answer)


@asynccontextmanager
async def looking(profile: Profile, clock: Clock | None = None, rate: str | None = None) -> AsyncIterator[Looker]:
    """A :class:`Looker` at the profile's sandbox; ``rate`` over the profile's."""
    from headgate.platform.endpoint import PlatformSettings
    from headgate.platform.transport import Transport

    clock = clock or SystemClock()
    rates, wished = profile.limits.endpoint_rates(), parse_rate(rate or profile.limits.rate)
    gate = Gate(wished, clock, rates, sandbox=profile.sandbox, retry=profile.retry)
    async with Transport(PlatformSettings.of(profile), clock, admit=gate.pass_one) as platform:
        yield Looker(platform, gate, profile.retry, clock)


def _unreadable(what: str, answer: Answer) -> PlatformError:
    problem = answer.problem
    said = problem.message if problem is not None else answer.verdict.value
    refused = "the platform refused: " if answer.verdict is Verdict.REFUSED else ""
    advice = problem.advice if problem is not None else ""
    hint = advice or "run again later; `headgate status --settings` shows who is asked, and as whom"
    return PlatformError(f"{what} cannot be read: {refused}{said}; nothing was changed", hint=hint)


def copied(stack: AsyncExitStack, profile: Profile) -> Profile:
    """The profile with a copy of the embedded platform's world, for as long as ``stack``: who looks writes nothing."""
    import shutil
    import tempfile
    from pathlib import Path

    from headgate.embedded import world_of

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    there = replace(profile, state=str(folder / "state.db"))
    world = world_of(profile.state)
    if world.exists():
        shutil.copyfile(world, world_of(there.state))
    return there


async def live(profile: Profile) -> Live:
    """What the profile's sandbox holds, as far as an export needs it.

    Schemas, datasets and mapping sets are listed only where a flow reads from a source. What of those cannot be
    listed (they are other services, with rights of their own) is left to the export to say.

    Raises:
        PlatformError: the platform refuses, or cannot be reached.
    """

    async def rows(collection: str) -> list[dict[str, Any]]:
        return [{**one.raw, "id": one.id} for one in await there.whole(collection)]

    unread: dict[str, str] = {}
    async with looking(profile) as there:
        lists = dict(zip(COLLECTIONS, await asyncio.gather(*map(rows, COLLECTIONS)), strict=True))
        for collection in OF_THE_LAKE if ingests(lists["flows"]) else ():
            try:
                lists[collection] = await rows(collection)
            except PlatformError as error:
                unread[collection] = str(error)
    return Live.of(lists, unread)
