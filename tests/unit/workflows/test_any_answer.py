"""Whatever the platform answers, a procedure gives a step: one that raised would end the run of ten thousand items."""

from __future__ import annotations

from copy import deepcopy
from random import Random

import pytest

from headgate.exchange import Answer, Problem, Verdict
from headgate.workflows import PROCEDURES
from headgate.workflows.check import CheckSpec
from headgate.workflows.contract import NO_PHASE, Ask, Claim, Context, Settle, Signal
from headgate.workflows.dataset_check import DatasetCheckSpec
from headgate.workflows.dataset_source import SelectedSource
from headgate.workflows.datasets import DatasetListSpec
from headgate.workflows.delete import DeleteSpec
from headgate.workflows.find import FindSpec
from headgate.workflows.listing import ListSpec

from tests.unit.workflows.steps import MARK, NOON, Boarded, creation, flow, run, selectors

FLOW = flow(
    {"id": "a", "name": "n", "createTime": "1", "schedule": {"startDate": "2020-01-01"}},
    profile=("p",),
    mandatoryFields=[],
)
GOOD = [
    {"items": [run("r", status="success", audiences=("a",), ended=True)]},
    {"items": [FLOW]},
    FLOW,
    {"order": [{"segment": "a", "order": "flow-1", "statusURL": "https://x/runs/r"}]},
    {
        "items": [{"id": "x", "etag": "e", "description": MARK}],
        "_links": {"next": {"href": "/runs?continuationToken=a="}},
    },
    {"records": [{"id": 5, "status": "SUCCEEDED", "schema": {"name": "_xdm.context.profile"}}]},
    {"id": "x", "etag": '"e"'},
    {"items": [{"id": "t", "baseConnectionId": "b", "state": "delete-finalizing", "createdAt": 1}]},
    {"items": [{"id": "s", "name": "spec"}]},
    {"items": [{"id": "d", "name": "AAM"}], "pageInfo": {"start": 0, "end": 0, "total": 2, "hasNext": True}},
    {
        "id": "flow-1",
        "flowSpec": {"id": "spec"},
        "sourceConnectionIds": ["s"],
        "targetConnectionIds": ["t"],
        "scheduleParams": {"interval": 3, "endTime": 2},
    },
    ["@/dataSets/5e"],
    {"5e": {"name": "n", "description": MARK, "created": 5}},
    {"results": [{"$id": "https://x/1", "title": "n", "description": MARK}]},
    {"data": [{"id": "m", "name": MARK, "mappings": [{"sourceAttribute": "a"}], "xdmSchema": "s"}, {"id": "n"}]},
]
SPECS = {
    "create": [
        creation("n", "flows"),
        creation("n", "flows", shared=True),
        creation("n", "dataSets"),
        creation("n", "schemas", body={"title": "n"}),
        creation("n", "mappingSets", body={"name": MARK, "mappings": [{"sourceAttribute": "a"}], "xdmSchema": "s"}),
    ],
    "list": [ListSpec(name, ("[headgate:",)) for name in ("flows", "dataSets", "schemas", "mappingSets")],
    "delete": [
        DeleteSpec("flows", "x", "n", MARK),
        DeleteSpec("connections", "b", "n", MARK, shared=True),
        DeleteSpec("connections", "b", "n", MARK),
        DeleteSpec("flows", "", "n", MARK),
        DeleteSpec("nowhere", "x"),
        {"collection": "flows", "id": "x"},
    ],
    "find": [FindSpec("flow-spec", "spec"), FindSpec("export-job")],
    "datasets": [DatasetListSpec(("A*",)), DatasetListSpec(())],
    "dataset-source": [
        SelectedSource(creation("n", "sourceConnections"), ({"dataSetId": "e", "name": "E"},), patterns)
        for patterns in (("A*",), ("B*", "A*"))
    ],
    "dataset-check": [DatasetCheckSpec("spec", {"interval": 3, "endTime": 2})],
    "selectors": [
        selectors(
            {"id": "a"}, attributes=("p",), mandatory=("m",), primary=({"x": 1},), mapping={"y": 1}, legacy=legacy
        )
        for legacy in (True, False)
    ],
    "check": [
        CheckSpec(({"id": "a", "schedule": {"startDate": "2020-01-01"}},), facts=True),
        CheckSpec(facts=True, flow="flow-1"),
    ],
    "adhoc": [
        {"pairs": [[0, "F", "a"], [1, "G", "b"]], "version": 2, "wait": True},
        {"pairs": [[0, "F", "a"]], "version": 1, "exportIds": ["1"], "wait": False, "after": "r"},
    ],
}
SPECS |= {
    "order": [{}],
    "verdict": [{"flow": "flow-1", "ending": "failed", "output": {}, "problem": [0, "c", "m", "", ""]}],
    "select": [
        {"property": ["name==x"], "where": "id", "flows": [], "then": "flow-retry", "with": {}},
        {
            "property": [],
            "where": None,
            "flows": [["flow-1", ""], ["F", "F"], ["N", "none"]],
            "then": "flow-switch",
            "with": {"action": "delete"},
        },
        {"property": [], "where": None, "flows": [["flow-1", ""]], "then": "watch", "with": {"within": 60.0}},
    ],
    "flow-change": [
        {"flow": "flow-1", "where": None, "change": {"set": [["/scheduleParams/endTime", 5]]}},
        {
            "flow": "flow-1",
            "where": "id",
            "change": {"patch": [{"op": "add", "path": "/transformations/-", "value": 1}]},
        },
    ],
    "flow-switch": [{"flow": "flow-1", "where": "id", "action": action} for action in ("enable", "disable", "delete")],
    "flow-retry": [{"flow": "flow-1", "where": None}],
    "watch": [{"flows": ["flow-1", "flow-2"], "within": 60.0}],
    "delete": [{"collection": "flows", "id": "flow-1"}],
}
INPUTS = {
    "flow": {"id": "flow-1", "etag": '"e"'},
    "source": {"id": "s"},
    "target": {"id": "t"},
    "datasets": {"datasets": [["d", "AAM"]], "of": 2},
    "F": {"id": "flow-1", "segments": {"a": ["n", "", "", 0.0, "a"]}},
    "G": {"id": "flow-2", "segments": {"b": ["n2", "", "", 0.0, "b"]}},
}
CODES = ["", "1420-400", "1418-400", "1458-400", "1439-400"]
REFUSALS = [
    "",
    "Run already going on for audience a for order flow-1 with run id r",
    "an export is still running",
    "Segments n, n2 are not part of this dataflow or out of schedule range!",
]
ODD = [None, True, 0, -3, 1e300, 10**19, "", "x", "²", "9" * 20, [], {}, [None], [[]], "a"]


def spoilt(value, rng, depth=0):
    """A good body with some of its parts replaced or missing."""
    if rng.random() < (0.03 if depth == 0 else 0.12):
        return deepcopy(rng.choice([*ODD, *GOOD]))
    if isinstance(value, dict):
        return {key: spoilt(inner, rng, depth + 1) for key, inner in value.items() if rng.random() > 0.05}
    if isinstance(value, list):
        return [spoilt(inner, rng, depth + 1) for inner in value]
    return value


def answer(rng):
    body = spoilt(rng.choice(GOOD), rng)
    if rng.random() < 0.8:
        return Answer(Verdict.OK, 200, body)
    verdict, status = rng.choice(
        [(Verdict.REJECTED, 400), (Verdict.REJECTED, 404), (Verdict.REJECTED, 412), (Verdict.REFUSED, 403)]
    )
    code = rng.choice([*CODES, "XDM-3005-400"])
    problem = rng.choice([None, Problem(status, code, rng.choice(REFUSALS))])
    return Answer(verdict, status, body, problem)


@pytest.mark.parametrize("kind", sorted(PROCEDURES))
def test_no_answer_makes_a_procedure_raise(kind):
    rng = Random(kind)
    for _ in range(2_500):
        spec, phase, signal, told = rng.choice(SPECS[kind]), NO_PHASE, rng.choice([Signal.START, Signal.LOST]), []
        granted = False
        advance = Boarded(PROCEDURES[kind].advance)
        for _ in range(12):
            try:
                step = advance(Context("k", spec, INPUTS, {}, NOON, granted=granted), phase, signal)
            except Exception as error:
                raise AssertionError(f"{kind} raised after {told[-1:]}") from error
            if isinstance(step, Settle):
                break
            phase, signal = step.phase, Signal.RESUME
            granted = granted or isinstance(step, Claim)
            if isinstance(step, Ask):
                signal = Signal.LOST if step.call.effect and rng.random() < 0.1 else answer(rng)
                told.append((step.call.method, step.call.path, signal))


def test_every_procedure_is_tried_here():
    assert set(SPECS) == set(PROCEDURES)
