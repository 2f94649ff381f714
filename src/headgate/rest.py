"""What a run left undone, as a manifest with those rows alone: for ``retry`` and for ``--failed-manifest``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headgate.errors import UsageError
from headgate.launch import RETRY, told_of
from headgate.manifest.narrow import narrowed
from headgate.report.leftover import LEFT, leftover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headgate.manifest.model import Manifest
    from headgate.store.contract import RunRow, Store

#: What a retry does again; what is held goes on with a resume.
RETRIED: Final = frozenset({"failed", "skipped"})
#: What a manifest of the rest holds.
UNDONE: Final = LEFT


def asked_again(args: Mapping[str, Any], given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """How :func:`headgate.load` is asked for what an earlier run or a saved plan was made from.

    Args:
        args: What that remembers.
        given: Variables over those it was given.

    Raises:
        UsageError: a variable was a secret, so it was not kept, and is not given again.
    """
    given = given or {}
    missing = [key for key in args.get("again", ()) if key not in given]
    if missing:
        flags = " ".join(f"--set {key}=…" for key in missing)
        raise UsageError(
            f"{', '.join(missing)}: given with --set, and a secret, so it was not kept; nothing was sent",
            hint=f"give it again: {flags}",
        )
    return {
        "overrides": {**args.get("set", {}), **given},
        "select": tuple(args.get("select", ())),
        "tags": tuple(args.get("tags", ())),
        "allow_files": tuple(args.get("files", ())),
    }


def last_try(store: Store, run: RunRow) -> RunRow:
    """``run``, or the last of its retries: what that one did is not done a second time. One under way is resumed."""
    runs = store.runs()
    while (later := next((row for row in runs if row.args.get(RETRY) == run.id), None)) and not later.unfinished:
        run = later
    return run


def rest_of(
    store: Store, run: RunRow, load: Callable[[RunRow], Manifest], statuses: frozenset[str] = RETRIED
) -> tuple[Manifest, list[str]]:
    """The rows of ``run`` with one of ``statuses``, and the names of items that its manifest has no more.

    The same for the same manifest, so that a retry can be resumed.

    Args:
        store: Knows the run.
        run: The run.
        load: Loads the manifest of a run as that run did.
        statuses: Of items, and outcomes of pairs.
    """
    _, outline, past = told_of(store, run.id)
    first = store.run(str(run.args[RETRY])) if run.args.get(RETRY) else None
    if first is not None:  # it names flows where the manifest names items, as its own run did
        manifest, _ = rest_of(store, first, load)
    else:
        manifest = load(run)
        manifest = manifest if manifest.sandbox else replace(manifest, sandbox=run.sandbox)
    return narrowed(manifest, leftover(outline, past, statuses))
