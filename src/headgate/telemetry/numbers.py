"""The numbers of a run, as both exporters give them: counted from events, and read where they are counted anyhow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.engine.events import Tell
    from headgate.watch import Watch


class Numbers:
    """Counts of one life of a run. ``settled`` by (kind, ending), ``retries`` by (endpoint, status), ``holds``."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.settled: Counter[tuple[str, str]] = Counter()
        self.retries: Counter[tuple[str, str]] = Counter()
        self.holds = 0

    def hear(self, tell: Tell) -> None:
        """Count one event."""
        machine = self._watch.machine
        if tell.name == "settled" and machine is not None:
            self.settled[machine.jobs[tell.job].kind, str(tell.fields.get("ending"))] += 1
        elif tell.name == "retry":
            status = str(tell.fields.get("status") or tell.fields.get("verdict"))
            self.retries[str(tell.fields.get("endpoint")), status] += 1
        elif tell.name == "hold":
            self.holds += 1

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by endpoint, all lives of the run together. A copy: it may be read by another thread."""
        tally = self._watch.tally
        return dict(tally.by_endpoint.copy()) if tally is not None else {}

    @property
    def throttled(self) -> int:
        """Answers that said: too many."""
        return self._watch.tally.throttled if self._watch.tally is not None else 0

    @property
    def open(self) -> int:
        """Jobs that are not over."""
        return self._watch.machine.open if self._watch.machine is not None else 0

    @property
    def flying(self) -> int:
        """Requests on their way."""
        return self._watch.runner.flying if self._watch.runner is not None else 0

    @property
    def run(self) -> Mapping[str, str]:
        """What the run is."""
        run = self._watch.run
        return {} if run is None else {"run": run.id, "manifest": run.manifest, "sandbox": run.sandbox}
