"""Create a source connection whose datasets are chosen by name: a creation that learns its ``params`` as it posts.

What was chosen stays: a source connection's datasets cannot be changed (facts 7.2), so a dataset that comes to fit
a pattern later is not added to an export that exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headgate.classes import frozen
from headgate.exchange import Answer, Problem
from headgate.planning.model import DATASETS
from headgate.workflows import create
from headgate.workflows.contract import Ask, Context, Ending, Phase, Settle, Signal, Step
from headgate.workflows.create import ABSENT, CreateSpec
from headgate.workflows.datasets import fitting


@frozen
class SelectedSource:
    """``made`` is the creation without its ``params``; ``fixed`` the datasets given by id, before those that fit."""

    made: CreateSpec
    fixed: tuple[Mapping[str, Any], ...]
    patterns: tuple[str, ...]

    @property
    def collection(self) -> str:
        """Where it is created."""
        return self.made.collection

    @property
    def marker(self) -> str:
        """The object's mark."""
        return self.made.marker

    @property
    def name(self) -> str:
        """The object's name."""
        return self.made.name

    @property
    def body(self) -> dict[str, Any]:
        """What it is made from, as far as the manifest says; chosen datasets stay, and so does the choice."""
        return {**self.made.body, "params": {"datasets": [list(self.fixed), list(self.patterns)]}}


def advance(ctx: Context, phase: Phase, signal: Signal | Answer) -> Step:
    """The procedure: that of a creation, completed before a POST leaves."""
    spec: SelectedSource = ctx.spec
    step = create.advance(replace(ctx, spec=spec.made), phase, signal)
    if not isinstance(step, Ask) or step.call.purpose != "create":
        return step
    listed = ctx.inputs.get(DATASETS, {})
    chosen, unmatched = _chosen(spec, listed)
    if unmatched:
        return Settle(Ending.FAILED, {ABSENT: True}, _nothing(unmatched, listed))
    step.call.body["params"] = {"datasets": chosen}
    return step


def _nothing(unmatched: list[str], listed: Mapping[str, Any]) -> Problem:
    said = ", ".join(f"'{pattern}'" for pattern in unmatched)
    near = next((name for pattern in unmatched if (name := listed.get("near", {}).get(pattern))), "")
    advice = "case counts, and * stands for any text"
    if near:
        advice = f"there is '{near}': {advice}"
    return Problem(0, "headgate-no-dataset", f"none of {listed.get('of', 0)} datasets is called {said}", advice=advice)


def _chosen(spec: SelectedSource, listed: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The datasets to export, and the patterns that nothing fits."""
    rows = [(str(remote), str(name)) for remote, name in listed.get("datasets", ())]
    chosen = {row["dataSetId"]: dict(row) for row in spec.fixed}
    fits = fitting(spec.patterns)
    fitted = [(remote, name) for remote, name in rows if fits(name)]
    for remote, name in fitted:
        chosen.setdefault(remote, {"dataSetId": remote, "name": name})
    unmatched = [
        pattern for pattern in spec.patterns if not any(map(fitting((pattern,)), (name for _, name in fitted)))
    ]
    return list(chosen.values()), unmatched
