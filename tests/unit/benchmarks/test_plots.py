"""Pictures of what was measured: readable files where matplotlib is, a clear word where it is not."""

from __future__ import annotations

import struct

import pytest
from benchmarks import __main__ as command
from benchmarks.plots import WIDTH_PX, draw
from benchmarks.scenarios.hidden import GROUPS
from benchmarks.sheets import Chart, Line, Sheet, per_second


def test_times_are_counted_by_the_second():
    middles, rates = per_second([0.1, 0.2, 1.5, 2.9, 3.2], 3.0)
    assert (middles, rates) == ([0.5, 1.5, 2.5], [2.0, 1.0, 1.0])
    assert per_second([], 4.0, 2.0) == ([1.0, 3.0], [0.0, 0.0])
    assert per_second([0.1, 0.2, 1.5], 2.0, 2.0)[1] == [1.5]


def test_a_limit_that_changes_is_a_line_with_steps():
    model = next(model for model in GROUPS[0] if model.changes)
    assert model.steps == ([0.0, 50, 50, 80, 80, 120], [50, 50, 25.0, 25.0, 50.0, 50.0])


def test_each_sheet_becomes_a_picture_of_the_same_width(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install -e '.[bench]'")
    rate = Line("answered", [0.5, 1.5, 2.5], [10, 40, 50])
    limit, refused = Line("the limit", [0, 3], [50, 50], "bound"), Line("refused", [2.0], (), "marks")
    over_time = Chart("a server", "seconds", "requests per second", [rate, limit, refused], top=80)
    by_jobs = Chart("", "jobs", "MB", [Line("plan", [1e4, 1e6], [3.0, 300.0])], log_x=True, log_y=True)
    sheets = {"time": Sheet("Rate", [over_time] * 4), "memory": Sheet("Memory by jobs", [by_jobs])}
    files = draw(sheets, tmp_path / "new")
    assert [file.name for file in files] == ["time.png", "memory.png"]
    for file in files:
        data = file.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">I", data[16:20])[0] == WIDTH_PX


def test_without_matplotlib_nothing_is_measured_in_vain(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "drawable", lambda: False)
    with pytest.raises(SystemExit):
        command.main(["--only", "slots", "--plots", str(tmp_path / "plots")])
    assert "pip install '.[bench]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
