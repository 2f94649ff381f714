"""Helpers of the workflow tests: contexts, answers, and what a step says in one line."""

from __future__ import annotations

import orjson

from headgate.engine.board import Board
from headgate.exchange import Answer, Problem, Verdict
from headgate.pacing.lengths import Lengths
from headgate.workflows.contract import Ask, Await, Context, Pause, Signal
from headgate.workflows.create import CreateSpec
from headgate.workflows.selectors import SelectorsSpec

#: Platform time of the tests: 2026-06-15 12:00:00 UTC.
NOON = 1781524800.0
MARK = "[headgate:0123456789abcdef01234567]"


def ok(body=None, status=200):
    return Answer(Verdict.OK, status, body)


def no(status=400, message="no", code="", verdict=Verdict.REJECTED):
    return Answer(verdict, status, problem=Problem(status, code, message, "req-1"))


def items(*rows, token=""):
    links = {"next": {"href": f"/x?continuationToken={token}"}} if token else {}
    return ok({"items": list(rows), "_links": links})


def context(spec, *, inputs=None, missing=None, now_s=NOON, ours=(), key="job", **granted):
    return Context(key, spec, inputs or {}, missing or {}, now_s, frozenset(ours), **granted)


def creation(name="Loyalty fr", collection="targetConnections", *, refs=(), shared=False, body=None):
    return CreateSpec(
        collection,
        {"name": name, "connectionSpec": {"id": "spec-1", "version": "1.0"}, "description": MARK, **(body or {})},
        MARK,
        refs,
        shared,
    )


def selectors(*segments, **options):
    return SelectorsSpec(tuple(segments), **options)


def flow(*values, profile=(), state="enabled", etag='"e1"', operation="completed", **params):
    return {
        "id": "flow-1",
        "etag": etag,
        "state": state,
        "lastOperation": {"status": {"value": operation}},
        "transformations": [
            {
                "name": "GeneralTransform",
                "params": {
                    "segmentSelectors": {
                        "selectors": [{"type": "PLATFORM_SEGMENT", "value": value} for value in values]
                    },
                    "profileSelectors": {
                        "selectors": [{"type": "JSON_PATH", "value": {"path": path}} for path in profile]
                    },
                    **params,
                },
            }
        ],
    }


def run(run_id, flow_id="flow-1", *, at_s=NOON, status=None, audiences=(), errors=(), ended=False):
    metrics = {"durationSummary": {"startedAtUTC": int(at_s * 1000)}}
    if status:
        metrics["statusSummary"] = {"status": status}
        if errors:
            metrics["statusSummary"]["errors"] = list(errors)
    if ended:
        metrics["durationSummary"]["completedAtUTC"] = int(at_s * 1000) + 1
    if audiences:
        metrics["recordSummary"] = {
            "targetSummaries": [{"entitySummaries": [{"id": f"segment:{audience}"} for audience in audiences]}]
        }
    return {"id": run_id, "flowId": flow_id, "createdAt": int(at_s * 1000), "metrics": metrics}


class Boarded:
    """A procedure with a board of its own, that asks for the runs it awaits: what the engine does, for one job.

    An ``Await`` comes out as the board's requests and the pauses between them. Who resumes has waited long enough.
    """

    def __init__(self, advance):
        self.advance, self.board = advance, None

    def __call__(self, ctx, phase, signal):
        if phase.get("$board") and self.board is not None:
            phase = {key: value for key, value in phase.items() if key != "$board"}
            self.now_s = max(self.now_s, ctx.now_s)
            if isinstance(signal, Answer):
                self.board.answered(self.look, signal, self.now_s)
            else:
                self.now_s = max(self.now_s, self.board.next_s() or 0.0)
            if not self.board.woken and ctx.now_s < self.awaited.until_s:
                return self._next()
            ctx.ended, self.board, signal = self.board.drop(0), None, Signal.RESUME
        step = self.advance(ctx, phase, signal)
        if not isinstance(step, Await):
            return step
        orjson.dumps(step.phase)
        self.board, self.awaited, self.now_s = Board(ctx.poll, Lengths()), step, ctx.now_s
        self.board.wait(0, step.runs, step.began_s, ctx.now_s)
        return self._next()

    def _next(self):
        phase = {**self.awaited.phase, "$board": True}
        self.look = self.board.ask(self.now_s)
        if self.look is not None:
            return Ask(self.look.call, phase)
        seconds = min(self.board.next_s(), self.awaited.until_s) - self.now_s
        return Pause(max(0.0, seconds), self.awaited.reason, phase, keep=self.awaited.keep)
