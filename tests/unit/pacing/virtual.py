"""Virtual time: a client that always has work, paced by a real pacer, against servers with limits of every kind."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from headgate.exchange import Answer, Call, Verdict
from headgate.pacing import Pacer
from headgate.simulator.limits import Limit

#: What a server says to one request: status, Retry-After, and seconds it takes beyond the way there and back.
Said = tuple[int, float | None, float]
Serve = Callable[[str, float], Said]


def call(endpoint: str) -> Call:
    method, _, path = endpoint.partition(" ")
    return Call(method, "flow", path, endpoint, "create")


def answer(status: int, hint: float | None = None, took: float = 0.1) -> Answer:
    if status == 429 or (status == 503 and hint is not None):
        verdict = Verdict.THROTTLED
    else:
        verdict = Verdict.FAULT if status >= 500 else Verdict.OK
    return Answer(verdict, status, retry_after_s=hint, elapsed_s=took)


def limited(
    limit: Limit,
    changes: tuple[tuple[float, float], ...] = (),
    *,
    status: int = 429,
    hint: float | None = None,
    only: str = "",
) -> Serve:
    """A server that refuses with ``status``; ``changes`` are (second, factor); ``only`` one endpoint is limited."""
    left = list(changes)

    def serve(endpoint: str, now: float) -> Said:
        while left and left[0][0] <= now:
            limit.scale(left.pop(0)[1], now)
        if only not in ("", endpoint) or limit.admit(now):
            return 201, None, 0.0
        return status, hint, 0.0

    return serve


@dataclass
class Story:
    """What the server saw: (second, endpoint, status), and the seconds each answer took."""

    seen: list[tuple[float, str, int]] = field(default_factory=list)
    took: list[tuple[float, float]] = field(default_factory=list)

    def rate(self, begin: float, end: float, endpoint: str = "") -> float:
        """What passed, per second."""
        passed = sum(1 for at, of, said in self.seen if begin < at <= end and said < 300 and endpoint in ("", of))
        return passed / (end - begin)

    @property
    def refused(self) -> float:
        """Share of all requests that did not pass."""
        return sum(1 for _, _, said in self.seen if said >= 300) / len(self.seen)

    def worst_second(self, begin: float = 0.0) -> int:
        times = [at for at, _, _ in self.seen if at >= begin]
        most = first = 0
        for last, at in enumerate(times):
            while times[first] <= at - 1.0:
                first += 1
            most = max(most, last - first + 1)
        return most


def play(
    pacer: Pacer,
    serve: Serve,
    seconds: float,
    *,
    endpoints: tuple[str, ...] = ("POST /flows",),
    slots: int = 100,
    latency: float = 0.1,
    seed: int = 0,
) -> Story:
    """Let the client work for ``seconds``: it always has something for each endpoint. Latencies are lognormal."""
    rng, story = Random(seed), Story()
    events: list[tuple[float, int, str, str, float, Said]] = []
    order, wake, turn = 0, -1.0, 0
    nothing: Said = (0, None, 0.0)

    def push(at: float, kind: str, endpoint: str = "", sent: float = 0.0, said: Said = nothing) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (at, order, kind, endpoint, sent, said))

    def way() -> float:
        return latency / 2 * rng.lognormvariate(-0.125, 0.5)

    push(0.0, "wake", sent=0.0)
    wake = 0.0
    while events:
        now, _, kind, endpoint, sent, said = heapq.heappop(events)
        if now > seconds:
            break
        if kind == "arrive":
            said = serve(endpoint, now)
            story.seen.append((now, endpoint, said[0]))
            push(now + said[2] + way(), "answer", endpoint, sent, said)
            continue
        if kind == "answer":
            story.took.append((now, now - sent))
            pacer.answered(call(endpoint), answer(said[0], said[1], now - sent), now)
        elif sent != wake:
            continue
        while pacer.out < slots:
            least, chosen = 5.0, ""
            for number in range(len(endpoints)):
                each = endpoints[(turn + number) % len(endpoints)]
                left = pacer.wait(each, now)
                if left <= 1e-9:
                    chosen = each
                    break
                least = min(least, left)
            if not chosen:
                if not now < wake <= now + least:
                    wake = now + least
                    push(wake, "wake", sent=wake)
                break
            turn += 1
            pacer.leave(chosen, now)
            push(now + way(), "arrive", chosen, now)
    return story
