"""The live page of runs that go: beside a run, over its store from another process, and without any of it."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.acceptance.cli_support import environment, headgate, write_manifest
from tests.forked import Forked


class Beside:
    """``headgate`` in the background, and the address that it printed."""

    def __init__(self, *args, cwd):
        self.process = Forked(args, cwd=cwd, env=environment())
        self.said = []
        while not (
            found := re.search(r"live page: (http://\S+?)/(?:#token=(\S+))?$", "".join(self.said), re.MULTILINE)
        ):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said.append(line)
        self.url, self.token = found[1], found[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, "".join(self.said) + err

    def events(self, path):
        """The data of each event, as it comes."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    def run_id(self):
        return next(row[0] for state in self.events("/events") for row in runs_of(state) if row[4] == "running")

    def post(self, path, token=None):
        asked = urllib.request.Request(
            self.url + path, method="POST", headers={"X-Headgate-Token": token} if token else {}
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, json.load(answer)["said"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["said"]


def runs_of(state):
    if "runs" in state:
        return state["runs"]
    return [row for _, row in state.get("rows", {}).get("runs", (0, ()))[1]]


@pytest.fixture
def manifest(tmp_path):
    return write_manifest(tmp_path, flows=200)


def test_a_run_is_paused_goes_on_and_is_drained_with_the_token(manifest, tmp_path):
    with Beside("run", str(manifest), "--simulate", "--web", "--no-progress", "--rate", "40/s", cwd=tmp_path) as run:
        where = f"/runs/{run.run_id()}"
        assert run.post(f"{where}/drain")[0] == 403
        assert run.post(f"{where}/drain", "x" * 24)[0] == 403
        assert run.post(f"{where}/pause", run.token)[0] == 200
        stream = run.events(f"{where}/events")
        sent = None
        for state in stream:  # until what was on its way has come back
            live = state.get("live") or state.get("set", {}).get("live", {})
            if live.get("paused") and live.get("inFlight") == 0:
                break
        stream.close()
        before = next(run.events(f"{where}/events"))["requests"]["sent"]
        time.sleep(0.7)  # nothing leaves now, however long it is waited for
        paused = next(run.events(f"{where}/events"))
        sent = paused["requests"]["sent"]
        assert paused["run"]["status"] == "running"
        assert sent <= before + 40, "counters are some tenths of a second late"
        assert run.post(f"{where}/go", run.token) == (200, "it goes on")
        for state in run.events(f"{where}/events"):
            counted = state.get("requests") or state.get("set", {}).get("requests", {})
            if counted.get("sent", 0) > sent:
                break
        assert run.post(f"{where}/drain", run.token)[0] == 200
        code, _, said = run.end()
    assert code == 130
    assert "asked for on the live page" in said
    done = headgate("resume", "--rate", "1000/s", "--no-progress", cwd=tmp_path)
    assert done.code == 0, "and goes on as after any stop"


def test_serve_pauses_and_ends_a_run_of_another_process(manifest, tmp_path):
    run = [sys.executable, "-m", "headgate", "run", str(manifest), "--simulate", "--no-progress", "--rate", "40/s"]
    with (
        subprocess.Popen(run, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True) as driving,
        Beside("serve", cwd=tmp_path) as page,
    ):  # fmt: skip
        try:
            name = page.run_id()
            where = f"/runs/{name}"
            assert page.post(f"{where}/drain")[0] == 403
            stream = page.events(f"{where}/events")
            live_of(stream, lambda live: live.get("heeds"))
            assert page.post(f"{where}/pause", page.token)[0] == 200
            live = live_of(stream, lambda live: live.get("paused"))
            told = headgate("status", cwd=tmp_path).out
            assert f"driven by process {driving.pid} on " in told
            assert "paused from a live page: no request leaves until it goes on" in told
            assert live["driver"].startswith(f"process {driving.pid} on ")
            assert not live["here"]
            assert page.post(f"{where}/go", page.token)[0] == 200
            live_of(stream, lambda live: not live.get("paused"))
            assert page.post(f"{where}/drain", page.token)[0] == 200
            for change in stream:
                if change.get("set", {}).get("run", {}).get("status") == "interrupted":
                    break
            _, said = driving.communicate(timeout=30)
            assert page.post(f"{where}/drain", page.token)[0] == 409
        finally:
            driving.kill()
    assert driving.returncode == 130
    for words in ("paused from a live page", "goes on, asked for", "stopping, asked for"):
        assert words in said


def live_of(stream, wanted):
    """What is told of a run, once it is as ``wanted``."""
    return next(live for state in stream if wanted(live := state.get("live") or state.get("set", {}).get("live", {})))


def test_a_host_that_others_reach_is_warned_of(tmp_path):
    with Beside("serve", "--host", "0.0.0.0", cwd=tmp_path) as page:
        warned = page.process.stderr.readline()
    assert "warning: whoever can reach 0.0.0.0 sees names" in warned


def test_host_and_port_without_a_page_are_a_mistake(manifest, tmp_path):
    done = headgate("run", manifest, "--simulate", "--port", "80", cwd=tmp_path)
    assert done.code == 2
    assert "--port is for --web" in done.err


def test_a_run_without_a_page_does_not_import_it(tmp_path):
    path = write_manifest(tmp_path)
    code = (
        f"import sys; from headgate.cli.app import main; main(['run', {str(path)!r}, '--simulate', '--no-progress']);"
        "print([name for name in sys.modules if name.startswith(('headgate.web', 'headgate.cli.web', 'bokeh'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert "SUCCEEDED" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
