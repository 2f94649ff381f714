"""A model platform for actions on existing flows: changed, switched, deleted, their failed runs triggered again.

It counts what was done to every flow; like :mod:`tests.property.model` it shares no code with the product's simulator.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

from headgate.exchange import Answer, Call, Problem, Verdict

from tests.property.model import Remote, Trouble, _no, _ok


class Flows(Remote):
    """Existing flows. A change may be taken at once, or shown as ``updating`` for a while."""

    def __init__(self, rng: Random, trouble: Trouble, count: int, **options: Any) -> None:
        super().__init__(rng, trouble, **options)
        self.done: Counter[tuple[str, str]] = Counter()
        for number in range(count):
            flow = self.new_id("flow")
            self.flows[flow] = {
                "id": flow,
                "name": f"Flow {number}",
                "state": "enabled",
                "etag": '"e0"',
                "scheduleParams": {"interval": 1, "notes": ["made by hand"]},
                "inheritedAttributes": {"properties": {"isSourceFlow": True}},
            }
            self._run(flow, -100.0, failed=True)

    def _run(self, flow: str, at: float, *, failed: bool) -> str:
        seconds = 1.0 if failed else self.rng.uniform(*self.run_s)
        run = {"id": self.new_id("run"), "flow": flow, "audience": "", "at": at, "ours": not failed, "ends": at + seconds,
               "failed": failed}  # fmt: skip
        self.runs.append(run)
        return str(run["id"])

    def _shown(self, run: dict[str, Any], now_s: float) -> dict[str, Any]:
        shown = super()._shown(run, now_s)
        if run.get("failed"):
            shown["metrics"] = {"statusSummary": {"status": "failed", "errors": [{"code": "X", "message": "no"}]}}
        return shown

    def _route(self, call: Call, now_s: float) -> Answer:
        parts, query = call.path.strip("/").split("/"), dict(call.query)
        match call.method, parts:
            case "GET", ["flows"]:
                wanted = query.get("property", "").partition("==")[2].split(",") if "id==" in str(call.query) else None
                return _ok({"items": [self._seen(flow, now_s) for flow in self.flows.values()
                                      if self._there(flow, now_s) and (wanted is None or flow["id"] in wanted)]})  # fmt: skip
            case _, ["flows", name, *_] if name not in self.flows or not self._there(self.flows[name], now_s):
                return _no(404, f"The flow with ID {name} is not found")
            case "GET", ["flows", name]:
                return _ok({"items": [self._seen(self.flows[name], now_s)]})
            case "PATCH", ["flows", name]:
                return self._change(self.flows[name], call, now_s)
            case "POST", ["flows", name, "action"]:
                return self._switch(self.flows[name], query["op"], now_s)
            case "POST", ["runs", run, "action"]:
                return self._trigger(run, now_s)
            case "DELETE", ["flows", name]:
                return self._remove(self.flows[name], now_s)
        return super()._route(call, now_s)

    def _there(self, flow: dict[str, Any], now_s: float) -> bool:
        return bool(flow.get("_gone", 9e99) > now_s)

    def _seen(self, flow: dict[str, Any], now_s: float) -> dict[str, Any]:
        shown = {key: value for key, value in flow.items() if not key.startswith("_")}
        if flow.get("_busy", 0.0) > now_s:
            shown["state"] = "updating"
        elif "_then" in flow:
            flow.update(flow.pop("_then"))
            return self._seen(flow, now_s)
        return deepcopy(shown)

    def _later(self, flow: dict[str, Any], now_s: float, **changes: Any) -> Answer:
        """Take a change: it shows at once, or when it is done."""
        if self.rng.random() < 0.4:
            flow["_busy"], flow["_then"] = now_s + self.rng.uniform(1.0, 20.0), changes
            return Answer(Verdict.OK, 202)
        flow.update(changes)
        return Answer(Verdict.OK, 200, {})

    def _busy_or_stale(self, flow: dict[str, Any], now_s: float) -> Answer | None:
        self._seen(flow, now_s)
        if flow.get("_busy", 0.0) > now_s or "_gone" in flow:
            return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1457-400", "the flow is being changed"))
        return None

    def _change(self, flow: dict[str, Any], call: Call, now_s: float) -> Answer:
        if (busy := self._busy_or_stale(flow, now_s)) is not None:
            return busy
        if dict(call.headers).get("If-Match") != flow["etag"]:
            return Answer(Verdict.REJECTED, 412, problem=Problem(412, "1412", "etag"))
        self.done["change", flow["id"]] += 1
        changes = {op["path"].strip("/"): op["value"] for op in call.body}
        return self._later(flow, now_s, **changes, etag=f'"{self.new_id("e")}"')

    def _switch(self, flow: dict[str, Any], op: str, now_s: float) -> Answer:
        if (busy := self._busy_or_stale(flow, now_s)) is not None:
            return busy
        wanted = {"disable": "disabled", "enable": "enabled"}[op]
        self.done["switch" if flow["state"] != wanted else "switched again", flow["id"]] += 1
        return self._later(flow, now_s, state=wanted, etag=f'"{self.new_id("e")}"')

    def _trigger(self, run: str, now_s: float) -> Answer:
        found = next(one for one in self.runs if one["id"] == run)
        self.done["trigger", found["flow"]] += 1
        return _ok({"id": self._run(found["flow"], now_s, failed=False)})

    def _remove(self, flow: dict[str, Any], now_s: float) -> Answer:
        if "_gone" in flow:
            return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1458-400", "delete-finalizing"))
        self.done["delete", flow["id"]] += 1
        flow["_gone"] = now_s + self.rng.choice([0.0, 0.0, 5.0, 40.0])
        return Answer(Verdict.OK, self.rng.choice([202, 204]))
