"""A run continued from the plan that was kept with it: its manifest is not even opened as YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headgate.cli.app import say
from headgate.engine.record import fold_latest
from headgate.garbage import gc_paused
from headgate.launch import Seen
from headgate.manifest.inputs import unchanged
from headgate.planning.kept import Kept
from headgate.workflows.specs import types

if TYPE_CHECKING:
    from pathlib import Path

    from headgate.planning.model import Plan
    from headgate.store.contract import RunRow, Store


def kept_plan(store: Store, run: RunRow, path: Path) -> tuple[Plan, Seen] | None:
    """The plan of an unfinished ``run`` of the manifest at ``path``, and what its journal says.

    ``None`` where the plan is to be made anew: nothing usable was kept, something that it was made from is not as it
    was, or a job that is not over holds a secret.
    """
    if run.args.get("again"):
        return None
    with gc_paused():
        try:
            kept = Kept(store.plan(run.id))
        except ValueError:
            return None
        if kept.fingerprint != run.fingerprint or not unchanged(kept.inputs, path):
            return None
        latest = store.latest(run.id)
        if not kept.hidden <= latest.settled.keys():
            return None
        past = fold_latest(latest)
        plan = kept.plan(store.outline(run.id), types())
    for warning in kept.inputs["said"]:
        say(f"warning: {warning}")
    return replace(plan, source={**plan.source, "path": str(path)}), Seen(latest.number, past)
