"""The plain things the engine is measured against: no plan, no journal, no limiter, no retries."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from benchmarks.measure import Lap, lap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The headers a request to the platform has, so that both sides send as many bytes.
HEADERS: Mapping[str, str] = {
    "Authorization": "Bearer benchmark",
    "x-api-key": "benchmark",
    "x-gw-ims-org-id": "benchmark@AdobeOrg",
    "x-sandbox-name": "dev",
    "Accept": "application/json",
    "Content-Type": "application/json",
}


async def posts(url: str, bodies: Sequence[Mapping[str, Any]], slots: int) -> Lap:
    """A bare aiohttp worker pool: ``slots`` workers post all ``bodies`` and parse the answers."""
    waiting = iter(bodies)
    target = f"{url}/data/foundation/flowservice/flows"

    async def work(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(target, data=orjson.dumps(body)) as response:
                answer = orjson.loads(await response.read())
            if "id" not in answer:
                raise RuntimeError(f"the benchmark server answered {answer}")

    with lap(len(bodies)) as found:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots), headers=HEADERS) as session:
            await asyncio.gather(*(work(session) for _ in range(slots)))
    return found


async def turns(count: int, slots: int) -> Lap:
    """A bare asyncio worker pool over a deque: ``count`` awaits of nothing."""
    waiting = deque(range(count))

    async def work() -> None:
        while waiting:
            waiting.popleft()
            await asyncio.sleep(0)

    with lap(count) as found:
        await asyncio.gather(*(work() for _ in range(slots)))
    return found
