"""What becomes of an ad-hoc request: its runs followed to their end, and found again after a lost answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headgate.exchange import Answer, Problem, Verdict
from headgate.planning.lengths import run_keys
from headgate.workflows.adhoc_request import (
    all_pairs,
    ask_runs,
    flow_of_pair,
    post,
    row,
    settle,
    tries,
    wire_of,
)
from headgate.workflows.contract import RUNS, Await, Context, Pause, Phase, Step
from headgate.workflows.evidence import EVIDENCE, LOOK_AGAIN_S
from headgate.workflows.runs import RunState, audiences_of, created_ms, is_terminal, items_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Pages of 100 runs that are read at most for one look.
PAGES: Final = 20
#: What tells whether a request was carried out. The audiences stay held while it is looked for.
_EVIDENCE: Final = EVIDENCE["POST /adhocrun"]
#: Looks for the runs of a request that was surely carried out, and the most platform seconds between two of them.
FIND_ROUNDS: Final = 8
LOOK_CAP_S: Final = 60.0
#: Times one pair is sent before we give up on it.
ATTEMPTS: Final = _EVIDENCE.losses
#: Platform seconds for which a run in progress that does not say whose it is is waited for, when it may be ours.
DARK_S: Final = 6 * 3600.0
#: Platform seconds after which a run that is not over is no longer followed (facts 3.3 ask for a deadline).
FOLLOW_S: Final = 24 * 3600.0


# -- after a lost answer -----------------------------------------------------------------------------------------------


def find(ctx: Context, phase: Phase) -> Step:
    """Look which runs are newer than the request: they are the evidence that it was carried out."""
    return ask_runs(ctx, {**phase, "token": "", "page": 0})


def found_runs(ctx: Context, phase: Phase, answer: Answer) -> Step:
    """Take in one page of that evidence."""
    if answer.verdict is not Verdict.OK:
        return _not_shown(ctx, phase, answer)
    runs, token = items_of(answer.body)
    since = int(phase["since"])
    # By id: a list that grows while it is read shows a run twice.
    by_id = {
        str(run["id"]): [str(run["id"]), str(run.get("flowId")), is_terminal(run), audiences_of(run)]
        for run in runs
        if created_ms(run) > since and run.get("id") and run["id"] not in ctx.ours
    }
    news = [*phase.get("news", []), *by_id.values()]
    news = list({run[0]: run for run in news}.values())
    page = int(phase.get("page", 0)) + 1
    if token and page < PAGES and runs and max(created_ms(run) for run in runs) > since:
        return ask_runs(ctx, {**phase, "token": token, "page": page, "news": news})
    return _matched(ctx, {key: value for key, value in phase.items() if key not in ("news", "token", "page")}, news)


def _not_shown(ctx: Context, phase: Phase, answer: Answer) -> Step:
    """The evidence could not be read. What was accepted was activated; for the rest, look again before giving up."""
    known = {key: run for key, run in phase.get("known", {}).items() if run}
    if known or phase.get("accepted"):
        return follow(ctx, {str(pair[0]): known.get(str(pair[0]), "") for pair in ctx.spec["pairs"]})
    look = int(phase.get("look", 0)) + 1
    if look < FIND_ROUNDS:
        why = "looking for the runs of a request whose answer was lost"
        return Pause(ctx.poll.first_s, why, {**phase, "at": "find", "look": look})
    said = answer.problem.message if answer.problem else "no answer"
    return all_pairs(
        ctx,
        "failed",
        Problem(
            answer.status,
            "headgate-in-doubt",
            f"it may have been activated: its runs cannot be read ({said})",
            advice="look at the flow's runs before it is activated again",
        ),
    )


def _matched(ctx: Context, phase: Phase, news: list[list[Any]]) -> Step:
    known: dict[str, str] = {row: run for row, run in phase.get("known", {}).items() if run}
    by_pair: dict[tuple[str, str], list[str]] = {}
    for run in news:
        for audience in run[3]:
            by_pair.setdefault((run[1], audience), []).append(run[0])
    several: dict[str, list[str]] = {}
    for pair in ctx.spec["pairs"]:
        found = by_pair.get((flow_of_pair(ctx, pair), wire_of(ctx, pair)), [])
        if len(found) == 1:
            known.setdefault(str(pair[0]), found[0])
        elif found and str(pair[0]) not in known:
            several[str(pair[0])] = found  # which of them is ours is not guessed: all are followed and named
    open_pairs = [pair for pair in ctx.spec["pairs"] if str(pair[0]) not in known.keys() | several.keys()]
    dark = [run for run in news if not run[3] and run[0] not in known.values()]
    for flow in {flow_of_pair(ctx, pair) for pair in open_pairs}:
        # Runs that are over and still do not say whose they are: as many as are missing on this flow must be ours.
        # One in progress is never taken: it may be of another job whose answer is still on its way.
        mine = [pair for pair in open_pairs if flow_of_pair(ctx, pair) == flow]
        here = [run for run in dark if run[1] == flow]
        if len(mine) == len(here) and all(run[2] for run in here):
            known.update({str(pair[0]): run[0] for pair, run in zip(mine, here, strict=True)})
    left = [pair for pair in ctx.spec["pairs"] if str(pair[0]) not in known.keys() | several.keys()]
    if not left:
        return follow(ctx, {str(pair[0]): known.get(str(pair[0]), "") for pair in ctx.spec["pairs"]}, several)
    flows = {flow_of_pair(ctx, pair) for pair in left}
    dark_until = float(phase.get("dark_until", ctx.now_s + DARK_S))
    if ctx.now_s < dark_until and any(run[1] in flows and not run[2] for run in dark):
        return Pause(
            ctx.poll.first_s,
            "finding the runs of a request whose answer was lost",
            {**phase, "at": "find", "known": known, "dark_until": dark_until},
        )
    look = int(phase.get("look", 0)) + 1
    happened = bool(known or several) or bool(phase.get("accepted"))
    if _EVIDENCE.wait(look) is not None or (happened and look < FIND_ROUNDS):
        return Pause(
            min(LOOK_AGAIN_S * 2 ** (look - 1), LOOK_CAP_S),
            "looking for the runs of a request whose answer was lost",
            {**phase, "at": "find", "look": look, "known": known},
        )
    if not happened:
        if tries(ctx) + int(phase.get("rounds", 0)) >= ATTEMPTS:
            return all_pairs(ctx, "failed", Problem(0, "headgate-lost", "every answer to this request was lost"))
        return post(ctx, int(phase["since"]), lost=True, rounds=int(phase.get("rounds", 0)) + 1)
    # A request is carried out whole (facts 4.3): it happened, so these were activated too, whatever the list shows.
    return follow(ctx, {str(pair[0]): known.get(str(pair[0]), "") for pair in ctx.spec["pairs"]}, several)


# -- until every run is over -------------------------------------------------------------------------------------------


def follow(ctx: Context, runs: Mapping[str, str], several: Mapping[str, list[str]] | None = None) -> Step:
    """Follow ``runs`` (run id by row; empty where it is not known) to their end, if the entry waits for it.

    ``several``: runs by row, one of which is the row's; they are followed too.
    """
    known = [run for run in runs.values() if run]
    phase: Phase = {"at": "runs", "of": dict(runs), RUNS: known, "until": ctx.now_s + FOLLOW_S}
    if several:
        known += [run for row in several.values() for run in row if run not in known]
        phase["several"] = dict(several)
    if not ctx.spec.get("wait", True) or not known:
        return _finished(ctx, phase, {}, "")
    return _await(ctx, phase, known, ctx.now_s)


def _await(ctx: Context, phase: Phase, left: list[str], began_s: float | None = None) -> Step:
    keys = {phase["of"].get(str(pair[0])): run_keys(pair[2], flow_of_pair(ctx, pair)) for pair in ctx.spec["pairs"]}
    going_on = f"{len(left)} of " if len(left) < len(phase[RUNS]) else ""
    why = f"{going_on}{_count(len(phase[RUNS]))} in progress"
    until_s = float(phase.get("until", ctx.now_s + FOLLOW_S))
    return Await({run: keys.get(run, ()) for run in left}, why, phase, until_s, began_s, keep="done" not in phase)


def _count(runs: int) -> str:
    return f"{runs} run{'s' if runs != 1 else ''}"


def keep_looking(ctx: Context, phase: Phase) -> Step:
    """Our own runs are over, or time is; or the run was resumed, and nothing is known of them."""
    over = {run: [end.state, end.reason] for run, end in ctx.ended.items() if end.problem is None}
    done: dict[str, list[Any]] = {**phase.get("done", {}), **over}
    left = [run for run in phase[RUNS] if run not in done]
    if not left:
        return _finished(ctx, phase, done, "")
    unread = next((end.problem for run in left if (end := ctx.ended.get(run)) and end.problem), None)
    if unread is not None or ctx.now_s >= float(phase.get("until", ctx.now_s + 1.0)):
        # They were activated; only what became of them is not known. That is no reason to do it again.
        why = unread.message if unread else "not over after a day"
        return _finished(ctx, phase, done, f"its run was not followed to its end: {why}")
    return _await(ctx, {**phase, "done": done}, left)


def _finished(ctx: Context, phase: Phase, done: Mapping[str, list[Any]], why: str) -> Step:
    rows = []
    for pair in ctx.spec["pairs"]:
        run = phase["of"].get(str(pair[0]), "")
        state, reason = done.get(run, ["running" if run else None, why or None])
        outcome = "failed" if state == RunState.FAILED else "activated"
        if not run:
            doubt = phase.get("several", {}).get(str(pair[0]))
            reason = "activated; the platform does not show its run"
            if doubt:
                reason = f"activated; its run is one of {', '.join(doubt)}"
        rows.append(row(pair, outcome, reason, run=run or None, state=state, attempts=tries(ctx)))
    return settle(rows, runs=phase[RUNS])
