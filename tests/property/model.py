"""A tiny model of the platform and a driver that obeys a machine in virtual time, for the property tests.

Nothing here shares code with the product's own simulator: objects are rows of a dict, runs are intervals, and every
answer may be lost before or after the effect. The driver keeps a journal that lags behind the machine and may end its
process at any record, as ``kill -9`` does.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from headgate.engine.events import Answered, Claimed, Finish, Lease, Send, Tell, Ticked, Write
from headgate.engine.machine import Machine
from headgate.engine.record import Record, fold
from headgate.exchange import Answer, Call, Problem, Verdict

RUNNING = "Run already going on for audience {} for order {} with run id {}"
NOT_PART = "Segments {} are not part of this dataflow or out of schedule range!"


@dataclass
class Trouble:
    """How often each kind of trouble strikes, and at most how often one and the same request suffers."""

    share: float = 0.0
    kinds: tuple[str, ...] = ("lost-after", "lost-before", "fault", "fault-after", "throttled", "not-sent")
    at_most: int = 3


@dataclass
class Remote:
    """The platform: objects by collection, flows' selectors, runs."""

    rng: Random
    trouble: Trouble = field(default_factory=Trouble)
    list_lag_s: float = 0.0
    page: int = 100
    run_s: tuple[float, float] = (30.0, 300.0)
    terse_order: bool = False
    #: Platform seconds before a new run shows in a list or can be read.
    shows_after_s: float = 0.0

    def __post_init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.flows: dict[str, dict[str, Any]] = {}
        self.runs: list[dict[str, Any]] = []
        self.activated: Counter[tuple[str, str]] = Counter()
        self.accepted: list[list[tuple[str, str]]] = []
        self.suffered: Counter[str] = Counter()
        self.violations: list[str] = []
        self._ids = 0

    def new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"

    # -- setting the stage

    def flow(self, flow: str, audiences: dict[str, str], created_s: float) -> None:
        """An existing flow with mapped audiences (id -> name)."""
        self.flows[flow] = {
            "id": flow,
            "state": "enabled",
            "etag": '"e0"',
            "transformations": [
                {
                    "name": "GeneralTransform",
                    "params": {
                        "segmentSelectors": {
                            "selectors": [
                                {
                                    "type": "PLATFORM_SEGMENT",
                                    "value": {"id": audience, "name": name, "createTime": str(int(created_s))},
                                }
                                for audience, name in audiences.items()
                            ]
                        }
                    },
                }
            ],
        }

    # -- one request

    def perform(self, call: Call, at: float, now_s: float) -> Answer:
        """What comes of ``call`` when it arrives at platform time ``now_s``."""
        kind = self._strikes(call)
        if kind == "not-sent":
            return Answer(Verdict.NOT_SENT)
        if kind == "lost-before":
            return Answer(Verdict.LOST)
        if kind == "fault":
            return Answer(Verdict.FAULT, 500, problem=Problem(500, "", "boom"))
        if kind == "throttled":
            return Answer(Verdict.THROTTLED, 429, retry_after_s=1.0)
        answer = self._route(call, now_s)
        if kind == "lost-after":
            return Answer(Verdict.LOST)
        if kind == "fault-after":
            return Answer(Verdict.FAULT, 503, problem=Problem(503, "", "boom"))
        return answer

    def _strikes(self, call: Call) -> str | None:
        name = (call.body.get("name") or call.body.get("activationInfo")) if isinstance(call.body, dict) else None
        key = f"{call.method} {call.path} {name} {call.query}"
        if self.rng.random() >= self.trouble.share or self.suffered[key] >= self.trouble.at_most:
            return None
        self.suffered[key] += 1
        return self.rng.choice(self.trouble.kinds)

    def _route(self, call: Call, now_s: float) -> Answer:
        parts = call.path.strip("/").split("/")
        match call.method, parts:
            case "POST", ["adhocrun"]:
                return self._adhoc(call.body["activationInfo"], now_s)
            case "GET", ["runs"]:
                return self._list_runs(dict(call.query), now_s)
            case "GET", ["runs", run]:
                found = [self._shown(one, now_s) for one in self._visible(now_s) if one["id"] == run]
                return _ok({"items": found}) if found else _no(404, "no such run")
            case "GET", ["flows", flow] if flow in self.flows:
                return _ok({"items": [self.flows[flow]]})
            case "PATCH", ["flows", flow] if flow in self.flows:
                return self._patch(self.flows[flow], call)
            case "GET", [collection, one] if collection in self.objects:
                found = [row for row in self.objects[collection] if row["id"] == one and row.get("_gone", 9e99) > now_s]
                return _ok({"items": found}) if found else _no(404, f"{collection} not found with id = [{one}]")
            case "DELETE", [collection, one]:
                return self._delete(collection, one, now_s)
            case "POST", [collection]:
                one = {**call.body, "id": self.new_id(collection), "etag": f'"{self._ids}"', "_at": now_s}
                self.objects.setdefault(collection, []).append(one)
                if collection == "flows":
                    one["state"] = "enabled"
                    one["transformations"] = [{"params": {"segmentSelectors": {"selectors": []}}}]
                    self.flows[one["id"]] = one
                return _ok({"id": one["id"], "etag": one["etag"]})
            case "GET", [collection, wanted]:
                found = [one for one in self.objects.get(collection, []) if one["id"] == wanted]
                return _ok({"items": found}) if found else _no(404, "no such object")
            case "PATCH", [collection, wanted]:
                one = next(one for one in self.objects[collection] if one["id"] == wanted)
                if dict(call.headers).get("If-Match") != one["etag"]:
                    return Answer(Verdict.REJECTED, 412, problem=Problem(412, "1412", "etag"))
                one.update({op["path"][1:]: op["value"] for op in call.body}, etag=f'"{self.new_id("e")}"')
                one["patches"] = one.get("patches", 0) + 1
                return _ok(None)
            case "GET", [collection]:
                found = [
                    one
                    for one in self.objects.get(collection, [])
                    if one["_at"] + self.list_lag_s <= now_s < one.get("_gone", 9e99) + self.list_lag_s
                ]
                return _ok({"items": found})
        return _no(404, f"nothing at {call.path}")

    def _delete(self, collection: str, remote: str, now_s: float) -> Answer:
        """Accepted, and done after a while. What something still there refers to is refused, and noted."""
        live = {
            one["id"]: one for rows in self.objects.values() for one in rows if one.get("_gone", 9e99) > now_s
        }  # fmt: skip
        found = live.get(remote)
        if found is None or found not in self.objects.get(collection, []):
            return _no(404, f"{collection} not found with id = [{remote}]")
        if "_gone" in found:
            return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1458-400", "delete-finalizing"))
        users = [one["id"] for one in live.values() if remote in one.get("uses", ())]
        if users:
            self.violations.append(f"{remote} deleted while {users} use it")
            return Answer(Verdict.REJECTED, 400, problem=Problem(400, "1418-400", "in use"))
        found["_gone"] = now_s + self.rng.choice([0.0, 0.0, 5.0, 40.0])
        return Answer(Verdict.OK, self.rng.choice([202, 204]))

    def _patch(self, flow: dict[str, Any], call: Call) -> Answer:
        if dict(call.headers).get("If-Match") != flow["etag"]:
            return Answer(Verdict.REJECTED, 412, problem=Problem(412, "1412", "etag"))
        params = flow["transformations"][0]["params"]
        for op in call.body:
            path = op["path"].removeprefix("/transformations/0/params/").split("/")
            if path[-1] == "-":
                params.setdefault(path[0], {}).setdefault("selectors", []).append(op["value"])
            elif len(path) == 1:
                params[path[0]] = op["value"]
            else:
                params.setdefault(path[0], {})[path[1]] = op["value"]
        flow["etag"] = f'"{self.new_id("e")}"'
        flow["patches"] = flow.get("patches", 0) + 1
        return _ok(None)

    def _adhoc(self, info: dict[str, list[str]], now_s: float) -> Answer:
        pairs = [(flow, audience) for flow, audiences in info.items() for audience in audiences]
        if len(pairs) > 80 or len(set(pairs)) != len(pairs):
            self.violations.append(f"{len(pairs)} pairs")
            return _no(400, "too many")
        for flow, audience in pairs:
            if flow not in self.flows:
                return _no(404, f"no flow {flow}")
            names = {
                one["value"]["id"]: one["value"]
                for one in self.flows[flow]["transformations"][0]["params"]["segmentSelectors"]["selectors"]
            }
            if audience not in names:
                return _no(400, NOT_PART.format(audience))
            if names[audience].get("banned"):
                return _no(400, NOT_PART.format(names[audience]["name"]))
            if now_s - float(names[audience].get("createTime", 0)) < 3600:
                self.violations.append(f"{audience} younger than an hour")
                return _no(400, "not ready")
        for flow, audience in pairs:
            for run in self.runs:
                if run["audience"] == audience and run["ends"] > now_s:
                    return _no(400, RUNNING.format(audience, run["flow"], run["id"]))
        order = []
        for flow, audience in pairs:
            run = {
                "id": self.new_id("run"),
                "flow": flow,
                "audience": audience,
                "at": now_s,
                "ours": True,
                "ends": now_s + self.rng.uniform(*self.run_s),
            }
            self.runs.append(run)
            self.activated[flow, audience] += 1
            order.append(
                {"segment": audience, "order": flow, "statusURL": f"https://platform.adobe.io/x/runs/{run['id']}"}
            )
        self.accepted.append(pairs)
        return _ok({"order": order[:1] if self.terse_order else order})

    def foreign(self, flow: str, audience: str, now_s: float, seconds: float) -> str:
        """A run somebody else started."""
        run = {
            "id": self.new_id("foreign"),
            "flow": flow,
            "audience": audience,
            "at": now_s,
            "ours": False,
            "ends": now_s + seconds,
        }
        self.runs.append(run)
        return str(run["id"])

    def _list_runs(self, query: dict[str, str], now_s: float) -> Answer:
        path, _, values = query["property"].partition("==")
        if not values:
            return _no(400, "Empty value in filter params")
        key, wanted = {"flowId": "flow", "id": "id"}[path], set(values.split(","))
        found = sorted((run for run in self._visible(now_s) if run[key] in wanted), key=lambda run: -run["at"])
        start = int(query.get("continuationToken", "0").rstrip("="))
        page = found[start : start + self.page]
        links = (
            {"next": {"href": f"/runs?continuationToken={start + self.page}="}}
            if len(found) > start + self.page
            else {}
        )
        return _ok({"items": [self._shown(run, now_s) for run in page], "_links": links})

    def _visible(self, now_s: float) -> list[dict[str, Any]]:
        return [run for run in self.runs if run["at"] + self.shows_after_s <= now_s]

    def _shown(self, run: dict[str, Any], now_s: float) -> dict[str, Any]:
        base = {"id": run["id"], "flowId": run["flow"], "createdAt": int(run["at"] * 1000)}
        if run["ends"] > now_s:
            return {**base, "metrics": {"statusSummary": {"status": "processing"}}}
        return {
            **base,
            "metrics": {
                "statusSummary": {"status": "Success"},
                "durationSummary": {"completedAtUTC": int(run["ends"] * 1000)},
                "recordSummary": {"targetSummaries": [{"entitySummaries": [{"id": f"segment:{run['audience']}"}]}]},
            },
        }


def _ok(body: Any) -> Answer:
    return Answer(Verdict.OK, 200, body)


def _no(status: int, text: str) -> Answer:
    return Answer(Verdict.REJECTED, status, problem=Problem(status, "", text))


class Killed(Exception):
    """The process ended, as by ``kill -9``."""


class Disk:
    """The journal file and the object table of every life of one run."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.known: dict[str, tuple[str, str]] = {}

    def write(self, record: Record) -> None:
        self.records.append(record)
        made = record.made
        if made is not None and made.gone:
            self.known = {
                mark: (remote, digest)
                for mark, (remote, digest) in self.known.items()
                if remote != made.id and not (mark == made.marker and not remote)
            }
        elif made is not None and record.kind != "intent" and not made.id:
            if self.known.get(made.marker, ("gone", ""))[0] == "":
                del self.known[made.marker]
        elif made is not None and (made.id or made.marker not in self.known):
            self.known[made.marker] = (made.id, made.digest)


class Driver:
    """One life: obeys ``machine`` against ``remote``; every claim a sceptic would doubt is asserted on the way."""

    def __init__(
        self,
        machine: Machine,
        remote: Any,
        disk: Disk,
        rng: Random,
        *,
        at: float = 0.0,
        now_s: Any = None,
        latency: tuple[float, float] = (0.01, 1.0),
        lag_s: float = 0.05,
        die_after: int | None = None,
        die_at: int | None = None,
        others: float = 0.3,
        left: tuple[str, ...] = (),
    ) -> None:
        self.machine, self.remote, self.disk, self.rng = machine, remote, disk, rng
        self.at, self.latency, self.lag_s, self.die_after = at, latency, lag_s, die_after
        #: How many more times something may happen before the process ends, with whatever its journal lags behind.
        self.events_left = die_at
        self.now_s = now_s or (lambda at: at)
        #: How often another run holds one of the keys asked for, and the flows it leaves to be looked at.
        self.others, self.left = others, left
        self.queue: list[tuple[Record | Lease, Send | None]] = []
        self.heap: list[tuple[float, int, str, Any]] = []
        self.seq = 0
        self.emitted: list[Record] = list(disk.records)
        self.flying: dict[int, Send] = {}
        self.finish: Finish | None = None
        self.tells: list[Tell] = []
        self.sent: list[tuple[float, int, Call]] = []
        self.settled: Counter[int] = Counter()
        #: (job, from, to) of each time a job had a POST /adhocrun out or runs going.
        self.windows: list[list[Any]] = []

    def run(self, limit: int = 20_000) -> Finish:
        self.tell(Ticked(self.at))
        for _ in range(limit):
            if self.finish is not None:
                self.flush()
                return self.finish
            if self.events_left is not None:
                self.events_left -= 1
                if self.events_left < 0:
                    self.crash()
            wake = self.machine.next_wake()
            if self.heap and (wake is None or self.heap[0][0] <= wake):
                self.at, _, what, thing = heapq.heappop(self.heap)
                getattr(self, what)(thing)
            else:
                assert wake is not None, f"stuck: {self.machine.states()} and nothing to wait for"
                self.at = max(self.at, wake)
                self.tell(Ticked(self.at))
        raise AssertionError(f"no end after {limit} events: {self.machine.states()}, {self.machine.waits()[:3]}")

    # -- what may happen

    def tell(self, event: Any) -> None:
        commands = self.machine.handle(event)
        for command in commands:
            self.obey(command)
        view = {
            index: ("settled", dict(job.settled)) if job.settled is not None else ("open", job.phase, job.lost)
            for index, job in fold(self.emitted).jobs.items()
        }
        assert view == self.machine.durable(), "the journal means something else than the machine believes"
        assert self.machine.in_flight == len(self.flying)
        assert len(self.flying) <= self.machine.rules.concurrency + self.machine.rules.ahead

    def obey(self, command: Any) -> None:
        if isinstance(command, Send):
            assert command.job not in self.flying, "one job, two requests at once"
            assert self.finish is None
            self.flying[command.job] = command
            self.check_order(command.job)
            if command.intent is not None:
                self.emitted.append(command.intent)
                self.enqueue(command.intent, command)
            else:
                assert not command.call.effect or any(
                    record.job == command.job and record.kind == "intent" for record in self.disk.records
                ), "an effect leaves without a durable intent"
                self.launch(command)
        elif isinstance(command, Write):
            if command.record.kind == "settled":
                self.settled[command.record.job] += 1
                assert self.settled[command.record.job] == 1
                self.check_skip(command.record)
            self.emitted.append(command.record)
            self.enqueue(command.record, None)
        elif isinstance(command, Lease):
            self.enqueue(command, None)
        elif isinstance(command, Finish):
            assert self.finish is None
            self.finish = command
        else:
            self.tells.append(command)

    def check_order(self, index: int) -> None:
        job = self.machine.jobs[index]
        for edge in job.needs.values():
            settled = self.machine.live[edge].settled
            assert settled is not None and settled["ending"] == "succeeded", "sent before what it needs was there"
        for edge in job.after.values():
            assert self.machine.live[edge].settled is not None, "sent before what it waits for was over"

    def check_skip(self, record: Record) -> None:
        if record.data["ending"] != "skipped":
            return
        cause = record.data["cause"]
        job, ancestors, todo = self.machine.jobs[record.job], set(), [record.job]
        while todo:
            for edge in self.machine.jobs[todo.pop()].needs.values():
                if edge not in ancestors:
                    ancestors.add(edge)
                    todo.append(edge)
        failed = {
            self.machine.jobs[edge].key
            for edge in ancestors
            if (self.machine.live[edge].settled or {}).get("ending") == "failed"
        }
        assert cause in failed, f"{job.key} is skipped because of {cause}, which is no failed ancestor: {failed}"

    def lease(self, command: Lease) -> None:
        """Another run holds a key now and then, and lets go of it; what it left behind is looked at."""
        if self.rng.random() < self.others:
            self.later(0.0, "tell", Claimed(command.job, self.at, by="run other, driven by process 7"))
            return
        known = {key: self.disk.known[key] for key in command.keys if key in self.disk.known}
        notes = tuple(sorted({*command.note, *self.left}))
        self.later(0.0, "tell", Claimed(command.job, self.at, notes=notes, known=known))

    def enqueue(self, record: Record | Lease, send: Send | None) -> None:
        if not self.queue:
            self.later(self.rng.uniform(0, self.lag_s), "flush", None)
        self.queue.append((record, send))

    def flush(self, _: Any = None) -> None:
        queue, self.queue = self.queue, []
        for position, (record, send) in enumerate(queue):
            if self.die_after is not None and len(self.disk.records) >= self.die_after:
                self.die([send for _, send in queue[position:] if send])
            if isinstance(record, Lease):
                self.lease(record)
                continue
            self.disk.write(record)
            if send is not None:
                self.launch(send)

    def later(self, seconds: float, what: str, thing: Any) -> None:
        self.seq += 1
        heapq.heappush(self.heap, (self.at + seconds, self.seq, what, thing))

    def launch(self, send: Send) -> None:
        self.sent.append((self.at, send.job, send.call))
        self.later(self.rng.uniform(*self.latency), "arrive", send)

    def arrive(self, send: Send) -> None:
        answer = self.remote.perform(send.call, self.at, self.now_s(self.at))
        self.later(self.rng.uniform(*self.latency), "answered", (send, answer))

    def answered(self, thing: tuple[Send, Answer]) -> None:
        send, answer = thing
        del self.flying[send.job]
        self.tell(Answered(send.job, send.attempt, answer, self.at))

    def crash(self) -> None:
        """End between two events: of what the journal was given, a beginning is durable, and none of it was told."""
        queue, self.queue = self.queue, []
        for record, _ in queue[: self.rng.randint(0, len(queue))]:
            if not isinstance(record, Lease):
                self.disk.write(record)
        self.die([])

    def die(self, never_sent: list[Send]) -> None:
        """What was on its way arrives or does not; nobody hears of it."""
        for _, _, what, thing in sorted(self.heap, key=lambda one: one[:2]):
            if what == "arrive" and thing not in never_sent and self.rng.random() < 0.6:
                self.remote.perform(thing.call, self.at, self.now_s(self.at))
        raise Killed


def ending(die: int | None, disk: Disk) -> dict[str, int]:
    """What a driver is told of when its life ends."""
    if die is None:
        return {}
    return {"die_after": len(disk.records) + die} if die >= 0 else {"die_at": -1 - die}


def live_through(
    make_machine: Any, remote: Any, rng: Random, deaths: list[int], **options: Any
) -> tuple[Machine, Driver, Disk]:
    """Drive a run to its end through as many lives as ``deaths`` say.

    Each is the number of records its life writes, or, below zero, of events it sees (``-1`` is none).
    """
    disk, at = Disk(), 0.0
    plans = [*deaths, None]
    while True:
        die = plans.pop(0)
        machine = make_machine(fold(disk.records) if disk.records else None, dict(disk.known), at)
        driver = Driver(machine, remote, disk, rng, at=at, **options, **ending(die, disk))
        try:
            driver.run()
        except Killed:
            at = driver.at + rng.uniform(1.0, 60.0)
            continue
        if die is not None and plans:
            # It ended before it could be killed there.
            pass
        return machine, driver, disk
