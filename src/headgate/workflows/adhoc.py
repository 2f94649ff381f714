"""One ad-hoc activation job: at most 80 (flow, audience) pairs fired together, each of them once.

The way of a job::

    start ─ sort the pairs: skipped, unmapped, out of schedule, held (younger than an hour), ready
      │        held and ready together: settle as two jobs; all held: pause until they are old enough
    claim ─ every audience of the job, all or none: one ad-hoc job per audience at a time
    busy ── GET /runs of the flows: wait while one that is not ours is in progress; note the newest (``since``)
    post ── POST /adhocrun
      │        200: runs known                     lost, 5xx: find
      │        400 running: that audience waits for the run and goes again, the rest goes at once
      │        400 not part of: found by name, else by halving; the rest goes again
    find ── after a lost answer: runs newer than ``since`` are the evidence; only without any is it sent again
    runs ── GET /runs?property=id==… until every run is terminal

A split settles the job with what is known and starts children, so every request is a job with a record of its own.
Facts: aep-api 4; traps 8-16, 61, 68, 69.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Call, Problem, Verdict
from headgate.workflows.contract import (
    RUNS,
    Ask,
    Child,
    Claim,
    Context,
    Ending,
    Pause,
    Phase,
    Procedure,
    Settle,
    Signal,
    Step,
)
from headgate.workflows.refusal import Busy, Running, Unmapped, named, read_refusal
from headgate.workflows.runs import RunState, audiences_of, created_ms, is_terminal, items_of, run_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ACCEPT_V2: Final = "application/vnd.adobe.adhoc.activation+json; version=2"
#: An audience may be activated ad hoc this long after it was first activated (facts 4.2, trap 8).
ELIGIBLE_AFTER_S: Final = 3600.0
#: Pairs that become eligible within this time of each other wait for each other and go as one job.
TOGETHER_S: Final = 1800.0
#: How far back a run in progress is looked for, and how many pages of 100 are read for it.
LOOK_BACK_S: Final = 6 * 3600.0
PAGES: Final = 20
#: Looks for evidence of a lost request before it is sent again, and platform seconds between them.
LOOKS: Final = 2
LOOK_AGAIN_S: Final = 5.0
#: Times one pair is sent before we give up on it.
ATTEMPTS: Final = 12
FIND_ROUNDS: Final = 8
#: Times a request is put off because something unnamed is going on (platform time: about two hours).
WAITS: Final = 60


def keys(spec: Mapping[str, Any], phase: Phase) -> tuple[str, ...]:
    """The audiences a job holds from before its request until its runs are terminal."""
    return _keys(spec) if phase.get("at") in ("post", "find", "runs") else ()


def _keys(spec: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({f"audience:{pair[2]}" for pair in spec["pairs"]}))


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure of an ad-hoc job. ``spec``: ``{"pairs": [[row, role, audience]], "version": 1|2, …}``."""
    at = phase.get("at", "start")
    if isinstance(signal, Answer):
        return _ANSWERED[at](ctx, phase, signal)
    if at == "post":
        # Resumed or told so: the request may have been carried out.
        return _ask_runs(ctx, {**phase, "at": "find", "look": int(phase.get("look", 0)), "lost": True, "token": ""})
    return _RESUMED[at](ctx, phase)


# -- start: which pairs may go ---------------------------------------------------------------------------------------


def _start(ctx: Context, phase: Phase) -> Step:
    spec = ctx.spec
    if spec.get("after"):
        following = phase if phase.get("at") == "after" else {"look": 0, "waits": phase.get("waits", 0)}
        return _poll({**following, "at": "after"}, [spec["after"]])
    return _sorted(ctx, phase)


def _sorted(ctx: Context, phase: Phase) -> Step:
    rows: list[list[Any]] = []
    ready: list[list[Any]] = []
    held: list[tuple[float, list[Any]]] = []
    for pair in ctx.spec["pairs"]:
        row, eligible_s = _judge(ctx, pair)
        if row is not None:
            rows.append(row)
        elif eligible_s > ctx.now_s:
            held.append((eligible_s, pair))
        else:
            ready.append(pair)
    if held and not ctx.spec.get("wait", True):
        rows += [_row(pair, "held", f"eligible at {_clock(at)}", attempts=_tries(ctx) - 1) for at, pair in held]
        held = []
    if not held:
        if not ready:
            return _settle(rows)
        if len(ready) < len(ctx.spec["pairs"]):
            return _settle(rows, _child(ctx, ready, "a"))
        return Claim(_keys(ctx.spec), {"at": "claimed", "waits": phase.get("waits", 0)})
    together = [at for at, _ in held if at <= min(at for at, _ in held) + TOGETHER_S]
    until = max(together)
    waiting = [pair for _, pair in held]
    if ready and until - ctx.now_s > TOGETHER_S / 2:
        return _settle(rows, _child(ctx, ready, "a"), _child(ctx, waiting, "b"))
    if rows:
        return _settle(rows, _child(ctx, ready + waiting, "a"))
    count = len({pair[2] for pair in waiting})
    reason = f"{count} audience{'s' if count > 1 else ''} younger than an hour, next at {_clock(until)}"
    # A second more: the platform compares whole seconds of its own clock.
    return Pause(until - ctx.now_s + 1.0, reason, {"at": "start"}, held=True, until_s=until)


def _judge(ctx: Context, pair: list[Any]) -> tuple[list[Any] | None, float]:
    """A row if the pair cannot go, else the platform time from which it may."""
    role = pair[1]
    if role in ctx.missing:
        return _row(pair, "skipped", ctx.missing[role]), 0.0
    facts = _facts(ctx, pair)
    if facts is None:
        return _row(pair, "unmapped", "the audience is not mapped to this flow"), 0.0
    _, start, end, created_s, _ = facts
    today = datetime.fromtimestamp(ctx.now_s, UTC).date().isoformat()
    if start and start > today:
        return _row(pair, "out-of-schedule", f"its schedule starts on {start}"), 0.0
    if end and end < today:
        return _row(pair, "out-of-schedule", f"its schedule ended on {end}"), 0.0
    return None, created_s + ELIGIBLE_AFTER_S


# -- busy: nothing else may be running on the flows --------------------------------------------------------------------


def _claimed(ctx: Context, phase: Phase) -> Step:
    return _ask_runs(ctx, {"at": "busy", "since": 0, "token": "", "page": 0, "waits": phase.get("waits", 0)})


def _ask_runs(ctx: Context, phase: Phase) -> Ask:
    flows = sorted({_flow(ctx, pair) for pair in ctx.spec["pairs"]})
    query = [("property", f"flowId=={','.join(flows)}"), ("limit", "100")]
    if phase["token"]:
        query.append(("continuationToken", phase["token"]))
    return Ask(Call("GET", "flow", "/runs", "GET /runs", "lookup", query=tuple(query)), phase)


def _busy(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return _all(ctx, "failed", answer.problem)
    runs, token = items_of(answer.body)
    since = max([int(phase["since"]), *(created_ms(run) for run in runs)])
    for run in runs:
        if not is_terminal(run) and run.get("id") not in ctx.ours:
            return Pause(
                ctx.poll.first_s,
                f"flow {run.get('flowId')} has a run in progress",
                {"at": "claimed", "waits": phase["waits"]},
            )
    oldest = min((created_ms(run) for run in runs), default=0)
    page = int(phase["page"]) + 1
    if token and page < PAGES and oldest / 1000 > ctx.now_s - LOOK_BACK_S:
        return _ask_runs(ctx, {**phase, "since": since, "token": token, "page": page})
    return _post(ctx, since, lost=False, waits=phase["waits"])


# -- post --------------------------------------------------------------------------------------------------------------


def _post(ctx: Context, since: int, *, lost: bool, rounds: int = 0, waits: int = 0) -> Step:
    info: dict[str, list[str]] = {}
    for pair in ctx.spec["pairs"]:
        info.setdefault(_flow(ctx, pair), []).append(_wire(ctx, pair))
    body: dict[str, Any] = {"activationInfo": info}
    headers: tuple[tuple[str, str], ...] = (("Accept", ACCEPT_V2),)
    if ctx.spec.get("version", 2) == 1:
        # Version 1 is chosen by sending no Accept at all (trap 11); ids as strings (trap 13).
        body["exportIds"] = ctx.spec.get("exportIds") or [ctx.inputs["exportJob"]["id"]]
        headers = ()
    call = Call("POST", "adhoc", "/adhocrun", "POST /adhocrun", "write", body=body, headers=headers)
    return Ask(call, {"at": "post", "since": since, "lost": lost, "rounds": rounds, "waits": waits})


def _posted(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is Verdict.OK:
        return _accepted(ctx, phase, answer.body)
    problem = answer.problem or Problem(answer.status, "", "no reason given")
    if answer.verdict is not Verdict.REJECTED or answer.status not in (400, 404):
        return _all(ctx, "failed", problem)
    refusal = read_refusal(problem.message)
    if isinstance(refusal, Running):
        rounds = int(phase["rounds"])
        mine = [
            str(pair[0])
            for pair in ctx.spec["pairs"]
            if (_flow(ctx, pair), _wire(ctx, pair)) == (refusal.flow, refusal.audience)
        ]
        if phase["lost"] and mine:
            # Nothing ran on these flows before we asked: this is the run of the request whose answer was lost, and
            # that was carried out whole, however late the list shows it. It must not be sent a third time.
            known = {**phase.get("known", {}), mine[0]: refusal.run}
            found = {"at": "find", "look": 0, "token": "", "accepted": True, "known": known, RUNS: [*known.values()]}
            return _ask_runs(ctx, {**phase, **found})
        if phase["lost"] and rounds < FIND_ROUNDS:
            # We sent this before and lost the answer: the run it names may well be ours.
            return _ask_runs(ctx, {**phase, "at": "find", "look": 0, "rounds": rounds + 1, "token": ""})
        return _attach(ctx, refusal, problem)
    if isinstance(refusal, Unmapped):
        return _without(ctx, refusal, problem)
    waits = int(phase.get("waits", 0)) + 1
    if isinstance(refusal, Busy) and waits <= WAITS:
        return Pause(ctx.poll.wait(waits), problem.message, {"at": "start", "waits": waits})
    return _halve(ctx, problem)


def _accepted(ctx: Context, phase: Phase, body: Any) -> Step:
    order = body.get("order") if isinstance(body, dict) else None
    known: dict[tuple[str, str], str] = {}
    for record in order if isinstance(order, list) else []:
        if isinstance(record, dict):
            # Only the id after the last slash is used: the host named there is production (trap 61).
            run = str(record.get("statusURL") or "").rstrip("/").rpartition("/")[2]
            known[str(record.get("order")), str(record.get("segment"))] = run
    runs = {str(pair[0]): known.get((_flow(ctx, pair), _wire(ctx, pair)), "") for pair in ctx.spec["pairs"]}
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
    return _follow(ctx, runs)


def _attach(ctx: Context, refusal: Running, problem: Problem) -> Step:
    again = [pair for pair in ctx.spec["pairs"] if _wire(ctx, pair) == refusal.audience]
    rest = [pair for pair in ctx.spec["pairs"] if _wire(ctx, pair) != refusal.audience]
    if not again:
        return _halve(ctx, problem)
    if _tries(ctx) >= ATTEMPTS:
        return _settle(
            [_row(pair, "failed", problem.message, attempts=_tries(ctx)) for pair in again],
            *([_child(ctx, rest, "a")] if rest else []),
            problem=problem,
        )
    children = [_child(ctx, rest, "a")] if rest else []
    return _settle([], *children, _child(ctx, again, "b", after=refusal.run))


def _without(ctx: Context, refusal: Unmapped, problem: Problem) -> Step:
    names = {pair[0]: _name(ctx, pair) for pair in ctx.spec["pairs"]}
    guilty = named(refusal.names, set(names.values()))
    out = [pair for pair in ctx.spec["pairs"] if names[pair[0]] in guilty]
    rest = [pair for pair in ctx.spec["pairs"] if names[pair[0]] not in guilty]
    if not out or len({pair[2] for pair in out}) > len(guilty):
        return _halve(ctx, problem)  # a name nobody bears, or one that several bear: ask, do not guess
    if not rest or len(out) == len(ctx.spec["pairs"]):
        if len(out) > 1:
            # The name does not say on which of its flows the audience is refused.
            return _halve(ctx, problem)
        return _settle([_row(out[0], "out-of-schedule", problem.message, attempts=_tries(ctx))])
    return _settle([], _child(ctx, rest, "a"), _child(ctx, out, "b"))


def _halve(ctx: Context, problem: Problem) -> Step:
    pairs = sorted(ctx.spec["pairs"], key=lambda pair: (pair[2], pair[0]))
    if len(pairs) == 1:
        outcome = "out-of-schedule" if isinstance(read_refusal(problem.message), Unmapped) else "failed"
        return _settle(
            [_row(pairs[0], outcome, problem.message, attempts=_tries(ctx))],
            problem=problem if outcome == "failed" else None,
        )
    middle = len(pairs) // 2
    while middle < len(pairs) - 1 and pairs[middle][2] == pairs[middle - 1][2]:
        middle += 1  # keep an audience in one half where there is a choice
    if pairs[middle][2] == pairs[middle - 1][2]:
        middle = len(pairs) // 2
    return _settle([], _child(ctx, pairs[:middle], "a"), _child(ctx, pairs[middle:], "b"))


# -- find: what became of a request whose answer was lost --------------------------------------------------------------


def _find(ctx: Context, phase: Phase) -> Step:
    return _ask_runs(ctx, {**phase, "token": "", "page": 0})


def _found(ctx: Context, phase: Phase, answer: Answer) -> Step:
    if answer.verdict is not Verdict.OK:
        return _all(ctx, "failed", answer.problem)
    runs, token = items_of(answer.body)
    since = int(phase["since"])
    news = [
        *phase.get("news", []),
        *(
            [str(run["id"]), str(run.get("flowId")), is_terminal(run), audiences_of(run)]
            for run in runs
            if created_ms(run) > since and run.get("id") and run["id"] not in ctx.ours
        ),
    ]
    page = int(phase.get("page", 0)) + 1
    if token and page < PAGES and runs and min(created_ms(run) for run in runs) > since:
        return _ask_runs(ctx, {**phase, "token": token, "page": page, "news": news})
    return _matched(ctx, {key: value for key, value in phase.items() if key not in ("news", "token", "page")}, news)


def _matched(ctx: Context, phase: Phase, news: list[list[Any]]) -> Step:
    known: dict[str, str] = {row: run for row, run in phase.get("known", {}).items() if run}
    by_pair = {(run[1], audience): run[0] for run in news for audience in run[3]}
    for pair in ctx.spec["pairs"]:
        run = by_pair.get((_flow(ctx, pair), _wire(ctx, pair)))
        if run:
            known.setdefault(str(pair[0]), run)
    open_pairs = [pair for pair in ctx.spec["pairs"] if str(pair[0]) not in known]
    dark = [run for run in news if not run[3] and run[0] not in known.values()]
    for flow in {_flow(ctx, pair) for pair in open_pairs}:
        # Runs that are over and still do not say whose they are: as many as are missing on this flow must be ours.
        # One in progress is never taken: it may be of another job whose answer is still on its way.
        mine = [pair for pair in open_pairs if _flow(ctx, pair) == flow]
        here = [run for run in dark if run[1] == flow]
        if len(mine) == len(here) and all(run[2] for run in here):
            known.update({str(pair[0]): run[0] for pair, run in zip(mine, here, strict=True)})
    left = [pair for pair in ctx.spec["pairs"] if str(pair[0]) not in known]
    if not left:
        return _follow(ctx, {str(pair[0]): known[str(pair[0])] for pair in ctx.spec["pairs"]})
    flows = {_flow(ctx, pair) for pair in left}
    if any(run[1] in flows and not run[2] for run in dark):
        return Pause(
            ctx.poll.first_s,
            "finding the runs of a request whose answer was lost",
            {**phase, "at": "find", "known": known},
        )
    look = int(phase.get("look", 0)) + 1
    happened = bool(known) or bool(phase.get("accepted"))
    if look < LOOKS or (happened and look < FIND_ROUNDS):
        return Pause(
            LOOK_AGAIN_S,
            "looking for the runs of a request whose answer was lost",
            {**phase, "at": "find", "look": look, "known": known},
        )
    if not happened:
        if _tries(ctx) + int(phase.get("rounds", 0)) >= ATTEMPTS:
            return _all(ctx, "failed", Problem(0, "headgate-lost", "every answer to this request was lost"))
        return _post(ctx, int(phase["since"]), lost=True, rounds=int(phase.get("rounds", 0)) + 1)
    # A request is carried out whole (facts 4.3): it happened, so these were activated too, whatever the list shows.
    return _follow(ctx, {str(pair[0]): known.get(str(pair[0]), "") for pair in ctx.spec["pairs"]})


# -- runs: until every run is terminal ---------------------------------------------------------------------------------


def _follow(ctx: Context, runs: Mapping[str, str]) -> Step:
    phase: Phase = {"at": "runs", "of": dict(runs), RUNS: [run for run in runs.values() if run], "look": 0}
    if not ctx.spec.get("wait", True) or not phase[RUNS]:
        return _finished(ctx, phase, {})
    return Pause(ctx.poll.wait(0), f"{_count(runs)} in progress", phase, keep=True)


def _count(runs: Mapping[str, str]) -> str:
    return f"{len(runs)} run{'s' if len(runs) != 1 else ''}"


def _runs(_ctx: Context, phase: Phase) -> Step:
    done = phase.get("done", {})
    return _poll(phase, [run for run in phase[RUNS] if run not in done])


def _poll(phase: Phase, runs: list[str]) -> Step:
    single = phase.get("single")
    if single:
        return Ask(Call("GET", "flow", f"/runs/{single}", "GET /runs/{id}", "poll"), phase)
    query = (("property", f"id=={','.join(runs[:80])}"), ("limit", "100"))
    return Ask(Call("GET", "flow", "/runs", "GET /runs", "poll", query=query), phase)


def _polled(ctx: Context, phase: Phase, answer: Answer) -> Step:
    after = phase["at"] == "after"
    wanted = [ctx.spec["after"]] if after else phase[RUNS]
    done: dict[str, list[Any]] = dict(phase.get("done", {}))
    if answer.verdict is Verdict.OK:
        for run in items_of(answer.body)[0]:
            if is_terminal(run) and run.get("id") in wanted:
                done[run["id"]] = list(run_state(run))
    elif answer.status != 404:
        return _all(ctx, "failed", answer.problem)
    left = [run for run in wanted if run not in done]
    if not left:
        return _sorted(ctx, phase) if after else _finished(ctx, phase, done)
    # What the list leaves out is asked for by its id; a run may take a while to become readable (facts 3.6).
    seen = {run.get("id") for run in items_of(answer.body)[0]} if answer.verdict is Verdict.OK else set()
    unseen = [run for run in left if run not in seen]
    look = int(phase["look"]) + 1
    following: Phase = {**phase, "look": look, "done": done}
    following.pop("single", None)
    if after and unseen and look > WAITS:
        return _sorted(ctx, phase)  # a run nobody can read: the platform will say so again if it is still going on
    if unseen and len(unseen) == len(left) and not phase.get("single"):
        following["single"] = unseen[look % len(unseen)]
    waiting = (
        "waiting for another's run" if after else f"{len(left)} of {_count(dict.fromkeys(wanted, ''))} in progress"
    )
    return Pause(ctx.poll.wait(look), waiting, following)


def _finished(ctx: Context, phase: Phase, done: Mapping[str, list[Any]]) -> Step:
    rows = []
    for pair in ctx.spec["pairs"]:
        run = phase["of"].get(str(pair[0]), "")
        state, reason = done.get(run, ["running" if run else None, None])
        outcome = "failed" if state == RunState.FAILED else "activated"
        if not run:
            reason = "activated; the platform does not show its run"
        rows.append(_row(pair, outcome, reason, run=run or None, state=state, attempts=_tries(ctx)))
    return _settle(rows, runs=phase[RUNS])


# -- rows and children -------------------------------------------------------------------------------------------------


def _row(
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


def _settle(
    rows: list[list[Any]], *children: Child, runs: Iterable[str] = (), problem: Problem | None = None
) -> Settle:
    bad = next((row for row in rows if row[1] == "failed"), None)
    if bad is not None and problem is None:
        problem = Problem(0, "headgate-run-failed", str(bad[5] or "the run failed"))
    ending = Ending.FAILED if bad is not None else Ending.SUCCEEDED
    return Settle(ending, {"pairs": rows, RUNS: list(runs)}, problem, children)


def _all(ctx: Context, outcome: str, problem: Problem | None) -> Settle:
    reason = problem.message if problem else "no answer"
    rows = [_row(pair, outcome, reason, attempts=_tries(ctx)) for pair in ctx.spec["pairs"]]
    return _settle(rows, problem=problem)


def _child(ctx: Context, pairs: list[list[Any]], suffix: str, *, after: str | None = None) -> Child:
    spec = {**ctx.spec, "pairs": pairs, "tries": _tries(ctx) + (1 if after else 0)}
    spec.pop("after", None)
    if after:
        spec["after"] = after
    return Child(f"{ctx.key}.{suffix}", "adhoc", spec)


def _tries(ctx: Context) -> int:
    return int(ctx.spec.get("tries", 1))


def _flow(ctx: Context, pair: list[Any]) -> str:
    return str(ctx.inputs[pair[1]]["id"])


def _facts(ctx: Context, pair: list[Any]) -> list[Any] | None:
    """``[name, startDate, endDate, created_s, ad-hoc id]`` of the pair's selector, if the audience is mapped."""
    facts: list[Any] | None = ctx.inputs[pair[1]].get("segments", {}).get(pair[2])
    return facts


def _name(ctx: Context, pair: list[Any]) -> str:
    facts = _facts(ctx, pair)
    return str(facts[0]) if facts else ""


def _wire(ctx: Context, pair: list[Any]) -> str:
    """What an ad-hoc request calls the audience: an external one by the system's id (trap 68)."""
    facts = _facts(ctx, pair)
    return str(facts[4]) if facts else str(pair[2])


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")


_RESUMED = {
    "start": _start,
    "after": _start,
    "claimed": _claimed,
    "busy": _claimed,
    "find": _find,
    "runs": _runs,
}
_ANSWERED = {"after": _polled, "busy": _busy, "post": _posted, "find": _found, "runs": _polled}

PROCEDURE = Procedure(advance, keys)
