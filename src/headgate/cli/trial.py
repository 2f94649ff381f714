"""A load test from the command line: the load, the clean-up, and the last words about both.

The load is driven as any run is. Ctrl-C ends it well, and the clean-up follows; a second one ends it at once, and then
the command that cleans up is said, as it is whenever the clean-up does not come to its end.
"""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from headgate.classes import mutable
from headgate.cli.app import say
from headgate.clock import SystemClock
from headgate.errors import HeadgateError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from headgate.api import Outcome
    from headgate.cli.drive import Drive
    from headgate.cli.show import View
    from headgate.loadtest.machine import LoadMachine
    from headgate.loadtest.result import LoadResult
    from headgate.loadtest.trial import Asked, Trial
    from headgate.teardown import Teardown
    from headgate.watch import Watch

_EVERY_S: Final = 5.0
_INTERRUPTED: Final = 130
#: What became of a test, for the webhook: "NAME has met … in sandbox dev".
_IN_WORDS: Final = {
    "met": "has met its thresholds",
    "done": "is done",
    "missed": "has missed a threshold",
    "stopped": "was stopped",
    "failed": "has failures",
    "interrupted": "was interrupted",
}


def typed(manifest: Path, asked: Asked) -> str:
    """What a person types for the same test, without ``headgate``."""
    words = ["loadtest", str(manifest)]
    for stage in asked.stages:
        words += ["--warm-up" if stage.warm_up else "--stage", str(stage)]
    for one in asked.thresholds:
        words += ["--threshold", one.text]
    return shlex.join(words)


@mutable
class _Wiped:
    """How the clean-up went: what was found to delete, and what came of deleting it."""

    found: Teardown | None = None
    outcome: Outcome | None = None
    #: What a person types to go on with it, where it has not come to its end, and whether a person cut it short.
    go_on: str = ""
    interrupted: bool = False


def drive_trial(trial: Trial, asked: Drive) -> int:
    """Offer the load, clean up, tell, and return the exit code."""
    from headgate.cli.drive import carried, ready, say_deaf, undisturbed
    from headgate.garbage import settle
    from headgate.watch import Watch

    ready(asked)
    _announce(trial)
    watch = Watch(begun=settle)

    async def showing(view: View) -> None:
        if asked.progress:
            await _keep_telling(trial, watch, view)
        await asyncio.Event().wait()

    load = replace(asked, parts=trial.parts(), showing=showing)
    try:
        outcome = carried(load, watch)
    except (asyncio.CancelledError, KeyboardInterrupt):
        say("interrupted" if watch.run else "interrupted; nothing was sent")
        _cut_short(trial, asked, watch, None)
        return _INTERRUPTED
    except HeadgateError as error:
        with suppress(HeadgateError):
            _cut_short(trial, asked, watch, error)
        raise
    result = trial.result(outcome.report)
    try:
        wiped = _wipe(trial, asked, result, watch)
    except (asyncio.CancelledError, KeyboardInterrupt):
        wiped = _Wiped(go_on=f"headgate destroy {result.report.run_id}", interrupted=True)
    with undisturbed():
        say_deaf(watch)
        return _conclude(asked, result, outcome, wiped)


def _announce(trial: Trial) -> None:
    """What will be offered, before anything is."""
    from headgate.loadtest.stages import length, spelled
    from headgate.report.render_table import plural

    course, each = trial.course, trial.requests_each()
    top = max(max(stage.begin_per_s, stage.end_per_s) for stage in course.stages)
    many = f"{plural(len(course.arrivals), 'arrival')}, {plural(trial.items, 'item')} in turn"
    lasting = spelled(length(course.stages))
    say(f"{many}, in {lasting}; about {each:.0f} requests each: up to {top * each:.0f} requests/s")


def _cut_short(trial: Trial, asked: Drive, watch: Watch, error: HeadgateError | None) -> None:
    """The load did not come to an end of its own: what is known of it, and how what it made is deleted."""
    from headgate.cli.drive import state_flag, unfinished
    from headgate.cli.wiring import reading
    from headgate.loadtest.result import CleanUp
    from headgate.teardown import made_by_runs

    left, run = 0, watch.run
    if run is not None:
        say(f"clean up with: {_with_state(f'headgate destroy {run.id}', state_flag(asked.profile))}")
        with suppress(HeadgateError), reading(asked.profile) as store:
            left = made_by_runs(store, run.sandbox)[run.id] if store is not None else 0
    report = unfinished(asked, watch, "failed" if error is not None else "interrupted", error)
    _publish(asked, replace(trial.result(report, error), clean_up=CleanUp(left=left)))


def _with_state(command: str, flag: str) -> str:
    return f"{command} {flag}".strip()


# -- progress ----------------------------------------------------------------------------------------------------------


async def _keep_telling(trial: Trial, watch: Watch, view: View) -> None:
    """A line every few seconds. It costs next to nothing: a look at every job would be latency."""
    clock, told = SystemClock(), False
    while True:
        await asyncio.sleep(_EVERY_S if told else _EVERY_S / 5)
        machine = trial.machine
        if machine is None or watch.runner is None:
            continue
        if machine.began_at is None:
            view.say(f"set-up: {machine.open - sum(1 for job in machine.jobs if job.item >= 0):,} jobs to go")
        else:
            view.say(_line(machine, clock.mono() - machine.began_at, watch.runner.flying))
        told = True


def _line(machine: LoadMachine, elapsed_s: float, flying: int) -> str:
    from headgate.loadtest.stages import starts

    stages, meter = machine.course.stages, machine.meter
    number = sum(1 for begin in starts(stages) if begin <= elapsed_s)
    whole = [sum(getattr(one, name) for one in meter.measured) for name in ("due", "done", "failed", "dropped")]
    asked = [sum(getattr(one, name) for one in meter.measured) for name in ("requests", "throttled", "faults")]
    parts = [
        f"{elapsed_s:.0f}s  stage {number}/{len(stages)} ({stages[number - 1]})",
        f"arrived {whole[0]:,}  done {whole[1]:,}  under way {machine.active:,}",
        *([f"failed {whole[2]:,}"] if whole[2] else []),
        *([f"dropped {whole[3]:,}"] if whole[3] else []),
        f"requests {asked[0]:,}  in flight {flying}",
        *([f"throttled {asked[1]:,}"] if asked[1] else []),
        *([f"errors {asked[2]:,}"] if asked[2] else []),
        *([f"stopping: {machine.stopped.detail}"] if machine.stopped is not None else []),
    ]
    return "  ".join(parts)


# -- clean-up ----------------------------------------------------------------------------------------------------------


def _wipe(trial: Trial, asked: Drive, result: LoadResult, watch: Watch) -> _Wiped:
    """Delete what the load made; in a run of its own, which can be stopped and gone on with like any destroy."""
    from headgate.cli.asking import counted
    from headgate.cli.drive import carried
    from headgate.cli.wiring import reading
    from headgate.garbage import settle
    from headgate.launch import Wishes
    from headgate.loadtest.conduct import clean_up_of
    from headgate.watch import Watch as Watching

    run = result.report.run_id
    if trial.asked.keep:
        return _Wiped()
    if watch.cancelled:
        return _Wiped(go_on=f"headgate destroy {run}")
    with reading(asked.profile) as store:
        found = clean_up_of(store, run, trial.plan) if store is not None else None
    if found is None or not found.plan.jobs:
        return _Wiped(found)
    say(f"cleaning up: {counted(found.going)}")
    wiping, wishes = Watching(begun=settle), Wishes(asked.wishes.rate, fresh=True)
    # Its events and its page are its own: what was asked for is told of the load.
    destroy = replace(asked, plan=found.plan, wishes=wishes, events=None, web=None, parts=None, showing=None)
    try:
        outcome = carried(destroy, wiping)
    except (asyncio.CancelledError, KeyboardInterrupt, HeadgateError) as error:
        if isinstance(error, HeadgateError):
            say(f"error: the clean-up: {error.message}")
        return _Wiped(found, None, f"headgate destroy {run}", not isinstance(error, HeadgateError))
    gone = outcome.report
    again = (
        "" if gone.exit_code == 0 else f"headgate resume {gone.run_id}" if gone.open_jobs else f"headgate destroy {run}"
    )
    return _Wiped(found, outcome, again, gone.status == "interrupted")


def _conclude(asked: Drive, result: LoadResult, load: Outcome, wiped: _Wiped) -> int:
    """The report and the last words; the exit code."""
    from headgate.cli.drive import judged, notify, state_flag
    from headgate.cli.wiring import reading
    from headgate.loadtest.conduct import cleaned
    from headgate.loadtest.render import thresholds

    gone = wiped.outcome.report if wiped.outcome is not None else None
    with reading(asked.profile) as store:
        if store is None:
            raise StoreError("the state store is gone", hint="`headgate sweep` finds what the load test made")
        clean = cleaned(store, result.report.run_id, result.report.sandbox, wiped.found, gone)
    result = replace(result, clean_up=replace(clean, wanted=not _kept(wiped), interrupted=wiped.interrupted))
    _publish(asked, result)
    flag = state_flag(asked.profile)
    notes = [] if asked.report is None else [f"report: {asked.report}"]
    if wiped.go_on:
        notes.append(f"clean up with: {_with_state(wiped.go_on, flag)}")
    _say_result(asked, result, notes)
    told = replace(result.report, status=_IN_WORDS[result.status])
    notify(asked, told, [*(f"{word}: {text}: {value}" for word, text, value in thresholds(result)), *notes])
    code = result.exit_code
    for verdict in (load.verdict, wiped.outcome.verdict if wiped.outcome is not None else None):
        code = judged(verdict, code, quiet=verdict is load.verdict and wiped.outcome is not None)
    return code


def _kept(wiped: _Wiped) -> bool:
    return wiped.found is None and not wiped.go_on


def _say_result(asked: Drive, result: LoadResult, notes: list[str]) -> None:
    from headgate.cli.drive import screen_width
    from headgate.cli.paint import painted
    from headgate.loadtest.render import render

    if asked.json:
        for note in notes:
            say(note)
        return
    text = render(result, width=screen_width(), notes=notes)
    from headgate.cli.drive import coloured

    click.echo(painted(text) if coloured() else text, nl=False)


def _publish(asked: Drive, result: LoadResult) -> None:
    """The result to stdout and to its file; in another form than JSON, that of the run that was the load."""
    import orjson

    from headgate.cli.drive import publish
    from headgate.report.render import form_of, write

    text = orjson.dumps(result.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    if asked.report is not None and form_of(asked.report) == "json":
        try:
            write(asked.report, text)
        except OSError as error:
            raise StoreError(
                f"{asked.report}: the report cannot be written: {error.strerror}", hint="--json prints it"
            ) from error
    elif asked.report is not None:
        publish(result.report, asked.report, json=False, profile=asked.profile)
    if asked.json:
        click.echo(text, nl=False)
