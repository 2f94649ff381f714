"""The catalogue for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.catalogue import batch, batch_keys, describe, describe_source, source, source_keys
from headgate.catalogue.dataset_export import dataset_destination, describe_datasets
from headgate.catalogue.words import suggestion
from headgate.errors import UsageError
from headgate.report.render_table import table, wrapped

_WIDTH = 100


def find(name: str) -> dict[str, Any]:
    """What is known of one destination or source.

    Raises:
        UsageError: nobody is called so.
    """
    if name in batch_keys():
        return {"kind": "destination", **describe(name), "datasetExport": describe_datasets(name)}
    if name in source_keys():
        return {"kind": "source", **describe_source(name)}
    raise UsageError(
        f"'{name}' is not in the catalogue", hint=suggestion(name, [*batch_keys(), *source_keys()], noun="known")
    )


def all_text() -> str:
    """Destinations, then sources."""
    rows = [["destination", "name", "generation", "datasets", "auth"]]
    for key in batch_keys():
        found = batch(key)
        if found is not None:
            auth = ", ".join(spec.spec_name for spec in found.auth) or "none"
            rows.append([key, found.name, found.generation, "yes" if dataset_destination(key) else "-", auth])
    sources = [["source", "name", "auth"]]
    for key in source_keys():
        known = source(key)
        if known is not None:
            sources.append([key, known.name, ", ".join(spec.spec_name for spec in known.auth or ()) or "none"])
    return "\n".join(
        [
            *table(rows, most=(0, 34, 0, 0, 60)),
            "",
            *table(sources, most=(0, 34, 60)),
            "",
            "more of one: headgate catalog NAME",
        ]
    )


def all_as_json() -> str:
    """``{"destinations": [...], "sources": [...]}``, whole."""
    return _json({"destinations": [find(key) for key in batch_keys()], "sources": [find(key) for key in source_keys()]})


def as_json(found: Mapping[str, Any]) -> str:
    """One, whole."""
    return _json(found)


def text(found: Mapping[str, Any]) -> str:
    """One, for people."""
    lines = [f"{found['key']}  {found.get('name', '')}".rstrip()]
    rows = [
        [f"  {label}", str(found[key])]
        for key, label in (
            ("kind", "kind"),
            ("generation", "generation"),
            ("connectionSpecId", "connection spec"),
            ("flowSpecId", "flow spec"),
            ("targetConnectionSpecId", "target connection spec"),
            ("migratedTo", "migrated to"),
        )
        if found.get(key)
    ]
    lines += table(rows)
    lines += ["", "auth"] if found["auth"] else ["", "auth: none"]
    for spec in found["auth"]:
        lines.append(f"  specName: {spec['specName']}")
        lines += _notes(
            {name: f"secret; {note}" if name in spec["secrets"] else note for name, note in spec["params"].items()},
            "    ",
        )
    for mode, params in found.get("target", {}).items():
        lines += ["", f"target ({mode})", *_notes(params, "  ")]
    macros = found.get("filenameMacros")
    if macros:
        lines += ["", "filenameTemplate", *wrapped(f"macros: {', '.join(macros['known'])}", _WIDTH, "  ")]
        if macros["mandatory"]:
            lines += wrapped(f"mandatory: {', '.join(macros['mandatory'])}", _WIDTH, "  ")
    if found.get("schedule"):
        lines += ["", "schedule", *_schedule(found["schedule"])]
    if found.get("datasetExport"):
        lines += _dataset_export(found["datasetExport"])
    return "\n".join(lines)


def _dataset_export(found: Mapping[str, Any]) -> list[str]:
    """What a ``dataset-export`` entry may say of this destination."""
    return [
        "",
        "dataset-export",
        *table(
            [
                ["  flow spec", found["flowSpecId"]],
                ["  source connection spec", f"{found['sourceConnectionSpecId']} (the data lake)"],
            ]
        ),
        "  target",
        *_notes(found["target"], "    "),
        "  scheduleParams",
        *(f"  {line}" for line in _schedule(found["scheduleParams"])),
        "    startTime and endTime in epoch seconds; endTime six months after startTime when left out",
        *wrapped(f"foldernameTemplate, optional, of {', '.join(found['foldernameMacros'])}", _WIDTH, "    "),
    ]


def _notes(rows: Mapping[str, str], indent: str) -> list[str]:
    """Names, and beside each its note, broken into lines."""
    most = max(map(len, rows), default=0)
    lines = []
    for name, note in rows.items():
        first, *rest = wrapped(str(note), _WIDTH - len(indent) - most - 2) or [""]
        lines.append(f"{indent}{name:<{most}}  {first}".rstrip())
        lines += [f"{indent}{'':<{most}}  {line}" for line in rest]
    return lines


def _schedule(rules: Any) -> list[str]:
    if isinstance(rules, list) and rules and all(isinstance(row, Mapping) for row in rules):
        names = list(dict.fromkeys(name for row in rules for name in row))
        return table(
            [
                [f"  {names[0]}", *names[1:]],
                *(
                    [f"  {_flat(row.get(names[0], ''))}", *(_flat(row.get(name, "")) for name in names[1:])]
                    for row in rules
                ),
            ]
        )
    return wrapped(_flat(rules), _WIDTH, "  ")


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_flat, value))
    return str(value)


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
