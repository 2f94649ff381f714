"""A run's report from its events alone (``--events``): where the state store is not at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from headgate.classes import frozen
from headgate.engine.record import Past, Record, fold
from headgate.errors import UsageError
from headgate.planning.outline import Outline
from headgate.report.build import build
from headgate.report.model import Report
from headgate.store.contract import RunRow

SCHEMA: Final = "headgate.event/2"


@frozen
class Told:
    """What the events of a run's last life say, in the form in which a store keeps it."""

    run: RunRow
    outline: Outline
    past: Past


def rebuild(events: Iterable[Mapping[str, Any]], run: str = "") -> Report:
    """The report of ``run``, or of the last run that ``events`` tell of.

    It equals the report from the state store when the life ended by itself. Of a life that was killed it has no
    counters and no times, and what had begun without being settled is as if it had not.

    Raises:
        UsageError: the events tell of no such run, or are of another version.
    """
    told = tell(events, run)
    return build(told.run, told.outline, told.past)


def tell(events: Iterable[Mapping[str, Any]], run: str = "") -> Told:
    """As :func:`rebuild`, without making the report. ``run`` may be the beginning of an id."""
    begin: Mapping[str, Any] | None = None
    outline: Mapping[str, Any] | None = None
    end: Mapping[str, Any] = {}
    records: list[Record] = []
    for event in events:
        name, of = event.get("event"), str(event.get("run") or "")
        if not of.startswith(run):
            continue
        if name == "begin":
            if event.get("schema") != SCHEMA:
                raise UsageError(
                    f"the events are of version {event.get('schema')}, and this program reads {SCHEMA}",
                    hint="report from the state store: headgate report RUN",
                )
            begin, outline, end, records = event, None, {}, []
        elif begin is None or of != begin["run"]:
            continue
        elif name == "plan":
            outline = event["outline"]
        elif name in ("settled", "restored"):
            records.append(Record("settled", int(event["index"]), event["data"]))
        elif name == "open":
            records.append(Record("intent" if event["lost"] else "step", int(event["index"]), event["phase"]))
        elif name == "end":
            end = event
    if begin is None or outline is None:
        raise UsageError(
            f"the events tell of no run {run!r}" if run else "the events tell of no run",
            hint="a file that `run --events FILE` wrote, with the whole id of one of its runs",
        )
    past, lines = fold(records), Outline.of_json(outline)
    settled = sum(1 for job in past.jobs.values() if job.settled is not None)
    row = RunRow(
        begin["run"],
        begin["manifest"],
        begin["path"],
        begin["sandbox"],
        begin["fingerprint"],
        end.get("status", "running"),
        begin["startedAtS"],
        end.get("finishedAtS"),
        len(lines.jobs) + len(past.children) - settled,
        {"command": begin["command"]} if begin.get("command") else {},
        end.get("counters", {}),
    )
    return Told(row, lines, past)


def read_events(path: Path) -> list[Mapping[str, Any]]:
    """The events in a file. A last line that was cut short is left out: the process was killed while it wrote it.

    Raises:
        UsageError: the file cannot be read, or is something else.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}; nothing was sent", hint="a file that `run --events FILE` wrote"
        ) from error
    events: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = orjson.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            events.append(event)
        elif number < len(lines):
            raise UsageError(f"{path}:{number}: not an event", hint="it must be what --events wrote")
    return events
