"""``headgate loadtest``: items of a manifest that arrive by the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli import options
from headgate.cli.app import Talk, say

if TYPE_CHECKING:
    from headgate.loadtest.stages import Spacing


def _checked(parse: Callable[[str], object]) -> Callable[..., Any]:
    """A callback that refuses what ``parse`` does not read."""

    def check(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        try:
            for text in (value,) if isinstance(value, str) else value or ():
                parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        return value

    return check


def _stage(text: str) -> object:
    from headgate.loadtest.stages import parse_stage

    return parse_stage(text)


def _threshold(text: str) -> object:
    from headgate.loadtest.thresholds import parse_threshold

    return parse_threshold(text)


def _seconds(text: str) -> object:
    from headgate.loadtest.stages import parse_seconds

    return parse_seconds(text)


@click.command(
    short_help="Let items arrive by the clock, measure, judge, clean up.",
    epilog=options.examples(
        "headgate loadtest load.yaml --simulate --stage 5/s:20s --threshold 'errors<1%'",
        "headgate loadtest load.yaml --warm-up 2/s:30s --stage 10/s:5m --stage 10..50/s:5m --stage 50/s:10m",
        "headgate loadtest load.yaml --stage 20/s:5m --threshold 'p95(POST /flows)<800ms' --threshold 'throttled<5%'",
        "headgate loadtest load.yaml --stage 600/min:10m --threshold 'dropped<=0' --abort-on-fail --json > load.json",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False))
@options.simulate
@click.option(
    "--stage",
    "stages",
    multiple=True,
    required=True,
    metavar="RATE:TIME",
    callback=_checked(_stage),
    help="Arrivals a second, and for how long: 10/s:60s, 10..50/s:5m, ..50/s:5m (from where it was); repeatable.",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="TEXT",
    callback=_checked(_threshold),
    help="What is expected: p95<800ms, 'p99(POST /flows)<2s', errors<1%, throttled<5%, failed<1%, dropped<=0, "
    "achieved>9/s, 'p95(arrivals)<5s'; repeatable. Missed: exit 5.",
)
@click.option("--abort-on-fail", is_flag=True, help="Stop as soon as a threshold is clearly missed.")
@click.option(
    "--warm-up",
    metavar="RATE:TIME",
    callback=_checked(_stage),
    help="A stage before the others that counts for nothing.",
)
@click.option(
    "--spacing",
    type=click.Choice(["even", "poisson"]),
    default="even",
    show_default=True,
    help="How arrivals are spread: evenly, or by chance.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of poisson.")
@click.option(
    "--grace",
    default="30s",
    show_default=True,
    metavar="TIME",
    callback=_checked(_seconds),
    help="How long arrivals may go on after the last stage; then they have failed.",
)
@click.option("--keep", is_flag=True, help="Delete nothing afterwards; `headgate destroy RUN` does it later.")
@options.deleting
@options.chosen
@options.profile
@options.verbose
@click.pass_obj
def command(
    talk: Talk,
    manifest: Path,
    simulate: bool,
    stages: tuple[str, ...],
    thresholds: tuple[str, ...],
    abort_on_fail: bool,
    warm_up: str | None,
    spacing: Spacing,
    seed: int,
    grace: str,
    keep: bool,
    rate: str | None,
    concurrency: int | None,
    report: Path | None,
    events: Path | None,
    json: bool,
    no_progress: bool,
    overrides: Mapping[str, str],
    select: tuple[str, ...],
    tags: tuple[str, ...],
    profile: str | None,
    state: str | None,
) -> int:
    """Let the items of MANIFEST arrive at the rates of the stages, in turn and from the beginning again.

    An open model: who arrives does not wait for who came before. A latency begins when a request was due, and an
    arrival for which no slot of --concurrency is free is dropped and counted, never delayed. No rate is lowered and
    nothing that was throttled is asked again: what is offered is offered. What arrivals share is made before the
    first stage, and --rate holds for that and for the clean-up alone.

    Every arrival makes objects of its own, under the item's name with the test's mark and a number, and all of them
    are deleted at the end, also after Ctrl-C. After kill -9, `headgate destroy RUN` does that. In a protected sandbox
    there is no load test. Entries that nothing undoes (activations, changes, watches) are left out.
    """
    from headgate.cli.drive import Drive
    from headgate.cli.trial import drive_trial, typed
    from headgate.cli.wiring import Choice, load_manifest, load_profile, reading, sandbox_of
    from headgate.errors import UsageError
    from headgate.garbage import gc_paused
    from headgate.launch import Wishes
    from headgate.loadtest.conduct import refuse_protected, refuse_unfinished
    from headgate.loadtest.trial import CONCURRENCY, Asked, Trial

    try:
        asked = Asked.of(
            stages,
            thresholds,
            warm_up=warm_up,
            spacing=spacing,
            seed=seed,
            grace=grace,
            abort_on_fail=abort_on_fail,
            keep=keep,
        )
    except ValueError as error:
        raise UsageError(
            f"{error}; nothing was sent", hint="--stage 10/s:60s: so many a second, for so long"
        ) from error
    click.get_current_context().with_resource(gc_paused())  # until the load begins: all that is made until then stays
    loaded = load_manifest(Choice(manifest, overrides, select, tags))
    settings = load_profile(profile, state)
    sandbox = sandbox_of(loaded.sandbox, settings, simulate=simulate)
    refuse_protected(settings, sandbox, simulate=simulate)
    trial = Trial(loaded, asked, sandbox, again=typed(manifest, asked))
    with reading(settings) as store:
        refuse_unfinished(store, loaded.name, sandbox)
    for words in trial.left_out:
        say(f"warning: {words}")
    wishes = Wishes(rate, concurrency or CONCURRENCY, fresh=True)
    drive = Drive(trial.plan, settings, wishes, simulate, report, events, json, not no_progress, talk.verbose)
    return drive_trial(trial, drive)
