"""A plan for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.report.render_table import plural, seconds, table, wrapped

if TYPE_CHECKING:
    from headgate.cli.survey import Survey

_WIDTH = 100
_MOST_WARNINGS = 5


def as_json(survey: Survey) -> str:
    """``headgate.plan/1``."""
    import orjson

    return orjson.dumps(survey.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"


def text(survey: Survey) -> str:
    """One screen."""
    parts = [_head(survey), _jobs(survey), _requests(survey), _adhoc(survey), _forecast(survey), _doubts(survey)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(survey: Survey) -> list[str]:
    plan = survey.plan
    what = []
    if plan.items or not survey.pairs:
        what.append(
            f"{plural(len(plan.items), 'item')} ({survey.items_created:,} to create, {survey.items_updated:,} to "
            f"update, {survey.items_reused:,} exist)"
        )
    if survey.pairs:
        what.append(f"{plural(survey.pairs, 'pair')} to activate")
    lines = [
        f"PLAN  {plan.manifest} in sandbox {plan.sandbox}",
        f"  {', '.join(what)}",
        f"  {plural(len(plan.jobs), 'job')}, {plural(survey.edges, 'edge')}, fingerprint {plan.fingerprint}",
    ]
    if survey.unfinished and not survey.refusals:
        lines.append(f"  run {survey.unfinished} is unfinished: `run` goes on with it")
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
