"""One run from the command line: signals, progress, events, the report, and what to say at the end."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from headgate.classes import frozen
from headgate.cli.app import say
from headgate.clock import SystemClock
from headgate.errors import HeadgateError, StoreError, UsageError

if TYPE_CHECKING:
    from headgate.api import Outcome, Verdict
    from headgate.cli.show import View
    from headgate.cli.web import Place
    from headgate.engine.runner import Observer
    from headgate.launch import Parts, Seen, Wishes
    from headgate.planning.model import Plan
    from headgate.report.model import Report
    from headgate.report.story import Story
    from headgate.settings import Profile
    from headgate.watch import Watch

_INTERRUPTED: Final = 130
_WRITABLE: Final = "name a file in a folder you may write to"
_OUR_BUG: Final = 70
_LEAST_LINES: Final = 16


@frozen
class Drive:
    """Everything a run from the command line needs. ``verbose`` says retries and failures as they come."""

    plan: Plan
    profile: Profile
    wishes: Wishes
    simulate: bool = False
    report: Path | None = None
    events: Path | None = None
    json: bool = False
    progress: bool = True
    verbose: bool = False
    #: What was read already of the journal of a run that is continued.
    seen: Seen | None = None
    #: Where the live page is served, if it is.
    web: Place | None = None
    #: What drives the run, and what shows how it goes, where that is not the usual.
    parts: Parts | None = None
    showing: Callable[[View], Awaitable[None]] | None = None


def drive(asked: Drive) -> int:
    """Run to the end, write the report whatever happened, and return the exit code."""
    from headgate.garbage import settle
    from headgate.watch import Watch

    ready(asked)
    watch = Watch(begun=settle)
    try:
        outcome = carried(asked, watch)
    except (asyncio.CancelledError, KeyboardInterrupt):
        report = unfinished(asked, watch, "interrupted", None)
        _publish(asked, report)
        say("interrupted" if watch.run else "interrupted; nothing was sent")
        notify(asked, report)
        return _INTERRUPTED
    except Exception as error:
        with suppress(HeadgateError):
            report = unfinished(asked, watch, "failed", error)
            _publish(asked, report)
            notify(asked, report)
        raise
    with undisturbed():
        return _conclude(asked, watch, outcome)


def ready(asked: Drive) -> None:
    """Find out before anything is sent that its end could not be told.

    Raises:
        UsageError: it could not.
    """
    writable(asked.report)
    if asked.profile.notify is not None:
        from headgate.telemetry import webhook

        webhook.check(asked.profile)


def carried(asked: Drive, watch: Watch) -> Outcome:
    """Run to the end, signals heeded and progress shown; no last words."""
    with _noted(watch), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_run(asked, watch))


def _conclude(asked: Drive, watch: Watch, outcome: Outcome) -> int:
    """Write the report and the last words; the exit code."""
    code = outcome.report.exit_code
    _publish(asked, outcome.report)
    say_deaf(watch)
    if asked.json:
        for note in _notes(asked, outcome.report):
            say(note)
    else:
        click.echo(_summary(asked, outcome.report), nl=False)
    notify(asked, outcome.report)
    return judged(outcome.verdict, code)


def say_deaf(watch: Watch) -> None:
    """Say which observers have heard nothing since something went wrong in them."""
    for trouble in watch.runner.deaf if watch.runner is not None else ():
        say(f"warning: events stopped: {trouble}; the run itself was not harmed")


def notify(asked: Drive, report: Report, notes: Sequence[str] | None = None) -> None:
    """Tell the webhook, if there is one. What comes of it changes nothing but a line on stderr."""
    if asked.profile.notify is None:
        return
    from headgate.telemetry import summary, webhook

    try:
        body = summary.payload(report, _notes(asked, report) if notes is None else notes)
        trouble = asyncio.run(webhook.post(str(asked.profile.notify.reveal()), body))
    except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:  # noqa: BLE001 -- the run is over
        trouble = type(error).__name__
    if trouble:
        say(f"warning: the summary was not posted: {trouble}; the run itself was not harmed")


async def _run(asked: Drive, watch: Watch) -> Outcome:
    from headgate.api import conduct
    from headgate.cli.show import Sight, choose, keep_showing
    from headgate.cli.told import Telling

    async with AsyncExitStack() as stack:
        observers: list[Observer] = []
        ended: Callable[[Report], None] | None = None
        if asked.events is not None:
            bulletin = stack.enter_context(_events_to(asked.events, watch))
            observers.append(bulletin)
            ended = bulletin.end
        told: list[Report] = []
        observers += stack.enter_context(_listening(asked.profile, watch, told))
        view, every_s = choose(progress=asked.progress and asked.showing is None)
        stack.callback(_quietly, view.close)
        view = Telling(view, watch)
        if asked.web is not None:
            from headgate.cli.web import beside

            await stack.enter_async_context(beside(asked.web, asked.profile, watch))
        if asked.verbose:
            observers.append(_chatter(view, watch))
        stack.enter_context(_signals(watch, view))
        sight = Sight(watch, SystemClock())
        observers.append(sight.hear)
        shown = asked.showing(view) if asked.showing else keep_showing(sight, view, every_s, SystemClock())
        showing = asyncio.ensure_future(shown)
        try:
            outcome = await conduct(
                asked.plan,
                asked.profile,
                asked.wishes,
                simulate=asked.simulate,
                watch=watch,
                observers=tuple(observers),
                seen=asked.seen,
                parts=asked.parts,
            )
        finally:
            showing.cancel()
            await _shown(showing)
        told.append(outcome.report)
        if ended is not None:
            with suppress(OSError):
                ended(outcome.report)
    return outcome


async def _shown(showing: asyncio.Future[None]) -> None:
    """The view is over. What goes wrong in showing a run is not the run's: it is said, and no more."""
    try:
        await showing
    except asyncio.CancelledError:
        pass
    except OSError:  # the terminal is gone
        pass
    except Exception as error:  # noqa: BLE001 -- the run goes on
        say(f"warning: progress was not shown any more: {type(error).__name__}; the run itself was not harmed")


@contextmanager
def _listening(profile: Profile, watch: Watch, told: list[Report]) -> Iterator[list[Observer]]:
    """Telemetry that the profile asks for, until the run is over; ``told`` has its report then, if there is one."""
    if not (profile.otel or profile.prometheus):
        yield []
        return
    from headgate.telemetry import listeners

    found = listeners(profile, watch)
    try:
        yield list(found)
    finally:
        for listener in found:
            with suppress(Exception):
                trouble = listener.end(told[0] if told else None)
                if trouble:
                    say(f"warning: telemetry: {trouble}; the run itself was not harmed")


def _quietly(end: Callable[[], None]) -> None:
    """End a view: the run is over, and a terminal that is gone does not change how it ended."""
    with suppress(Exception):
        end()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where the ``fast`` extra is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@contextmanager
def undisturbed() -> Iterator[None]:
    """The run is over and saved: a Ctrl-C too many does not cut its report short."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread, where no signal arrives
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# -- signals -----------------------------------------------------------------------------------------------------------


@contextmanager
def _signals(watch: Watch, view: View) -> Iterator[None]:
    """First signal: start nothing new, save, end. Second: end at once. Third: the system's own way."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = 0

    def on_signal() -> None:
        nonlocal asked
        asked += 1
        runner = watch.runner
        if runner is None:
            if task is not None:
                task.cancel()
        elif asked == 1:
            flying = runner.flying
            watch.drain()
            view.say(
                f"stopping: {flying} request{'s' if flying != 1 else ''} on their way, then the state is saved "
                "(Ctrl-C again to stop at once)"
            )
        else:
            remove()
            watch.cancel()
            view.say("stopping at once")

    def remove() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, on_signal)
        except (NotImplementedError, RuntimeError):  # not on this system, or not in the main thread
            with suppress(ValueError):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
    try:
        yield
    finally:
        remove()
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to stop; the loop is closed in peace


@contextmanager
def _noted(watch: Watch) -> Iterator[None]:
    """Ctrl-C while the loop is made, and while it is closed: never a traceback out of the middle of either."""
    try:
        before = signal.signal(signal.SIGINT, lambda *_: watch.drain())
    except ValueError:  # not in the main thread, where no signal arrives
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# -- events ------------------------------------------------------------------------------------------------------------


@contextmanager
def _events_to(path: Path, watch: Watch) -> Iterator[Any]:
    """An observer that appends events to ``path``, one JSON document a line, straight to the file."""
    import orjson
    import structlog

    from headgate.bulletin import Bulletin

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)  # nothing is left to be written, or to fail, when it is closed
    except OSError as error:
        raise UsageError(
            f"{path}: events cannot be written: {error.strerror}; nothing was sent", hint=_WRITABLE
        ) from error
    with file:
        log: Any = structlog.wrap_logger(
            structlog.BytesLogger(file),
            wrapper_class=structlog.BoundLogger,
            processors=[_in_order, structlog.processors.JSONRenderer(orjson.dumps)],
        )
        yield Bulletin(watch, lambda event: log.msg(**event))


def _in_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """What every event has comes first."""
    return {key: event[key] for key in ("schema", "ts", "event", "run", "job") if key in event} | {**event}


def _chatter(view: View, watch: Watch) -> Observer:
    """Says retries, holds and failures as they come (``-v``)."""

    def tell(event: Any) -> None:
        machine = watch.machine
        key = machine.jobs[event.job].key if machine is not None and event.job >= 0 else "run"
        fields = event.fields
        if event.name == "retry":
            view.say(
                f"{key}: {fields['verdict']} {fields['status'] or ''} on {fields['endpoint']}, "
                f"again in {fields['delay']} s{': ' if fields['message'] else ''}{fields['message']}"
            )
        elif event.name == "settled" and fields["ending"] == "failed":
            view.say(f"{key}: failed: {fields['message']}")
        elif event.name == "hold":
            view.say(f"{key}: held: {fields['reason']}")
        elif event.name == "rate":
            view.say(fields["message"])

    return tell


# -- the report and the last words -------------------------------------------------------------------------------------


def writable(path: Path | None) -> None:
    """Find out before anything is sent that the report could not be written.

    Raises:
        UsageError: it cannot.
    """
    if path is None:
        return
    from headgate.report.render import form_of, probe

    if form_of(path) == "html":
        from headgate.report.page import require

        require()
    try:
        probe(path)
    except OSError as error:
        raise UsageError(
            f"{path}: the report cannot be written there: {error.strerror}; nothing was sent", hint=_WRITABLE
        ) from error


def _publish(asked: Drive, report: Report) -> None:
    publish(report, asked.report, json=asked.json, profile=asked.profile)


def publish(report: Report, path: Path | None, *, json: bool, profile: Profile | None = None) -> None:
    """Write the report to its file, in the form its name asks for, and to stdout where that is asked for.

    Args:
        report: What happened.
        path: The file.
        json: Whether to print it, too.
        profile: Knows the state store of the run: a page shows its times, which the report has not.

    Raises:
        StoreError: the file cannot be written.
    """
    from headgate.report.render import form_of, json_text, rendered, write

    text = json_text(report)
    if path is not None:
        form = form_of(path)
        try:
            told = _story(report, profile if form == "html" else None)
            write(path, text if form == "json" else rendered(told, form, flags=state_flag(profile)))
        except OSError as error:
            raise StoreError(
                f"{path}: the report cannot be written: {error.strerror}",
                hint=f"headgate report {report.run_id} --format json",
            ) from error
    if json:
        click.echo(text, nl=False)


def state_flag(profile: Profile | None) -> str:
    """``--state …`` for commands that are shown, where a person would have to write it."""
    usual = profile is None or profile.layers.get("state", "default") == "default"
    return "" if usual or profile is None else shlex.join(["--state", profile.state_shown])


def _story(report: Report, profile: Profile | None) -> Story:
    """The report with its times and counters, as far as the profile's store has them."""
    from headgate.cli.wiring import reading
    from headgate.launch import story_of
    from headgate.report.story import Story

    if profile is not None and report.run_id:
        with suppress(HeadgateError), reading(profile) as store:
            if store is not None:
                return replace(story_of(store, report.run_id), report=report)
    return Story(report)


def unfinished(asked: Drive, watch: Watch, status: Any, error: BaseException | None) -> Report:
    """The report of a run that could not begin, or that broke: from the store where it has something."""
    from headgate.engine.record import Past, fold
    from headgate.planning.outline import Outline
    from headgate.report import Failure, build
    from headgate.store import RunRow, open_store

    plan, now = asked.plan, SystemClock().now()
    run, past = watch.run, Past()
    if run is None:
        run = RunRow("", plan.manifest, "", plan.sandbox, plan.fingerprint, status, now)
    else:
        with suppress(HeadgateError):
            store = open_store(asked.profile.state, readonly=True, org=asked.profile.org_id)
            try:
                run, past = store.run(run.id) or run, fold(store.records(run.id))
            finally:
                store.close()
    report = build(run, Outline.of(plan), past, status=status, finished_at=now)
    if error is None:
        return replace(report, stop="interrupted", stop_reason="interrupted")
    said = error if isinstance(error, HeadgateError) else HeadgateError("internal error")
    return replace(
        report, failures=[*report.failures, Failure("", "", 0, type(error).__name__, said.message, "", said.hint)]
    )


def _summary(asked: Drive, report: Report) -> str:
    from headgate.cli.paint import painted
    from headgate.report.render_text import render

    text = render(report, width=screen_width(), height=_screen_height(), notes=_notes(asked, report))
    return painted(text) if coloured() else text


def screen_width() -> int:
    """Columns of the terminal, within reason; 100 when there is none."""
    import shutil

    return max(60, min(140, shutil.get_terminal_size((100, 24)).columns))


def _screen_height() -> int:
    """Lines that are left for the last words; 0, which is no bound, where they go to a file or a pipe."""
    import shutil

    # Below them stand what the embedded platform saw, and the prompt.
    return max(_LEAST_LINES, shutil.get_terminal_size((100, 24)).lines - 2) if sys.stdout.isatty() else 0


def coloured() -> bool:
    """Whether stdout takes colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _notes(asked: Drive, report: Report) -> list[str]:
    """Where the report is, and what to do next."""
    notes = [] if asked.report is None else [f"report: {asked.report}"]
    flag = state_flag(asked.profile)
    state = f" {flag}" if flag else ""
    if report.open_jobs or report.status == "interrupted":
        return [*notes, f"resume with: headgate resume {report.run_id}{state}"]
    path = asked.plan.source.get("path", "MANIFEST")
    if report.exit_code and asked.plan.source.get("command"):
        mend = f"headgate {asked.plan.source['again']}{' --simulate' if asked.simulate else ''}{state}"
        return [*notes, f"mend the cause, then: {mend}"]
    if report.exit_code and report.run_id:
        return [*notes, f"mend the cause, then: headgate retry {report.run_id}{state}"]
    if report.exit_code:
        mend = f"mend the cause, then: headgate run {path}{' --simulate' if asked.simulate else ''}{state}"
        return [*notes, mend]
    return [*notes, f"every row: headgate report {report.run_id} --format csv{state}"]


def judged(verdict: Verdict | None, code: int, *, quiet: bool = False) -> int:
    """Say what the embedded platform saw. A broken rule is our bug and changes the exit code; ``quiet``: only that."""
    if verdict is None or (quiet and verdict.clean):
        return code
    broken = f"{verdict.duplicates} duplicates, {verdict.violations} violations"
    seen = f"embedded platform: {verdict.objects:,} objects, {broken}"
    if verdict.namesakes:
        seen += f" ({verdict.namesakes} names shared with objects of other manifests)"
    say(seen)
    if verdict.clean:
        return code
    say("BROKEN RULES, please report:")
    for text in verdict.worst:
        say(f"  {text}")
    return _OUR_BUG
