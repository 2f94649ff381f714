"""Actions come after what the manifest makes, in manifest order; and wait for what the ones before them become."""

from headgate.engine.events import Answered, Claimed, Lease, Send, Ticked, Write
from headgate.engine.live import Rules, State
from headgate.engine.machine import Machine
from headgate.engine.record import Record, fold
from headgate.exchange import Answer, Verdict
from headgate.pacing import parse_share
from headgate.planning.outline import Outline
from headgate.workflows.compile import compile_plan

from tests.unit.manifest.support import export, loaded

UPDATE = """\
  - kind: flow-update
    name: {name}
    select: {{property: state==enabled}}
    set: {{/name: x}}
"""
ACTIVATION = "  - kind: activation\n    name: {name}\n    destinations: {{One: [aud]}}\n"


def plan_of(tmp_path, *entries):
    return compile_plan(loaded(tmp_path, *entries), "dev")


def before(plan, index):
    """Every job that must be over before ``index`` begins."""
    job = plan.jobs[index]
    edges = {*job.needs.values(), *job.after.values()}
    return edges.union(*(before(plan, edge) for edge in edges)) if edges else set()


def test_order(tmp_path):
    plan = plan_of(
        tmp_path,
        UPDATE.format(name="first"),
        ACTIVATION.format(name="now"),
        UPDATE.format(name="second"),
        ACTIVATION.format(name="again"),
        export("One"),
    )
    keys = {job.key: index for index, job in enumerate(plan.jobs)}
    first, second = keys["flow-update:first"], keys["flow-update:second"]
    now, again = keys["adhoc:now:1"], keys["adhoc:again:1"]
    assert keys["check:One"] in before(plan, first), "resources first, wherever they stand"
    assert first in before(plan, now)
    assert now in before(plan, second)
    assert second in before(plan, again)
    assert all(
        edge < index for index, job in enumerate(plan.jobs) for edge in (*job.needs.values(), *job.after.values())
    )
    assert [(row.item, row.job) for row in plan.selections] == [("first", first), ("second", second)]
    assert Outline.unpacked(Outline.of(plan).packed()).selections == list(plan.selections)


def test_items_of_one_entry_are_independent(tmp_path):
    text = UPDATE.format(name="${row.n}\n    foreach: {rows: [{n: a}, {n: b}]}")
    plan = plan_of(tmp_path, text, UPDATE.format(name="last"))
    assert before(plan, 0) == before(plan, 1) == set()
    assert {0, 1} <= before(plan, len(plan.jobs) - 1)


def listing(*ids):
    return Answer(Verdict.OK, 200, {"items": [{"id": one, "name": one} for one in ids]})


def drive(machine, answers):
    """Answer every request by ``answers(call)`` until nothing is sent any more; the records in order."""
    records, asked = [], []
    todo = machine.handle(Ticked(0.0))
    while todo:
        command = todo.pop(0)
        if isinstance(command, Write):
            records.append(command.record)
        elif isinstance(command, Lease):
            todo += machine.handle(Claimed(command.job, 0.0))
        elif isinstance(command, Send):
            if command.intent is not None:
                records.append(command.intent)
            asked.append((command.call.method, command.call.path))
            answer = answers(command.call)
            if answer is not None:
                todo += machine.handle(Answered(command.job, command.attempt, answer, 0.0))
    return records, asked


def test_who_waits_for_a_choice_waits_for_what_it_becomes(tmp_path):
    plan = plan_of(tmp_path, UPDATE.format(name="first"), UPDATE.format(name="second"))
    machine = Machine(plan, Rules(), now_s=0.0)

    def answers(call):
        if call.path == "/flows":
            return listing("1", "2")
        return None if call.path.endswith("2") else Answer(Verdict.OK, 200, {"items": [{"id": "1", "name": "x"}]})

    records, asked = drive(machine, answers)
    assert asked == [("GET", "/flows"), ("GET", "/flows/1"), ("GET", "/flows/2")]
    assert machine.live[1].state is State.HELD, "the second action waits for the last flow of the first"

    again = Machine(plan, Rules(), now_s=0.0, past=fold(records))
    assert again.live[1].state is State.HELD, "and still does when the run is resumed"
    _, asked = drive(
        again,
        lambda call: (
            listing() if call.path == "/flows" else Answer(Verdict.OK, 200, {"items": [{"id": "2", "name": "x"}]})
        ),
    )
    assert asked == [("GET", "/flows/2"), ("GET", "/flows")]
    assert again.finished


def test_tolerance_counts_the_flows_that_were_chosen(tmp_path):
    plan = plan_of(tmp_path, UPDATE.format(name="first"))
    machine = Machine(plan, Rules(tolerance=parse_share("30%")), now_s=0.0)

    def answers(call):
        if call.path == "/flows":
            return listing(*"1234")
        if call.path.endswith("1"):
            return Answer(Verdict.REJECTED, 404)
        return Answer(Verdict.OK, 200, {"items": [{"id": call.path[-1], "name": "x"}]})

    records, _ = drive(machine, answers)
    assert machine.stopped is None
    assert machine.failed_rows == 1
    assert isinstance(records[-1], Record)
