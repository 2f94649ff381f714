"""A run from the command line: its signals, its events file, its last words, and its report whatever happens."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from headgate.api import Verdict
from headgate.cli import drive as module
from headgate.cli.drive import Drive
from headgate.engine.events import Tell
from headgate.errors import StoreError
from headgate.launch import Watch, Wishes
from headgate.settings import Limits, Profile


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


async def test_signals_are_heeded_by_a_view_that_raises():
    calls = []
    watch = SimpleNamespace(runner=SimpleNamespace(flying=7), drain=lambda: calls.append("drain"),
                            cancel=lambda: calls.append("cancel"))  # fmt: skip
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
    with module._signals(watch, Broken("say")):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.02)
    assert calls == ["drain", "cancel"]
    assert [str(each) for each in heard] == ["the terminal is gone"] * 2


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
    assert [line["event"] for line in lines] == ["begin", "plan", "settled", "hold", "stop"]
    assert list(lines[0])[:5] == ["schema", "ts", "event", "run", "job"]
    assert lines[2]["job"] == hand.machine.jobs[0].key
    assert lines[3]["until"] == "2027-01-15T08:00:00.000Z"
    assert lines[4]["job"] is None
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
    assert module.judged(verdict, 0 if code == 0 or code == 70 else 1) == code
    assert capsys.readouterr().err == said


class Broken(View):
    """Raises in whatever it is asked."""

    def __init__(self, *parts):
        super().__init__()
        self.parts, self.asked = parts, []

    def show(self, snapshot):
        self.asked.append("show")
        if "show" in self.parts:
            raise RuntimeError("the terminal is gone")

    def say(self, text):
        self.asked.append("say")
        if "say" in self.parts:
            raise RuntimeError("the terminal is gone")

    def close(self):
        self.asked.append("close")
        if "close" in self.parts:
            raise OSError("the terminal is gone")


def simulated(tmp_path, plan, **asked):
    profile = replace(
        Profile.load(env={}, state=str(tmp_path / "state.db")), limits=Limits(rate="2000/s"), time_scale=36000.0
    )
    return module.drive(Drive(plan, profile, Wishes(), simulate=True, report=tmp_path / "r.json", **asked))


@pytest.mark.parametrize("parts", [("show",), ("say",), ("close",), ("show", "say", "close")])
def test_a_view_that_raises_does_not_harm_the_run(tmp_path, plan, monkeypatch, capsys, parts):
    view = Broken(*parts)
    monkeypatch.setattr("headgate.cli.show.choose", lambda *, progress: (view, 0.001))
    monkeypatch.setattr("headgate.embedded.SIMULATED_TIME_SCALE", 36000.0)
    assert simulated(tmp_path, plan, verbose=True) == 0
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "succeeded"
    assert "show" in view.asked
    assert view.asked[-1] == "close"
    told = "warning: events stopped: the terminal is gone; the run itself was not harmed" in capsys.readouterr().err
    assert told is ("say" in parts)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_events_that_cannot_be_written_do_not_harm_the_run(tmp_path, plan, monkeypatch, capsys):
    monkeypatch.setattr("headgate.embedded.SIMULATED_TIME_SCALE", 36000.0)
    assert simulated(tmp_path, plan, events=Path("/dev/full"), progress=False) == 0
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "succeeded"
    assert "the run itself was not harmed" in capsys.readouterr().err


def test_the_faster_loop_is_taken_where_it_is_installed(monkeypatch):
    made = object()
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(new_event_loop=made))
    assert module.loop_factory() is made
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as if it were not there
    assert module.loop_factory() is None
