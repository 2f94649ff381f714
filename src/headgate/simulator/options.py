"""Everything about the embedded platform that can be chosen, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headgate.clock import Clock, SystemClock
from headgate.simulator.limits import MODELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from headgate.simulator.faults import Fault

#: What a new world can be furnished with.
SEEDS = ("flows", "audiences", "datasetFlows", "sourceFlows")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulator. Seconds are the platform's unless it says that they are real ones.

    Those of the network and the gateway are real: a scaled clock must not hurry them.

    Args:
        seed: Decides ids, credentials, run lengths and faults.
        time_scale: How fast the platform's clock runs; its ``Date`` header shows it.
        rate_limit: ``"50/s"``, ``"3000/min"`` or a number per second; real time. ``None`` is no limit.
        retry_after: Whether a 429 (or a 503 that stands for it) carries ``Retry-After``.
        limit_model: How the limit counts: a token ``bucket``, a ``fixed`` or ``sliding`` window as long as the rate's
            period, or ``gcra``, a bucket that hardly holds anything.
        limit_burst: Requests that a bucket holds, instead of a whole period's.
        limit_changes: ``(seconds, factor)``: from so many real seconds after the first request on, factor times the
            rate is allowed.
        limit_status: What exceeding it is answered with: 429, or a bare 500 or 503.
        latency_s: Real seconds before each answer leaves (after the effect), with ``latency_jitter`` the
            sigma of a lognormal factor.
        faults: Trouble on purpose; see :class:`~headgate.simulator.faults.Fault` and ``load_faults``.
        world: File that keeps the state; reloaded when it exists.
        clock: The platform's clock instead of a scaled one.
        real_clock: What the gateway and the tokens live by.
        run_seconds: Shortest and longest run, platform seconds.
        run_visible_after_s: Platform seconds before a new run can be read (404 until then).
        run_failure_share: Share of runs that fail; likewise ``run_partial_share``.
        token_life_s: Real seconds a token lives.
        lenient: Take an unquoted If-Match, a missing sandbox header (as ``prod``) and an unpadded page token.
        sandboxes: Names that exist.
        patch_status: What a flow's PATCH answers: ``200``, ``202`` or ``alternate`` by flow.
        update_seconds: Platform seconds an accepted (202) update takes.
        delete_status: What a DELETE answers: ``202``, ``204`` or ``alternate`` by object.
        delete_seconds: Platform seconds a deletion answered by 202 takes; until then the object is there, in state
            ``delete-finalizing``.
        list_lag_seconds: Platform seconds before what was created, a run included, shows in a list; by its id it can be
            read at once.
        patch_shows: Whether an accepted update shows ``at-once``, or ``when-done``: until then the flow keeps its
            values and its etag, and only its state and ``lastOperation`` tell.
        adhoc_wording: ``audience`` or ``segment`` in the message of a run going on.
        audiences: Names of audiences by id, where selectors do not say.
        datasets: Names of further datasets by id, beside those that follow from the seed.
        default_limit: Items in a page when the caller does not say.
        seed_counts: What a new world holds already: ``flows``, and ``audiences`` for each of them; ``datasetFlows``
            whose end dates differ, and ``sourceFlows``.

    Raises:
        ValueError: a setting that makes no sense.
    """

    seed: int = 0
    time_scale: float = 1.0
    rate_limit: str | float | None = None
    retry_after: bool = True
    limit_model: str = "bucket"
    limit_burst: float | None = None
    limit_changes: Sequence[tuple[float, float]] = ()
    limit_status: int = 429
    latency_s: float = 0.0
    latency_jitter: float = 0.0
    faults: Sequence[Fault] = ()
    world: Path | None = None
    clock: Clock | None = None
    real_clock: Clock = field(default_factory=SystemClock)
    run_seconds: tuple[float, float] = (30.0, 300.0)
    run_visible_after_s: float = 0.0
    run_failure_share: float = 0.0
    run_partial_share: float = 0.0
    token_life_s: float = 86399
    lenient: bool = False
    sandboxes: Collection[str] = ("prod", "dev")
    patch_status: str = "alternate"
    update_seconds: float = 5.0
    delete_status: str = "202"
    delete_seconds: float = 0.0
    list_lag_seconds: float = 0.0
    patch_shows: str = "at-once"
    adhoc_wording: str = "audience"
    audiences: Mapping[str, str] | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    default_limit: int = 20
    seed_counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.limit_model not in MODELS:
            raise ValueError(f"limit_model must be one of {', '.join(MODELS)}, not {self.limit_model!r}")
        if self.limit_status not in (429, 500, 503):
            raise ValueError(f"limit_status must be 429, 500 or 503, not {self.limit_status!r}")
        if any(at < 0 or factor <= 0 for at, factor in self.limit_changes):
            raise ValueError("limit_changes are pairs of a second and a factor above 0")
        if self.patch_status not in ("alternate", "200", "202"):
            raise ValueError(f"patch_status must be alternate, 200 or 202, not {self.patch_status!r}")
        if self.patch_shows not in ("at-once", "when-done"):
            raise ValueError(f"patch_shows must be at-once or when-done, not {self.patch_shows!r}")
        if self.adhoc_wording not in ("audience", "segment"):
            raise ValueError(f"adhoc_wording must be audience or segment, not {self.adhoc_wording!r}")
        if self.delete_status not in ("202", "204", "alternate"):
            raise ValueError(f"delete_status must be 202, 204 or alternate, not {self.delete_status!r}")
        for name in ("delete_seconds", "list_lag_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0")
        low, high = self.run_seconds
        if not 0 <= low <= high:
            raise ValueError(f"run_seconds must be an ordered pair of seconds, not {self.run_seconds!r}")
        if not 1 <= self.default_limit <= 100:
            raise ValueError("default_limit must lie between 1 and 100")
        for name, count in self.seed_counts.items():
            if name not in SEEDS or count < 0:
                raise ValueError(f"seed_counts knows {', '.join(SEEDS)}, at least 0; not {name}={count}")
