"""The platform's state: objects, runs, book and clock, changed by events alone.

Handlers never touch the state. They call :meth:`World.commit` with an event, which is applied at once and
joins the request's line in the journal; reloading a world applies the same events again. What follows from
the clock (an update that finishes, a run that ends) is no event: it is computed when somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.clock import Clock, ScaledClock
from headgate.simulator.ids import Ids, credentials
from headgate.simulator.journal import Event, Journal
from headgate.simulator.ledger import Ledger
from headgate.simulator.runs import RunBook
from headgate.simulator.specs import Specs
from headgate.simulator.store import Entity, Store
from headgate.simulator.throttle import Throttle

if TYPE_CHECKING:
    from headgate.simulator.options import Options


class World:
    """One platform. Reads ``options.world`` when it exists, and goes on from its last recorded time."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.specs = Specs(options.seed, options.datasets)
        sandbox = "dev" if "dev" in options.sandboxes else min(options.sandboxes)
        self.credentials = credentials(options.seed, sandbox)
        self.store = Store()
        self.runs = RunBook()
        self.ledger = Ledger()
        self.throttle = Throttle(options.rate_limit, options.limit_model, options.limit_burst, options.limit_changes)
        self.real = options.real_clock
        self.tokens: dict[str, float] = {}
        self.forced_outcomes: list[str] = []
        #: Pairs that adhocrun takes for out of schedule, whatever the flow shows.
        self.out_of_schedule: set[tuple[str, str]] = set()
        self.journal = Journal(options.world) if options.world is not None else None
        self._pending: list[Event] = []
        self._offset = 0.0
        self._generation = 0
        self.born_at: float | None = None
        last_at = self._reload()
        self._clock: Clock = options.clock or ScaledClock(options.time_scale, origin=last_at, base=options.real_clock)
        self.ids = Ids(options.seed, self._generation)
        self.is_new = self.born_at is None
        if self.born_at is None:
            self.born_at = self.now()
        self._pending = [["start", self.born_at]]

    def now(self) -> float:
        """Platform time, epoch seconds."""
        return self._clock.now() + self._offset

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` of platform time pass at once."""
        self._offset += seconds

    def commit(self, *event: Any) -> None:
        """Make an event true and remember it for the journal."""
        self._apply(list(event))
        if self.journal is not None:
            self._pending.append(list(event))

    def flush(self) -> None:
        """Write what was committed since the last flush as one line, with the platform time."""
        if self.journal is not None and self.journal.is_open:
            pending, self._pending = self._pending, []
            self.journal.append(self.now(), pending)

    def settle(self, flow: Entity) -> Entity:
        """Finish an asynchronous update whose time has come; its etag changes a second time (facts 2.5)."""
        until = flow.get("_busyUntil")
        if until is not None and self.now() >= until:
            if "_after" in flow:  # what was patched shows only now
                after = flow["_after"]
                flow.clear()
                flow.update(after)
            del flow["_busyUntil"]
            etag = flow.pop("_etagAfter")
            flow.update(etag=etag, version=etag, state=flow.pop("_stateAfter"), updatedBy="acp_foundation_connectors")
            flow["lastOperation"] |= {
                "updated": int(until * 1000),
                "percentCompleted": 100,
                "status": {"value": "completed", "properties": None, "errors": []},
            }
        return flow

    def listed(self, entity: Entity) -> bool:
        """Whether lists show an object already: they may lag behind creations."""
        lag = self.options.list_lag_seconds
        return not lag or float(entity["createdAt"]) / 1000 + lag <= self.now()

    def bury(self) -> None:
        """End the deletions whose time has come."""
        now = self.now()
        for kind, entity_id in [key for key, gone_at in self.store.dying.items() if gone_at <= now]:
            self.commit("del", kind, entity_id)

    def _reload(self) -> float | None:
        last: float | None = None
        if self.journal is not None:
            for at, events in self.journal.read():
                last = at if last is None else max(last, at)
                for event in events:
                    self._apply(event)
        return last

    def _apply(self, event: Event) -> None:
        ledger = self.ledger
        match event:
            case ["request", endpoint, status]:
                ledger.on_request(endpoint, status)
            case ["put", kind, entity]:
                ledger.updated[kind] += 1
                self.store.put(kind, entity)
            case ["new", kind, entity]:
                ledger.created[kind] += 1
                self.store.put(kind, entity)
            case ["given", kind, entity]:
                self.store.put(kind, entity)
            case ["del", kind, entity_id]:
                ledger.deleted[kind] += 1
                self.store.delete(kind, entity_id)
            case ["doom", kind, entity_id, gone_at]:
                self.store.doom(kind, entity_id, gone_at)
            case ["run", run]:
                self.runs.put(run)
                if run["origin"] in ("scheduled", "foreign"):
                    keep = ("id", "flowId", "audiences", "origin", "at")
                    ledger.foreign.append({key: run[key] for key in keep})
            case ["job", job]:
                ledger.on_job(job)
            case ["overlap", overlap]:
                ledger.on_overlap(overlap)
            case ["violation", violation]:
                ledger.on_violation(violation)
            case ["refusal", code]:
                ledger.refusals[code] += 1
            case ["token"]:
                ledger.tokens += 1
            case ["worst", count]:
                ledger.worst_second = max(ledger.worst_second, count)
            case ["start", born_at]:
                self.born_at = born_at
                self._generation += 1
            case _:
                raise ValueError(f"unknown event in the world file: {event[:1]}")
