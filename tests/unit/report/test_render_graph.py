"""Graphs as text: names may hold anything, and no name may become markup."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from headgate.engine.record import Record, fold
from headgate.planning.graph import Shown, draw
from headgate.planning.model import ItemRow, Job, PairRow, Plan
from headgate.planning.outline import Outline
from headgate.report.render_graph import FORMATS
from headgate.report.states import shown

NASTY = 'A "quoted" <b>x</b> \\n [x] #1; `c` end %% --> |\n{y} …é日本\x1b[31m'


def nasty():
    jobs = [
        Shown("base:s3:x", "create", "baseConnection", "", NASTY, "failed"),
        Shown("flow:x", "create", "flow", NASTY, NASTY, "skipped"),
        Shown("adhoc:end:1", "adhoc", "adhoc", "end", "end", ""),
    ]
    return draw(f"run {NASTY}", jobs, [([], []), ([0], []), ([], [1])])


def test_mermaid_says_names_in_codes():
    text = FORMATS["mermaid"](nasty())
    head, _, body = text.partition("flowchart LR\n")
    assert all(line.startswith("%% ") for line in head.splitlines())
    assert "\x1b" not in text
    labels = re.findall(r'\["([^"]*)"\]', body)
    assert len(labels) == 5, "three nodes, two entries"
    assert all(not re.search(r"[<>`\[\]{}|\\]", label.replace("<br/>", "")) for label in labels)
    assert "#34;quoted#34;" in body
    # What is left without the labels is our own.
    rest = re.sub(r'\["[^"]*"\]', "", body).splitlines()
    ours = r"\s*(subgraph e\d+|end|n\d+(:::s_\w+)?|n\d+ (-->|-\.->) n\d+|classDef \w+ fill:#\w+,stroke:#\w+,color:#\w+)"
    assert all(re.fullmatch(ours, line) for line in rest), rest
    assert "  n0 --> n1" in rest
    assert "  n1 -.-> n2" in rest


def test_dot_says_names_in_quotes():
    text = FORMATS["dot"](nasty())
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', "''", text)
    assert '"' not in bare, "every quote is closed on its line"
    assert "quoted" not in bare
    assert '\\"quoted\\"' in text
    assert text.count("{") == text.count("}") or "{" in NASTY
    if shutil.which("dot"):
        drawn = subprocess.run(["dot", "-Tjson"], input=text, capture_output=True, text=True, check=True)
        found = json.loads(drawn.stdout)["objects"]
        assert any('A "quoted" <b>x</b> ' in str(one.get("label")).replace("\\\\", "\\") for one in found)


def test_json_names_the_schema_and_every_node():
    data = json.loads(FORMATS["json"](nasty()))
    assert data["schema"] == "headgate.graph/1"
    assert [node["states"] for node in data["nodes"]] == [{"failed": 1}, {"skipped": 1}, {}]
    assert data["edges"] == [
        {"from": 0, "to": 1, "needs": True, "count": 1},
        {"from": 1, "to": 2, "needs": False, "count": 1},
    ]
    assert data["nodes"][0]["name"] == NASTY


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_plan_is_drawn(form):
    assert FORMATS[form](draw("nothing", [], []))


def outline():
    jobs = [
        Job("base:x", "create", "baseConnection", None),
        *(Job(f"flow:{n}", "create", "flow", None, n, {"base": 0}) for n in range(7)),
        Job("adhoc:now:1", "adhoc", "adhoc", None, after={"a": 1}),
    ]
    rows = [ItemRow("Stores", f"Store {n}", "audience-export", "f:1", {"flow": n + 1}) for n in range(7)]
    return Outline.of(Plan("m", "dev", jobs, rows, [PairRow("now", "Store 0", "a", 1, 8)], (), "f"))


def test_states_of_a_run():
    records = [
        Record("settled", 0, {"ending": "succeeded", "output": {"id": "b", "found": "store"}}),
        Record("settled", 1, {"ending": "succeeded", "output": {"id": "f"}}),
        Record("settled", 2, {"ending": "failed", "problem": [400, "", "no", "", ""]}),
        Record("settled", 3, {"ending": "skipped", "cause": "base:x"}),
        Record("intent", 4, {"at": "post"}),
        Record("step", 5, {"at": "check"}),
        Record("step", 6, {"at": "wait", "held": "until ten"}),
        Record("settled", 8, {"ending": "succeeded", "children": [["adhoc:now:1.a", "adhoc", {"pairs": []}]]}),
    ]
    jobs, edges = shown(outline(), fold(records))
    assert [job.state for job in jobs] == [
        "reused", "succeeded", "failed", "skipped", "in doubt", "running", "held", "waiting", "succeeded", "waiting",
    ]  # fmt: skip
    assert (jobs[1].entry, jobs[1].name) == ("Stores", "Store 0")
    assert (jobs[8].entry, jobs[9].entry, jobs[9].key) == ("now", "now", "adhoc:now:1.a")
    assert (list(edges[1][0]), list(edges[8][1]), list(edges[9][0])) == ([0], [1], [8])


def test_a_run_of_an_older_program_is_drawn_without_lines():
    old = outline()
    bare = Outline(old.manifest, old.sandbox, old.jobs, old.items, old.pairs)
    jobs, edges = shown(bare, fold([]))
    assert all(not needs and not after for needs, after in edges)
    assert len(draw("t", jobs, edges).nodes) == 9
