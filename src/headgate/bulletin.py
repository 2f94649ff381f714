"""Events of a run as plain data, ``headgate.event/1``: for ``--events`` and for ``on_event`` of the Python API.

Every event has ``ts`` (RFC 3339, UTC), ``event``, ``run`` and ``job`` (its key, or null). The first of each life of a
run is ``begin`` and also names the schema; the last of a life that ends by itself is ``end``. Between them:
``settled``, ``retry``, ``hold``, ``stop``, and ``run``: a flow run that was waited for is over, with how long it took
(``seconds``) and how long ago that was by the platform's clock when it was seen (``lag``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headgate.clock import Clock, SystemClock

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.launch import Watch
    from headgate.report.model import Report

SCHEMA: Final = "headgate.event/1"


class Bulletin:
    """An observer that turns what the machine tells into events for ``sink``."""

    def __init__(self, watch: Watch, sink: Callable[[Mapping[str, Any]], object], clock: Clock | None = None) -> None:
        self._watch, self._sink, self._clock = watch, sink, clock or SystemClock()
        self._begun = False

    def __call__(self, tell: Tell) -> None:
        """Pass one on."""
        self._begin()
        machine = self._watch.machine
        job = machine.jobs[tell.job] if machine is not None and tell.job >= 0 else None
        fields = dict(tell.fields)
        for time in ("until", "ended"):
            if isinstance(fields.get(time), (int, float)):
                fields[time] = stamp(fields[time])
        if tell.name == "run":  # not the run of ours that every event names
            fields["flowRun"] = fields.pop("run")
        if job is not None:
            fields["kind"] = job.kind
        self._say(tell.name, job.key if job else None, fields)

    def end(self, report: Report) -> None:
        """The last event: how the run ended, and its totals."""
        self._begin()
        self._say("end", None, {"status": report.status, "stop": report.stop_reason, "totals": dict(report.totals)})

    def _begin(self) -> None:
        run, machine = self._watch.run, self._watch.machine
        if self._begun or run is None:
            return
        self._begun = True
        self._say(
            "begin",
            None,
            {
                "manifest": run.manifest,
                "sandbox": run.sandbox,
                "fingerprint": run.fingerprint,
                "continued": self._watch.continued,
                "jobs": len(machine.jobs) if machine else 0,
            },
            {"schema": SCHEMA},
        )

    def _say(
        self, event: str, job: str | None, fields: Mapping[str, Any], first: Mapping[str, Any] | None = None
    ) -> None:
        run = self._watch.run
        self._sink(
            {
                **(first or {}),
                "ts": stamp(self._clock.now()),
                "event": event,
                "run": run.id if run else None,
                "job": job,
                **fields,
            }
        )


def stamp(at_s: float) -> str:
    """Epoch seconds as RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
