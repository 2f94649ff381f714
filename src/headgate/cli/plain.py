"""Progress as one plain line: for logs, pipes and ``TERM=dumb``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.cli.progress import Snapshot
    from headgate.report.render_causes import Cause


def line(snapshot: Snapshot) -> str:
    """``12s  items 120/240  pairs 0/600  jobs 700/1218  40 to 60 s left  50.1 of 50 req/s  …  waiting: …``.

    No control characters, whatever the platform says.
    """
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
    if snapshot.left is not None:
        parts.append(str(snapshot.left))
    parts += [snapshot.rate, f"in flight {snapshot.in_flight}"]
    if snapshot.throttled:
        parts.append(f"throttled {snapshot.throttled}")
    if snapshot.pace:
        parts.append(snapshot.pace)
    if snapshot.stopping:
        parts.append(f"stopping: {snapshot.stopping}")
    if snapshot.waits:
        parts.append(f"waiting: {'; '.join(snapshot.waits)}")
    return _printable("  ".join(parts))


def cause(found: Cause) -> str:
    """``failed: 400 1418-400: … (such as …)``: why something failed, in one line."""
    what = " ".join(word for word in (str(found.status) if found.status else "", found.code) if word)
    return _printable(f"failed: {f'{what}: ' if what else ''}{found.message} (such as {found.example})")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
