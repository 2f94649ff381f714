"""What a load test says while it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.cli import trial as module
from headgate.engine.events import Answered, Claimed, Lease, Send, Ticked
from headgate.engine.live import Rules
from headgate.exchange import Answer, Problem, Verdict
from headgate.loadtest.trial import Asked, Trial
from headgate.manifest.kinds import GRAMMARS
from headgate.manifest.load import load

from tests.acceptance.cli_support import write_manifest

OK = Answer(Verdict.OK, 200, {"items": [], "id": "x", "etag": '"e"'})


@pytest.fixture
def trial(tmp_path):
    manifest = load(write_manifest(tmp_path), grammars=GRAMMARS, env={"S3_SECRET": "x" * 40})
    return Trial(manifest, Asked.of(["2/s:2s", "4/s:1s"], ["errors<1%"], warm_up="1/s:1s"), "dev", token="lt00")


def begun(trial):
    """The machine when its first arrival has been answered badly."""
    machine = trial.parts().machine(trial.plan, Rules(concurrency=2, ahead=0), now_s=0.0)
    commands = machine.handle(Ticked(0.0))
    for _ in range(20):  # rounds; the set-up needs a handful
        if machine.began_at is not None:
            break
        answers = [Answered(one.job, one.attempt, OK, 1.0) for one in commands if isinstance(one, Send)]
        granted = [Claimed(one.job, 1.0) for one in commands if isinstance(one, Lease)]
        commands = machine.handle(*answers, *granted)
    (first, second) = [command for command in commands if isinstance(command, Send)]
    machine.handle(Answered(first.job, first.attempt, Answer(Verdict.THROTTLED, 429), 1.2))
    no = Answer(Verdict.REJECTED, 400, problem=Problem(400, "1400-400", "bad"))
    machine.handle(Answered(second.job, second.attempt, no, 1.3))
    machine.handle(Ticked(2.6))
    return machine


def test_a_line_of_progress(trial):
    assert module._line(begun(trial), 1.6, 2) == (
        "2s  stage 2/3 (2/s:2s)  arrived 3  done 0  under way 1  failed 1  dropped 1  requests 2  in flight 2  "
        "throttled 1  errors 1"
    )


def test_what_is_offered_is_said_before_anything_is_sent(trial, capsys):
    module._announce(trial)
    assert capsys.readouterr().err == "9 arrivals, 3 items in turn, in 4s; about 5 requests each: up to 20 requests/s\n"


def test_the_command_that_does_the_same(trial):
    assert module.typed(Path("my load.yaml"), trial.asked) == (
        "loadtest 'my load.yaml' --warm-up 1/s:1s --stage 2/s:2s --stage 4/s:1s --threshold 'errors<1%'"
    )
