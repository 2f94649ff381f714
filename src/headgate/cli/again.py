"""What a run left undone, as a plan (``retry``, and the resume of one) or as a manifest (``--failed-manifest``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.cli.wiring import Choice, load_manifest, make_plan, near
from headgate.errors import UsageError
from headgate.launch import RETRY
from headgate.rest import UNDONE, rest_of

if TYPE_CHECKING:
    from headgate.export.again import Written
    from headgate.launch import Wishes
    from headgate.manifest.model import Manifest
    from headgate.planning.model import Plan
    from headgate.settings import Profile
    from headgate.store.contract import RunRow, Store


def plan_of_rest(
    store: Store, run: RunRow, settings: Profile, given: Mapping[str, str] | None = None
) -> tuple[Plan | None, list[str]]:
    """The plan of what failed or was skipped in ``run``, and the items that its manifest has no more.

    The same for the same manifest, so that it can be resumed. ``None`` when there is nothing to do.

    Raises:
        ManifestError: the manifest is not what it was, and wrong.
    """
    manifest, gone = rest_of(store, run, _load(given or {}))
    if not manifest.entries:
        return None, gone
    plan = make_plan(manifest, settings, simulate=bool(run.args.get("simulate")))
    return replace(plan, source={**plan.source, RETRY: run.id}), gone


def wishes_again(args: Mapping[str, Any], given: Wishes) -> Wishes:
    """What a run asked for, as its ``args`` remember, with what is ``given`` over it.

    What was to be refreshed or replaced and was not still is to be.
    """
    from headgate.launch import REPLACES

    return replace(
        given,
        rate=given.rate or args.get("rate"),
        concurrency=given.concurrency or args.get("concurrency"),
        on_error=given.on_error or args.get("onError"),
        tolerate=given.tolerate or args.get("tolerate"),
        refresh=given.refresh or bool(args.get("refresh")),
        replace=given.replace or bool(args.get(REPLACES)),
    )


def failed_manifest(
    store: Store, run: RunRow, place: Path, given: Mapping[str, str] | None = None
) -> tuple[Written, int]:
    """A manifest that does what ``run`` left undone, to stand at ``place``, and how many rows it has.

    Raises:
        UsageError: the run deletes, everything in it went well, or its own manifest stands at ``place``.
    """
    from headgate.export.again import manifest_again

    if run.command != "run":
        raise UsageError(f"{run.id} is a {run.command}: it has no manifest", hint=f"headgate resume {run.id}")
    if place.resolve() == Path(run.path).resolve():
        raise UsageError(f"{place}: is the manifest of {run.id} itself; nothing was written", hint="name another file")
    manifest, gone = rest_of(store, run, _load(given or {}), UNDONE)
    if not manifest.entries:
        raise UsageError(
            f"{run.id} left nothing undone: no manifest was written"
            if not gone
            else f"{near(run.path)} has none of the items any more that {run.id} left undone",
            hint=f"headgate status {run.id}",
        )
    rows = sum(len(item.body["pairs"]) if "pairs" in item.body else 1 for item in manifest.items)
    head = [
        f"What run {run.id} left undone: the rows that failed, were skipped or held, and nothing else.",
        f"Made from {near(run.path).name}; `headgate retry {run.id}` does the same from the manifest itself.",
    ]
    if run.unfinished:
        head.append(f"The run is unfinished: `headgate resume {run.id}` goes on with it; this needs --fresh.")
    args = run.args
    variables = _variables(Path(run.path), {*args.get("set", ()), *args.get("again", ()), *(given or {})})
    return manifest_again(manifest, run.sandbox, place, variables=variables, head=head), rows


def _load(given: Mapping[str, str]) -> Callable[[RunRow], Manifest]:
    return lambda run: load_manifest(Choice.again(near(run.path), run.args, given))


def _variables(path: Path, overridden: set[str]) -> dict[str, Any]:
    """``vars:`` of a manifest as they are written, without those that were given from outside."""
    from headgate.manifest.document import Document

    data = Document.read(path).data
    written = data.get("vars") if isinstance(data, Mapping) else None
    names = {name.partition(".")[0] for name in overridden}
    return {key: value for key, value in written.items() if key not in names} if isinstance(written, Mapping) else {}
