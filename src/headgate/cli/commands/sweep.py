"""``headgate sweep``: objects that bear headgate's mark and that this state store does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.classes import frozen
from headgate.cli import asking, options
from headgate.cli.app import Misuse, say
from headgate.cli.how import How

if TYPE_CHECKING:
    from headgate.cli.wiring import Choice
    from headgate.launch import Wishes
    from headgate.settings import Profile
    from headgate.strays import Seen


@frozen
class _Swept:
    """What was looked at, what of it is unknown, what the store knows, and whose marks can be told."""

    seen: Sequence[Seen]
    found: Sequence[Seen]
    known: Mapping[str, tuple[str, str]]
    names: Mapping[str, str]


@click.command(
    short_help="Find what no state store knows: list, adopt, delete.",
    epilog=options.examples(
        "headgate sweep",
        "headgate sweep --json > strays.json",
        "headgate sweep --adopt nightly.yaml",
        "headgate sweep --delete",
    ),
)
@click.option(
    "--adopt",
    metavar="MANIFEST",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take into the state store what bears the marks of MANIFEST's jobs.",
)
@click.option("--delete", is_flag=True, help="Delete what was found, after asking.")
@options.again
@options.simulate
@asking.yes
@options.deleting
@options.profile
@options.verbose
def command(
    adopt: Path | None,
    delete: bool,
    overrides: Mapping[str, str],
    simulate: bool,
    yes: str | None,
    how: How,
    profile: str | None,
    state: str | None,
) -> int:
    """List the objects of the sandbox that bear headgate's mark and that this state store does not know.

    They were made with another state store: one that is lost, or a colleague's. With --adopt MANIFEST those that are
    MANIFEST's come to be known here, so that a run uses and a destroy deletes them. With --delete all of them are
    deleted, but for those that something else still uses; that another store may know them is for you to judge.
    """
    from headgate.cli.drive import publish, writable
    from headgate.cli.wiring import Choice, load_profile, sandbox_of
    from headgate.clock import SystemClock
    from headgate.report import nothing_done
    from headgate.strays import deletion

    if adopt is not None and delete:
        raise Misuse("--adopt and --delete stand together", "choose one: what is adopted is not deleted")
    writable(how.report)
    settings = load_profile(profile, state)
    wishes = how.wishes(fresh=True)
    if adopt is not None:
        return _adopt(Choice(adopt, overrides), settings, wishes, how.report, simulate=simulate, json=how.json)
    sandbox = sandbox_of(None, settings, simulate=simulate)
    swept = _sweep(settings, sandbox, wishes, simulate=simulate)
    if not delete:
        return _list(swept, sandbox, settings, json=how.json)
    plan = deletion(swept.seen, swept.found, sandbox)
    if not plan.jobs:
        _said(swept, sandbox, settings)
        publish(nothing_done("", sandbox, SystemClock().now()), how.report, json=how.json)
        return 0
    going = Counter(str(job.spec.collection) for job in plan.jobs)
    lines = [
        f"what bears headgate's mark in sandbox {sandbox} and is not known to {settings.state_shown} will be deleted:",
        f"  {asking.counted(going)}",
        "another state store (a colleague's) may know these objects",
    ]
    kept = len(swept.found) - len(plan.jobs)
    if kept:
        lines.append(f"kept: {kept:,} that something else uses")
    asking.confirm(settings, sandbox, yes, lines, simulate=simulate)
    return how.drive(plan, settings, wishes, simulate=simulate)


def _sweep(settings: Profile, sandbox: str, wishes: Wishes, *, simulate: bool) -> _Swept:
    """Look at the platform and at the store."""
    import asyncio

    from headgate.cli.wiring import reading, refuse_strangers
    from headgate.strays import manifests, strays

    if not simulate:
        settings.require_platform()
    with reading(settings) as store:
        if store is not None:
            refuse_strangers(store, sandbox, settings, simulate=simulate)
        seen = asyncio.run(_look(settings, sandbox, wishes, simulate=simulate))
        known = store.known(sandbox) if store is not None else {}
        return _Swept(seen, strays(seen, known), known, manifests(store, sandbox))


async def _look(settings: Profile, sandbox: str, wishes: Wishes, *, simulate: bool) -> list[Seen]:
    from headgate.clock import SystemClock
    from headgate.embedded import simulated
    from headgate.strays import look

    async with AsyncExitStack() as stack:
        profile = replace(settings, sandbox=sandbox)
        if simulate:
            profile, _ = await stack.enter_async_context(simulated(profile, sandbox))
        return await look(profile, sandbox, SystemClock(), wishes)


def _said(swept: _Swept, sandbox: str, settings: Profile) -> None:
    from headgate.report.render_table import plural

    count = plural(len(swept.found), "bears", "bear")
    say(f"{len(swept.seen):,} objects in sandbox {sandbox}: {count} headgate's mark unknown to {settings.state_shown}")


def _list(swept: _Swept, sandbox: str, settings: Profile, *, json: bool) -> int:
    from headgate.cli.views import sweep as view

    if json:
        click.echo(view.as_json(swept.found, len(swept.seen), sandbox, swept.names))
    elif swept.found:
        click.echo(view.text(swept.found, sandbox, swept.names))
    _said(swept, sandbox, settings)
    if swept.found:
        say("hint: `headgate sweep --adopt MANIFEST` takes them into the store, `headgate sweep --delete` deletes them")
    return 0


def _adopt(
    choice: Choice, settings: Profile, wishes: Wishes, report: Path | None, *, simulate: bool, json: bool
) -> int:
    """Take what is the manifest's; 1 when some of it cannot be told apart."""
    import asyncio

    from headgate.api import platform_of
    from headgate.cli.drive import publish
    from headgate.cli.wiring import load_manifest, make_plan
    from headgate.clock import SystemClock
    from headgate.report import nothing_done
    from headgate.store import open_store
    from headgate.strays import adopt, matched

    plan = make_plan(load_manifest(choice), settings, simulate=simulate)
    swept = _sweep(settings, plan.sandbox, wishes, simulate=simulate)
    match = matched(plan, swept.seen, swept.known)
    for mark, several in match.twins.items():
        say(f"not adopted: {len(several)} objects bear {mark}: {', '.join(one.id for one in several)}")
    code = 1 if match.twins else 0
    if not match.found:
        say(f"nothing to adopt: no unknown object in sandbox {plan.sandbox} is of {choice.path}")
        publish(nothing_done(plan.manifest, plan.sandbox, SystemClock().now()), report, json=json)
        return code
    where = platform_of(settings, simulate=simulate)
    args = {**plan.source, "path": str(choice.path.absolute()), "simulate": simulate, "platform": where}
    store = open_store(settings.state, lease_s=settings.lease_life_s, org="" if simulate else settings.org_id)
    try:
        result = asyncio.run(adopt(store, match, args, SystemClock()))
    finally:
        store.close()
    publish(result, report, json=json)
    say(f"adopted {len(match.found):,} objects of {choice.path}: a run uses them, a destroy deletes them")
    return code
