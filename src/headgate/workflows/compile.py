"""From a manifest to a plan: every item compiled by its kind, then frozen and fingerprinted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from headgate.late import Late
from headgate.manifest.model import Item, Manifest
from headgate.planning.builder import Builder
from headgate.planning.model import Plan
from headgate.workflows import flow_actions
from headgate.workflows.packing import CAP

Compile = Callable[[Item, str, Builder], None]


def _compiler(found: Compile) -> Compile:
    return found


#: What each entry kind becomes. Resources stand before actions: actions may refer to the flows they make.
COMPILERS: Final[Mapping[str, Compile]] = Late(
    "headgate.workflows",
    {
        "audience-export": "audience_export:compile_item",
        "dataset-export": "dataset_export:compile_item",
        "source-ingestion": "source_ingestion:compile_item",
        "activation": "activation:compile_item",
        "flow-update": "flow_actions:compile_update",
        "flow-action": "flow_actions:compile_action",
        "watch": "flow_actions:compile_watch",
    },
    _compiler,
)
#: Actions go in manifest order. Those that choose flows while running wait for all that stands before them, and are
#: waited for: what they will choose, and so what depends on it, is not known beforehand. Activations alone are
#: independent of each other.
ACTIONS: Final = ("activation", "flow-update", "flow-action", "watch")
CHOOSING: Final = frozenset(ACTIONS[1:])


def compile_plan(manifest: Manifest, sandbox: str) -> Plan:
    """The plan of ``manifest`` in ``sandbox``. Pure: the same manifest gives the same plan, fingerprint included."""
    builder = Builder(manifest.name, sandbox, pairs_per_job=int(manifest.options.get("audiencesPerJob") or CAP))
    for kind in COMPILERS:
        if kind not in ACTIONS:
            for entry in manifest.entries:
                if entry.kind == kind:
                    for item in entry.items:
                        COMPILERS[kind](item, entry.name, builder)
    _compile_actions(manifest, builder)
    jobs, rows, fingerprint = builder.closed()
    return Plan(
        manifest.name,
        sandbox,
        jobs,
        rows,
        tuple(builder.pairs),
        tuple(builder.adhoc),
        str(fingerprint),
        dict(manifest.options),
        selections=tuple(builder.selections),
        priorities={entry.name: entry.priority for entry in manifest.entries if entry.priority},
        secret=fingerprint.secret,
    )


def _compile_actions(manifest: Manifest, builder: Builder) -> None:
    since, last, chosen = 0, None, False
    for entry in manifest.entries:
        if entry.kind not in ACTIONS:
            continue
        choosing = entry.kind in CHOOSING
        if chosen or choosing:
            found = flow_actions.behind(builder, since)
            since, last = len(builder.jobs), last if found is None else found
        chosen = choosing
        builder.behind = {} if last is None else {flow_actions.ORDER: last}
        for item in entry.items:
            COMPILERS[entry.kind](item, entry.name, builder)
        builder.behind = {}
