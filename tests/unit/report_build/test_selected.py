"""Rows of flows that were chosen while running, from the journal alone."""

from headgate.engine.record import Record, fold
from headgate.planning.model import ItemRow, SelectionRow
from headgate.planning.outline import JobLine, Outline
from headgate.report import build
from headgate.report.render_csv import csv_text
from headgate.report.render_text import render
from headgate.store import RunRow

RUN = RunRow("r1", "m", "p", "dev", "f", "running", 10.0)
ROW = SelectionRow("extend", "extend", "flow-update", "f:1", 0)
LINES = [JobLine("flow-update:extend", "select", "select", -1)]


def report(*records, rows=(ROW,), lines=LINES, items=()):
    return build(RUN, Outline("m", "dev", lines, items, (), rows), fold(records))


def chose(*flows, kind="flow-change", job=0, key="k"):
    children = [[f"{key}:{flow}", kind, {"flow": flow}] for flow, _ in flows]
    return Record(
        "settled",
        job,
        {"ending": "succeeded", "output": {"selected": [list(one) for one in flows]}, "children": children},
    )


def settled(job, ending="succeeded", problem=None, children=(), **output):
    data = {"ending": ending, "output": output}
    if problem:
        data["problem"] = problem
    if children:
        data["children"] = [list(child) for child in children]
    return Record("settled", job, data)


PROBLEM = [412, "headgate-conflict", "changed by somebody", "req", "run again"]


def test_before_anything_is_chosen_there_is_one_row():
    [row] = report().items
    assert (row.item, row.status, dict(row.ids)) == ("extend", "held", {})
    [row] = report(settled(0, "failed", PROBLEM)).items
    assert (row.status, row.error["code"]) == ("failed", "headgate-conflict")


def test_a_row_for_each_flow_in_the_order_of_the_choice():
    change = {"path": "/name", "from": "a", "to": "b"}
    found = report(
        chose(("f1", "One"), ("f2", ""), ("f3", "Three"), ("f4", "Four")),
        settled(3, status="skipped", reason="not meant any more"),
        settled(1, status="updated", changes=[change]),
        settled(2, "failed", PROBLEM),
    )
    assert [(row.item, row.ids["flow"], row.status) for row in found.items] == [
        ("One", "f1", "updated"), ("f2", "f2", "failed"), ("Three", "f3", "skipped"), ("Four", "f4", "held"),
    ]  # fmt: skip
    assert found.items[0].changes == [change]
    assert found.items[2].reason == "not meant any more"
    assert [failure.item for failure in found.failures] == ["f2"]
    assert found.totals["items"] == 4
    assert found.as_json()["items"][0]["changes"] == [change]
    assert "extend" in render(found)
    assert "not meant any more" in csv_text(found)


def test_the_last_job_about_a_flow_has_the_last_word():
    found = report(
        chose(("f1", "One"), ("f2", "Two"), kind="flow-switch"),
        settled(1, children=[("k:f1:delete", "delete", {"collection": "flows", "id": "f1"})]),
        settled(2, children=[("k:f2:delete", "delete", {"collection": "flows", "id": "f2"})]),
        settled(3, id="f1"),
    )
    assert [row.status for row in found.items] == ["deleted", "held"]


def test_a_group_is_a_row_for_each_of_its_flows():
    chosen = Record("settled", 0, {
        "ending": "succeeded",
        "output": {"selected": [["f1", "One"], ["f2", "Two"]]},
        "children": [["k:1", "watch", {"flows": ["f1", "f2"]}]],
    })  # fmt: skip
    assert [row.status for row in report(chosen).items] == ["held", "held"]
    assert [row.status for row in report(chosen, settled(1, "failed", PROBLEM)).items] == ["failed", "failed"]
    verdicts = [(f"k:{flow}", "verdict", {"flow": flow}) for flow in ("f1", "f2")]
    found = report(
        chosen,
        settled(1, children=verdicts),
        settled(2, status="unchanged", runState="partial", runId="r", reason="half"),
        settled(3, "failed", PROBLEM, runState="failed", runId="q"),
    )
    assert [(row.status, row.runState, row.runId) for row in found.items] == [
        ("unchanged", "partial", "r"), ("failed", "failed", "q"),
    ]  # fmt: skip


def test_rows_follow_those_of_the_items():
    lines = [JobLine("flow:A", "create", "flow", 0), *LINES]
    item = ItemRow("entry A", "A", "audience-export", "f:1", {"flow": 0})
    found = report(
        chose(("f1", "One"), job=1), rows=[SelectionRow("e", "e", "watch", "f:2", 1)], lines=lines, items=[item]
    )
    assert [row.item for row in found.items] == ["A", "One"]
