"""A plan or a run as a picture, in words that other programs draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.planning.edges import edges_of
from headgate.planning.graph import Shown, draw
from headgate.planning.outline import Outline
from headgate.report.render_graph import FORMATS
from headgate.report.states import entries_of, name_of, shown

if TYPE_CHECKING:
    from headgate.cli.survey import Survey
    from headgate.engine.record import Past
    from headgate.store.contract import RunRow


def of_plan(survey: Survey, form: str, limit: int) -> str:
    """What a run would do with each object: create, update, replace, reuse; other jobs have no state."""
    plan = survey.plan
    outline = Outline.of(plan)
    entries = entries_of(outline)
    jobs = [
        Shown(line.key, line.kind, line.role, entries.get(index, ""), name_of(outline, line), _intent(survey, index))
        for index, line in enumerate(outline.jobs)
    ]
    title = f"plan of {plan.manifest} in sandbox {plan.sandbox}"
    return FORMATS[form](draw(title, jobs, edges_of(plan.jobs), limit=limit, listings=form == "json"))


def of_run(run: RunRow, outline: Outline, past: Past, form: str, limit: int) -> str:
    """Each job of a run and how it stands."""
    jobs, edges = shown(outline, past)
    title = f"run {run.id} in sandbox {run.sandbox}"
    return FORMATS[form](draw(title, jobs, edges, limit=limit, listings=form == "json"))


def _intent(survey: Survey, index: int) -> str:
    if index in survey.reused:
        return "reuse"
    if index in survey.updated:
        return "update"
    if index in survey.plan.replaces:
        return "replace"
    return "create" if survey.plan.jobs[index].collection else ""
