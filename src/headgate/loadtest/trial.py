"""A load test that is planned: what is asked of it, who arrives when, and what drives it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.classes import frozen
from headgate.errors import UsageError
from headgate.loadtest.cast import ARRIVING, cast
from headgate.loadtest.gate import OpenGate
from headgate.loadtest.machine import Course, LoadMachine
from headgate.loadtest.meter import Meter
from headgate.loadtest.result import kept, result_of
from headgate.loadtest.stages import Spacing, arrivals, parse_seconds, parse_stages
from headgate.loadtest.thresholds import parse_threshold, unmeasured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.engine.gate import Gate
    from headgate.engine.machine import Machine
    from headgate.errors import HeadgateError
    from headgate.launch import Parts
    from headgate.loadtest.result import LoadResult
    from headgate.loadtest.stages import Stage
    from headgate.loadtest.thresholds import Threshold
    from headgate.manifest.model import Manifest
    from headgate.planning.model import Plan
    from headgate.report.model import Report

#: The command, as runs remember it.
COMMAND: Final = "loadtest"
#: In a run's arguments: that nothing of it was to be deleted at its end.
KEEP: Final = "keep"
#: Requests at once unless it is said: an open model needs room for what is slow, or it drops.
CONCURRENCY: Final = 400


@frozen
class Asked:
    """What is to be offered, and what is expected of it."""

    stages: Sequence[Stage]
    thresholds: Sequence[Threshold] = ()
    spacing: Spacing = "even"
    seed: int = 0
    grace_s: float = 30.0
    abort: bool = False
    keep: bool = False

    @classmethod
    def of(
        cls,
        stages: Sequence[str],
        thresholds: Sequence[str] = (),
        *,
        warm_up: str | None = None,
        spacing: Spacing = "even",
        seed: int = 0,
        grace: str = "30s",
        abort_on_fail: bool = False,
        keep: bool = False,
    ) -> Asked:
        """As people write it.

        Raises:
            ValueError: something of it is not what it should be.
        """
        return cls(
            parse_stages(stages, warm_up),
            tuple(parse_threshold(text) for text in thresholds),
            spacing,
            seed,
            parse_seconds(grace),
            abort_on_fail,
            keep,
        )


class Trial:
    """A load test that is planned. ``plan`` is what :func:`headgate.api.conduct` takes, together with :meth:`parts`."""

    def __init__(self, manifest: Manifest, asked: Asked, sandbox: str, *, token: str = "", again: str = "") -> None:
        """Plan it; offline.

        Args:
            manifest: Its items arrive, in turn.
            asked: What is to be offered.
            sandbox: Where.
            token: What tells the names of this test from those of others; made up when not given.
            again: The command line that would do the same.

        Raises:
            UsageError: nothing in the manifest can arrive, or a threshold is about what is never asked.
        """
        from headgate.workflows.compile import compile_plan

        self.asked, self.name = asked, manifest.name
        due = arrivals(asked.stages, asked.spacing, asked.seed)
        played = cast(manifest, len(due), token or f"lt{secrets.token_hex(2)}")
        self.left_out = played.left_out
        self.items = min(len(due), sum(len(entry.items) for entry in manifest.entries if entry.kind in ARRIVING))
        source = {
            **manifest.asked,
            "path": str(manifest.path),
            "command": COMMAND,
            "again": again or COMMAND,
            KEEP: asked.keep,
        }
        # Nothing goes on with a load test once it is over, so what it would be made from again is not kept.
        self.plan: Plan = replace(compile_plan(played.manifest, sandbox), source=source, inputs=None)
        wrong = unmeasured(asked.thresholds, self.endpoints())
        if wrong:
            raise UsageError(f"{wrong}; nothing was sent", hint="`headgate plan` lists the endpoints of a manifest")
        rows = {row.item: number for number, row in enumerate(self.plan.items)}
        self.course = Course(
            asked.stages, due, [rows[name] for name in played.names], asked.thresholds, asked.grace_s, asked.abort
        )
        self.machine: LoadMachine | None = None

    def endpoints(self) -> list[str]:
        """Endpoints that arrivals ask."""
        return sorted({endpoint for job in self.plan.jobs if job.item >= 0 for endpoint in job.requests})

    def requests_each(self) -> float:
        """Requests that an arrival makes when all goes well."""
        asked = sum(len(job.requests) for job in self.plan.jobs if job.item >= 0)
        return asked / max(1, len(self.plan.items))

    def parts(self) -> Parts:
        """What drives the run."""
        from headgate.launch import Parts

        return Parts(self._machine, self._gate, final=True, told=self._told)

    def _machine(self, *args: Any, **named: Any) -> Machine:
        self.machine = LoadMachine(*args, course=self.course, **named)
        return self.machine

    def _gate(self, *args: Any, **named: Any) -> Gate:
        return OpenGate(*args, is_open=self._is_open, **named)

    def _told(self) -> dict[str, Any]:
        return {"loadTest": kept(self.machine.meter)} if self.machine is not None else {}

    def _is_open(self) -> bool:
        return self.machine is not None and self.machine.began_at is not None

    def result(self, report: Report, trouble: HeadgateError | None = None) -> LoadResult:
        """What it came to, before the clean-up; ``trouble`` is what cut it short."""
        machine = self.machine
        if machine is None:  # it has not even begun
            nothing = Meter(self.course.stages, self.course.thresholds)
            return replace(result_of(nothing, report, self.name, self.items), trouble=trouble)
        return replace(
            result_of(machine.meter, report, self.name, self.items),
            overrun=machine.overrun,
            failed_setup=machine.failed_setup,
            trouble=trouble,
        )
