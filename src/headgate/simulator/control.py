"""What a test may ask of the platform behind the client's back: ``/__*__`` routes, and the same as methods.

No authentication, and answered to loopback callers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from headgate.simulator.faults import Fault, FaultBook, read_fault
from headgate.simulator.meddling import touch
from headgate.simulator.reply import Ask, Reply
from headgate.simulator.runs import draw
from headgate.simulator.store import Entity, adhoc_id, audience_selectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headgate.simulator.world import World

OUTCOMES = ("success", "partial", "failed", "unknown")


class Control:
    """Acts by somebody else, and by fate."""

    def __init__(self, world: World, book: FaultBook) -> None:
        self._world = world
        self._book = book

    def ledger(self) -> dict[str, Any]:
        """The witness's book as it stands."""
        world = self._world
        world.bury()
        active = world.runs.active_pairs(world.now())
        return world.ledger.snapshot(world.store, active, world.throttle.limit)

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults in force."""
        self._book.replace(faults)

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, and how often each has struck."""
        rows = zip(self._book.faults, self._book.fired, strict=True)
        return [{"fault": fault.fault, "path": fault.path, "fired": fired} for fault, fired in rows]

    def scheduled_run(self, flow_id: str, *, seconds: float | None = None, outcome: str | None = None) -> str:
        """Start a scheduled run of a flow, of all its audiences; returns its id. ``outcome`` decides its fate.

        Raises:
            ValueError: no such flow, or no such outcome.
        """
        if outcome not in (None, *OUTCOMES):
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, not {outcome!r}")
        flow = self._flow(flow_id)
        audiences = [adhoc_id(value) for value in audience_selectors(flow)]
        return self._start(flow, audiences, "scheduled", seconds, outcome)

    def meddle(self, kind: str, entity_id: str, **changes: Any) -> None:
        """Change an object as somebody else would: its etag moves on.

        Raises:
            ValueError: no such object.
        """
        touch(self._world, kind, entity_id, **changes)

    def foreign_adhoc(self, flow_id: str, segment_id: str, *, seconds: float | None = None) -> str:
        """Start an ad-hoc run that is not ours; returns its id.

        Raises:
            ValueError: no such flow.
        """
        return self._start(self._flow(flow_id), [segment_id], "foreign", seconds)

    def fail_next_run(self, outcome: str = "failed", *, times: int = 1) -> None:
        """Decide the fate of the next ``times`` ad-hoc runs: one of ``OUTCOMES``.

        ``unknown`` is a state that no document knows, for ever.

        Raises:
            ValueError: no such outcome.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, not {outcome!r}")
        self._world.forced_outcomes += [outcome] * times

    def refuse_schedule(self, flow_id: str, segment_id: str) -> None:
        """Let adhocrun take an audience of a flow for out of schedule, although the flow shows nothing of it."""
        self._world.out_of_schedule.add((self._flow(flow_id)["id"], segment_id))

    def revoke_tokens(self) -> None:
        """Make every token invalid at once."""
        self._world.tokens.clear()

    def advance(self, seconds: float) -> float:
        """Let platform time jump forward; returns the new time, epoch seconds."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._world.advance(seconds)
        self._world.flush()
        return self._world.now()

    def _flow(self, flow_id: str) -> Entity:
        flow = self._world.store.get("flows", flow_id)
        if flow is None:
            raise ValueError(f"no flow {flow_id}")
        return flow

    def _start(
        self, flow: Entity, audiences: list[str], origin: str, seconds: float | None, forced: str | None = None
    ) -> str:
        world = self._world
        run = draw(
            flow,
            audiences,
            origin=origin,
            job=None,
            sequence=world.runs.sequence + 1,
            now=world.now(),
            ids=world.ids,
            options=world.options,
            seconds=seconds,
            forced=forced,
        )
        world.commit("run", run)
        world.flush()
        return str(run["id"])

    def answer(self, ask: Ask) -> Reply:
        """Answer a ``/__*__`` route; wrong input is a 400 with ``{"error": text}``."""
        try:
            body = orjson.loads(ask.body) if ask.body else {}
            return self._route(ask.method, ask.path.strip("/"), body)
        except (ValueError, KeyError, TypeError) as error:
            return Reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _route(self, method: str, path: str, body: Any) -> Reply:
        match method, path:
            case "GET", "__ledger__":
                return Reply(200, self.ledger())
            case "GET", "__health__":
                return Reply(200, {"status": "ok", "now": self._world.now()})
            case "GET", "__faults__":
                return Reply(200, self.faults())
            case "POST", "__faults__":
                rows = body.get("faults", []) if isinstance(body, dict) else body
                self.set_faults([read_fault(row, f"faults[{index}]") for index, row in enumerate(rows)])
                return Reply(200, {"faults": len(self._book.faults)})
            case "POST", "__control__/scheduled-run":
                fate = {key: body.get(key) for key in ("seconds", "outcome")}
                return Reply(200, {"runId": self.scheduled_run(body["flowId"], **fate)})
            case "POST", "__control__/meddle":
                self.meddle(body["kind"], body["id"], **body.get("changes", {}))
                return Reply(200, {})
            case "POST", "__control__/foreign-adhoc":
                run = self.foreign_adhoc(body["flowId"], body["segmentId"], seconds=body.get("seconds"))
                return Reply(200, {"runId": run})
            case "POST", "__control__/fail-next-run":
                self.fail_next_run(body.get("outcome", "failed"), times=body.get("times", 1))
                return Reply(200, {})
            case "POST", "__control__/advance":
                return Reply(200, {"now": self.advance(float(body["seconds"]))})
            case "POST", "__control__/revoke-tokens":
                self.revoke_tokens()
                return Reply(200, {})
            case _:
                return Reply(404, {"error": f"no control route {method} /{path}"})
