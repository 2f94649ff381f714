"""A run from the command line: its signals, its events file, its last words, and its report whatever happens."""

import asyncio
import json
import os
import signal
from types import SimpleNamespace

import pytest

from headgate.api import Verdict
from headgate.cli import drive as module
from headgate.cli.drive import Drive
from headgate.engine.events import Tell
from headgate.errors import StoreError
from headgate.launch import Watch, Wishes
from headgate.settings import Profile


class View:
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


async def test_signals_drain_then_cancel_then_are_let_go():
    calls, view = [], View()
    watch = SimpleNamespace(machine=object(), runner=SimpleNamespace(flying=7),
                            drain=lambda: calls.append("drain"), cancel=lambda: calls.append("cancel"))  # fmt: skip
    with module._signals(watch, view):
        for expected in (["drain"], ["drain", "cancel"]):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.02)
            assert calls == expected
    assert view.said == [
        "stopping: 7 requests on their way, then the state is saved (Ctrl-C again to stop at once)", "stopping at once"]  # fmt: skip
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_signal_before_the_run_cancels():
    async def waits():
        with module._signals(Watch(), View()):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(5)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(waits())


def test_events_are_lines_in_order(tmp_path, hand):
    place = tmp_path / "deep" / "events.jsonl"
    with module._events_to(place, hand.watch) as bulletin:
        bulletin(Tell("settled", 0, {"ending": "succeeded", "message": ""}))
        bulletin(Tell("hold", 1, {"reason": "young", "until": 1.8e9}))
        bulletin(Tell("stop", -1, {"reason": "interrupted", "detail": ""}))
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "settled", "hold", "stop"]
    assert list(lines[0])[:5] == ["schema", "ts", "event", "run", "job"]
    assert lines[1]["job"] == hand.machine.jobs[0].key
    assert lines[2]["until"] == "2027-01-15T08:00:00.000Z"
    assert lines[3]["job"] is None
    assert {line["run"] for line in lines} == {"small-1"}


def failing(monkeypatch, error):
    async def conduct(*_, **__):
        raise error

    monkeypatch.setattr("headgate.api.conduct", conduct)


@pytest.mark.parametrize(
    "error", [StoreError("the disk is full", hint="make room"), ZeroDivisionError("secret detail")]
)
def test_the_report_is_written_when_a_run_cannot_begin(tmp_path, plan, monkeypatch, error):
    failing(monkeypatch, error)
    place = tmp_path / "r.json"
    with pytest.raises(type(error)):
        module.drive(Drive(plan, Profile(), Wishes(), report=place, progress=False))
    report = json.loads(place.read_text())
    assert (report["status"], report["runId"]) == ("failed", "")
    assert len(report["items"]) == 3
    assert len(report["activations"]) == 3
    [failure] = report["failures"]
    assert failure["code"] == type(error).__name__
    assert "secret detail" not in place.read_text()


def test_an_interruption_before_the_run_is_130(tmp_path, plan, monkeypatch, capsys):
    failing(monkeypatch, asyncio.CancelledError())
    assert module.drive(Drive(plan, Profile(), Wishes(), json=True, progress=False)) == 130
    seen = capsys.readouterr()
    assert json.loads(seen.out)["status"] == "interrupted"
    assert seen.err == "interrupted; nothing was sent\n"


@pytest.mark.parametrize(("verdict", "code", "said"), [
    (None, 1, ""),
    (Verdict(9, 0, 0, 0), 1, "embedded platform: 9 objects, 0 duplicates, 0 violations\n"),
    (Verdict(9, 0, 2, 0), 0, "embedded platform: 9 objects, 0 duplicates, 0 violations (2 names shared with objects of other "
                             "manifests)\n"),
    (Verdict(9, 1, 0, 3, ["flows created twice: a, b"]), 70,
     "embedded platform: 9 objects, 1 duplicates, 3 violations\nBROKEN RULES, please report:\n  flows created twice: a, b\n"),
])  # fmt: skip
def test_the_embedded_platform_has_the_last_word(capsys, verdict, code, said):
    assert module._judged(verdict, 0 if code == 0 or code == 70 else 1) == code
    assert capsys.readouterr().err == said
