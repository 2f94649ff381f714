"""Flags that several commands share, and the kinds of values they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, time, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from headgate.cli.app import Talk
from headgate.cli.how import How

Command = TypeVar("Command", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """The end of a command's help: lines to copy. The first character is click's mark for text to leave as it is."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def complete_destinations(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of destinations for the shell."""
    from headgate.catalogue import batch_keys

    return [key for key in batch_keys() if key.startswith(incomplete)]


def complete_catalog(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of destinations and sources for the shell."""
    from headgate.catalogue import source_keys

    return [
        *complete_destinations(ctx, param, incomplete),
        *(key for key in source_keys() if key.startswith(incomplete)),
    ]


def complete_runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Ids of runs for the shell, newest first. A shell that asks is never told of trouble."""
    from contextlib import suppress

    from headgate.cli.wiring import load_profile, reading

    with suppress(Exception), reading(load_profile(ctx.params.get("profile"), ctx.params.get("state"))) as store:
        return [row.id for row in store.runs() if row.id.startswith(incomplete)] if store is not None else []
    return []


def _talkative(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    talk = ctx.find_object(Talk)
    if talk is not None and value:
        talk.verbose = True


def verbose(command: Command) -> Command:
    """``-v``."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_talkative,
        help="Say more; show where an internal error happened.",
    )(command)


def as_json(command: Command) -> Command:
    """``--json``."""
    return click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")(command)


def profile(command: Command) -> Command:
    """``--profile`` and ``--state``."""
    for option in (
        click.option(
            "--state", metavar="PATH|URL", help="State store: a file or postgresql://…  [default: .headgate/state.db]"
        ),
        click.option("--profile", metavar="FILE", help="Profile: who we are, and how fast."),
    ):
        command = option(command)
    return command


def key_values(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Callback of ``--set``: a mapping."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"'{value}' is not key=value")
        found[key] = rest
    return found


def _allow_files(ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> None:
    talk = ctx.find_object(Talk)
    if talk is not None and values:
        talk.files = values


def allow_files(command: Command) -> Command:
    """``--allow-files``."""
    return click.option(
        "--allow-files",
        multiple=True,
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        expose_value=False,
        callback=_allow_files,
        help="Let ${file:…} read here too, and not in the manifest's folder only; repeatable.",
    )(command)


def chosen(command: Command) -> Command:
    """``--select``, ``--tag``, ``--set`` and ``--allow-files``."""
    for option in (
        allow_files,
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            callback=key_values,
            help="Set a variable of the manifest; repeatable.",
        ),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only items with this tag; repeatable."),
        click.option("--select", multiple=True, metavar="GLOB", help="Only items with such a name; repeatable."),
    ):
        command = option(command)
    return command


def again(command: Command) -> Command:
    """``--set``, where a manifest is loaded again."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        callback=key_values,
        help="A variable of the manifest, given again: a secret was not kept.",
    )(allow_files(command))


def simulate(command: Command) -> Command:
    """``--simulate``."""
    return click.option("--simulate", is_flag=True, help="Use the embedded platform, in this process.")(command)


def checked_rate(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Callback of a rate: the text, if it is one."""
    from headgate.pacing.rate import parse_rate

    return _checked(value, parse_rate)


def _share(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    from headgate.pacing.rate import parse_share

    return _checked(value, parse_share)


def _checked(value: str | None, parse: Callable[[str], object]) -> str | None:
    if value is not None:
        try:
            parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return value


def rate(command: Command) -> Command:
    """``--rate``."""
    return click.option("--rate", metavar="RATE", callback=checked_rate, help="Requests at most: 50/s, 3000/min.")(
        command
    )


def listen(command: Command) -> Command:
    """``--host`` and ``--port`` of a page."""
    for option in (
        click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.  [default: 0]"),
        click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            metavar="ADDRESS",
            help="Where the live page listens. Elsewhere than on this machine, others see every run.",
        ),
    ):
        command = option(command)
    return command


def _place(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Callback of ``--web``, ``--host`` and ``--port``, which become one value: a place, or nothing."""
    given = ctx.meta.setdefault("headgate.web", {})
    given[param.name] = value
    if param.name != "web":
        return value
    if not value:
        for name in ("host", "port"):
            if given[name] is not None:
                raise click.UsageError(f"--{name} is for --web, which was not given", ctx)
        return None
    from headgate.cli.web import Place

    return Place(**{name: given[name] for name in ("host", "port") if given[name] is not None})


def web(command: Command) -> Command:
    """``--web``, with ``--host`` and ``--port``."""
    quiet: dict[str, Any] = {"is_eager": True, "expose_value": False, "callback": _place}
    for option in (
        click.option("--port", type=click.IntRange(0, 65535), help="Of the live page.  [default: a free one]", **quiet),
        click.option(
            "--host", metavar="ADDRESS", help="Of the live page: elsewhere than here, others see it.", **quiet
        ),
        click.option(
            "--web", is_flag=True, callback=_place, help="Show the run live in a browser; prints the page's address."
        ),
    ):
        command = option(command)
    return command


def _events(command: Command) -> Command:
    return click.option(
        "--events",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Append events to FILE (JSONL).",
    )(command)


def _report(command: Command) -> Command:
    return click.option(
        "--report",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the report to FILE: JSON, or what its name ends in (.html, .xml for JUnit, .csv, .jsonl, .txt).",
    )(command)


def _time(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    return None if value is None else moment(value, datetime.now().astimezone())


def moment(text: str, now: datetime) -> datetime:
    """The time meant by ``22:30`` (the next one, local) or an ISO date and time (local unless it says otherwise).

    Raises:
        click.BadParameter: for anything else, and for a date in the past.
    """
    try:
        clock = time.fromisoformat(text) if len(text) <= len("22:30:00") else None
        if clock is not None:
            found = datetime.combine(now.date(), clock, now.tzinfo)
            return found if found > now else found + timedelta(days=1)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is not a time; write it like 22:30 or 2026-12-20T22:30:00+01:00") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=now.tzinfo)
    if at <= now:
        raise click.BadParameter(f"'{text}' has passed")
    return at


def graph(command: Command) -> Command:
    """``--graph`` and ``--graph-limit``."""
    for option in (
        click.option(
            "--graph-limit",
            type=click.IntRange(1, 5_000),
            metavar="N",
            default=60,
            show_default=True,
            help="Nodes at most; where there are more jobs, equal ones become one node with a count.",
        ),
        click.option(
            "--graph",
            type=click.Choice(["mermaid", "dot", "json"]),
            help="Print the jobs and what they wait for as a graph instead: for Mermaid, Graphviz or programs.",
        ),
    ):
        command = option(command)
    return command


def _set(ctx: click.Context, param: click.Parameter, value: str | bool | None) -> None:
    talk = ctx.find_object(Talk)
    if talk is not None and value and param.name:
        talk.settings[param.name] = str(value)


def telling(command: Command) -> Command:
    """``--notify``, ``--prometheus`` and ``--otel``: settings, for one run."""
    for option in (
        click.option(
            "--otel", is_flag=True, expose_value=False, callback=_set, help="Send spans and numbers to OpenTelemetry."
        ),
        click.option(
            "--prometheus",
            metavar="[HOST:]PORT",
            expose_value=False,
            callback=_set,
            help="Serve numbers at /metrics while it goes; on this machine unless HOST is named.",
        ),
        click.option(
            "--notify",
            metavar="URL",
            expose_value=False,
            callback=_set,
            help="Post a summary to this webhook at the end; better HEADGATE_NOTIFY, which no process list shows.",
        ),
    ):
        command = option(command)
    return command


def _gathered(command: Command, names: tuple[str, ...]) -> Command:
    """``command`` with the values of ``names`` as one argument, ``how``."""

    @wraps(command)
    def with_how(*args: Any, **given: Any) -> Any:
        return command(*args, how=How(**{name: given.pop(name) for name in names if name in given}), **given)

    return cast("Command", with_how)


def deleting(command: Command) -> Command:
    """How a run that deletes goes and where it is told: the argument ``how``."""
    command = _gathered(command, ("rate", "concurrency", "report", "events", "json", "no_progress"))
    for option in (
        telling,
        click.option("--no-progress", is_flag=True, help="No progress on stderr."),
        as_json,
        _events,
        _report,
        click.option("--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Requests at once, at most."),
        rate,
    ):
        command = option(command)
    return command


def running(command: Command) -> Command:
    """Everything that says how a run goes and where it is told, ``--web`` included: the argument ``how``."""
    command = _gathered(command, tuple(each.name for each in fields(How)))
    for option in (
        web,
        telling,
        click.option("--yes", metavar="NAME", help="The name of a protected sandbox, instead of typing it."),
        click.option("--no-progress", is_flag=True, help="No progress on stderr."),
        as_json,
        _events,
        _report,
        click.option(
            "--finish-by",
            metavar="TIME",
            callback=_time,
            help="Start nothing new from then on: 22:30, or an ISO date and time.",
        ),
        click.option(
            "--tolerate", metavar="SHARE", callback=_share, help="Stop when more rows than this fail: 5%, 10."
        ),
        click.option("--on-error", type=click.Choice(["continue", "stop"]), help="What a failure means for the rest."),
        click.option("--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Requests at once, at most."),
        rate,
    ):
        command = option(command)
    return command
