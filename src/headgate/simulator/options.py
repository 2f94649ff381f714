"""Everything about the embedded platform that can be chosen, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headgate.clock import Clock, SystemClock
from headgate.simulator.limits import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headgate.simulator.faults import Fault

#: What a new world can be furnished with.
SEEDS = ("flows", "audiences", "datasetFlows", "sourceFlows")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulator. Times ending in ``_s`` are platform seconds unless said otherwise.

    ``latency_s``, ``latency_jitter`` (sigma of a lognormal factor), ``token_life_s``, ``rate_limit`` and the
    seconds of ``limit_changes`` are in real time: they model the network and the gateway, which a scaled clock must
    not hurry.
    """

    seed: int = 0
    time_scale: float = 1.0
    rate_limit: str | float | None = None
    retry_after: bool = True
    limit_model: str = "bucket"
    limit_burst: float | None = None
    limit_changes: tuple[tuple[float, float], ...] = ()
    limit_status: int = 429
    latency_s: float = 0.0
    latency_jitter: float = 0.0
    faults: tuple[Fault, ...] = ()
    world: Path | None = None
    clock: Clock | None = None
    real_clock: Clock = field(default_factory=SystemClock)
    run_seconds: tuple[float, float] = (30.0, 300.0)
    run_visible_after_s: float = 0.0
    run_failure_share: float = 0.0
    run_partial_share: float = 0.0
    token_life_s: float = 86399
    lenient: bool = False
    sandboxes: frozenset[str] = frozenset({"prod", "dev"})
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
