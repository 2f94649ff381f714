"""The parts of an ad-hoc job that its steps share: its pairs, its request, its rows in the report, its children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Call, Problem
from headgate.workflows.contract import RUNS, Ask, Child, Context, Ending, Phase, Settle, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCEPT_V2: Final = "application/vnd.adobe.adhoc.activation+json; version=2"
#: Flows in one question for their runs: ids fill an address.
GROUP: Final = 80
#: The role of the export job's id, for version 1. Roles of flows are names and ids, which have no such sign.
EXPORT_JOB: Final = "$exportJob"


def post(ctx: Context, since: int, *, lost: bool, rounds: int = 0, waits: int = 0) -> Step:
    """Ask for the activation of all pairs of the job. ``since``: creation of the newest run known before, ms.

    ``lost`` says that an answer to this request was lost before, ``rounds`` how often; ``waits`` how often it was put
    off.
    """
    info: dict[str, list[str]] = {}
    for pair in ctx.spec["pairs"]:
        info.setdefault(flow_of_pair(ctx, pair), []).append(wire_of(ctx, pair))
    body: dict[str, Any] = {"activationInfo": info}
    headers: tuple[tuple[str, str], ...] = (("Accept", ACCEPT_V2),)
    if ctx.spec.get("version", 2) == 1:
        # Version 1 is chosen by sending no Accept at all (trap 11); ids as strings (trap 13).
        body["exportIds"] = ctx.spec.get("exportIds") or [ctx.inputs[EXPORT_JOB]["id"]]
        headers = ()
    call = Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "write", body=body, headers=headers)
    return Ask(call, {"at": "post", "since": since, "lost": lost, "rounds": rounds, "waits": waits})


def flows_of(ctx: Context) -> tuple[str, ...]:
    """The ids of the job's flows."""
    return tuple(sorted({flow_of_pair(ctx, pair) for pair in ctx.spec["pairs"] if pair[1] in ctx.inputs}))


def ask_runs(ctx: Context, phase: Phase) -> Ask:
    """One page of the runs of the job's flows, newest first (facts 2.4).

    A ``group`` in the phase, from 1, is of the flows that dead holders of its audiences left behind.
    """
    group = int(phase.get("group", 0))
    flows = ctx.left[(group - 1) * GROUP : group * GROUP] if group else flows_of(ctx)
    query = [("property", f"flowId=={','.join(flows)}"), ("limit", "100")]
    if phase["token"]:
        query.append(("continuationToken", phase["token"]))
    return Ask(Call("GET", "flow", "/runs", "GET /runs", "lookup", query=tuple(query)), phase)


def row(
    pair: list[Any],
    outcome: str,
    reason: str | None,
    *,
    run: str | None = None,
    state: str | None = None,
    attempts: int = 0,
) -> list[Any]:
    """One pair's line in the report: ``[row, outcome, runId, runState, attempts, reason]``."""
    return [pair[0], outcome, run, state, attempts, reason]


def settle(rows: list[list[Any]], *children: Child, runs: Iterable[str] = (), problem: Problem | None = None) -> Settle:
    """End the job with what is known of its pairs; ``children`` go on with the others."""
    bad = next((one for one in rows if one[1] == "failed"), None)
    if bad is not None and problem is None:
        problem = Problem(0, "headgate-run-failed", str(bad[5] or "the run failed"))
    ending = Ending.FAILED if bad is not None else Ending.SUCCEEDED
    return Settle(ending, {"pairs": rows, RUNS: list(runs)}, problem, children)


def all_pairs(ctx: Context, outcome: str, problem: Problem | None) -> Settle:
    """One outcome for every pair of the job."""
    reason = problem.message if problem else "no answer"
    rows = [row(pair, outcome, reason, attempts=tries(ctx)) for pair in ctx.spec["pairs"]]
    return settle(rows, problem=problem)


def child(ctx: Context, pairs: list[list[Any]], suffix: str, *, after: str | None = None) -> Child:
    """A job for some of the pairs; ``after`` is a run it waits for first, and then it is another attempt."""
    spec = {**ctx.spec, "pairs": pairs, "tries": tries(ctx) + (1 if after else 0)}
    spec.pop("after", None)
    if after:
        spec["after"] = after
    return Child(f"{ctx.key}.{suffix}", "adhoc", spec)


def tries(ctx: Context) -> int:
    """Which attempt at its pairs this job is, from 1."""
    return int(ctx.spec.get("tries", 1))


def flow_of_pair(ctx: Context, pair: list[Any]) -> str:
    """The id of the pair's flow."""
    return str(ctx.inputs[pair[1]]["id"])


def facts_of(ctx: Context, pair: list[Any]) -> list[Any] | None:
    """``[name, startDate, endDate, created_s, ad-hoc id]`` of the pair's selector, if the audience is mapped."""
    facts: list[Any] | None = ctx.inputs[pair[1]].get("segments", {}).get(pair[2])
    return facts


def name_of(ctx: Context, pair: list[Any]) -> str:
    """The audience's name as the flow's selector has it, or nothing."""
    facts = facts_of(ctx, pair)
    return str(facts[0]) if facts else ""


def wire_of(ctx: Context, pair: list[Any]) -> str:
    """What an ad-hoc request calls the audience: an external one by the system's id (trap 68)."""
    facts = facts_of(ctx, pair)
    return str(facts[4]) if facts else str(pair[2])
