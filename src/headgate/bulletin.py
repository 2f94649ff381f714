"""Events of a run as plain data, ``headgate.event/2``: for ``--events`` and for ``on_event`` of the Python API.

Every event has ``ts`` (RFC 3339, UTC), ``event``, ``run`` and ``job`` (its key, or null). One life of a run is:

``begin``     the schema, the run, its manifest and sandbox, ``continued``
``plan``      ``outline``: the jobs and rows that were planned
``restored``  ``index``, ``data``: a job that an earlier life settled; only where a run is continued
``settled``   ``index``, ``kind``, ``ending``, ``message``, ``data`` (output, problem, children, cause, times)
``run``       a flow run that was waited for is over: ``index``, ``flowRun``, ``state``, ``seconds`` (how long it took),
              ``ended`` and ``lag`` (how long ago that was by the platform's clock when it was seen)
``retry``, ``hold``, ``stop``, and ``rate`` when the platform's limit shows
``open``      ``index``, ``phase``, ``lost``: a job that is not settled and has something journaled, when the life ends
``end``       ``status``, ``stop``, ``totals``, ``counters``, ``finishedAtS``

The events of one life are enough to make the report again (:func:`headgate.report.rebuild`). What they cannot know is
what a life that was killed had no time to say: it has no ``open`` and no ``end``, so counters, times, and what was on
its way are missing until the run is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headgate.clock import Clock, SystemClock
from headgate.engine.record import children_of
from headgate.planning.outline import Outline

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.engine.machine import Machine
    from headgate.report.model import Report
    from headgate.watch import Watch

SCHEMA: Final = "headgate.event/2"


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
        if machine is not None and job is not None:
            fields["kind"], fields["index"] = job.kind, tell.job
            if tell.name == "settled":
                fields["data"] = machine.live.settled(tell.job) or {}
        self._say(tell.name, job.key if job else None, fields)

    def end(self, report: Report) -> None:
        """The last event: how the run ended, and its totals."""
        self._begin()
        machine, tally = self._watch.machine, self._watch.tally
        if machine is not None:
            for index, (phase, lost) in machine.underway():
                self._say("open", machine.jobs[index].key, {"index": index, "phase": phase, "lost": lost})
        counters: dict[str, Any] = tally.as_dict() if tally is not None else {}
        counters["seconds"] = report.wall_s
        if report.stop_reason:
            counters["stop"] = [report.stop_reason, report.stop, report.stop_hint]
        self._say(
            "end",
            None,
            {
                "status": report.status,
                "stop": report.stop_reason,
                "totals": dict(report.totals),
                "counters": counters,
                "finishedAtS": report.finished_at,
            },
        )

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
                "path": run.path,
                "fingerprint": run.fingerprint,
                "startedAtS": run.started_at,
                "continued": self._watch.continued,
                "jobs": len(machine.jobs) if machine else 0,
            },
            {"schema": SCHEMA},
        )
        if machine is not None:
            self._say("plan", None, {"outline": Outline.of(machine.plan).as_json()})
            for index in _restored(machine) if self._watch.continued else ():
                self._say("restored", machine.jobs[index].key, {"index": index, "data": machine.live.settled(index)})

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


def _restored(machine: Machine) -> list[int]:
    """Jobs that are settled when a life begins, in an order that numbers their children as the machine did."""
    planned = len(machine.plan.jobs)
    number = {job.key: planned + at for at, job in enumerate(machine.jobs[planned:])}
    found: list[tuple[int, int]] = []
    for index in range(len(machine.jobs)):
        if (data := machine.live.settled(index)) is not None:
            children = children_of(data)
            found.append((number.get(children[0].key, 0) if children else 0, index))
    return [index for _, index in sorted(found)]


def stamp(at_s: float) -> str:
    """Epoch seconds as RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
