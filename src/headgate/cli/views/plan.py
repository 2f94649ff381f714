"""A plan for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.report.render_table import clip, plural, seconds, table, wrapped

if TYPE_CHECKING:
    from headgate.cli.preview import FlowPreview
    from headgate.cli.survey import Survey

_WIDTH = 100
_MOST_NAMES = 6
_MOST_WARNINGS = 5
_MOST_FLOWS = 10
_VALUE = 40
_FATES = (
    ("create", "to create"), ("update", "to update"), ("reuse", "exist"), ("replace", "to replace"),
    ("drifted", "drifted"), ("gone", "gone"), ("refused", "refused"),
)  # fmt: skip
_ALWAYS = ("create", "update", "reuse")


def as_json(survey: Survey) -> str:
    """``headgate.plan/1``."""
    import orjson

    return orjson.dumps(survey.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"


def text(survey: Survey) -> str:
    """One screen."""
    parts = [
        _head(survey),
        _live(survey),
        _jobs(survey),
        _requests(survey),
        _selections(survey),
        _adhoc(survey),
        _forecast(survey),
        _doubts(survey),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(survey: Survey) -> list[str]:
    plan = survey.plan
    what = []
    if plan.items or not (survey.pairs or plan.selections):
        counted = [f"{survey.count(fate):,} {word}" for fate, word in _FATES if fate in _ALWAYS or survey.count(fate)]
        what.append(f"{plural(len(plan.items), 'item')} ({', '.join(counted)})")
    if survey.pairs:
        what.append(f"{plural(survey.pairs, 'pair')} to activate")
    if plan.selections:
        what.append(f"{plural(len(plan.selections), 'selection')} of existing flows")
    lines = [
        f"PLAN  {plan.manifest} in sandbox {plan.sandbox}",
        f"  {', '.join(what)}",
        f"  {plural(len(plan.jobs), 'job')}, {plural(survey.edges, 'edge')}, fingerprint {plan.fingerprint}",
    ]
    changed = [row.item for row, fate in zip(plan.items, survey.fates, strict=True) if fate == "update"]
    if changed:
        more = f" and {len(changed) - _MOST_NAMES:,} more" if len(changed) > _MOST_NAMES else ""
        lines += wrapped(
            f"to update: {', '.join(changed[:_MOST_NAMES])}{more} (--json says it of every item)", _WIDTH, "  "
        )
    replaced = [survey.reasons.get(index, plan.jobs[index].key) for index in sorted(plan.replaces)]
    if replaced:
        more = f"; and {len(replaced) - _MOST_NAMES:,} more" if len(replaced) > _MOST_NAMES else ""
        said = f"to make anew, the old deleted last: {'; '.join(replaced[:_MOST_NAMES])}{more}"
        lines += wrapped(said, _WIDTH, "  ")
    if survey.unfinished and not survey.refusals:
        lines.append(f"  run {survey.unfinished} is unfinished: `run` goes on with it")
    return lines


def _live(survey: Survey) -> list[str]:
    """What a look at the platform has found not to be as wanted."""
    if survey.states is None:
        return []
    states = [survey.states[job] for job in sorted(survey.states)]
    odd = [state for state in states if state.action != "reuse"]
    lines = [f"on the platform: {plural(len(states), 'object')} read, {len(states) - len(odd):,} as wanted"]
    for state in odd[:_MOST_FLOWS]:
        where = f"{state.action:8} {survey.plan.jobs[state.job].key} ({state.id})"
        lines += wrapped(f"{where}: {state.reason}" if state.reason else where, _WIDTH, "  ")
        shown = state.differences[:_MOST_NAMES]
        said = [f"{leaf['path']} {_value(leaf, 'from')} → {_value(leaf, 'to')}" for leaf in shown]
        lines += [clip(line, _WIDTH) for one in said for line in wrapped(one, _WIDTH, "    ")]
        if len(state.differences) > len(shown):
            lines.append(f"    … and {len(state.differences) - len(shown):,} more places")
    if len(odd) > _MOST_FLOWS:
        lines.append(f"  … and {len(odd) - _MOST_FLOWS:,} more (--json shows all)")
    if any(state.action in ("drifted", "gone") for state in odd):
        lines.append("  `headgate run --refresh` brings them back; a run without it uses what is known as it is")
    return lines


def _jobs(survey: Survey) -> list[str]:
    rows = [["jobs", "total", "do", "reuse"]]
    rows += [
        [kind, f"{row['total']:,}", f"{row['total'] - row['reuse']:,}", f"{row['reuse']:,}" if row["reuse"] else "·"]
        for kind, row in survey.jobs_by_kind().items()
    ]
    return table(rows, right=(1, 2, 3))


def _requests(survey: Survey) -> list[str]:
    rows = [["requests", f"{sum(survey.requests.values()):,}"]]
    rows += [[f"  {endpoint}", f"{count:,}"] for endpoint, count in survey.requests.most_common()]
    return table(rows, right=(1,))


def _selections(survey: Survey) -> list[str]:
    if not survey.selections:
        return []
    lines = ["selections (as the platform is now; a run looks again)"]
    for one in survey.selections:
        if one.flows is None:
            lines += wrapped(f"{one.item} ({one.what}): {one.note}", _WIDTH, "  ")
            continue
        idle = sum(1 for flow in one.flows if not flow.changes and not flow.error) if one.what == "change" else 0
        same = f", {idle:,} as wanted already" if idle else ""
        note = f"; {one.note}" if one.note else ""
        lines += wrapped(f"{one.item} ({one.what}): {plural(len(one.flows), 'flow')}{same}{note}", _WIDTH, "  ")
        shown = [flow for flow in one.flows if flow.changes or flow.error or one.what != "change"]
        lines += [
            clip(line, _WIDTH) for flow in shown[:_MOST_FLOWS] for line in wrapped(_flow(flow), _WIDTH, "    ")[:3]
        ]
        if len(shown) > _MOST_FLOWS:
            lines.append(f"    … and {len(shown) - _MOST_FLOWS:,} more (--json shows all)")
    return lines


def _flow(flow: FlowPreview) -> str:
    name = flow.name or flow.flow
    if flow.error:
        return f"{name}: {flow.error}"
    if not flow.changes:
        return f"{name} ({flow.flow})"
    return f"{name}: " + ", ".join(
        f"{leaf['path']} {_value(leaf, 'from')} → {_value(leaf, 'to')}" for leaf in flow.changes
    )


def _value(leaf: Mapping[str, Any], key: str) -> str:
    import orjson

    return clip(orjson.dumps(leaf[key]).decode(), _VALUE) if key in leaf else "nothing"


def _adhoc(survey: Survey) -> list[str]:
    if not survey.plan.adhoc:
        return []
    lines = ["ad-hoc jobs"]
    for note in survey.plan.adhoc:
        said = f"{note.entry}: {plural(note.pairs, 'pair')} of {plural(note.audiences, 'audience')}: {note.why}"
        lines += wrapped(said, _WIDTH, "  ")
    return lines


def _forecast(survey: Survey) -> list[str]:
    found = survey.forecast
    rows = [["forecast", f"about {seconds(found.total_s)}", ""]]
    rows += [[f"  {part.name}", seconds(part.seconds), part.why] for part in found.parts]
    lines = table(rows, right=(1,))
    if found.critical_path:
        lines += wrapped("longest chain: " + " → ".join(found.critical_path), _WIDTH, "  ")[:3]
    return lines


def _doubts(survey: Survey) -> list[str]:
    lines = [line for said in survey.refusals for line in wrapped(f"refused: {said}", _WIDTH)]
    for said in survey.warnings[:_MOST_WARNINGS]:
        lines += wrapped(f"warning: {said}", _WIDTH)
    if len(survey.warnings) > _MOST_WARNINGS:
        lines.append(f"… and {len(survey.warnings) - _MOST_WARNINGS} more warnings (--json shows all)")
    return lines
