"""Chosen flows in the progress view: their number is known once they are chosen."""

import headgate
from headgate.cli.progress import Looker
from headgate.engine.events import Answered, Send, Ticked
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.tally import Tally
from headgate.exchange import Answer, Problem, Verdict
from headgate.launch import Watch
from headgate.store import RunRow

MANIFEST = """
headgate: 1
name: rename
sandbox: dev
entries:
  - {kind: flow-update, name: rename, select: {property: state==enabled}, set: {/name: x}}
  - {kind: watch, name: follow, select: {property: state==enabled}}
"""


class Clock:
    def mono(self):
        return 1.0

    def now(self):
        return 1.8e9


def test_rows_appear_and_are_done(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(MANIFEST)
    plan = headgate.plan(headgate.load(path))
    machine, watch = Machine(plan, Rules(), now_s=1.8e9), Watch()
    watch.run = RunRow("r", "rename", str(path), "dev", plan.fingerprint, "running", 1.8e9)
    watch.machine, watch.tally = machine, Tally()
    looker = Looker(watch, Clock())
    sends = [command for command in machine.handle(Ticked(0.0)) if isinstance(command, Send)]

    def answer(body=None, problem=None):
        send = sends.pop(0)
        told = Answer(Verdict.OK, 200, body) if problem is None else Answer(Verdict.REJECTED, 400, None, problem)
        commands = machine.handle(Answered(send.job, send.attempt, told, 0.0))
        sends.extend(command for command in commands if isinstance(command, Send))

    def rows():
        return [(row.name, row.done, row.total, row.failed) for row in looker.look().entries]

    assert rows() == [("rename", 0, 0, 0), ("follow", 0, 0, 0)]
    answer({"items": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]})
    assert rows() == [("rename", 0, 2, 0), ("follow", 0, 0, 0)]
    answer({"items": [{"id": "1", "name": "x"}]})
    assert rows()[0] == ("rename", 1, 2, 0)
    answer(problem=Problem(400, "c", "no"))
    assert rows()[0] == ("rename", 2, 2, 1)
    answer({"items": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]})
    run = {"id": "r1", "flowId": "1", "createdAt": 5}
    answer({"items": [run]})
    assert rows()[1] == ("follow", 0, 2, 0)
    assert looker.look().waits == ["runs in progress: 1"]
