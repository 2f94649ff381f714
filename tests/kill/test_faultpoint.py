"""Fault points by themselves, and one in a process that was started as a person starts it."""

import signal
import subprocess
import sys

import pytest

from headgate import faultpoint
from headgate.faultpoint import Point, arm, reach


@pytest.fixture
def deaths(monkeypatch):
    """What would have been a death, by the number of the signal."""
    found = []
    monkeypatch.setattr(faultpoint.os, "kill", lambda pid, number: found.append((pid, number)))
    yield found
    arm("")


def test_off_nothing_happens(deaths):
    arm("")
    for point in Point:
        reach(point, "anything")
    assert deaths == []


def test_the_nth_time_of_one_point_and_no_other(deaths):
    arm("sent:2")
    for point in (Point.SENT, Point.ANSWERED, Point.LEAVING):
        reach(point)
    assert deaths == []
    reach(Point.SENT)
    assert deaths == [(faultpoint.os.getpid(), signal.SIGKILL)]
    reach(Point.SENT)
    assert len(deaths) == 1


def test_only_times_whose_subject_fits_count(deaths):
    arm("sent:2:^POST /flows$")
    for endpoint in ("POST /flows", "GET /flows", "POST /flows/{id}/action"):
        reach(Point.SENT, endpoint)
    assert deaths == []
    reach(Point.SENT, "POST /flows")
    assert len(deaths) == 1


@pytest.mark.parametrize("text", ["nowhere", "sent:0", "sent:x", "sent:-1"])
def test_a_slip_is_told_and_not_taken_for_a_point_that_is_never_reached(text):
    with pytest.raises(ValueError, match="HEADGATE_CRASH_AT: "):
        arm(text)


def test_every_point_has_a_place_in_the_program():
    from pathlib import Path

    import headgate

    source = "".join(path.read_text() for path in Path(headgate.__file__).parent.rglob("*.py"))
    for point in Point:
        assert f"Point.{point.name}" in source, point


def test_the_variable_arms_a_real_process(tmp_path):
    from tests.acceptance.cli_support import environment, write_manifest

    path = write_manifest(tmp_path)
    run = [sys.executable, "-m", "headgate", "run", str(path), "--simulate", "--rate", "2000/s", "--no-progress"]
    killed = subprocess.run(
        run,
        cwd=tmp_path,
        env=environment({"HEADGATE_CRASH_AT": "sent:2:^POST /flows$"}),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    done = subprocess.run(run, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 duplicates, 0 violations" in done.stderr
