"""How jobs wait for runs: who carries the board's requests, and when the next may leave. Pure.

A job that waits for runs holds no slot. When the board wants to ask, one of those jobs carries the request, whosever
runs it is about, so that throttling, faults and stops are treated as for any other request. Polls have a share of the
rate to themselves, which they may not exceed: neither they nor creations wait for each other's end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.engine.board import Board

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headgate.engine.awaited import Look, Noticed
    from headgate.exchange import Answer, Call
    from headgate.pacing import PollPolicy
    from headgate.pacing.lengths import Lengths
    from headgate.workflows.contract import Await, RunEnd

#: The share of the rate that polls may use while anything else is to be sent, and while nothing is.
SHARE: Final = 0.1
IDLE_SHARE: Final = 0.5
#: Who takes longer than was likely goes on for so much of its age, if it is over by then with certainty.
OVERDUE: Final = 0.25
#: By so many platform seconds its clock may be read inexactly; by more it was set.
SET_S: Final = 5.0


class Polls:
    """Requests for awaited runs. ``at`` is monotonic seconds, ``now_s`` the platform's clock."""

    def __init__(self, poll: PollPolicy, lengths: Lengths, rate_per_s: float, scale: float) -> None:
        """``rate_per_s`` is the rate of the whole run, 0 for one without; ``scale`` is how fast its clock runs."""
        self.board = Board(poll, lengths)
        self.lengths = lengths
        #: Requests per second that may leave at present, 0 where there is no limit.
        self.rate_per_s, self._scale = rate_per_s, scale
        #: What the platform's clock shows at monotonic second 0, as far as was known last.
        self._zero_s: float | None = None
        #: Jobs that wait: how long at most (platform's clock), and why, in words.
        self.waiting: dict[int, tuple[float, str]] = {}
        self._carried: dict[int, Look] = {}
        self._left_at = float("-inf")

    def wait(self, job: int, step: Await, at: float, now_s: float) -> None:
        """``job`` waits for the runs of ``step``."""
        self._heed(at, now_s)
        self.waiting[job] = (step.until_s, step.reason)
        self.board.wait(job, step.runs, step.began_s, now_s)

    def waits(self, job: int) -> bool:
        """Whether ``job`` waits, with no request to carry at present."""
        return job in self.waiting and job not in self._carried

    def until(self, job: int) -> tuple[float, str]:
        """How long ``job`` waits at most (platform's clock), and why it waits, in words."""
        return self.waiting[job]

    def drop(self, job: int) -> Mapping[str, RunEnd]:
        """``job`` goes on: what it is to be told."""
        del self.waiting[job]
        return self.board.drop(job)

    def awaits(self, job: int) -> int:
        """How many runs ``job`` waits for that are not known to be over."""
        return len(self.board.awaited(job))

    def lasting(self, job: int, runs: Sequence[Sequence[str]], now_s: float, share: float, guess_s: float) -> float:
        """How much longer ``job`` will wait for the ``runs`` that it starts (their keys), in platform seconds.

        ``share`` is how likely they are over by then; ``guess_s`` is taken where nothing is known of such runs.
        """
        awaited = self.board.awaited(job)
        longest_s = self.lengths.longest([one.keys for one in awaited] or runs, share)
        age_s = min((now_s - one.born_s for one in awaited if one.born_s is not None), default=0.0)
        return max((guess_s if longest_s is None else longest_s) - age_s, OVERDUE * share * age_s, 0.0)

    # -- asking --------------------------------------------------------------------------------------------------------

    def due(self, at: float, now_s: float, *, idle: bool) -> tuple[int, Call] | None:
        """A request that may leave now, and the job that carries it. ``idle``: there is nothing else to send."""
        self._heed(at, now_s)
        if at < self._left_at + self._gap(idle=idle) - 1e-9:
            return None
        carrier = next((job for job in self.waiting if job not in self._carried), None)
        look = self.board.ask(now_s) if carrier is not None else None
        if carrier is None or look is None:
            return None
        self._carried[carrier] = look
        self._left_at = at
        return carrier, look.call

    def _heed(self, at: float, now_s: float) -> None:
        """What an answer said of the platform's time may have set its clock by hours; waits go on as they were."""
        zero_s = now_s - at * self._scale
        if self._zero_s is not None and abs(zero_s - self._zero_s) > SET_S:
            self.board.shift(zero_s - self._zero_s)
            self._zero_s = None
        self._zero_s = zero_s if self._zero_s is None else self._zero_s

    def next_at(self, at: float, now_s: float, *, idle: bool) -> float | None:
        """When :meth:`due` may have one (monotonic); ``None`` while nobody could carry it or nothing is awaited."""
        if len(self._carried) >= len(self.waiting):
            return None
        next_s = self.board.next_s()
        if next_s is None:
            return None
        return max(at + max(0.0, next_s - now_s) / self._scale, self._left_at + self._gap(idle=idle))

    def _gap(self, *, idle: bool) -> float:
        return 1.0 / (self.rate_per_s * (IDLE_SHARE if idle else SHARE)) if self.rate_per_s else 0.0

    # -- answers -------------------------------------------------------------------------------------------------------

    def carries(self, job: int) -> bool:
        """Whether the request of ``job`` that is under way is the board's."""
        return job in self._carried

    def answered(self, job: int, answer: Answer, at: float, now_s: float) -> Iterator[Noticed]:
        """What ``job`` carried was answered: the runs that are over."""
        self._heed(at, now_s)
        self.board.answered(self._carried.pop(job), answer, now_s)
        noticed, self.board.news = self.board.news, []
        return iter(noticed)

    def woken(self) -> list[int]:
        """Jobs all of whose runs are over, and that carry nothing at present."""
        woken = [job for job in self.board.woken if job not in self._carried]
        self.board.woken = [job for job in self.board.woken if job in self._carried]
        return woken
