"""Whole lists of Flow Service, read once: for those who look at a sandbox and change nothing."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from headgate.errors import PlatformError
from headgate.exchange import Call, Verdict

if TYPE_CHECKING:
    from headgate.clock import Clock
    from headgate.pacing import RetryPolicy
    from headgate.platform.contract import Platform


async def whole_list(platform: Platform, collection: str, retry: RetryPolicy, clock: Clock) -> list[dict[str, Any]]:
    """Every object of ``collection``, all pages.

    Raises:
        PlatformError: the platform refuses, or cannot be reached within the retries.
    """
    path = f"/{collection}"
    call = Call("GET", "flow", path, f"GET {path}", "lookup", query=(("limit", "100"),), paged=True)
    rng, attempt = Random(collection), 0
    while True:
        answer = await platform.perform(call)
        if answer.verdict is Verdict.OK:
            return [one for one in answer.body["items"] if isinstance(one, dict)]
        attempt += 1
        delay = retry.delay(answer.verdict, attempt, answer.retry_after_s, rng)
        if delay is None:
            problem = answer.problem
            said = problem.message if problem is not None else answer.verdict.value
            raise PlatformError(
                f"the list of {collection} cannot be read: {said}", hint=problem.advice if problem is not None else ""
            )
        await clock.sleep(delay)
