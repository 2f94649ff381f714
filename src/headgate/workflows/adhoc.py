"""One ad-hoc activation job: at most 80 (flow, audience) pairs fired together, each of them once.

The way of a job::

    start ─ sort the pairs: skipped, unmapped, out of schedule, held (younger than an hour), ready
      │        held and ready together: settle as two jobs; all held: pause until they are old enough
    claim ─ every audience of the job, all or none: one ad-hoc job per audience at a time, in all runs of a store
    busy ── GET /runs of the flows: wait while one that is not ours is in progress; note the newest (``since``);
      │     the same for the flows of a dead process from which an audience was taken over
    post ── POST /adhocrun
      │        200: runs known                     lost, 5xx: find
      │        400 running: that audience waits for the run and goes again, the rest goes at once
      │        400 not part of: found by name, else by halving; the rest goes again
    find ── after a lost answer: runs newer than ``since`` are the evidence; only without any is it sent again
    runs ── wait until every run is terminal; the engine asks for the runs of all jobs together

A split settles the job with what is known and starts children, so every request is a job with a record of its own.
Facts: aep-api 4; traps 8-16, 61, 68, 69.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Problem, Verdict
from headgate.planning.lengths import run_keys
from headgate.workflows.adhoc_request import (
    GROUP,
    all_pairs,
    ask_runs,
    child,
    facts_of,
    flow_of_pair,
    flows_of,
    name_of,
    post,
    row,
    settle,
    tries,
    wire_of,
)
from headgate.workflows.adhoc_runs import (
    ATTEMPTS,
    FIND_ROUNDS,
    FOLLOW_S,
    PAGES,
    find,
    follow,
    found_runs,
    keep_looking,
)
from headgate.workflows.contract import RUNS, Await, Claim, Context, Pause, Phase, Procedure, Signal, Step
from headgate.workflows.refusal import Busy, Running, Unmapped, named, read_refusal
from headgate.workflows.runs import created_ms, is_terminal, items_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: An audience may be activated ad hoc this long after it was first activated (facts 4.2, trap 8).
ELIGIBLE_AFTER_S: Final = 3600.0
#: Pairs that become eligible within this time of each other wait for each other and go as one job.
TOGETHER_S: Final = 1800.0
#: How far back a run in progress is looked for.
LOOK_BACK_S: Final = 6 * 3600.0
#: Times a request is put off because something unnamed is going on (platform time: about two hours).
WAITS: Final = 60
#: Platform seconds for which the run of somebody else is waited for.
AFTER_S: Final = 2 * 3600.0


def keys(spec: Mapping[str, Any], phase: Phase) -> tuple[str, ...]:
    """The audiences a job holds from before its request until its runs are terminal."""
    return _audiences(spec) if phase.get("at") in ("post", "find", "runs") else ()


def note(ctx: Context) -> tuple[str, ...]:
    """The flows of the job: whoever takes its audiences over from a dead process looks at what runs there."""
    return flows_of(ctx)


def denied(_spec: Any, by: str) -> str:
    """Why a job waits for another one."""
    return f"{by} holds one of its audiences"


def runs(spec: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """One run for each pair, known by its keys: a flow that is made by the same plan has none that is known."""
    return tuple(run_keys(pair[2], pair[1]) for pair in spec["pairs"])


def _audiences(spec: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({f"audience:{pair[2]}" for pair in spec["pairs"]}))


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of an ad-hoc job. ``spec``: ``{"pairs": [[row, role, audience]], "version": 1|2, …}``."""
    at = phase.get("at", "start")
    if isinstance(signal, Answer):
        return _ANSWERED[at](ctx, phase, signal)
    if at == "post":
        # Resumed or told so: the request may have been carried out.
        return ask_runs(ctx, {**phase, "at": "find", "look": int(phase.get("look", 0)), "lost": True, "token": ""})
    return _RESUMED[at](ctx, phase)


# -- start: which pairs may go ---------------------------------------------------------------------------------------


def _start(ctx: Context, phase: Phase) -> Step:
    if ctx.spec.get("after") and not phase.get("waited"):
        return _after(ctx, phase)
    return _sorted(ctx, phase)


def _after(ctx: Context, phase: Phase) -> Step:
    """Wait for the run of somebody else that has the audience."""
    until_s = float(phase["until"]) if phase.get("at") == "after" else ctx.now_s + AFTER_S
    if ctx.ended or ctx.now_s >= until_s:
        # Over, or nobody can say: the platform will say so again if it is still going on.
        return _sorted(ctx, {"at": "start", "waits": phase.get("waits", 0), "waited": True})
    following: Phase = {"at": "after", "waits": phase.get("waits", 0), "until": until_s}
    return Await({ctx.spec["after"]: ()}, "waiting for the run of somebody else", following, until_s)


def _sorted(ctx: Context, phase: Phase) -> Step:
    rows: list[list[Any]] = []
    ready: list[list[Any]] = []
    held: list[tuple[float, list[Any]]] = []
    for pair in ctx.spec["pairs"]:
        said, eligible_s = _judge(ctx, pair)
        if said is not None:
            rows.append(said)
        elif eligible_s > ctx.now_s and float(phase.get("held_s", 0.0)) < ELIGIBLE_AFTER_S:
            held.append((eligible_s, pair))
        else:
            ready.append(pair)
    if held and not ctx.spec.get("wait", True):
        rows += [row(pair, "held", f"eligible at {_clock(at)}", attempts=tries(ctx) - 1) for at, pair in held]
        held = []
    if not held:
        if not ready:
            return settle(rows)
        if len(ready) < len(ctx.spec["pairs"]):
            return settle(rows, child(ctx, ready, "a"))
        return Claim(_audiences(ctx.spec), {"at": "claimed", "waits": phase.get("waits", 0)})
    if not ctx.dated and not phase.get("asked"):
        # A resumed run may have nothing else to ask: any answer tells what time it is there.
        return ask_runs(ctx, {**phase, "at": "clock", "asked": True, "token": ""})
    together = [at for at, _ in held if at <= min(at for at, _ in held) + TOGETHER_S]
    until = max(together)
    waiting = [pair for _, pair in held]
    if ready and until - ctx.now_s > TOGETHER_S / 2:
        return settle(rows, child(ctx, ready, "a"), child(ctx, waiting, "b"))
    if rows:
        return settle(rows, child(ctx, ready + waiting, "a"))
    count = len({pair[2] for pair in waiting})
    reason = f"{count} audience{'s' if count > 1 else ''} younger than an hour, next at {_clock(until)}"
    # A second more: the platform compares whole seconds of its own clock. And never more than the hour, whatever the
    # clocks say: what was there when the wait began is old enough when it is over.
    seconds = min(until - ctx.now_s, ELIGIBLE_AFTER_S) + 1.0
    waited: Phase = {key: phase[key] for key in ("waits", "waited") if key in phase}
    waited["held_s"] = float(phase.get("held_s", 0.0)) + seconds
    return Pause(seconds, reason, {"at": "start", **waited}, held=True, until_s=until)


def _told(ctx: Context, phase: Phase, _answer: Answer) -> Step:
    return _sorted(ctx, {**phase, "at": "start"})


def _judge(ctx: Context, pair: list[Any]) -> tuple[list[Any] | None, float]:
    """A row if the pair cannot go, else the platform time from which it may."""
    role = pair[1]
    if role in ctx.missing:
        return row(pair, "skipped", ctx.missing[role]), 0.0
    facts = facts_of(ctx, pair)
    if facts is None:
        return row(pair, "unmapped", "the audience is not mapped to this flow"), 0.0
    _, start, end, created_s, _ = facts
    today = datetime.fromtimestamp(ctx.now_s, UTC).date().isoformat()
    if start and start > today:
        return row(pair, "out-of-schedule", f"its schedule starts on {start}"), 0.0
    if end and end < today:
        return row(pair, "out-of-schedule", f"its schedule ended on {end}"), 0.0
    return None, created_s + ELIGIBLE_AFTER_S


# -- busy: nothing else may be running on the flows --------------------------------------------------------------------


def _claimed(ctx: Context, phase: Phase) -> Step:
    until = float(phase.get("until", ctx.now_s + FOLLOW_S))
    asked: Phase = {"at": "busy", "since": 0, "token": "", "page": 0, "waits": phase.get("waits", 0), "until": until}
    if any(end.problem is not None for end in ctx.ended.values()):
        asked["blind"] = True  # the flow's list shows a run that nobody may read
    return ask_runs(ctx, asked)


def _busy(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return all_pairs(ctx, "failed", answer.problem)
    runs, token = items_of(answer.body)
    since = max([int(phase["since"]), *(created_ms(run) for run in runs)])
    theirs = [run for run in runs if not is_terminal(run) and run.get("id") not in ctx.ours]
    if theirs:
        said = f"flow {theirs[0].get('flowId')} has a run in progress"
        until = float(phase.get("until", ctx.now_s + FOLLOW_S))
        if ctx.now_s >= until:  # its state may be one that nobody knows, and not be over for ever
            why = f"{said} that is not over after {FOLLOW_S / 3600:.0f} hours: {theirs[0].get('id')}"
            advice = "look at the run on the platform; when it is over, run again"
            return all_pairs(ctx, "failed", Problem(0, "headgate-busy", why, advice=advice))
        following: Phase = {"at": "claimed", "waits": phase["waits"], "until": until}
        awaited: dict[str, tuple[str, ...]] = {str(run["id"]): () for run in theirs if run.get("id")}
        if not awaited or phase.get("blind"):
            return Pause(ctx.poll.wait(1), said, following)
        began_s = max(created_ms(run) for run in theirs) / 1000
        return Await(awaited, said, following, until, min(began_s, ctx.now_s) if began_s else None)
    newest = max((created_ms(run) for run in runs), default=0)
    page = int(phase["page"]) + 1
    if token and page < PAGES and newest / 1000 > ctx.now_s - LOOK_BACK_S:
        return ask_runs(ctx, {**phase, "since": since, "token": token, "page": page})
    group = int(phase.get("group", 0))
    if group * GROUP < len(ctx.left):
        return ask_runs(ctx, {**phase, "since": since, "token": "", "page": 0, "group": group + 1})
    return post(ctx, since, lost=False, waits=phase["waits"])


# -- post: what the platform says --------------------------------------------------------------------------------------


def _posted(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is Verdict.OK:
        return _accepted(ctx, phase, answer.body)
    problem = answer.problem or Problem(answer.status, "", "no reason given")
    if answer.verdict is not Verdict.REJECTED or answer.status not in (400, 404):
        return all_pairs(ctx, "failed", problem)
    refusal = read_refusal(problem.message)
    if isinstance(refusal, Running):
        rounds = int(phase["rounds"])
        mine = [
            str(pair[0])
            for pair in ctx.spec["pairs"]
            if (flow_of_pair(ctx, pair), wire_of(ctx, pair)) == (refusal.flow, refusal.audience)
        ]
        if phase["lost"] and mine:
            # Nothing ran on these flows before we asked: this is the run of the request whose answer was lost, and
            # that was carried out whole, however late the list shows it. It must not be sent a third time.
            known = {**phase.get("known", {}), mine[0]: refusal.run}
            found = {"at": "find", "look": 0, "token": "", "accepted": True, "known": known, RUNS: [*known.values()]}
            return ask_runs(ctx, {**phase, **found})
        if phase["lost"] and rounds < FIND_ROUNDS:
            # We sent this before and lost the answer: the run it names may well be ours.
            return ask_runs(ctx, {**phase, "at": "find", "look": 0, "rounds": rounds + 1, "token": ""})
        return _attach(ctx, refusal, problem)
    if isinstance(refusal, Unmapped):
        return _without(ctx, refusal, problem)
    if phase["lost"] and int(phase["rounds"]) < FIND_ROUNDS:
        # What stands in the way may be what we asked for ourselves.
        return find(ctx, {**phase, "at": "find", "look": 0, "rounds": int(phase["rounds"]) + 1})
    waits = int(phase.get("waits", 0)) + 1
    if isinstance(refusal, Busy) and waits <= WAITS:
        return Pause(ctx.poll.wait(waits), problem.message, {"at": "start", "waits": waits, "waited": True})
    return _halve(ctx, problem)


def _accepted(ctx: Context, phase: Phase, body: Any) -> Step:
    order = body.get("order") if isinstance(body, dict) else None
    known: dict[tuple[str, str], str] = {}
    for record in order if isinstance(order, list) else []:
        if isinstance(record, dict):
            # Only the id after the last slash is used: the host named there is production (trap 61).
            run = str(record.get("statusURL") or "").rstrip("/").rpartition("/")[2]
            known[str(record.get("order")), str(record.get("segment"))] = run
    runs = {str(pair[0]): known.get((flow_of_pair(ctx, pair), wire_of(ctx, pair)), "") for pair in ctx.spec["pairs"]}
    if not all(runs.values()):
        # The documented sample answers four pairs with one record: the others' runs are looked for.
        return Pause(
            0.0,
            "the answer did not name every run",
            {
                **phase,
                "at": "find",
                "look": 0,
                "token": "",
                "accepted": True,
                "known": runs,
                RUNS: [run for run in runs.values() if run],
            },
            keep=True,
        )
    return follow(ctx, runs)


def _attach(ctx: Context, refusal: Running, problem: Problem) -> Step:
    again = [pair for pair in ctx.spec["pairs"] if wire_of(ctx, pair) == refusal.audience]
    rest = [pair for pair in ctx.spec["pairs"] if wire_of(ctx, pair) != refusal.audience]
    if not again:
        return _halve(ctx, problem)
    if tries(ctx) >= ATTEMPTS:
        return settle(
            [row(pair, "failed", problem.message, attempts=tries(ctx)) for pair in again],
            *([child(ctx, rest, "a")] if rest else []),
            problem=problem,
        )
    children = [child(ctx, rest, "a")] if rest else []
    return settle([], *children, child(ctx, again, "b", after=refusal.run))


def _without(ctx: Context, refusal: Unmapped, problem: Problem) -> Step:
    # The text has names; for an audience without one the platform has nothing but its id to say.
    called = {pair[0]: {name_of(ctx, pair), wire_of(ctx, pair)} - {""} for pair in ctx.spec["pairs"]}
    guilty = named(refusal.names, set().union(*called.values()))
    out = [pair for pair in ctx.spec["pairs"] if called[pair[0]] & guilty]
    rest = [pair for pair in ctx.spec["pairs"] if not called[pair[0]] & guilty]
    if not out or len({pair[2] for pair in out}) > len(guilty):
        return _halve(ctx, problem)  # a name nobody bears, or one that several bear: ask, do not guess
    if not rest or len(out) == len(ctx.spec["pairs"]):
        if len(out) > 1:
            # The name does not say on which of its flows the audience is refused.
            return _halve(ctx, problem)
        return settle([row(out[0], "out-of-schedule", problem.message, attempts=tries(ctx))])
    return settle([], child(ctx, rest, "a"), child(ctx, out, "b"))


def _halve(ctx: Context, problem: Problem) -> Step:
    pairs = sorted(ctx.spec["pairs"], key=lambda pair: (pair[2], pair[0]))
    if len(pairs) == 1:
        outcome = "out-of-schedule" if isinstance(read_refusal(problem.message), Unmapped) else "failed"
        return settle(
            [row(pairs[0], outcome, problem.message, attempts=tries(ctx))],
            problem=problem if outcome == "failed" else None,
        )
    middle = len(pairs) // 2
    while middle < len(pairs) - 1 and pairs[middle][2] == pairs[middle - 1][2]:
        middle += 1  # keep an audience in one half where there is a choice
    if pairs[middle][2] == pairs[middle - 1][2]:
        middle = len(pairs) // 2
    return settle([], child(ctx, pairs[:middle], "a"), child(ctx, pairs[middle:], "b"))


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")


_RESUMED = {"start": _start, "after": _start, "claimed": _claimed, "busy": _claimed, "find": find, "runs": keep_looking}
_ANSWERED = {"clock": _told, "busy": _busy, "post": _posted, "find": found_runs}

PROCEDURE = Procedure(advance, keys, note, runs, denied)
