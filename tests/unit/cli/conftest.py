"""A small plan, a machine that runs it by hand, and a watch over both."""

import pytest

import headgate
from headgate.engine.events import Answered, Claimed, Lease, Send, Ticked
from headgate.engine.live import Rules
from headgate.engine.machine import Machine
from headgate.engine.tally import Tally
from headgate.exchange import Answer, Problem, Verdict
from headgate.launch import Watch
from headgate.store import RunRow
from tests.acceptance.cli_support import S3_SECRET, write_manifest


class Hand:
    """Plays runner, journal and platform, one answer at a time."""

    def __init__(self, plan):
        self.plan = plan
        self.machine = Machine(plan, Rules(), now_s=1.8e9)
        self.at = 0.0
        self.sends = []
        #: The run that has whatever is asked for, in words.
        self.holder = ""
        self._take(Ticked(0.0))
        self.watch = Watch()
        self.watch.run = RunRow("small-1", "small", "small.yaml", "dev", plan.fingerprint, "running", 1.8e9)
        self.watch.machine, self.watch.tally = self.machine, Tally({"sent": 40, "throttled": 1})

    def _take(self, *events):
        commands = self.machine.handle(*events)
        self.sends += [command for command in commands if isinstance(command, Send)]
        for command in commands:
            if isinstance(command, Lease):
                self._take(Claimed(command.job, self.at, by=self.holder))

    def answer(self, count=1, problem=None):
        for _ in range(count):
            send = self.sends.pop(0)
            self.at += 0.1
            body = {"items": []} if send.call.method == "GET" else {"id": f"id-{send.job}", "etag": '"e"'}
            answer = Answer(Verdict.OK, 201, body) if problem is None else Answer(Verdict.REJECTED, 400, None, problem)
            self._take(Answered(send.job, send.attempt, answer, self.at))


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    manifest = headgate.load(write_manifest(tmp_path, flows=3, activation=True), env={"S3_SECRET": S3_SECRET})
    return headgate.plan(manifest)


@pytest.fixture
def hand(plan):
    return Hand(plan)


@pytest.fixture
def refused():
    return Problem(400, "1418-400", "the bucket 'acme' is not there", "req", "make the bucket")
