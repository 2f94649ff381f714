"""Progress as one plain line: for logs, pipes and ``TERM=dumb``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.cli.progress import Snapshot


def line(snapshot: Snapshot) -> str:
    """``12s  items 120/240  pairs 0/600  jobs 700/1218  50.1 req/s  …  waiting: …``; no control characters."""
    parts = [f"{snapshot.elapsed_s:.0f}s"]
    failed = 0
    for noun in ("items", "pairs"):
        done, total, bad = snapshot.count(noun)
        failed += bad
        if total:
            parts.append(f"{noun} {done}/{total}")
    parts.append(f"jobs {snapshot.jobs_done}/{snapshot.jobs_total}")
    if failed:
        parts.append(f"failed {failed}")
    parts += [f"{snapshot.rate_per_s:.1f} req/s", f"in flight {snapshot.in_flight}"]
    if snapshot.throttled:
        parts.append(f"throttled {snapshot.throttled}")
    if snapshot.stopping:
        parts.append(f"stopping: {snapshot.stopping}")
    if snapshot.waits:
        parts.append(f"waiting: {'; '.join(snapshot.waits)}")
    return "".join(char if char.isprintable() else " " for char in "  ".join(parts))
